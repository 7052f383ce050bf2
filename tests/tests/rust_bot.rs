//! A bot in Rust: it reads a real writer's region, and awaits its changes.

use std::sync::Arc;
use std::time::Duration;

use driftshm_layout::Region;
use driftshm_layout::control::{Change, Filter, Item, Subscription};
use driftshm_layout::profile::{Kind, role};
use driftshm_tests::{WATCHDOG, Writer, until};

const SMALL: [&str; 6] = ["--rate", "500", "--markets", "4", "--users", "10"];

fn subscribe(writer: &Writer, region: &Arc<Region>, filter: &Filter) -> Subscription {
    let region = Arc::clone(region);
    Subscription::new(writer.dir(), region, filter, true, WATCHDOG).expect("the writer answers")
}

/// The next change, awaited as a bot without a runtime does.
fn next(changes: &mut Subscription) -> Change {
    let deadline = std::time::Instant::now() + WATCHDOG;
    let mut items = Vec::new();
    loop {
        changes.drain(1, &mut items);
        if let Some(Item::Change(change)) = items.pop() {
            return change;
        }
        assert!(std::time::Instant::now() < deadline, "no change came");
        changes.wait(Some(Duration::from_secs(1))).expect("one can wait");
    }
}

#[test]
fn reads_every_market_and_the_price_that_its_oracle_gives_it() {
    let writer = Writer::start(&SMALL);
    let region = Region::open(writer.dir()).unwrap();
    let account = region.profile().account(Kind::PerpMarket).unwrap();
    let symbol = account.role(role::SYMBOL).unwrap();
    let markets: Vec<_> = region.accounts(Kind::PerpMarket).collect();
    assert_eq!(markets.len(), 4);
    for market in markets {
        let snapshot = region.snapshot(&market).unwrap();
        let name = symbol.read_text(&snapshot.data).unwrap();
        assert!(name.ends_with("-PERP"), "{name}");
        let (oracle, source) = region.oracle_of(&market).unwrap();
        let (price, _) = region.oracle_price(&oracle, source).unwrap();
        assert!(price.valid && price.price > 0, "{name}: {price:?}");
    }
    until("its heart beats", || region.writer_alive().then_some(()));
    assert!(writer.stop().success());
    assert!(!region.writer_alive());
}

#[test]
fn awaits_the_changes_of_one_market_and_gets_no_other() {
    let writer = Writer::start(&SMALL);
    let region = Arc::new(Region::open(writer.dir()).unwrap());
    let filter = Filter { perp_markets: vec![2], ..Filter::default() };
    let mut changes = subscribe(&writer, &region, &filter);
    let mut version = 0;
    for _ in 0..20 {
        let change = next(&mut changes);
        assert_eq!((change.account.kind, change.account.place), (Kind::PerpMarket, 2));
        assert!(change.version > version, "{} after {version}", change.version);
        assert!(region.version(&change.account) >= change.version);
        version = change.version;
    }
}

#[test]
fn goes_on_by_itself_after_the_writer_was_killed() {
    let mut writer = Writer::start(&SMALL);
    let region = Arc::new(Region::open(writer.dir()).unwrap());
    let generation = region.generation();
    let mut changes = subscribe(&writer, &region, &Filter::everything());
    let before = next(&mut changes);
    writer.kill_and_restart();
    let after = loop {
        let change = next(&mut changes);
        if changes.times_connected() > 1 {
            break change;
        }
    };
    assert!(after.publish_ns > before.publish_ns);
    assert!(changes.region().generation() > generation);
    assert!(changes.region().find(&before.pubkey).is_some(), "no account is lost");
}
