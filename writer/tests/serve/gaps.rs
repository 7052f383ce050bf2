//! What a feed brings late after a gap, and what an orphaned slot brought.

use driftshm_layout::control::Filter;
use driftshm_layout::profile::Kind;
use driftshm_layout::{FeedState, Region};

use crate::support::*;

fn is_vouched_for(region: &Region, number: u8) -> bool {
    region.is_followed(&region.find(&key(number)).unwrap())
}

#[test]
fn after_a_gap_users_that_come_later_are_vouched_for_one_by_one() {
    let dir = temp_dir();
    let writer = Writer::start(dir.path());
    writer.bring([user(key(1), 10), user(key(2), 10), user(key(3), 10), perp(0, 10)]);
    let region = writer.region();
    let _asked = writer.link(&Filter { pubkeys: vec![key(3)], ..Filter::default() });

    // Without a gap it says nothing.
    writer.sink.later(Kind::User);
    writer.bring([perp(0, 11)]);
    assert!((1..=3).all(|number| is_vouched_for(&region, number)));

    writer.sink.state(FeedState::Down);
    writer.sink.state(FeedState::Syncing);
    writer.sink.later(Kind::User);
    writer.sink.state(FeedState::Live);
    writer.bring([perp(0, 12)]);
    let vouched: Vec<_> = (1..=3).map(|number| is_vouched_for(&region, number)).collect();
    assert_eq!(vouched, [false, false, true], "who is asked for came with the markets");
    let market = region.at(Kind::PerpMarket, 0).unwrap();
    assert!(region.is_followed(&market));

    writer.bring([user(key(1), 13)]);
    assert!(is_vouched_for(&region, 1) && !is_vouched_for(&region, 2));
}

#[test]
fn what_an_orphaned_slot_brought_is_taken_back_unless_something_newer_came() {
    let dir = temp_dir();
    let writer = Writer::start(dir.path());
    let with = |slot, lamports| {
        let mut update = user(key(1), slot);
        update.lamports = lamports;
        update
    };
    writer.bring([with(10, 1), with(11, 2)]);
    let region = writer.region();
    let record = region.find(&key(1)).unwrap();
    let now = || {
        let meta = region.meta(&record).unwrap();
        (meta.slot, meta.lamports)
    };
    writer.sink.take_back(11, with(10, 1));
    until("it is as it was before", || now() == (10, 1));
    assert_eq!(writer.counter("rolled_back"), 1);

    // The slot after it builds on what is left.
    writer.bring([with(12, 3)]);
    assert_eq!(now(), (12, 3));
    writer.sink.take_back(11, with(10, 1));
    writer.bring([perp(0, 13)]);
    assert_eq!(now(), (12, 3), "slot 12 is no orphan");
    assert_eq!(writer.counter("rolled_back"), 1);
}

#[test]
fn what_is_confirmed_is_known_by_its_slot_once_a_feed_says_so() {
    let dir = temp_dir();
    let writer = Writer::start(dir.path());
    let region = writer.region();
    assert_eq!(region.confirmed_slot(), u64::MAX, "feeds that say nothing bring what is confirmed");
    writer.sink.confirmed(0);
    until("it is known", || region.confirmed_slot() == 0);
    writer.sink.confirmed(12);
    until("it moves on", || region.confirmed_slot() == 12);
    writer.sink.confirmed(11);
    writer.bring([perp(0, 13)]);
    assert_eq!(region.confirmed_slot(), 12, "and never back");
}
