//! Reads everything that a region offers. Nothing in it may panic or go on for ever, whatever
//! the region's bytes are; what it returns says whether the region makes sense.

use driftshm_layout::journal::Next;
use driftshm_layout::profile::Kind;
use driftshm_layout::record::Presence;
use driftshm_layout::{Pubkey, RecordRef, Region};

/// What was found.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Walk {
    /// Accounts that are somebody's.
    pub accounts: usize,
    /// Those with bytes to read.
    pub readable: usize,
    /// Those that the directory leads to.
    pub findable: usize,
    /// Whole journal entries.
    pub entries: usize,
    /// Journal entries that were lost.
    pub lost: u64,
}

pub fn everything(region: &Region) -> Walk {
    let mut walk = Walk::default();
    header(region);
    for kind in Kind::ALL {
        for account in region.accounts(kind) {
            read_account(region, &account, &mut walk);
        }
        let capacity = region.geometry().section(kind).capacity;
        for place in [0, capacity - 1, capacity, usize::MAX] {
            region.at(kind, place);
        }
    }
    for number in [0, 1, 2, 100, u32::MAX - 1, u32::MAX] {
        region.record(number);
    }
    for byte in 0..=255 {
        region.find(&Pubkey([byte; 32]));
    }
    journal(region, &mut walk);
    walk
}

fn header(region: &Region) {
    let text = format!(
        "{:?} {:?} {} {} {} {} {} {:?} {}",
        region.state(),
        region.feed_state(),
        region.writer_alive(),
        region.heartbeat_age_ns(),
        region.generation(),
        region.slot(),
        region.journal_head(),
        region.counters().collect::<Vec<_>>(),
        region.header().is_superseded(),
    );
    assert!(!text.is_empty());
    assert!(region.profile().accounts().len() < 1000);
}

fn read_account(region: &Region, account: &RecordRef, walk: &mut Walk) {
    walk.accounts += 1;
    region.version(account);
    region.is_followed(account);
    region.vouched_ns(account, 1);
    let presence = region.presence(account);
    let capacity = region.geometry().section(account.kind).shape.payload_words * 8;
    if let Ok(snapshot) = region.snapshot(account) {
        assert!(snapshot.data.len() <= capacity);
        assert!(matches!(presence, Presence::Here | Presence::Closed));
        walk.readable += 1;
    }
    let _ = region.frozen(account);
    let offsets = [0, 1, capacity - 8, capacity - 7, capacity, capacity + 4096, 1 << 40];
    for offset in offsets {
        let _ = region.read(account, |buffer| {
            (buffer.payload_u64(offset), buffer.extra(offset), buffer.payload_equals(&[0; 64]))
        });
    }
    region.oracle_of(account);
    for source in 0..=32 {
        region.oracle_price(account, source);
    }
    if let Some(pubkey) = region.pubkey(account) {
        walk.findable += usize::from(region.find(&pubkey) == Some(*account));
    }
}

fn journal(region: &Region, walk: &mut Walk) {
    let entries = region.geometry().journal_entries;
    let mut cursor = 0;
    // Every step moves on, and once within the ring there are no more than its entries.
    for _ in 0..=2 * entries + 2 {
        match region.journal(cursor) {
            Next::Empty => return,
            Next::Lapped(lost) => {
                assert!(lost > 0);
                walk.lost = walk.lost.saturating_add(lost);
                cursor = cursor.checked_add(lost).expect("lost no more than there was");
            }
            Next::Entry(entry) => {
                assert_eq!(entry.number, cursor);
                region.record(entry.record);
                walk.entries += 1;
                cursor += 1;
            }
        }
    }
    panic!("the journal has no end");
}
