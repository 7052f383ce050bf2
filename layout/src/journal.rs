//! The journal: a ring with one entry per publish.
//!
//! ```text
//!  entry (4 words)   0   number + 1 when complete, 0 while it is being written
//!                    1   record << 32 | lower half of the version
//!                    2   slot
//!                    3   publish_ns (CLOCK_MONOTONIC)
//!  head  (1 word)    number of the next entry
//! ```
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

/// One publish.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// Its number, counting from 0 for the life of the region.
    pub number: u64,
    /// The record that was published.
    pub record: u32,
    /// The lower half of the version that was published.
    pub version_low: u32,
    /// The slot of the update.
    pub slot: u64,
    /// CLOCK_MONOTONIC of the publish.
    pub publish_ns: u64,
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
        version_low: what as u32,
        slot,
        publish_ns,
    })
}

/// Appends an entry and returns its number. One writer at a time, by the region's lock.
pub fn append(
    ring: &[Word],
    head_word: &Word,
    record: u32,
    version: u64,
    slot: u64,
    publish_ns: u64,
) -> u64 {
    let entries = (ring.len() / ENTRY_WORDS) as u64;
    let number = head_word.load(Ordering::Relaxed);
    let start = (number & (entries.wrapping_sub(1))) as usize * ENTRY_WORDS;
    if let Some(words) = ring.get(start..).and_then(|words| words.first_chunk::<ENTRY_WORDS>()) {
        words[0].store(0, Ordering::Relaxed);
        // SYNC(journal-overwrite): release; pairs with the acquire fence in `read`.
        fence(Ordering::Release);
        let what = u64::from(record) << 32 | u64::from(version as u32);
        for (word, value) in words[1..].iter().zip([what, slot, publish_ns]) {
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
                    append(&ring, &head_word, written as u32, written, written * 3, written * 5);
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
                        prop_assert_eq!(entry, Entry {
                            number: cursor, record: cursor as u32, version_low: cursor as u32,
                            slot: cursor * 3, publish_ns: cursor * 5,
                        });
                        cursor += 1;
                    }
                }
            }
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
