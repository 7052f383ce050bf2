//! The journal: a ring with one entry per publish.
//!
//! ```text
//!  entry (4 words)   0   number + 1 when complete, 0 while it is being written
//!                    1   record << 32 | (epoch / 2) mod 2^8 << 24 | version mod 2^24
//!                    2   slot
//!                    3   publish_ns (CLOCK_MONOTONIC)
//!  head  (1 word)    number of the next entry
//! ```
//!
//! The epoch says whose record it was then: a reader that comes late does not take the entry for
//! the record's next owner's. Of both there are as many bits as tell apart what a ring can hold.
//!
//! Readers keep their own cursor. An entry is its own seqlock: a reader that was lapped while
//! copying sees another number and knows it.
//!
//! # Orderings
//! | operation | ordering | why | pairs with |
//! |---|---|---|---|
//! | writer: `entry[0] = 0` | relaxed, then release fence | no word of the new entry without it | reader's fence before its second look |
//! | writer: `entry[0] = number + 1` | release | the entry is whole | reader's first look |
//! | writer: `head` | release | entries below it are whole | reader's load of `head` |
//! | reader: first look, `head` | relaxed + acquire fence | see `load_acquire` | the two above |

use crate::sync::{Ordering, Word, fence, load_acquire};

/// Words of one entry.
pub const ENTRY_WORDS: usize = 4;

const VERSION_BITS: u32 = 24;
const VERSION_MASK: u64 = (1 << VERSION_BITS) - 1;

/// A publish to be appended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Publish {
    /// The record.
    pub record: u32,
    /// Its owner's epoch.
    pub epoch: u64,
    /// The version.
    pub version: u64,
    /// The slot of the update.
    pub slot: u64,
    /// CLOCK_MONOTONIC.
    pub publish_ns: u64,
}

impl Publish {
    #[inline]
    fn what(&self) -> u64 {
        let owner = u64::from(owner_of(self.epoch));
        u64::from(self.record) << 32 | owner << VERSION_BITS | (self.version & VERSION_MASK)
    }
}

/// Epochs of owners are even.
#[inline]
fn owner_of(epoch: u64) -> u8 {
    (epoch >> 1) as u8
}

/// One publish.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// Its number, counting from 0 for the life of the region.
    pub number: u64,
    /// The record that was published.
    pub record: u32,
    /// The lower bits of its owner's epoch and of the version that was published.
    owner_and_version: u32,
    /// The slot of the update.
    pub slot: u64,
    /// CLOCK_MONOTONIC of the publish.
    pub publish_ns: u64,
}

impl Entry {
    /// Whether it is of the record's owner with that epoch.
    #[inline]
    pub fn is_of(&self, epoch: u64) -> bool {
        (self.owner_and_version >> VERSION_BITS) as u8 == owner_of(epoch)
    }

    /// The version that was published, from the one that the record has now.
    #[inline]
    pub fn version(&self, now: u64) -> u64 {
        let behind = now.wrapping_sub(self.owner_and_version.into()) & VERSION_MASK;
        now.saturating_sub(behind)
    }
}

/// What a reader found at its cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// The entry; the cursor goes on by one.
    Entry(Entry),
    /// Nothing yet.
    Empty,
    /// The ring has run over the cursor: so many entries are lost.
    Lapped(u64),
}

/// Number of the next entry to be written.
#[inline]
pub fn head(head: &Word) -> u64 {
    // SYNC(journal-head): acquire; pairs with the release store in `append`.
    load_acquire(head)
}

/// Reads the entry with number `cursor` from a ring whose length is a power of two entries.
pub fn read(ring: &[Word], head_word: &Word, cursor: u64) -> Next {
    let entries = (ring.len() / ENTRY_WORDS) as u64;
    let now = head(head_word);
    if cursor >= now {
        // A cursor from the future is of another region or of a corrupt head: nothing to read.
        return Next::Empty;
    }
    if now - cursor > entries {
        return Next::Lapped(now - entries - cursor);
    }
    let start = (cursor & (entries - 1)) as usize * ENTRY_WORDS;
    let Some(words) = ring.get(start..).and_then(|words| words.first_chunk::<ENTRY_WORDS>()) else {
        return Next::Empty;
    };
    // SYNC(journal-entry): acquire; pairs with the release store of the number in `append`.
    let first = load_acquire(&words[0]);
    let [what, slot, publish_ns] = [1, 2, 3].map(|i: usize| words[i].load(Ordering::Relaxed));
    // SYNC(journal-overwrite): acquire; pairs with the release fence in `append`.
    fence(Ordering::Acquire);
    let second = words[0].load(Ordering::Relaxed);
    if first != cursor + 1 || second != cursor + 1 {
        // The writer is at this place, one lap on: this entry is gone, and all below its head − entries.
        let now = head(head_word);
        let lost = now.saturating_sub(entries.saturating_add(cursor));
        return Next::Lapped(lost.max(1));
    }
    Next::Entry(Entry {
        number: cursor,
        record: (what >> 32) as u32,
        owner_and_version: what as u32,
        slot,
        publish_ns,
    })
}

/// Appends an entry and returns its number. One writer at a time, by the region's lock, and one thread of it.
pub fn append(ring: &[Word], head_word: &Word, publish: &Publish) -> u64 {
    let entries = (ring.len() / ENTRY_WORDS) as u64;
    let number = head_word.load(Ordering::Relaxed);
    let start = (number & (entries.wrapping_sub(1))) as usize * ENTRY_WORDS;
    if let Some(words) = ring.get(start..).and_then(|words| words.first_chunk::<ENTRY_WORDS>()) {
        words[0].store(0, Ordering::Relaxed);
        // SYNC(journal-overwrite): release; pairs with the acquire fence in `read`.
        fence(Ordering::Release);
        let values = [publish.what(), publish.slot, publish.publish_ns];
        for (word, value) in words[1..].iter().zip(values) {
            word.store(value, Ordering::Relaxed);
        }
        // SYNC(journal-entry): release; pairs with the reader's first look.
        words[0].store(number.wrapping_add(1), Ordering::Release);
    }
    // SYNC(journal-head): release; pairs with the acquire load in `head`.
    head_word.store(number.wrapping_add(1), Ordering::Release);
    number
}

#[cfg(all(test, not(driftshm_loom)))]
mod tests {
    use std::collections::VecDeque;

    use proptest::prelude::*;

    use super::*;

    fn publish(number: u64) -> Publish {
        let (slot, publish_ns) = (number * 3, number * 5);
        Publish { record: number as u32, epoch: number * 2, version: number, slot, publish_ns }
    }

    fn ring(entries: usize) -> (Vec<Word>, Word) {
        ((0..entries * ENTRY_WORDS).map(|_| Word::new(0)).collect(), Word::new(0))
    }

    proptest! {
        #[test]
        fn a_reader_gets_every_entry_or_is_told_how_many_it_lost(
            ops in prop::collection::vec(prop_oneof![3 => Just(true), 2 => Just(false)], 0..500),
        ) {
            let (ring, head_word) = ring(8);
            let mut model = VecDeque::new();
            let (mut cursor, mut written) = (0, 0);
            for write in ops {
                if write {
                    append(&ring, &head_word, &publish(written));
                    model.push_back(written);
                    written += 1;
                    if model.len() > 8 { model.pop_front(); }
                    continue;
                }
                match read(&ring, &head_word, cursor) {
                    Next::Empty => prop_assert_eq!(cursor, written),
                    Next::Lapped(lost) => {
                        prop_assert_eq!(cursor + lost, *model.front().unwrap());
                        cursor += lost;
                    }
                    Next::Entry(entry) => {
                        prop_assert!(model.contains(&cursor));
                        let Publish { record, epoch, version, slot, publish_ns } = publish(cursor);
                        prop_assert_eq!((entry.number, entry.record), (cursor, record));
                        prop_assert_eq!((entry.slot, entry.publish_ns), (slot, publish_ns));
                        prop_assert!(entry.is_of(epoch) && !entry.is_of(epoch + 2));
                        prop_assert_eq!(entry.version(version + 9), version);
                        cursor += 1;
                    }
                }
            }
        }
    }

    #[test]
    fn versions_come_back_whole_from_the_newest_one() {
        for version in [1, 0xff_ffff, 0x100_0000, 0x1ff_ffff, u64::MAX >> 8] {
            let (ring, head_word) = ring(8);
            append(&ring, &head_word, &Publish { version, ..publish(300) });
            let Next::Entry(entry) = read(&ring, &head_word, 0) else { panic!() };
            for newer in [0, 1, 1000, 0xff_ffff] {
                assert_eq!(entry.version(version + newer), version);
            }
            assert!(entry.is_of(600) && entry.is_of(600 + 512) && !entry.is_of(602));
            // A record that says less than its entry is a corrupt one.
            assert!(entry.version(0) <= version);
        }
    }

    #[test]
    fn a_cursor_from_the_future_reads_nothing() {
        let (ring, head_word) = ring(8);
        assert_eq!(read(&ring, &head_word, u64::MAX), Next::Empty);
        assert_eq!(read(&[], &Word::new(5), 3), Next::Lapped(2));
    }

    #[test]
    fn a_corrupt_head_is_never_an_endless_loop() {
        let (ring, _) = ring(8);
        assert!(matches!(read(&ring, &Word::new(u64::MAX), 0), Next::Lapped(_)));
        assert!(matches!(read(&ring, &Word::new(u64::MAX), u64::MAX - 1), Next::Lapped(_)));
    }
}
