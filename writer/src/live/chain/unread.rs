//! Accounts that answers had, but not so that they could be read: they are in doubt, and asked for
//! again, more and more seldom.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use driftshm_layout::Pubkey;

use crate::live::rpc::Brought;

const FIRST: Duration = Duration::from_millis(250);
const LONGEST: Duration = Duration::from_secs(30);

#[derive(Default)]
pub(super) struct Unread {
    /// As of which slot each is wanted.
    accounts: BTreeMap<Pubkey, u64>,
    pause: Duration,
    due: Option<Instant>,
}

impl Unread {
    /// There was an answer for these, as of `min_slot` or later.
    pub fn were_asked_for(&mut self, keys: &[Pubkey], brought: &Brought, min_slot: u64) {
        if brought.unreadable.is_empty() && self.accounts.is_empty() {
            return;
        }
        self.accounts.retain(|key, _| !keys.contains(key));
        self.accounts.extend(brought.unreadable.iter().map(|key| (*key, min_slot)));
        if self.accounts.is_empty() {
            *self = Self::default();
        } else if self.due.is_none() {
            self.pause = (self.pause * 2).clamp(FIRST, LONGEST);
            self.due = Some(Instant::now() + self.pause);
        }
    }

    /// When to ask again.
    pub fn due(&self) -> Option<Instant> {
        self.due
    }

    /// What to ask for, and as of which slot or later. It stays here until it is read.
    pub fn take(&mut self) -> (Vec<Pubkey>, u64) {
        self.due = None;
        let newest = self.accounts.values().copied().max();
        (self.accounts.keys().copied().collect(), newest.unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(unreadable: &[Pubkey]) -> Brought {
        Brought { unreadable: unreadable.to_vec(), ..Brought::default() }
    }

    #[test]
    fn what_cannot_be_read_is_asked_for_until_it_can_more_and_more_seldom() {
        let (one, other) = (Pubkey([1; 32]), Pubkey([2; 32]));
        let mut unread = Unread::default();
        unread.were_asked_for(&[one, other], &with(&[]), 5);
        assert_eq!(unread.due(), None);
        unread.were_asked_for(&[one, other], &with(&[one]), 5);
        let mut pauses = Vec::new();
        for _ in 0..10 {
            assert!(unread.due().unwrap() > Instant::now());
            pauses.push(unread.pause);
            assert_eq!(unread.take(), (vec![one], 5));
            unread.were_asked_for(&[one], &with(&[one]), 5);
        }
        assert!(pauses.is_sorted() && pauses[0] == FIRST && pauses[9] == LONGEST, "{pauses:?}");
        // Meanwhile all is fetched, as of a later slot.
        unread.were_asked_for(&[one, other], &with(&[other]), 9);
        assert_eq!(unread.take(), (vec![other], 9));
        unread.were_asked_for(&[other], &with(&[]), 9);
        assert_eq!((unread.due(), unread.take()), (None, (vec![], 0)));
    }
}
