//! Records that change hands while a bot has not looked.

use driftshm_layout::control::{Filter, Item};
use driftshm_layout::profile::Kind;

use crate::support::{temp_dir, tiny};
use crate::writer::{Writer, subscribe};

/// Four users fill their section; then the record of user 1 goes to user 9, whose first version
/// follows the last one of user 1 in the journal.
#[test]
fn what_was_published_of_a_records_last_owner_is_not_taken_for_its_next_ones() {
    for conflate in [false, true] {
        let dir = temp_dir();
        let mut writer = Writer::start(dir.path());
        for number in 0..4 {
            writer.publish(&[tiny::user(number, 1, &[number; 24])]);
        }
        let mut changes = subscribe(dir.path(), &Filter::everything(), conflate);
        writer.publish(&[tiny::user(1, 2, &[11; 24])]);
        let old = tiny::find(writer.region.region(), Kind::User, 1).unwrap();
        writer.region.set_followed(&old, false);
        writer.publish(&[tiny::user(9, 3, &[99; 24])]);
        let new = tiny::find(writer.region.region(), Kind::User, 9).unwrap();
        assert_eq!(new.number, old.number, "it was given away");

        let mut items = Vec::new();
        changes.drain(100, &mut items);
        let [Item::Change(change)] = items[..] else { panic!("{items:?}") };
        assert_eq!(change.pubkey, tiny::user(9, 0, &[]).pubkey);
        assert_eq!((change.slot, change.version, change.missed), (3, 3, 0));
    }
}
