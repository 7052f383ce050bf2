//! At commitment `processed`: what a slot brought is taken back if it turns out not to be part of
//! the chain.
//!
//! ```text
//!   update ──► published, and kept until its slot is settled
//!   slot confirmed, or an ancestor of a confirmed one ──► its updates are what later ones fall back on
//!   slot dead, or no ancestor of a confirmed one      ──► back to the newest update that is left
//! ```
//! No single word about a slot is waited for: a confirmed slot settles all of its ancestors, and
//! those older than it that are not its ancestors. Where the protocol says nothing of
//! confirmation, a chain that has gone on for [`DEPTH`] slots is taken for it.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use driftshm_layout::Pubkey;

use super::{SlotStatus, SlotUpdate};
use crate::feeds::AccountUpdate;
use crate::live::RPC_SOURCE;

/// A chain is some 32 slots ahead of its last finalized one; votes for a slot come within two.
const DEPTH: u64 = 16;
/// Slots that are remembered, should none ever be settled.
const REMEMBERED: usize = 512;
/// Updates of one account that are kept unsettled; older ones are settled early.
const KEPT: usize = 64;
/// Bytes that are kept unsettled in all; beyond them the oldest slots are settled early.
const KEPT_BYTES: usize = 48 << 20;

/// One account's unsettled history.
struct History {
    /// The newest settled state, if one was seen.
    settled: Option<AccountUpdate>,
    /// What came since, as it came.
    open: Vec<AccountUpdate>,
}

impl History {
    fn is_older_than(&self, update: &AccountUpdate) -> bool {
        self.settled.as_ref().is_none_or(|settled| settled.slot <= update.slot)
    }
}

/// What is to be done about an orphaned slot.
#[derive(Debug, PartialEq, Eq)]
pub enum Undo {
    /// The account is as it was before.
    To {
        /// The orphaned slot.
        slot: u64,
        /// The account before it.
        before: AccountUpdate,
    },
    /// Nothing is known of the account before: it is to be fetched.
    Fetch {
        /// The orphaned slot.
        slot: u64,
        /// The account.
        pubkey: Pubkey,
    },
}

/// Slots that are not settled, and what they brought.
#[derive(Default)]
pub struct Forks {
    parents: BTreeMap<u64, u64>,
    histories: HashMap<Pubkey, History>,
    /// Accounts by the unsettled slot that touched them.
    touched: BTreeMap<u64, HashSet<Pubkey>>,
    /// Slots that are not part of the chain, and of which word may still come.
    dead: BTreeSet<u64>,
    settled: u64,
    /// Of the updates that are open.
    bytes: usize,
}

impl Forks {
    /// Up to where everything is settled.
    pub fn settled(&self) -> u64 {
        self.settled
    }

    /// An update is about to be published; `before` gives what the region has of the account now.
    /// False: its slot is known not to be part of the chain.
    pub fn put(
        &mut self,
        update: &AccountUpdate,
        before: impl FnOnce() -> Option<AccountUpdate>,
    ) -> bool {
        if self.dead.contains(&update.slot) {
            return false;
        }
        if update.slot <= self.settled {
            let history = self.histories.get_mut(&update.pubkey);
            if let Some(history) = history.filter(|known| known.is_older_than(update)) {
                history.settled = Some(update.clone());
            }
            return true;
        }
        // Another stream may have brought what the region has, of a slot that is not settled either,
        // or is known to be void: then nothing is known of the account before. RPC's is confirmed.
        let (settled, dead) = (self.settled, &self.dead);
        let is_settled = |it: &AccountUpdate| {
            it.source == RPC_SOURCE || it.slot <= settled && !dead.contains(&it.slot)
        };
        let history = self
            .histories
            .entry(update.pubkey)
            .or_insert_with(|| History { settled: before().filter(is_settled), open: Vec::new() });
        self.bytes += update.data.len();
        // A slot is void as a whole: of what it brings of an account, the last is enough.
        match history.open.last_mut().filter(|last| last.slot == update.slot) {
            Some(last) => {
                self.bytes -= last.data.len();
                if last.write_version <= update.write_version {
                    *last = update.clone();
                } else {
                    self.bytes = self.bytes + last.data.len() - update.data.len();
                }
            }
            None => history.open.push(update.clone()),
        }
        if history.open.len() > KEPT {
            let early = history.open.remove(0);
            self.bytes -= early.data.len();
            history.settled = Some(early);
        }
        self.touched.entry(update.slot).or_default().insert(update.pubkey);
        while self.touched.len() > REMEMBERED || (self.bytes > KEPT_BYTES && self.touched.len() > 1)
        {
            self.settle_oldest();
        }
        true
    }

    /// Everything was fetched as of a confirmed slot that is this one or a later one: what came of
    /// older ones is in that, or replaced by it.
    pub fn fetched(&mut self, slot: u64) {
        while self.touched.first_key_value().is_some_and(|(first, _)| *first <= slot) {
            self.settle_oldest();
        }
        self.settled = self.settled.max(slot);
    }

    /// Takes the oldest slot for settled, whatever becomes of it.
    fn settle_oldest(&mut self) {
        let Some((slot, pubkeys)) = self.touched.pop_first() else { return };
        for pubkey in pubkeys {
            self.settle_account(&pubkey, slot);
        }
    }

    /// What the account was given up to `slot` is what later updates fall back on.
    fn settle_account(&mut self, pubkey: &Pubkey, slot: u64) {
        let Some(history) = self.histories.get_mut(pubkey) else { return };
        let (done, open): (Vec<_>, Vec<_>) =
            std::mem::take(&mut history.open).into_iter().partition(|update| update.slot <= slot);
        history.open = open;
        self.bytes -= done.iter().map(|update| update.data.len()).sum::<usize>();
        let newest = done.into_iter().max_by_key(|update| (update.slot, update.write_version));
        history.settled = newest.or(history.settled.take());
        // What is not under way needs no memory: the region has it.
        if history.open.is_empty() {
            self.histories.remove(pubkey);
        }
    }

    /// Word of a slot; what is to be undone because of it.
    pub fn slot(&mut self, update: SlotUpdate) -> Vec<Undo> {
        let slot = update.slot;
        if let Some(parent) = update.parent.filter(|parent| *parent < slot) {
            self.parents.insert(slot, parent);
        }
        match update.status {
            SlotStatus::Dead => self.orphan(slot),
            SlotStatus::Confirmed | SlotStatus::Finalized => self.settle(slot),
            SlotStatus::Begun | SlotStatus::Processed => self.settle_by_depth(slot),
        }
    }

    /// The tip's ancestor that lies deep enough is taken for confirmed.
    fn settle_by_depth(&mut self, tip: u64) -> Vec<Undo> {
        let deep = tip.saturating_sub(DEPTH);
        let ancestor = self.ancestors(tip).find(|slot| *slot <= deep);
        let undone = match ancestor.filter(|slot| *slot > self.settled) {
            Some(slot) => self.settle(slot),
            None => Vec::new(),
        };
        while self.parents.len() > REMEMBERED {
            self.parents.pop_first();
        }
        undone
    }

    fn ancestors(&self, slot: u64) -> impl Iterator<Item = u64> + '_ {
        std::iter::successors(Some(slot), |slot| self.parents.get(slot).copied())
    }

    /// `slot` is confirmed, and so are its ancestors; what is older and none of them is orphaned.
    fn settle(&mut self, slot: u64) -> Vec<Undo> {
        if slot <= self.settled {
            return Vec::new();
        }
        let chain: HashSet<u64> =
            self.ancestors(slot).take_while(|ancestor| *ancestor > self.settled).collect();
        // Where a parent is not known, nobody can say which of the older slots are its ancestors:
        // they are taken for such.
        let is_whole = self.ancestors(slot).any(|ancestor| ancestor <= self.settled);
        let older: Vec<u64> = self.touched.range(..=slot).map(|(slot, _)| *slot).collect();
        let mut undone = Vec::new();
        if is_whole {
            for orphan in older.iter().filter(|older| !chain.contains(older)) {
                undone.extend(self.orphan(*orphan));
            }
            // Those that have brought nothing yet may do so late.
            let first = self.settled.max(slot.saturating_sub(REMEMBERED as u64)) + 1;
            self.dead.extend((first..slot).filter(|other| !chain.contains(other)));
            self.forget_dead();
        }
        self.settled = slot;
        for settled in older {
            for pubkey in self.touched.remove(&settled).unwrap_or_default() {
                self.settle_account(&pubkey, slot);
            }
        }
        self.parents = self.parents.split_off(&slot);
        undone
    }

    /// What `slot` brought is void.
    fn orphan(&mut self, slot: u64) -> Vec<Undo> {
        self.dead.insert(slot);
        self.forget_dead();
        let pubkeys = self.touched.remove(&slot).unwrap_or_default();
        let undo = |pubkey: Pubkey| {
            let history = self.histories.get_mut(&pubkey)?;
            let (void, open): (Vec<_>, Vec<_>) =
                std::mem::take(&mut history.open).into_iter().partition(|it| it.slot == slot);
            history.open = open;
            self.bytes -= void.iter().map(|update| update.data.len()).sum::<usize>();
            let newest =
                history.open.iter().max_by_key(|update| (update.slot, update.write_version));
            let before = newest.or(history.settled.as_ref()).cloned();
            // What is not under way needs no memory: the region has it, or is about to.
            if history.open.is_empty() {
                self.histories.remove(&pubkey);
            }
            Some(match before {
                Some(before) => Undo::To { slot, before },
                None => Undo::Fetch { slot, pubkey },
            })
        };
        pubkeys.into_iter().filter_map(undo).collect()
    }

    fn forget_dead(&mut self) {
        while self.dead.len() > REMEMBERED {
            self.dead.pop_first();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: Pubkey = Pubkey([1; 32]);

    fn account(slot: u64, data: u8) -> AccountUpdate {
        AccountUpdate {
            pubkey: KEY,
            owner: None,
            slot,
            write_version: 0,
            lamports: 1,
            data: vec![data],
            received_ns: 0,
            source: 0,
        }
    }

    fn word(slot: u64, parent: u64, status: SlotStatus) -> SlotUpdate {
        SlotUpdate { slot, parent: Some(parent), status }
    }

    /// Slot 10 is confirmed, and 11 to 13 follow each other.
    fn chain() -> Forks {
        let mut forks = Forks::default();
        assert!(forks.slot(word(10, 9, SlotStatus::Confirmed)).is_empty());
        for slot in 11..=13 {
            assert!(forks.slot(word(slot, slot - 1, SlotStatus::Processed)).is_empty());
        }
        forks
    }

    #[test]
    fn a_dead_slot_is_undone_to_what_was_before_it() {
        let mut forks = chain();
        assert!(forks.put(&account(11, 1), || Some(account(9, 0))));
        assert!(forks.put(&account(12, 2), || unreachable!("it is known already")));
        let dead = SlotUpdate { slot: 12, parent: None, status: SlotStatus::Dead };
        assert_eq!(forks.slot(dead), [Undo::To { slot: 12, before: account(11, 1) }]);
        let dead = SlotUpdate { slot: 11, parent: None, status: SlotStatus::Dead };
        assert_eq!(forks.slot(dead), [Undo::To { slot: 11, before: account(9, 0) }]);
        assert!(!forks.put(&account(12, 3), || None), "and nothing of it is taken any more");
    }

    #[test]
    fn a_slot_that_is_no_ancestor_of_a_confirmed_one_is_undone() {
        let mut forks = chain();
        assert!(forks.put(&account(13, 3), || Some(account(9, 0))));
        // 14 builds on 12, so 13 is left aside.
        forks.slot(word(14, 12, SlotStatus::Processed));
        assert_eq!(
            forks.slot(word(14, 12, SlotStatus::Confirmed)),
            [Undo::To { slot: 13, before: account(9, 0) }]
        );
        assert_eq!(forks.settled(), 14);
    }

    #[test]
    fn a_confirmed_slot_settles_its_ancestors_though_no_word_of_them_came() {
        let mut forks = chain();
        assert!(forks.put(&account(12, 2), || Some(account(9, 0))));
        assert!(forks.slot(word(13, 12, SlotStatus::Finalized)).is_empty());
        let dead = SlotUpdate { slot: 12, parent: None, status: SlotStatus::Dead };
        assert!(forks.slot(dead).is_empty(), "too late: it is confirmed");
        assert!(forks.histories.is_empty() && forks.touched.is_empty());
    }

    #[test]
    fn without_any_word_of_confirmation_depth_settles() {
        let mut forks = Forks::default();
        forks.slot(word(100, 99, SlotStatus::Confirmed));
        assert!(forks.put(&account(101, 1), || Some(account(50, 0))));
        for slot in 102..140 {
            // 101 is skipped by all that follow.
            let parent = if slot == 102 { 100 } else { slot - 1 };
            let undone = forks.slot(word(slot, parent, SlotStatus::Processed));
            if !undone.is_empty() {
                assert_eq!(undone, [Undo::To { slot: 101, before: account(50, 0) }]);
            }
        }
        assert!(forks.settled() >= 140 - DEPTH - 2);
        assert!(forks.dead.contains(&101));
    }

    #[test]
    fn what_was_fetched_is_something_to_fall_back_on() {
        let mut forks = Forks::default();
        forks.slot(word(100, 99, SlotStatus::Begun));
        assert!(forks.put(&account(100, 1), || None));
        forks.fetched(100);
        assert!(forks.histories.is_empty() && forks.bytes == 0);
        assert!(forks.put(&account(101, 2), || Some(account(100, 1))));
        let dead = SlotUpdate { slot: 101, parent: None, status: SlotStatus::Dead };
        assert_eq!(forks.slot(dead), [Undo::To { slot: 101, before: account(100, 1) }]);
    }

    #[test]
    fn what_is_not_known_from_before_is_to_be_fetched() {
        let mut forks = chain();
        assert!(forks.put(&account(13, 3), || None));
        let dead = SlotUpdate { slot: 13, parent: None, status: SlotStatus::Dead };
        assert_eq!(forks.slot(dead), [Undo::Fetch { slot: 13, pubkey: KEY }]);
    }

    #[test]
    fn what_another_feed_has_brought_of_an_open_slot_is_nothing_to_fall_back_on() {
        let mut forks = chain();
        assert!(forks.put(&account(13, 3), || Some(account(13, 3))));
        let dead = SlotUpdate { slot: 13, parent: None, status: SlotStatus::Dead };
        assert_eq!(forks.slot(dead), [Undo::Fetch { slot: 13, pubkey: KEY }]);
        // Unless it is RPC that has brought it: what that says is confirmed.
        let fetched = AccountUpdate { source: RPC_SOURCE, ..account(13, 3) };
        assert!(forks.put(&account(15, 5), || Some(fetched.clone())));
        let dead = SlotUpdate { slot: 15, parent: None, status: SlotStatus::Dead };
        assert_eq!(forks.slot(dead), [Undo::To { slot: 15, before: fetched }]);
        let mut forks = chain();
        forks.slot(SlotUpdate { slot: 13, parent: None, status: SlotStatus::Dead });
        // Nor what is of a slot that is void.
        assert!(forks.put(&account(14, 4), || Some(account(13, 3))));
        let dead = SlotUpdate { slot: 14, parent: None, status: SlotStatus::Dead };
        assert_eq!(forks.slot(dead), [Undo::Fetch { slot: 14, pubkey: KEY }]);
    }

    #[test]
    fn a_slot_that_was_left_aside_brings_nothing_even_if_it_is_late() {
        let mut forks = chain();
        // 13 is skipped by what is confirmed, before it has brought anything.
        forks.slot(word(14, 12, SlotStatus::Processed));
        assert!(forks.slot(word(14, 12, SlotStatus::Confirmed)).is_empty());
        assert!(!forks.put(&account(13, 3), || Some(account(9, 0))));
        assert!(forks.put(&account(12, 2), || Some(account(9, 0))), "an ancestor may be late");
    }

    #[test]
    fn of_a_slot_only_the_last_of_an_account_is_kept() {
        let mut forks = chain();
        for data in 0..100 {
            assert!(forks.put(&account(13, data), || Some(account(9, 0))));
        }
        assert_eq!((forks.histories[&KEY].open.len(), forks.bytes), (1, 1));
        assert!(forks.put(&account(14, 4), || unreachable!("it is known already")));
        let dead = SlotUpdate { slot: 14, parent: None, status: SlotStatus::Dead };
        assert_eq!(forks.slot(dead), [Undo::To { slot: 14, before: account(13, 99) }]);
    }

    #[test]
    fn many_large_accounts_are_settled_early_rather_than_kept() {
        let mut forks = chain();
        for number in 0..200_u64 {
            let slot = 13 + number / 10;
            let mut update = account(slot, 0);
            update.pubkey.0[..8].copy_from_slice(&number.to_le_bytes());
            update.data = vec![0; 1 << 20];
            assert!(forks.put(&update, || None));
        }
        assert!(forks.bytes <= KEPT_BYTES, "{}", forks.bytes);
        let kept: usize = forks.histories.values().map(|history| history.open.len()).sum();
        assert_eq!(forks.bytes, kept << 20, "what is counted is what is there");
        assert_eq!(forks.histories.len(), kept);
    }

    #[test]
    fn memory_is_bounded_though_nothing_is_ever_settled() {
        let mut forks = Forks::default();
        for slot in 1..5000 {
            // Each is a root of its own.
            forks.slot(SlotUpdate { slot, parent: None, status: SlotStatus::Processed });
            forks.put(&account(slot, 0), || None);
        }
        assert!(forks.parents.len() <= REMEMBERED);
        assert!(forks.histories[&KEY].open.len() <= KEPT);
        assert!(forks.touched.len() <= REMEMBERED, "{}", forks.touched.len());
    }
}
