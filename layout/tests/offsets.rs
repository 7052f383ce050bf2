//! The region's format, as a hash: it changes together with `ABI_VERSION`, or not at all.
#![cfg(not(driftshm_loom))]

mod support;

use std::fmt::Write;

use driftshm_layout::geometry::Geometry;
use driftshm_layout::header::{
    ABI_VERSION, Counter, FIXED, Fixed, FixedSection, HEADER_WORDS, Header, Owner, Pulse,
};
use driftshm_layout::journal::{self, Publish};
use driftshm_layout::oracle_price::{EXTRA_WORDS, OraclePointer};
use driftshm_layout::profile::Kind;
use driftshm_layout::record::{self, Shape, Version};
use driftshm_layout::sync::{Ordering, Word};
use driftshm_layout::{FeedState, OraclePrice, Pubkey, State, directory};
use sha2::{Digest, Sha256};
use support::tiny;

/// `ABI_VERSION` and the hash of the format it stands for. If this test fails because you changed
/// the format: raise `ABI_VERSION` in `layout/src/header.rs`, put the new pair here, and say in
/// the change log what changed. If you did not mean to change it: something moved.
const KNOWN: (u32, &str) = (3, "a9e8981bc0b378a9");

fn words(count: usize) -> Vec<Word> {
    (0..count).map(|_| Word::new(0)).collect()
}

/// Every word that is not zero, by its number.
fn dump(text: &mut String, what: &str, words: &[Word]) {
    for (index, word) in words.iter().enumerate() {
        let value = word.load(Ordering::Relaxed);
        if value != 0 {
            writeln!(text, "{what} {index} {value:#x}").unwrap();
        }
    }
}

fn header(text: &mut String) {
    let page = words(HEADER_WORDS);
    let header = Header::new(&page).unwrap();
    header.set_ready();
    // The version itself may change without the format.
    page[0].fetch_and(0xffff_ffff, Ordering::Relaxed);
    header.set_total_len(1);
    header.set_state(State::Superseded);
    header.journal_head().store(2, Ordering::Relaxed);
    let owners = [
        Owner::Generation,
        Owner::WriterPid,
        Owner::WriterStartNs,
        Owner::FeedState,
        Owner::FeedSinceNs,
        Owner::Publishing,
    ];
    for (owner, value) in owners.into_iter().zip(100..) {
        header.set_owner(owner, value);
    }
    let pulses = [
        Pulse::HeartbeatNs,
        Pulse::HeartbeatUnixNs,
        Pulse::LiveNs,
        Pulse::Slot,
        Pulse::SlotNs,
        Pulse::ConfirmedSlot,
    ];
    for (pulse, value) in pulses.into_iter().zip(200..) {
        header.set_pulse(pulse, value);
    }
    for ((counter, name), value) in Counter::ALL.into_iter().zip(300..) {
        header.count(counter, value);
        writeln!(text, "counter {name} {value}").unwrap();
    }
    for kind in 0..Kind::ALL.len() {
        header.set_in_use(kind, 400 + kind as u64);
    }
    dump(text, "header", &page);
}

fn fixed(text: &mut String) {
    macro_rules! fields {
        ($what:ident: $($field:ident),*) => {
            let $what { $($field: _),* } = bytemuck::Zeroable::zeroed();
            $(let offset = std::mem::offset_of!($what, $field);
            writeln!(text, "{} {} {offset}", stringify!($what), stringify!($field)).unwrap();)*
        };
    }
    writeln!(text, "fixed {FIXED} {} {}", size_of::<Fixed>(), size_of::<FixedSection>()).unwrap();
    fields!(Fixed: boot_id, hash_key, cluster, profile, schema_hash, created_unix_ns,
        schema_offset, schema_len, directory_offset, directory_entries, journal_offset,
        journal_entries, section_count, sections);
    fields!(FixedSection: kind, offset, capacity, extra_words, payload_words, stride,
        first_record, reserved);
}

fn numbers(text: &mut String) {
    for state in [State::Starting, State::Live, State::Stopped, State::Superseded] {
        writeln!(text, "{state:?} {}", state as u64).unwrap();
    }
    for state in (0..8).filter_map(FeedState::from_word) {
        writeln!(text, "{state:?} {}", state as u64).unwrap();
    }
    for kind in Kind::ALL {
        writeln!(text, "{kind} {}", kind as usize).unwrap();
    }
}

fn a_record(text: &mut String) {
    let shape = Shape { extra_words: 3, payload_words: 5 };
    let record = words(shape.stride());
    record::rename(&record, shape, &Pubkey(std::array::from_fn(|i| i as u8)));
    dump(text, "named", &record);
    record::set_unfollowed_ns(&record, 11);
    let mut version = Version {
        data: &[0xd0; 33],
        extra: &[21, 22, 23],
        slot: 31,
        write_version: 32,
        source: 33,
        received_ns: 34,
        publish_ns: 35,
        lamports: 36,
        closed: true,
        ..Version::default()
    };
    record::publish(&record, shape, &version);
    dump(text, "closed", &record);
    (version.closed, version.layout_mismatch) = (false, true);
    record::publish(&record, shape, &version);
    dump(text, "mismatch", &record);
    (version.layout_mismatch, version.data) = (false, &[0xd0; 41]);
    record::publish(&record, shape, &version);
    record::set_seen(&record, shape, 51, 52, 53);
    dump(text, "truncated", &record);
    record::release(&record);
    dump(text, "released", &record[..2]);
}

fn tables(text: &mut String) {
    let entries = words(16);
    let hash = directory::hash([1, 2], &Pubkey([3; 32]));
    assert!(directory::insert(&entries, hash, 4));
    assert!(directory::insert(&entries, hash, 5));
    assert!(directory::remove(&entries, hash, 4));
    dump(text, "directory", &entries);
    for records in [1, 5, 1000] {
        writeln!(text, "entries {}", directory::entries_for(records)).unwrap();
    }
    let (ring, head) = (words(4 * journal::ENTRY_WORDS), Word::new(5));
    let (record, epoch, version) = (6, 7 << 9 | 0x11 << 1, 7 << 24 | 8);
    let publish = Publish { record, epoch, version, slot: 9, publish_ns: 10 };
    journal::append(&ring, &head, &publish);
    dump(text, "journal", &ring);
    let price = OraclePrice {
        source: 1,
        valid: true,
        price: 2,
        confidence: 3,
        published_slot: 4,
        has_sufficient_number_of_data_points: true,
    };
    let pointer = OraclePointer { record: 5, epoch: 6, source: 7 };
    writeln!(text, "{:?} {:?} {EXTRA_WORDS}", price.to_words(), pointer.to_words()).unwrap();
}

fn sections(text: &mut String, geometry: &Geometry) {
    writeln!(text, "schema {}", geometry.schema_offset).unwrap();
    writeln!(text, "directory {}", geometry.directory_offset).unwrap();
    writeln!(text, "journal {}", geometry.journal_offset).unwrap();
    for section in &geometry.sections {
        let (kind, offset, shape) = (section.kind, section.offset, section.shape);
        let stride = shape.stride();
        writeln!(text, "{kind} {offset} {} {stride} {}", shape.extra_words, section.first_record)
            .unwrap();
    }
    writeln!(text, "total {}", geometry.total_len).unwrap();
}

#[test]
fn the_format_and_its_version_change_together() {
    let mut text = String::new();
    header(&mut text);
    fixed(&mut text);
    numbers(&mut text);
    a_record(&mut text);
    tables(&mut text);
    let options = tiny::options();
    sections(&mut text, &Geometry::new(&options.profile, 1000, &options.capacities));

    let hash = Sha256::digest(&text)
        .iter()
        .take(8)
        .fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
    let now = (ABI_VERSION, hash.as_str());
    assert_eq!(now, KNOWN, "the format is no longer what its version says; it is now:\n{text}");
}
