//! Subscriptions: woken for what they asked for, and for nothing else.

use driftshm_layout::control::{Filter, Item, Subscription};
use driftshm_layout::profile::Kind;

use crate::support::*;

/// Drains all there is; afterwards the subscription is armed.
fn drain(subscription: &mut Subscription) -> Vec<(Kind, u32)> {
    let mut all = Vec::new();
    loop {
        let mut items = Vec::new();
        subscription.drain(100, &mut items);
        if items.is_empty() {
            return all;
        }
        all.extend(items.into_iter().filter_map(|item| match item {
            Item::Change(change) => Some((change.account.kind, change.account.place)),
            Item::Lagged(_) => None,
        }));
    }
}

fn is_woken(subscription: &Subscription) -> bool {
    subscription.wait(Some(NOTHING)).unwrap()
}

#[test]
fn a_matching_change_wakes_and_no_other_does() {
    let dir = temp_dir();
    let writer = Writer::start(dir.path());
    writer.bring([perp(1, 10), perp(2, 10), user(key(1), 10), user(key(2), 10)]);
    let mut by_index = writer.subscribe(Filter { perp_markets: vec![1], ..Filter::default() });
    let mut by_key = writer.subscribe(Filter { pubkeys: vec![key(1)], ..Filter::default() });
    let mut by_kind = writer.subscribe(Filter { kinds: vec![Kind::User], ..Filter::default() });
    let mut all = writer.subscribe(Filter::everything());
    for subscription in [&mut by_index, &mut by_key, &mut by_kind, &mut all] {
        assert_eq!(drain(subscription), []);
    }
    writer.bring([perp(2, 11)]);
    assert!(!is_woken(&by_index) && !is_woken(&by_key) && !is_woken(&by_kind));
    assert!(is_woken(&all));
    assert_eq!(drain(&mut all), [(Kind::PerpMarket, 2)]);
    writer.bring([user(key(2), 12)]);
    assert!(!is_woken(&by_index) && !is_woken(&by_key));
    assert!(is_woken(&by_kind) && is_woken(&all));
    writer.bring([perp(1, 13), user(key(1), 13)]);
    assert!(is_woken(&by_index) && is_woken(&by_key));
    assert_eq!(drain(&mut by_index), [(Kind::PerpMarket, 1)]);
    assert_eq!(drain(&mut by_key).len(), 1);
    assert_eq!(drain(&mut by_kind).len(), 2);
    assert_eq!(writer.counter("wakeups"), 5);
}

#[test]
fn a_sleeper_is_woken_once_however_much_happens() {
    let dir = temp_dir();
    let writer = Writer::start(dir.path());
    let mut subscription = writer.subscribe(Filter::everything());
    assert_eq!(drain(&mut subscription), []);
    for slot in 10..60 {
        writer.bring([user(key(1), slot), user(key(2), slot)]);
    }
    assert_eq!(writer.counter("wakeups"), 1);
    assert!(is_woken(&subscription));
    assert_eq!(drain(&mut subscription).len(), 2, "each account once, at its newest");
    assert!(!is_woken(&subscription));
}

#[test]
fn updates_that_change_nothing_wake_nobody() {
    let dir = temp_dir();
    let writer = Writer::start(dir.path());
    writer.bring([user(key(1), 10)]);
    let mut subscription = writer.subscribe(Filter::everything());
    assert_eq!(drain(&mut subscription), []);
    let mut same = user(key(1), 10);
    same.slot = 12;
    writer.bring([same, user(key(1), 5)]);
    assert!(!is_woken(&subscription));
}

#[test]
fn a_market_is_told_of_when_its_oracle_gets_a_price_through_it() {
    let dir = temp_dir();
    let writer = Writer::start(dir.path());
    writer.bring([pyth(key(200), 5, 10)]);
    let mut oracles = writer.subscribe(Filter { kinds: vec![Kind::Oracle], ..Filter::default() });
    assert_eq!(drain(&mut oracles), []);
    writer.bring([perp(0, 10)]);
    assert!(is_woken(&oracles));
    assert_eq!(drain(&mut oracles), [(Kind::Oracle, 0)]);
    writer.bring([market(Kind::PerpMarket, 0, key(200), "Pyth1K", 11)]);
    assert!(is_woken(&oracles));
}

#[test]
fn a_filter_with_thousands_of_addresses_works_to_the_last() {
    let dir = temp_dir();
    let writer = Writer::start(dir.path());
    let mut pubkeys: Vec<_> =
        (0..2500u64).map(|n| driftshm_layout::Pubkey::from_words([n, n, n, 1])).collect();
    pubkeys.push(key(1));
    let mut subscription = writer.subscribe(Filter { pubkeys, ..Filter::default() });
    assert_eq!(drain(&mut subscription), []);
    writer.bring([user(key(1), 10)]);
    assert!(is_woken(&subscription));
}

#[test]
fn no_wake_up_is_lost_in_thousands_of_rounds() {
    let dir = temp_dir();
    let writer = Writer::start(dir.path());
    let mut subscription = writer.subscribe(Filter { pubkeys: vec![key(1)], ..Filter::default() });
    assert_eq!(drain(&mut subscription), []);
    for slot in 1..3000 {
        writer.send([user(key(1), slot)]);
        assert!(subscription.wait(Some(PATIENCE)).unwrap(), "round {slot}");
        assert_eq!(drain(&mut subscription).len(), 1, "round {slot}");
    }
}
