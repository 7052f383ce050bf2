//! A writer that goes and another that comes.

use driftshm_layout::control::{Filter, Item};
use driftshm_layout::dir;

use crate::support::{temp_dir, tiny};
use crate::writer::{WATCHDOG, Writer, subscribe, woken};

/// The old region can say nothing any more, and its heart has beaten a moment ago: who sleeps by
/// the new writer must not look into the old one's journal.
#[test]
fn a_region_that_was_lost_is_left_as_soon_as_its_successor_answers() {
    let dir = temp_dir();
    let mut writer = Writer::start(dir.path());
    writer.publish(&[tiny::user(1, 1, &[1; 24])]);
    let mut changes = subscribe(dir.path(), &Filter::everything(), true);
    let mut items = Vec::new();
    changes.drain(100, &mut items);
    assert_eq!(items, []);

    drop(writer);
    std::fs::remove_file(dir::region_path(dir.path())).unwrap();
    let mut writer = Writer::start(dir.path());
    while changes.times_connected() < 2 {
        assert!(changes.wait(Some(WATCHDOG)).unwrap(), "it does not reconnect");
        changes.drain(100, &mut items);
    }
    assert_eq!(items, [], "nothing was published in the new region yet");
    // The only change for a long while.
    writer.publish(&[tiny::user(1, 2, &[2; 24])]);
    let [Item::Change(change)] = woken(&mut changes, WATCHDOG)[..] else {
        panic!("a lost wake-up");
    };
    assert_eq!((change.slot, change.version), (2, 1));
    assert_eq!(changes.region().generation(), writer.region.region().generation());
}
