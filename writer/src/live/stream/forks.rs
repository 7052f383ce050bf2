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
mod tests;
