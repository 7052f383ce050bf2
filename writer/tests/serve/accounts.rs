//! What becomes of an account that a feed brings.

use driftshm_layout::profile::Kind;
use driftshm_layout::{FeedState, Pubkey, RecordRef, Region};
use driftshm_writer::feeds::AccountUpdate;

use crate::support::*;

fn find(region: &Region, pubkey: Pubkey) -> RecordRef {
    region.find(&pubkey).expect("the account is in the region")
}

#[test]
fn accounts_of_every_kind_are_found_by_address_and_markets_by_index() {
    let dir = temp_dir();
    let writer = Writer::start(dir.path());
    let profile = profile();
    let stats = profile.blank(Kind::UserStats).unwrap();
    let state = profile.blank(Kind::State).unwrap();
    writer.bring([
        perp(3, 10),
        user(key(1), 10),
        account(key(2), 10, stats),
        account(key(3), 10, state),
    ]);
    let region = writer.region();
    for (pubkey, kind) in [(key(1), Kind::User), (key(2), Kind::UserStats), (key(3), Kind::State)] {
        assert_eq!(find(&region, pubkey).kind, kind);
    }
    let market = region.at(Kind::PerpMarket, 3).unwrap();
    assert_eq!(region.pubkey(&market), Some(address(Kind::PerpMarket, 3)));
    assert_eq!(region.snapshot(&market).unwrap().data, perp(3, 10).data);
    assert_eq!(region.meta(&market).unwrap().slot, 10);
}

#[test]
fn a_closed_account_is_a_tombstone_that_nothing_older_raises_and_something_newer_does() {
    let dir = temp_dir();
    let writer = Writer::start(dir.path());
    writer.bring([user(key(1), 10), closed(key(1), 20), user(key(1), 15)]);
    let region = writer.region();
    let record = find(&region, key(1));
    let meta = region.meta(&record).unwrap();
    assert!(meta.closed && meta.slot == 20 && record.kind == Kind::User);
    assert!(region.snapshot(&record).unwrap().data.is_empty());
    writer.bring([user(key(1), 30)]);
    let meta = region.meta(&record).unwrap();
    assert!(!meta.closed && meta.slot == 30);
    assert_eq!(find(&region, key(1)), record, "the same record");
    assert_eq!(writer.counter("closed"), 1);
}

#[test]
fn a_market_that_is_closed_and_opened_again_keeps_its_index_and_finds_its_oracle_again() {
    let dir = temp_dir();
    let writer = Writer::start(dir.path());
    writer.bring([pyth(key(200), 5, 9), perp(2, 10)]);
    let region = writer.region();
    assert_eq!(price_of(&region, Kind::PerpMarket, 2), Some(5_000_000));
    writer.bring([closed(address(Kind::PerpMarket, 2), 11)]);
    let record = region.at(Kind::PerpMarket, 2).unwrap();
    assert!(region.meta(&record).unwrap().closed);
    assert_eq!(price_of(&region, Kind::PerpMarket, 2), None);
    writer.bring([perp(2, 12), pyth(key(200), 6, 13)]);
    assert_eq!(price_of(&region, Kind::PerpMarket, 2), Some(6_000_000));
}

#[test]
fn an_unknown_account_that_is_closed_is_counted_and_makes_no_record() {
    let dir = temp_dir();
    let writer = Writer::start(dir.path());
    writer.bring([closed(key(1), 10)]);
    assert!(writer.region().find(&key(1)).is_none());
    assert_eq!(writer.counter("unknown"), 1);
}

#[test]
fn what_another_program_owns_is_not_taken_for_ours() {
    let dir = temp_dir();
    let writer = Writer::start(dir.path());
    writer.bring([AccountUpdate { owner: Some(key(99)), ..user(key(1), 10) }]);
    assert!(writer.region().find(&key(1)).is_none());
    writer.bring([AccountUpdate { owner: None, ..user(key(1), 10) }]);
    assert!(writer.region().find(&key(1)).is_some(), "an owner that is not said is trusted");
}

#[test]
fn an_unknown_account_that_was_closed_is_raised_by_nothing_older() {
    let dir = temp_dir();
    let writer = Writer::start(dir.path());
    writer.bring([closed(key(1), 20), user(key(1), 15), pyth(key(200), 5, 9)]);
    assert!(writer.region().find(&key(1)).is_none());
    assert_eq!(writer.counter("stale"), 1);
    writer.bring([user(key(1), 21), closed(key(200), 8), perp(0, 10)]);
    let region = writer.region();
    assert!(region.find(&key(1)).is_some());
    assert!(price_of(&region, Kind::PerpMarket, 0).is_some(), "its end came before what waits");
}

#[test]
fn an_account_that_is_given_to_another_program_is_closed_for_us() {
    let dir = temp_dir();
    let writer = Writer::start(dir.path());
    writer.bring([user(key(1), 10), perp(2, 10), pyth(key(200), 5, 10)]);
    let market = address(Kind::PerpMarket, 2);
    for pubkey in [key(1), market, key(200)] {
        let owner = Some(key(99));
        writer.bring([AccountUpdate { owner, ..account(pubkey, 11, vec![1; 100]) }]);
    }
    let region = writer.region();
    let closed = |pubkey| region.meta(&find(&region, pubkey)).unwrap().closed;
    assert!(closed(key(1)) && closed(market) && !closed(key(200)), "an oracle is another's anyway");
    let snapshot = region.snapshot(&find(&region, key(1))).unwrap();
    assert!(snapshot.data.is_empty() && snapshot.meta.slot == 11);
    writer.bring([AccountUpdate { owner: Some(key(99)), ..user(key(1), 9) }, user(key(1), 12)]);
    assert!(!closed(key(1)), "it came back");
}

#[test]
fn an_account_whose_bytes_are_no_longer_understood_keeps_its_kind_and_says_so() {
    let dir = temp_dir();
    let writer = Writer::start(dir.path());
    writer.bring([user(key(1), 10), perp(2, 10)]);
    let market = address(Kind::PerpMarket, 2);
    for (slot, data) in [(11, vec![0xee; 100]), (12, vec![1]), (13, vec![0xee; 5000])] {
        writer.bring([account(key(1), slot, data.clone()), account(market, slot, data.clone())]);
        let region = writer.region();
        for (pubkey, kind) in [(key(1), Kind::User), (market, Kind::PerpMarket)] {
            let record = find(&region, pubkey);
            let snapshot = region.snapshot(&record).unwrap();
            assert!(snapshot.meta.layout_mismatch && record.kind == kind);
            assert_eq!(snapshot.meta.data_len as usize, data.len());
            assert!(data.starts_with(&snapshot.data));
        }
        assert_eq!(find(&region, market).place, 2);
    }
}

#[test]
fn a_market_of_a_length_that_is_not_trusted_is_known_by_its_address() {
    let dir = temp_dir();
    let writer = Writer::start(dir.path());
    let mut short = perp(4, 10);
    short.data.truncate(500);
    writer.bring([
        short,
        AccountUpdate { pubkey: key(9), data: perp(5, 1).data[..500].to_vec(), ..perp(5, 10) },
    ]);
    let region = writer.region();
    let record = region.at(Kind::PerpMarket, 4).expect("known by its address");
    assert!(region.meta(&record).unwrap().layout_mismatch);
    assert!(region.find(&key(9)).is_none());
    assert_eq!(writer.counter("unknown"), 1);
}

#[test]
fn a_full_section_is_counted_and_costs_no_other_account() {
    let dir = temp_dir();
    let writer = Writer::start(dir.path());
    writer.bring((0..20).map(|number| user(key(number), 10)));
    writer.bring([perp(16, 10), perp(60_000, 10), perp(15, 10)]);
    let region = writer.region();
    assert_eq!(region.accounts(Kind::User).count(), 16);
    assert!((0..16).all(|number| region.find(&key(number)).is_some()));
    assert!(region.at(Kind::PerpMarket, 15).is_some());
    assert_eq!(writer.counter("section_full"), 4 + 2);
    writer.bring([user(key(3), 11)]);
    assert_eq!(region.meta(&find(&region, key(3))).unwrap().slot, 11, "those in it go on");
}

#[test]
fn an_address_that_turns_out_to_be_of_another_kind_moves() {
    let dir = temp_dir();
    let writer = Writer::start(dir.path());
    let stats = profile().blank(Kind::UserStats).unwrap();
    writer.bring([user(key(1), 10), account(key(1), 11, stats), user(key(1), 5)]);
    let region = writer.region();
    assert_eq!(find(&region, key(1)).kind, Kind::UserStats);
    assert_eq!(region.accounts(Kind::User).count(), 0);
    assert_eq!(writer.counter("stale"), 1, "the older one does not take it back");
}

#[test]
fn slots_and_states_of_feeds_are_told_and_a_live_feed_vouches_for_quiet_accounts() {
    let dir = temp_dir();
    let writer = Writer::start(dir.path());
    writer.bring([user(key(1), 10)]);
    writer.sink.slot(77);
    let region = writer.region();
    until("the slot", || region.slot() == 77);
    let record = find(&region, key(1));
    let vouched = || region.vouched_ns(&record, 0);
    let first = vouched();
    until("vouched for again though nothing came", || vouched() > first);
    writer.sink.state(FeedState::Stalled);
    until("stalled", || region.feed_state() == FeedState::Stalled);
    let last = vouched();
    std::thread::sleep(NOTHING * 2);
    is_alive(&region);
    assert_eq!(vouched(), last, "though the heart beats on");
}

#[test]
fn duplicates_are_absorbed_and_nobody_is_told() {
    let dir = temp_dir();
    let writer = Writer::start(dir.path());
    writer.bring([user(key(1), 10)]);
    let published = writer.counter("published");
    writer.bring([AccountUpdate { slot: 11, ..user(key(1), 10) }]);
    assert_eq!((writer.counter("published"), writer.counter("absorbed")), (published, 1));
}
