//! A writer that dies between any two stores: its successor and its readers lose nothing.
//!
//! Each test writes down, in the order of the production code, every store that one operation
//! makes; that the list is complete is checked against what the operation really did. Then for
//! every beginning of the list there is a region whose writer came that far.

use std::collections::HashSet;
use std::path::Path;

use driftshm_layout::geometry::Section;
use driftshm_layout::header::{Counter, JOURNAL_HEAD, Owner};
use driftshm_layout::journal::Next;
use driftshm_layout::profile::Kind;
use driftshm_layout::{Applied, Origin, RecordRef, Region, RegionWriter};

use crate::support::image::{Image, record, record_word};
use crate::support::{temp_dir, tiny};

const FLAGS: usize = 2;
const UNFOLLOWED_NS: usize = 3;
const BOTH_EMPTY: u64 = 0b11 << 6;
const OLD: [u8; 200] = [0x0d; 200];
const NEW: [u8; 40] = [0xee; 40];

/// A region before and after one operation, and the stores in between.
struct Operation {
    before: Image,
    after: Image,
    section: Section,
    place: usize,
    stores: Vec<(usize, u64)>,
}

impl Operation {
    /// Users 0 to `others` are there, each with two versions; then `operate` is the operation.
    fn new(others: u8, operate: impl Fn(&mut RegionWriter), place: usize) -> Self {
        Self::after(others, |_| {}, operate, place)
    }

    /// The same, with something in between.
    fn after(
        others: u8,
        prepare: impl Fn(&mut RegionWriter),
        operate: impl Fn(&mut RegionWriter),
        place: usize,
    ) -> Self {
        let dir = temp_dir();
        let mut writer = tiny::writer(dir.path());
        for slot in 1..=2 {
            for number in 0..others {
                writer.apply(&tiny::user(number, slot, &OLD[slot as usize - 1..]));
            }
        }
        if let Some(account) = tiny::find(writer.region(), Kind::User, 3) {
            writer.set_followed(&account, false);
        }
        prepare(&mut writer);
        let before = Image::of(dir.path());
        operate(&mut writer);
        let after = Image::of(dir.path());
        let section = *writer.geometry().section(Kind::User);
        Self { before, after, section, place, stores: Vec::new() }
    }

    fn word(&self, offset: usize) -> usize {
        record_word(&self.section, self.place) + offset
    }

    /// The next store, of the value that the word has in the end.
    fn store(&mut self, word: usize) {
        self.stores.push((word, self.after.word(word)));
    }

    /// Words in a stretch of the region that the operation changed.
    fn changed(&self, words: std::ops::Range<usize>) -> Vec<usize> {
        words.filter(|word| self.before.word(*word) != self.after.word(*word)).collect()
    }

    fn publish(&mut self) {
        let sequence = self.word(record::SEQUENCE);
        let version = self.after.word(sequence) / 2;
        let number = self.section.first_record as usize + self.place;
        self.stores.push((Owner::Publishing as usize, number as u64 + 1));
        self.stores.push((sequence, 2 * version - 1));
        let len = self.section.shape.buffer_words();
        let buffer = self.word(record::BUFFER_0) + (version & 1) as usize * len;
        for word in buffer..buffer + len {
            self.store(word);
        }
        self.store(self.word(FLAGS));
        self.store(sequence);
        self.journal();
        self.stores.push((Owner::Publishing as usize, 0));
        self.store(Counter::Published as usize);
    }

    fn journal(&mut self) {
        let geometry = tiny_geometry();
        let number = self.before.word(JOURNAL_HEAD);
        let entry = geometry.journal_offset / 8 + (number as usize % geometry.journal_entries) * 4;
        self.stores.push((entry, 0));
        for word in entry + 1..entry + 4 {
            self.store(word);
        }
        self.store(entry);
        self.store(JOURNAL_HEAD);
    }

    fn rename(&mut self) {
        let epoch = self.after.word(self.word(record::EPOCH));
        self.stores.push((self.word(record::EPOCH), epoch - 1));
        for word in self.word(record::PUBKEY)..self.word(record::PUBKEY) + 4 {
            self.store(word);
        }
        self.stores.push((self.word(FLAGS), BOTH_EMPTY));
        self.store(self.word(UNFOLLOWED_NS));
        for word in self.word(record::BUFFER_0)..self.word(self.section.shape.stride()) {
            self.stores.push((word, 0));
        }
        self.store(self.word(record::EPOCH));
    }

    /// Directory entries that end as something, or that end as nothing.
    fn directory(&mut self, there: bool) {
        let geometry = tiny_geometry();
        let start = geometry.directory_offset / 8;
        for word in self.changed(start..start + geometry.directory_entries) {
            if (self.after.word(word) > 1) == there {
                self.stores.push((word, 1));
                self.store(word);
            }
        }
    }

    fn in_use(&mut self) {
        for word in self.changed(320..328) {
            self.store(word);
        }
    }

    /// Every region that a writer which dies in this operation can leave behind.
    fn every_beginning(&self) -> impl Iterator<Item = Image> + '_ {
        let mut image = Image(self.before.0.clone());
        for (word, value) in &self.stores {
            image.set(*word, *value);
        }
        // Counters come last and tell nobody anything about an account.
        for word in self.changed(0..self.before.words()) {
            let missed = image.word(word) != self.after.word(word);
            assert!(!missed || (280..320).contains(&word), "a store to word {word} is missing");
        }
        (0..=self.stores.len()).map(|count| {
            let mut image = Image(self.before.0.clone());
            for (word, value) in &self.stores[..count] {
                image.set(*word, *value);
            }
            image
        })
    }
}

fn tiny_geometry() -> driftshm_layout::geometry::Geometry {
    let options = tiny::options();
    let schema_len = options.profile.to_json().len();
    driftshm_layout::geometry::Geometry::new(&options.profile, schema_len, &options.capacities)
}

/// What a reader gets of a user, whether or not there is a writer.
fn read(region: &Region, number: u8) -> Option<Vec<u8>> {
    let account = tiny::find(region, Kind::User, number)?;
    let zeroes = region.read(&account, |buffer| {
        let end = (buffer.data_len() as usize).div_ceil(8);
        (end..69).all(|index| buffer.payload(index) == 0)
    });
    assert_ne!(zeroes, Ok(false), "something behind the account's end");
    tiny::data(region, Kind::User, number)
}

/// How often the journal says that this version of the account was published.
fn announced(region: &Region, account: &RecordRef, version: u64) -> usize {
    let newest = region.version(account);
    let entries = (0..region.journal_head()).filter(|cursor| {
        matches!(region.journal(*cursor), Next::Entry(entry)
            if entry.record == account.number
                && entry.is_of(account.epoch)
                && entry.version(newest) == version)
    });
    entries.count()
}

/// Every version is announced once at most, and times do not go back.
fn assert_journal_in_order(region: &Region) {
    let head = region.journal_head();
    let entries: Vec<_> = (head.saturating_sub(64)..head)
        .map(|cursor| match region.journal(cursor) {
            Next::Entry(entry) => entry,
            other => panic!("{other:?} at {cursor}"),
        })
        .collect();
    assert!(entries.is_sorted_by_key(|entry| entry.publish_ns), "times go back: {entries:?}");
    let mut seen = HashSet::new();
    for entry in &entries {
        let what = (entry.record, entry.publish_ns, entry.slot);
        assert!(seen.insert(what), "announced twice: {entry:?}");
    }
}

/// Checks a region that a dead writer left: by itself, then with a new writer on it.
/// `changing` is the user that the operation is about; all others are as they were.
fn survives(dir: &Path, image: &Image, changing: u8, others: &[u8], may_be_gone: bool) {
    image.put(dir);
    let check = |region: &Region| {
        for number in others {
            assert_eq!(read(region, *number).as_deref(), Some(&OLD[1..]), "user {number}");
        }
        match read(region, changing) {
            Some(data) => assert!(data == OLD[1..] || data == NEW, "torn: {data:?}"),
            None => assert!(may_be_gone),
        }
    };
    let reader = tiny::reader(dir);
    check(&reader);
    let (mut writer, origin) = tiny::open(dir);
    assert_eq!(origin, Origin::Adopted);
    check(&reader);
    assert_journal_in_order(&reader);

    if read(&reader, changing).as_deref() == Some(&NEW) {
        let account = tiny::find(&reader, Kind::User, changing).unwrap();
        assert_ne!(announced(&reader, &account, reader.version(&account)), 0);
    }
    // Everything goes on: this account, and room for as many as there should be.
    writer.apply(&tiny::user(changing, 50, &[5; 12]));
    assert_eq!(read(&reader, changing), Some(vec![5; 12]));
    let here = reader.accounts(Kind::User).count() as u8;
    for number in 100..100 + 4 - here {
        tiny::version_of(writer.apply(&tiny::user(number, 1, &NEW)));
        assert_eq!(read(&reader, number).as_deref(), Some(&NEW[..]));
    }
    assert_eq!(writer.region().accounts(Kind::User).count(), 4);
    for number in others {
        assert_eq!(read(&reader, *number).as_deref(), Some(&OLD[1..]));
    }
}

#[test]
fn in_a_publish() {
    let publish = |writer: &mut RegionWriter| {
        tiny::version_of(writer.apply(&tiny::user(1, 9, &NEW)));
    };
    let mut operation = Operation::new(3, publish, 1);
    operation.publish();
    let dir = temp_dir();
    for image in operation.every_beginning() {
        survives(dir.path(), &image, 1, &[0, 2], false);
    }
}

/// What is in the record was announced so long ago that the journal does not tell any more.
#[test]
fn in_the_first_publish_of_a_record_for_a_long_while() {
    let publish = |writer: &mut RegionWriter| {
        tiny::version_of(writer.apply(&tiny::user(1, 9, &NEW)));
    };
    let mut operation = Operation::after(
        3,
        |writer| {
            for slot in 100..200 {
                tiny::version_of(writer.apply(&tiny::user(0, slot, &slot.to_le_bytes())));
            }
        },
        publish,
        1,
    );
    operation.publish();
    let dir = temp_dir();
    for image in operation.every_beginning() {
        survives(dir.path(), &image, 1, &[2], false);
        let reader = tiny::reader(dir.path());
        assert!(reader.journal_head() >= 106);
    }
}

#[test]
fn in_making_a_record_for_a_new_account() {
    let add = |writer: &mut RegionWriter| {
        tiny::version_of(writer.apply(&tiny::user(2, 9, &NEW)));
    };
    let mut operation = Operation::new(2, add, 2);
    operation.rename();
    operation.directory(true);
    operation.in_use();
    operation.publish();
    let dir = temp_dir();
    for image in operation.every_beginning() {
        survives(dir.path(), &image, 2, &[0, 1], true);
    }
}

#[test]
fn in_giving_a_record_to_another_account() {
    let reclaim = |writer: &mut RegionWriter| {
        tiny::version_of(writer.apply(&tiny::user(9, 9, &NEW)));
    };
    let mut operation = Operation::new(4, reclaim, 3);
    operation.directory(false);
    operation.rename();
    operation.directory(true);
    operation.publish();
    let dir = temp_dir();
    for image in operation.every_beginning() {
        image.put(dir.path());
        let reader = tiny::reader(dir.path());
        let check = |region: &Region| {
            // The old owner's or nobody's; the new owner's or nobody's; never each other's.
            assert!(matches!(read(region, 3).as_deref(), None | Some([0x0d, ..])));
            assert!(matches!(read(region, 9).as_deref(), None | Some([0xee, ..])));
        };
        check(&reader);
        let (mut writer, _) = tiny::open(dir.path());
        check(&reader);
        assert_journal_in_order(&reader);
        let applied = writer.apply(&tiny::user(9, 9, &NEW));
        assert!(matches!(applied, Applied::Published { .. } | Applied::Absorbed), "{applied:?}");
        assert_eq!(read(&reader, 9).as_deref(), Some(&NEW[..]));
        assert_eq!(read(&reader, 3), None);
        for number in 0..3 {
            assert_eq!(read(&reader, number).as_deref(), Some(&OLD[1..]));
        }
    }
}

#[test]
fn with_a_directory_that_has_lost_entries_or_names_nobody() {
    let operation = Operation::new(2, |_| {}, 0);
    let geometry = tiny_geometry();
    let start = geometry.directory_offset / 8;
    let dir = temp_dir();
    for word in start..start + geometry.directory_entries {
        for value in [0, 1, u64::MAX, (7 << 32) + 2 + 13, (7 << 32) + 2 + 9999] {
            let mut image = Image(operation.before.0.clone());
            image.set(word, value);
            image.put(dir.path());
            let (mut writer, origin) = tiny::open(dir.path());
            assert_eq!(origin, Origin::Adopted);
            for number in 0..2 {
                assert_eq!(read(writer.region(), number).as_deref(), Some(&OLD[1..]));
            }
            tiny::version_of(writer.apply(&tiny::user(2, 1, &NEW)));
        }
    }
}

#[test]
fn with_any_record_announced_as_being_published() {
    let operation = Operation::new(2, |_| {}, 0);
    let dir = temp_dir();
    for value in (0..40).chain([u64::from(u32::MAX), u64::from(u32::MAX) + 1, u64::MAX]) {
        let mut image = Image(operation.before.0.clone());
        image.set(Owner::Publishing as usize, value);
        survives(dir.path(), &image, 0, &[1], false);
    }
}
