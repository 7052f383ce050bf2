//! Accounts that are followed because somebody asks for them.

use std::time::Duration;

use driftshm_layout::FeedState;
use driftshm_layout::control::{Filter, Watch};
use driftshm_layout::profile::Kind;
use driftshm_writer::feeds::FeedCommand::{self, Follow as FollowIt, Unfollow};
use driftshm_writer::publisher::Follow;
use driftshm_writer::serve::ServeOptions;

use crate::support::*;

const LINGER: Duration = Duration::from_millis(100);

fn watched(dir: &std::path::Path) -> ServeOptions {
    ServeOptions { follow: Follow::Watched, linger: LINGER, ..options(dir) }
}

fn commands(writer: &Writer) -> Vec<FeedCommand> {
    writer.sink.commands().try_iter().collect()
}

#[test]
fn a_user_is_recorded_while_watched_and_a_while_longer() {
    let dir = temp_dir();
    let writer = Writer::with(watched(dir.path()));
    writer.bring([user(key(1), 10), user(key(2), 10), perp(0, 10)]);
    let region = writer.region();
    assert_eq!(region.accounts(Kind::User).count(), 0);
    assert_eq!(region.accounts(Kind::PerpMarket).count(), 1, "markets always are");
    assert_eq!(writer.counter("unknown"), 0, "to leave it out is no error");
    assert_eq!(commands(&writer), [FollowIt(key(200))]);

    let watch = Watch::new(dir.path(), &[key(1)], PATIENCE).unwrap();
    assert_eq!(commands(&writer), [FollowIt(key(1))]);
    writer.bring([user(key(1), 11), user(key(2), 11)]);
    let record = region.find(&key(1)).expect("watched");
    assert!(region.find(&key(2)).is_none() && region.is_followed(&record));

    let second = Watch::new(dir.path(), &[key(1)], PATIENCE).unwrap();
    drop(watch);
    std::thread::sleep(LINGER * 3);
    assert!(region.is_followed(&record), "one still watches it");
    drop(second);
    until("it is no longer followed", || !region.is_followed(&record));
    assert_eq!(commands(&writer), [Unfollow(key(1))]);
    writer.bring([user(key(1), 12)]);
    assert_eq!(region.meta(&record).unwrap().slot, 11, "its last state stays");
}

#[test]
fn an_old_state_is_not_vouched_for_before_the_feed_has_brought_the_account_again() {
    let dir = temp_dir();
    let writer = Writer::with(watched(dir.path()));
    let watch = Watch::new(dir.path(), &[key(1)], PATIENCE).unwrap();
    writer.bring([user(key(1), 10)]);
    let region = writer.region();
    let record = region.find(&key(1)).unwrap();
    drop(watch);
    until("it is no longer followed", || !region.is_followed(&record));
    let _watch = Watch::new(dir.path(), &[key(1)], PATIENCE).unwrap();
    std::thread::sleep(NOTHING);
    assert!(!region.is_followed(&record), "who knows what happened meanwhile");
    let mut same = user(key(1), 10);
    same.slot = 20;
    writer.bring([same]);
    assert!(region.is_followed(&record), "nothing did");
}

#[test]
fn who_comes_back_within_the_linger_costs_the_feed_nothing() {
    let dir = temp_dir();
    let linger = Duration::from_secs(600);
    let writer = Writer::with(ServeOptions { linger, ..watched(dir.path()) });
    for _ in 0..5 {
        drop(Watch::new(dir.path(), &[key(1)], PATIENCE).unwrap());
    }
    let _watch = Watch::new(dir.path(), &[key(1)], PATIENCE).unwrap();
    assert_eq!(commands(&writer), [FollowIt(key(1))]);
    writer.bring([user(key(1), 10)]);
    assert!(writer.region().find(&key(1)).is_some());
}

#[test]
fn a_bot_that_leaves_takes_no_oracle_along_that_a_market_reads() {
    let dir = temp_dir();
    let writer = Writer::with(watched(dir.path()));
    writer.bring([market(Kind::SpotMarket, 0, key(0), "QuoteAsset", 10), user(key(1), 10)]);
    let region = writer.region();
    let record = region.find(&key(0)).unwrap();
    drop(Watch::new(dir.path(), &[key(0)], PATIENCE).unwrap());
    drop(Watch::new(dir.path(), &[key(1)], PATIENCE).unwrap());
    until("let go", || commands(&writer).contains(&Unfollow(key(1))));
    assert!(region.is_followed(&record));
}

#[test]
fn a_subscription_watches_the_addresses_in_it() {
    let dir = temp_dir();
    let writer = Writer::with(watched(dir.path()));
    let filter = Filter { pubkeys: vec![key(1)], ..Filter::default() };
    let subscription = writer.subscribe(filter);
    writer.bring([user(key(1), 10)]);
    assert!(writer.region().find(&key(1)).is_some());
    drop(subscription);
    until("let go", || commands(&writer).contains(&Unfollow(key(1))));
}

#[test]
fn a_user_that_is_named_at_the_start_is_always_followed() {
    let dir = temp_dir();
    let writer = Writer::with(ServeOptions { users: vec![key(1)], ..watched(dir.path()) });
    writer.bring([user(key(1), 10), user(key(2), 10)]);
    drop(Watch::new(dir.path(), &[key(1)], PATIENCE).unwrap());
    std::thread::sleep(LINGER * 3);
    let region = writer.region();
    assert!(region.is_followed(&region.find(&key(1)).unwrap()));
    assert!(region.find(&key(2)).is_none());
    assert_eq!(commands(&writer), [FollowIt(key(1))]);
}

#[test]
fn with_all_users_followed_a_watch_that_ends_changes_nothing() {
    let dir = temp_dir();
    let writer = Writer::with(ServeOptions { linger: LINGER, ..options(dir.path()) });
    writer.bring([user(key(1), 10)]);
    drop(Watch::new(dir.path(), &[key(1), key(9)], PATIENCE).unwrap());
    until("what never came is let go", || commands(&writer).contains(&Unfollow(key(9))));
    let region = writer.region();
    assert!(region.is_followed(&region.find(&key(1)).unwrap()));
}

#[test]
fn a_restarted_writer_keeps_watched_users_until_their_bots_are_back() {
    let dir = temp_dir();
    let linger = Duration::from_secs(600);
    let patient = ServeOptions { linger, ..watched(dir.path()) };
    let first = Writer::with(patient.clone());
    let watch = Watch::new(dir.path(), &[key(1)], PATIENCE).unwrap();
    first.bring([user(key(1), 10)]);
    first.stop().unwrap();
    let second = Writer::with(patient);
    assert!(commands(&second).contains(&FollowIt(key(1))), "the feed is asked for it at once");
    second.bring([user(key(1), 11)]);
    let region = second.region();
    let record = region.find(&key(1)).unwrap();
    assert_eq!(region.meta(&record).unwrap().slot, 11);
    drop(watch);
    second.stop().unwrap();
    // Nobody comes back, and this one has no patience.
    let third = Writer::with(watched(dir.path()));
    third.sink.state(FeedState::Live);
    let region = third.region();
    let record = region.find(&key(1)).unwrap();
    until("it is no longer followed", || !region.is_followed(&record));
}
