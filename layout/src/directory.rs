//! The directory: public key → record, open addressing over single words.
//!
//! ```text
//!  entry = 0          empty: the end of every probe
//!          1          removed: probes go on behind it, an insert may take it
//!          tag << 32 | (record + 2)      tag = the upper half of the key's hash
//! ```
//!
//! An entry is one word, so it is there or not there, never half. It only proposes a record: the
//! record's own address and epoch decide whether it is the account asked for. Hashes are keyed per
//! region (SipHash-1-3), since strangers can grind account addresses.
//!
//! # Orderings
//! | operation | ordering | why | pairs with |
//! |---|---|---|---|
//! | insert: entry | release | the record is named before its entry can be found | lookup's load |
//! | remove: entry | relaxed | a late reader finds a record of another epoch, which is a miss | |
//! | lookup: entry | relaxed + acquire fence | see `load_acquire` | insert |

use std::hash::Hasher;

use siphasher::sip::SipHasher13;

use crate::Pubkey;
use crate::sync::{Ordering, Word, load_acquire};

const EMPTY: u64 = 0;
const REMOVED: u64 = 1;
const FIRST: u64 = 2;

/// A key's hash under the region's own hash key.
pub fn hash(hash_key: [u64; 2], pubkey: &Pubkey) -> u64 {
    let mut hasher = SipHasher13::new_with_keys(hash_key[0], hash_key[1]);
    hasher.write(&pubkey.0);
    hasher.finish()
}

/// How many entries a region with `records` records gets: at most half full.
pub fn entries_for(records: usize) -> usize {
    (records * 2).next_power_of_two().max(8)
}

fn probes(len: usize, hash: u64) -> impl Iterator<Item = usize> {
    let mask = len.wrapping_sub(1);
    (0..len).map(move |step| (hash as usize).wrapping_add(step) & mask)
}

fn entry(hash: u64, record: u32) -> u64 {
    (hash >> 32 << 32) | (u64::from(record) + FIRST)
}

fn record_of(entry: u64) -> u32 {
    (entry as u32).wrapping_sub(FIRST as u32)
}

/// What `pick` makes of the first record on the hash's probe that it makes anything of.
///
/// An entry may name a record that is changing hands: `pick` must take identity and epoch from one
/// look at it, and whatever is read of it later must be read under that epoch.
pub fn lookup<T>(words: &[Word], hash: u64, pick: impl Fn(u32) -> Option<T>) -> Option<T> {
    for index in probes(words.len(), hash) {
        // SYNC(directory-insert): acquire; pairs with the release store in `insert`.
        let found = load_acquire(words.get(index)?);
        if found == EMPTY {
            return None;
        }
        if found >= FIRST && found >> 32 == hash >> 32 {
            if let Some(picked) = pick(record_of(found)) {
                return Some(picked);
            }
        }
    }
    None
}

/// Adds an entry for `record`, which must already carry its identity. False if the table is full.
#[must_use]
pub fn insert(words: &[Word], hash: u64, record: u32) -> bool {
    for index in probes(words.len(), hash) {
        let Some(word) = words.get(index) else { return false };
        if word.load(Ordering::Relaxed) < FIRST {
            // SYNC(directory-insert): release; pairs with the acquire load in `lookup`.
            word.store(entry(hash, record), Ordering::Release);
            return true;
        }
    }
    false
}

/// Takes the entry of `record` out. Returns whether there was one.
pub fn remove(words: &[Word], hash: u64, record: u32) -> bool {
    let wanted = entry(hash, record);
    for index in probes(words.len(), hash) {
        let Some(word) = words.get(index) else { return false };
        match word.load(Ordering::Relaxed) {
            EMPTY => return false,
            found if found == wanted => {
                word.store(REMOVED, Ordering::Relaxed);
                forget_removed(words, index);
                return true;
            }
            _ => {}
        }
    }
    false
}

/// Removed entries right before an empty one lead nowhere: they become empty, so that probes
/// stay short however many accounts have come and gone.
fn forget_removed(words: &[Word], from: usize) {
    let mask = words.len().wrapping_sub(1);
    let load = |index: usize| words.get(index & mask).map_or(EMPTY, |w| w.load(Ordering::Relaxed));
    if load(from.wrapping_add(1)) != EMPTY {
        return;
    }
    let mut index = from;
    while load(index) == REMOVED {
        if let Some(word) = words.get(index & mask) {
            word.store(EMPTY, Ordering::Relaxed);
        }
        index = index.wrapping_sub(1);
    }
}

/// Every record named by an entry, with the entry's tag: for a writer that takes a region over.
pub fn records(words: &[Word]) -> impl Iterator<Item = (usize, u32, u32)> + '_ {
    words.iter().enumerate().filter_map(|(index, word)| {
        let found = word.load(Ordering::Relaxed);
        (found >= FIRST).then(|| (index, record_of(found), (found >> 32) as u32))
    })
}

/// Empties the entry at `index`, whatever it says.
pub fn clear(words: &[Word], index: usize) {
    if let Some(word) = words.get(index) {
        word.store(REMOVED, Ordering::Relaxed);
        forget_removed(words, index);
    }
}

#[cfg(all(test, not(driftshm_loom)))]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    fn table(entries: usize) -> Vec<Word> {
        (0..entries).map(|_| Word::new(0)).collect()
    }

    #[test]
    fn a_full_table_refuses_instead_of_looping() {
        let words = table(8);
        for record in 0..8 {
            assert!(insert(&words, 7, record));
        }
        assert!(!insert(&words, 7, 8));
        assert_eq!(lookup(&words, 7, |record| (record == 99).then_some(record)), None);
    }

    #[test]
    fn entries_that_came_and_went_leave_no_probe_behind() {
        let words = table(8);
        for _ in 0..1000 {
            for record in 0..4 {
                assert!(insert(&words, 5, record));
            }
            for record in 0..4 {
                assert!(remove(&words, 5, record));
            }
        }
        assert!(words.iter().all(|word| word.load(Ordering::Relaxed) == EMPTY));
    }

    #[test]
    fn an_empty_slice_holds_nothing() {
        assert!(!insert(&[], 1, 1));
        assert_eq!(lookup(&[], 1, Some), None);
        assert!(!remove(&[], 1, 1));
    }

    proptest! {
        #[test]
        fn behaves_like_a_hash_map(ops in prop::collection::vec((any::<bool>(), 0u32..24), 0..400)) {
            let words = table(64);
            let mut model = HashMap::new();
            // Few distinct hashes, so that probes collide and wrap.
            let hash_of = |record: u32| u64::from(record % 5) << 32 | u64::from(60 + record % 3);
            for (add, record) in ops {
                let hash = hash_of(record);
                if add && !model.contains_key(&record) {
                    prop_assert!(insert(&words, hash, record));
                    model.insert(record, hash);
                } else if !add {
                    prop_assert_eq!(remove(&words, hash, record), model.remove(&record).is_some());
                }
                for record in 0..24 {
                    let found = lookup(&words, hash_of(record), |r| (r == record).then_some(r));
                    prop_assert_eq!(found, model.contains_key(&record).then_some(record));
                }
            }
            prop_assert_eq!(records(&words).count(), model.len());
        }
    }
}
