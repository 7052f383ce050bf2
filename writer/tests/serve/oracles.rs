//! Markets and the oracles that they read.

use driftshm_layout::profile::{Kind, role};
use driftshm_layout::{OraclePrice, Pubkey, Region};
use driftshm_writer::feeds::{AccountUpdate, FeedCommand};

use crate::support::*;

fn entries(region: &Region, oracle: Pubkey) -> Vec<OraclePrice> {
    let record = region.find(&oracle).expect("the oracle has a record");
    region.read(&record, |buffer| OraclePrice::all(|i| buffer.extra(i))).unwrap()
}

#[test]
fn an_oracle_that_came_before_its_market_is_there_as_soon_as_the_market_is() {
    let dir = temp_dir();
    let writer = Writer::start(dir.path());
    writer.bring([pyth(key(200), 4, 9), pyth(key(200), 5, 10), pyth(key(201), 7, 10)]);
    assert!(writer.region().find(&key(200)).is_none(), "nobody's yet");
    writer.bring([perp(0, 8)]);
    let region = writer.region();
    assert_eq!(price_of(&region, Kind::PerpMarket, 0), Some(5_000_000));
    assert!(region.find(&key(201)).is_none());
    assert_eq!(writer.counter("unknown"), 0);
}

#[test]
fn an_oracle_that_comes_after_its_market_has_a_record_that_waits_for_it() {
    let dir = temp_dir();
    let writer = Writer::start(dir.path());
    writer.bring([perp(0, 8)]);
    let region = writer.region();
    let market = region.at(Kind::PerpMarket, 0).unwrap();
    let (oracle, _) = region.oracle_of(&market).expect("a pointer");
    assert_eq!(region.pubkey(&oracle), Some(key(200)));
    assert_eq!(price_of(&region, Kind::PerpMarket, 0), None);
    writer.bring([pyth(key(200), 5, 7)]);
    assert_eq!(price_of(&region, Kind::PerpMarket, 0), Some(5_000_000));
    let commands: Vec<_> = writer.sink.commands().try_iter().collect();
    assert_eq!(commands, [FeedCommand::Follow(key(200))]);
}

#[test]
fn markets_that_share_an_oracle_read_it_each_by_its_own_source() {
    let dir = temp_dir();
    let writer = Writer::start(dir.path());
    writer.bring([
        market(Kind::PerpMarket, 0, key(200), "Pyth", 10),
        market(Kind::PerpMarket, 1, key(200), "Pyth1K", 10),
        market(Kind::SpotMarket, 1, key(200), "Pyth", 10),
        pyth(key(200), 5, 10),
    ]);
    let region = writer.region();
    assert_eq!(price_of(&region, Kind::PerpMarket, 0), Some(5_000_000));
    assert_eq!(price_of(&region, Kind::PerpMarket, 1), Some(5_000_000_000));
    assert_eq!(price_of(&region, Kind::SpotMarket, 1), Some(5_000_000));
    assert_eq!(entries(&region, key(200)).len(), 2);
}

#[test]
fn a_market_that_changes_its_source_finds_a_price_without_the_oracle_moving() {
    let dir = temp_dir();
    let writer = Writer::start(dir.path());
    let oracle = AccountUpdate { write_version: 3, ..pyth(key(200), 5, 10) };
    writer.bring([oracle.clone(), perp(0, 10)]);
    let region = writer.region();
    let record = region.find(&key(200)).unwrap();
    let before = region.meta(&record).unwrap();
    writer.bring([market(Kind::PerpMarket, 0, key(200), "Pyth1K", 11)]);
    assert_eq!(price_of(&region, Kind::PerpMarket, 0), Some(5_000_000_000));
    assert_eq!(entries(&region, key(200)).len(), 1, "the old source is gone");
    let after = region.meta(&record).unwrap();
    assert!(after.version > before.version);
    assert_eq!((after.slot, after.write_version), (10, 3), "it is the same update as before");
    writer.bring([oracle.clone()]);
    assert_eq!(writer.counter("stale"), 1, "what was seen before is still not news");
    writer.bring([AccountUpdate { write_version: 4, ..pyth(key(200), 6, 10) }]);
    assert_eq!(price_of(&region, Kind::PerpMarket, 0), Some(6_000_000_000));
}

#[test]
fn a_market_that_changes_its_oracle_leaves_the_old_one_to_be_forgotten() {
    let dir = temp_dir();
    let linger = std::time::Duration::from_millis(50);
    let writer =
        Writer::with(driftshm_writer::serve::ServeOptions { linger, ..options(dir.path()) });
    writer.bring([pyth(key(200), 5, 10), pyth(key(201), 7, 10), perp(0, 10)]);
    writer.bring([market(Kind::PerpMarket, 0, key(201), "Pyth", 11)]);
    let region = writer.region();
    assert_eq!(price_of(&region, Kind::PerpMarket, 0), Some(7_000_000));
    assert!(entries(&region, key(200)).is_empty());
    let old = region.find(&key(200)).unwrap();
    until("the old oracle is not vouched for", || !region.is_followed(&old));
    assert!(region.is_followed(&region.find(&key(201)).unwrap()));
    let commands: Vec<_> = writer.sink.commands().try_iter().collect();
    use FeedCommand::{Follow, Unfollow};
    assert_eq!(commands, [Follow(key(200)), Follow(key(201)), Unfollow(key(200))]);
    writer.bring([pyth(key(200), 8, 12)]);
    assert_eq!(region.meta(&old).unwrap().slot, 10, "nobody's any more");
    writer.bring([perp(0, 13)]);
    assert_eq!(price_of(&region, Kind::PerpMarket, 0), Some(8_000_000), "but it was kept at hand");
    assert!(region.is_followed(&old));
}

#[test]
fn an_older_update_of_a_market_does_not_bring_its_old_oracle_back() {
    let dir = temp_dir();
    let writer = Writer::start(dir.path());
    writer.bring([pyth(key(200), 5, 10), perp(0, 10), perp(0, 20)]);
    writer.bring([market(Kind::PerpMarket, 0, key(201), "Pyth1K", 15)]);
    let region = writer.region();
    assert_eq!(price_of(&region, Kind::PerpMarket, 0), Some(5_000_000));
    assert!(region.find(&key(201)).is_none());
    assert_eq!(writer.counter("stale"), 1);
}

#[test]
fn the_quote_asset_has_a_price_though_it_has_no_account() {
    let dir = temp_dir();
    let writer = Writer::start(dir.path());
    let nobody = Pubkey::default();
    writer.bring([market(Kind::SpotMarket, 0, nobody, "QuoteAsset", 10)]);
    let region = writer.region();
    assert_eq!(price_of(&region, Kind::SpotMarket, 0), Some(1_000_000));
    let price = entries(&region, nobody)[0];
    assert_eq!((price.confidence, price.has_sufficient_number_of_data_points), (1, true));
    let record = region.find(&nobody).unwrap();
    let snapshot = region.snapshot(&record).unwrap();
    assert!(snapshot.data.is_empty() && !snapshot.meta.closed && region.is_followed(&record));
    assert_eq!(snapshot.meta.slot, 10, "a slot that a consistent cut can do with");
    assert_eq!(writer.sink.commands().try_iter().count(), 0, "there is nothing to follow");
    writer.bring([
        closed(nobody, 11),
        AccountUpdate { owner: Some(key(9)), ..account(nobody, 12, b"system_program".to_vec()) },
        market(Kind::SpotMarket, 0, nobody, "QuoteAsset", 13),
    ]);
    assert_eq!(price_of(&region, Kind::SpotMarket, 0), Some(1_000_000));
    assert_eq!(region.meta(&record).unwrap().version, 1, "and it never changes");
}

#[test]
fn an_oracle_that_cannot_be_read_says_so_and_is_counted() {
    let dir = temp_dir();
    let writer = Writer::start(dir.path());
    let junk = AccountUpdate { owner: Some(key(9)), ..account(key(200), 10, vec![7; 40]) };
    writer.bring([perp(0, 10), junk]);
    let region = writer.region();
    let found = entries(&region, key(200));
    assert!(found.len() == 1 && !found[0].valid);
    assert_eq!(writer.counter("oracle_errors"), 1);
    writer.bring([closed(key(200), 11)]);
    assert!(region.meta(&region.find(&key(200)).unwrap()).unwrap().closed);
    assert_eq!(writer.counter("oracle_errors"), 1, "closed is not unreadable");
    writer.bring([pyth(key(200), 5, 12)]);
    assert_eq!(price_of(&region, Kind::PerpMarket, 0), Some(5_000_000));
}

#[test]
fn the_programs_own_oracles_are_there_before_any_market_names_them() {
    let dir = temp_dir();
    let writer = Writer::start(dir.path());
    let profile = profile();
    let def = profile.account_by_name("PrelaunchOracle").unwrap();
    let mut data = def.blank();
    assert!(def.role(role::PRICE).unwrap().write_int(&mut data, 2_500_000));
    writer.bring([account(key(7), 10, data)]);
    let region = writer.region();
    assert_eq!(region.find(&key(7)).map(|record| record.kind), Some(Kind::Oracle));
    assert!(entries(&region, key(7)).is_empty());
    writer.bring([market(Kind::PerpMarket, 1, key(7), "Prelaunch", 10)]);
    assert_eq!(price_of(&region, Kind::PerpMarket, 1), Some(2_500_000));
}

#[test]
fn a_market_that_names_a_user_as_its_oracle_has_no_price_and_the_user_stays() {
    let dir = temp_dir();
    let writer = Writer::start(dir.path());
    writer.bring([user(key(1), 10), market(Kind::PerpMarket, 0, key(1), "Pyth", 10)]);
    writer.bring([user(key(1), 11), market(Kind::PerpMarket, 0, key(1), "Pyth", 11)]);
    let region = writer.region();
    assert_eq!(region.find(&key(1)).map(|record| record.kind), Some(Kind::User));
    assert_eq!(price_of(&region, Kind::PerpMarket, 0), None);
    let market = region.at(Kind::PerpMarket, 0).unwrap();
    assert_eq!(region.meta(&market).unwrap().slot, 11);
}

#[test]
fn without_room_for_oracles_markets_are_still_served() {
    let dir = temp_dir();
    let capacities = small().with(Kind::Oracle, 1);
    let writer =
        Writer::with(driftshm_writer::serve::ServeOptions { capacities, ..options(dir.path()) });
    writer.bring([market(Kind::PerpMarket, 0, key(200), "Pyth", 10), pyth(key(200), 5, 10)]);
    writer.bring([market(Kind::PerpMarket, 1, key(201), "Pyth", 10), pyth(key(201), 6, 10)]);
    writer.bring([market(Kind::PerpMarket, 1, key(201), "Pyth", 11)]);
    let region = writer.region();
    assert_eq!(price_of(&region, Kind::PerpMarket, 0), Some(5_000_000));
    assert_eq!(price_of(&region, Kind::PerpMarket, 1), None);
    assert_eq!(region.meta(&region.at(Kind::PerpMarket, 1).unwrap()).unwrap().slot, 11);
    assert!(writer.counter("section_full") > 0);
}
