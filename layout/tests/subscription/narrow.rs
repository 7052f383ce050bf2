//! A bot that awaits one account, while others change all the time.

use std::sync::Arc;

use driftshm_layout::control::{Change, Filter, Item, Subscription};
use driftshm_layout::profile::Kind;
use driftshm_layout::{Region, dir};

use crate::support::{temp_dir, tiny};
use crate::writer::{WATCHDOG, Writer, subscribe, woken};

/// More than the journal of these regions has entries.
const MANY: u64 = 200;

fn only(number: u8) -> Filter {
    let pubkeys = vec![tiny::user(number, 0, &[]).pubkey];
    Filter { pubkeys, ..Filter::default() }
}

/// So many changes of another user, each in a batch of its own.
fn others(writer: &mut Writer, slots: std::ops::Range<u64>) {
    for slot in slots {
        writer.publish_elsewhere(&[tiny::user(0, slot, &slot.to_le_bytes())]);
    }
}

fn drained(changes: &mut Subscription) -> Vec<Item> {
    let mut items = Vec::new();
    changes.drain(100, &mut items);
    items
}

fn only_change(items: &[Item]) -> Change {
    match items {
        [Item::Change(change)] => *change,
        other => panic!("{other:?} instead of one change"),
    }
}

#[test]
fn a_sleeper_whom_the_journal_has_run_over_has_lost_nothing_that_was_not_for_it() {
    for conflate in [false, true] {
        let dir = temp_dir();
        let mut writer = Writer::start(dir.path());
        writer.publish(&[tiny::user(1, 1, &[1; 24])]);
        let mut changes = subscribe(dir.path(), &only(1), conflate);
        assert_eq!(drained(&mut changes), []);
        for round in 0..3 {
            let slot = 10 + round * 1000;
            others(&mut writer, slot..slot + MANY);
            writer.publish(&[tiny::user(1, slot, &[round as u8 + 2; 24])]);
            let change = only_change(&woken(&mut changes, WATCHDOG));
            assert_eq!((change.slot, change.version, change.missed), (slot, round + 2, 0));
            assert_eq!(drained(&mut changes), []);
        }
        // Nor does one that gets up before it is rung.
        others(&mut writer, 5000..5000 + MANY);
        assert_eq!(drained(&mut changes), []);
        others(&mut writer, 6000..6000 + MANY);
        assert_eq!(drained(&mut changes), []);
        writer.publish(&[tiny::user(1, 7000, &[9; 24])]);
        assert_eq!(only_change(&woken(&mut changes, WATCHDOG)).version, 5);
    }
}

#[test]
fn what_comes_after_the_ring_and_before_the_look_comes_too() {
    let dir = temp_dir();
    let mut writer = Writer::start(dir.path());
    let mut changes = subscribe(dir.path(), &only(1), false);
    assert_eq!(drained(&mut changes), []);
    others(&mut writer, 1..1 + MANY);
    for slot in 1..=3 {
        writer.publish(&[
            tiny::user(1, slot, &[slot as u8; 24]),
            tiny::user(2, slot, &[slot as u8; 24]),
        ]);
    }
    let versions: Vec<_> = drained(&mut changes)
        .iter()
        .map(|item| match item {
            Item::Change(change) => change.version,
            Item::Lagged(lost) => panic!("lost {lost}"),
        })
        .collect();
    assert_eq!(versions, [1, 2, 3]);
}

#[test]
fn one_that_was_too_slow_after_it_was_rung_is_told_how_much_it_lost() {
    let dir = temp_dir();
    let mut writer = Writer::start(dir.path());
    let mut changes = subscribe(dir.path(), &only(1), false);
    assert_eq!(drained(&mut changes), []);
    others(&mut writer, 1..1 + MANY);
    writer.publish(&[tiny::user(1, 1, &[1; 24])]);
    others(&mut writer, 1000..1000 + MANY);
    assert_eq!(drained(&mut changes), [Item::Lagged(1 + MANY - 64)]);
}

#[test]
fn a_sleeper_goes_on_in_a_region_that_was_made_anew() {
    let dir = temp_dir();
    let mut writer = Writer::start(dir.path());
    writer.publish(&[tiny::user(1, 1, &[1; 24])]);
    let mut changes = subscribe(dir.path(), &only(1), false);
    assert_eq!(drained(&mut changes), []);
    others(&mut writer, 1..1 + MANY);
    std::fs::remove_file(dir::region_path(dir.path())).unwrap();
    writer.region.remake().unwrap();
    others(&mut writer, 1000..1000 + MANY);
    assert_eq!(drained(&mut changes), []);
    writer.publish(&[tiny::user(1, 2, &[2; 24])]);
    assert_eq!(only_change(&woken(&mut changes, WATCHDOG)).version, 2);
    let region: &Arc<Region> = changes.region();
    assert_eq!(tiny::data(region, Kind::User, 1), Some(vec![2; 24]));
}
