//! Accounts that were closed before the region had them: nothing older may raise them.

use std::collections::{HashMap, VecDeque};

use driftshm_layout::{Pubkey, Stamp};

/// How many are remembered; the oldest go first.
const KEPT: usize = 4096;

/// The end of each account, up to a limit.
#[derive(Default)]
pub(super) struct Tombstones {
    ends: HashMap<Pubkey, Stamp>,
    /// In the order in which they came first.
    order: VecDeque<Pubkey>,
}

impl Tombstones {
    /// An account has ended, unless it is known to have ended later.
    pub fn put(&mut self, pubkey: Pubkey, stamp: Stamp) {
        if let Some(known) = self.ends.get_mut(&pubkey) {
            if stamp.replaces(known) {
                *known = stamp;
            }
            return;
        }
        if self.ends.len() >= KEPT {
            if let Some(oldest) = self.order.pop_front() {
                self.ends.remove(&oldest);
            }
        }
        self.order.push_back(pubkey);
        self.ends.insert(pubkey, stamp);
    }

    /// Whether an update is from before the account's end; one that is not is its new beginning.
    #[inline]
    pub fn is_older(&mut self, pubkey: &Pubkey, stamp: &Stamp) -> bool {
        if self.ends.is_empty() {
            return false;
        }
        let Some(end) = self.ends.get(pubkey) else { return false };
        if !stamp.replaces(end) {
            return true;
        }
        self.ends.remove(pubkey);
        self.order.retain(|key| key != pubkey);
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(number: u64) -> Pubkey {
        Pubkey::from_words([number, 0, 0, 0])
    }

    fn at(slot: u64) -> Stamp {
        Stamp { slot, write_version: 0, source: 1 }
    }

    #[test]
    fn what_is_older_than_the_end_is_and_what_is_newer_begins_anew() {
        let mut tombstones = Tombstones::default();
        for slot in [10, 20, 15] {
            tombstones.put(key(1), at(slot));
        }
        assert!(tombstones.is_older(&key(1), &at(19)) && tombstones.is_older(&key(1), &at(19)));
        assert!(!tombstones.is_older(&key(2), &at(1)), "nobody's end");
        assert!(!tombstones.is_older(&key(1), &at(21)));
        assert!(!tombstones.is_older(&key(1), &at(19)), "its end is over");
        assert!(tombstones.order.is_empty());
    }

    #[test]
    fn there_is_an_end_to_how_many_are_remembered() {
        let mut tombstones = Tombstones::default();
        for number in 0..=KEPT as u64 {
            tombstones.put(key(number), at(10));
        }
        assert_eq!((tombstones.ends.len(), tombstones.order.len()), (KEPT, KEPT));
        assert!(!tombstones.is_older(&key(0), &at(9)));
        assert!(tombstones.is_older(&key(1), &at(9)));
    }
}
