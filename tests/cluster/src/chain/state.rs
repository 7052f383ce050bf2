//! Accounts and slots: what was written when, and which of it still counts.
//!
//! ```text
//!            finalize_after live slots      confirm_after     the tip
//!  … ── finalized ── … ── confirmed ── … ── processed ── … ── open
//!                                      └─ an orphaned slot: its writes are undone,
//!                                         the next slot has another parent
//! ```

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use driftshm_layout::Pubkey;

use super::account::{Account, Written};
use super::notice::{Notice, SlotEvent, SlotNotice};
use crate::commitment::Commitment;

/// States of an account further back than the finalized one, for servers that lag.
const KEEP_BEHIND_FINALIZED: u64 = 64;

/// How the chain behaves.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rules {
    /// So many live slots after a slot confirm it.
    pub confirm_after: usize,
    /// So many live confirmed slots after a slot finalize it.
    pub finalize_after: usize,
    /// So many slots can be replayed.
    pub replay_slots: u64,
    /// Data of replayable writes beyond which the oldest are dropped.
    pub replay_bytes: usize,
}

/// A slot that is still remembered.
#[derive(Debug)]
struct Slot {
    parent: u64,
    /// `CreatedBank` (open), `Processed`, `Confirmed`, `Finalized` or `Dead`.
    status: SlotEvent,
    writes: Vec<Arc<Written>>,
    bytes: usize,
}

#[derive(Debug)]
pub(super) struct State {
    rules: Rules,
    /// States of each account, one a slot, oldest first.
    history: HashMap<Pubkey, Vec<Arc<Written>>>,
    slots: BTreeMap<u64, Slot>,
    tip: u64,
    confirmed: u64,
    finalized: u64,
    /// Live slots that are processed but not confirmed, confirmed but not finalized.
    unconfirmed: VecDeque<u64>,
    unfinalized: VecDeque<u64>,
    write_version: u64,
    replay_bytes: usize,
    /// The first slot that can be replayed.
    replay_from: u64,
    pub notices: u64,
}

impl State {
    /// A chain whose slot `start` is final, and the next one open.
    pub fn new(rules: Rules, start: u64) -> Self {
        let tip = start.saturating_add(1);
        let slot = |parent, status| Slot { parent, status, writes: Vec::new(), bytes: 0 };
        Self {
            rules,
            history: HashMap::new(),
            slots: BTreeMap::from([
                (start, slot(start.saturating_sub(1), SlotEvent::Finalized)),
                (tip, slot(start, SlotEvent::CreatedBank)),
            ]),
            tip,
            confirmed: start,
            finalized: start,
            unconfirmed: VecDeque::new(),
            unfinalized: VecDeque::new(),
            write_version: 0,
            replay_bytes: 0,
            replay_from: tip,
            notices: 0,
        }
    }

    pub fn slot(&self, commitment: Commitment) -> u64 {
        match commitment {
            Commitment::Processed => self.tip,
            Commitment::Confirmed => self.confirmed,
            Commitment::Finalized => self.finalized,
        }
    }

    /// The first slot that can be replayed.
    pub fn replay_from(&self) -> u64 {
        self.replay_from
    }

    pub fn next_write_version(&mut self) -> u64 {
        self.write_version += 1;
        self.write_version
    }

    /// The account as of a slot, whether or not it exists then.
    pub fn account_at(&self, pubkey: &Pubkey, slot: u64) -> Option<&Arc<Written>> {
        self.history.get(pubkey)?.iter().rev().find(|written| written.account.slot <= slot)
    }

    /// All accounts that exist as of a slot.
    pub fn accounts_at(&self, slot: u64) -> impl Iterator<Item = &Account> {
        self.history.values().filter_map(move |states| {
            let written = states.iter().rev().find(|written| written.account.slot <= slot)?;
            written.account.exists().then_some(&written.account)
        })
    }

    /// Puts an account there as if it had always been; nobody is told.
    pub fn place(&mut self, written: Written) {
        self.history.insert(written.account.pubkey, vec![Arc::new(written)]);
    }

    /// Writes an account in the open slot.
    pub fn write(&mut self, written: Arc<Written>, out: &mut Vec<Arc<Notice>>) {
        let horizon = self.finalized.saturating_sub(KEEP_BEHIND_FINALIZED);
        let states = self.history.entry(written.account.pubkey).or_default();
        states.retain_from_last(horizon);
        match states.last_mut() {
            Some(last) if last.account.slot == written.account.slot => *last = Arc::clone(&written),
            _ => states.push(Arc::clone(&written)),
        }
        let number = self.next_number();
        out.push(Notice::account(number, Commitment::Processed, &written));
        if let Some(slot) = self.slots.get_mut(&self.tip) {
            slot.bytes += written.account.data.len();
            self.replay_bytes += written.account.data.len();
            slot.writes.push(written);
        }
    }

    /// Ends the open slot and begins the next.
    pub fn advance(&mut self, out: &mut Vec<Arc<Notice>>) {
        let ended = self.tip;
        self.tell(ended, SlotEvent::Completed, out);
        self.set_status(ended, SlotEvent::Processed, out);
        self.unconfirmed.push_back(ended);
        while self.unconfirmed.len() > self.rules.confirm_after {
            let Some(slot) = self.unconfirmed.pop_front() else { break };
            self.bring(slot, Commitment::Confirmed, out);
            self.confirmed = slot;
            self.set_status(slot, SlotEvent::Confirmed, out);
            self.unfinalized.push_back(slot);
        }
        while self.unfinalized.len() > self.rules.finalize_after {
            let Some(slot) = self.unfinalized.pop_front() else { break };
            self.bring(slot, Commitment::Finalized, out);
            self.finalized = slot;
            self.set_status(slot, SlotEvent::Finalized, out);
        }
        self.begin(ended, out);
        self.forget();
    }

    /// Undoes the newest `count` slots that are not confirmed, the open one first, and begins the
    /// next on what is left. Returns the slots that are dead now.
    pub fn orphan(&mut self, count: usize, announce: bool, out: &mut Vec<Arc<Notice>>) -> Vec<u64> {
        let mut dead = Vec::new();
        for place in 0..count.max(1) {
            let victim = if place == 0 { Some(self.tip) } else { self.unconfirmed.pop_back() };
            let Some(victim) = victim else { break };
            self.undo(victim);
            if announce {
                self.tell(victim, SlotEvent::Dead, out);
            }
            dead.push(victim);
        }
        let parent = self.unconfirmed.back().copied().unwrap_or(self.confirmed);
        self.begin(parent, out);
        dead
    }

    fn undo(&mut self, victim: u64) {
        let Some(slot) = self.slots.get_mut(&victim) else { return };
        slot.status = SlotEvent::Dead;
        for written in &slot.writes {
            if let Some(states) = self.history.get_mut(&written.account.pubkey) {
                states.retain(|state| state.account.slot != victim);
                if states.is_empty() {
                    self.history.remove(&written.account.pubkey);
                }
            }
        }
    }

    fn begin(&mut self, parent: u64, out: &mut Vec<Arc<Notice>>) {
        self.tip += 1;
        let status = SlotEvent::CreatedBank;
        self.slots.insert(self.tip, Slot { parent, status, writes: Vec::new(), bytes: 0 });
        self.tell(self.tip, SlotEvent::FirstShredReceived, out);
        self.tell(self.tip, SlotEvent::CreatedBank, out);
    }

    /// Brings a slot's writes at a higher commitment: of each account the last.
    fn bring(&mut self, slot: u64, commitment: Commitment, out: &mut Vec<Arc<Notice>>) {
        let Some(slot) = self.slots.get(&slot) else { return };
        let writes = last_writes(&slot.writes);
        for written in writes {
            self.notices += 1;
            out.push(Notice::account(self.notices, commitment, &written));
        }
    }

    fn set_status(&mut self, slot: u64, status: SlotEvent, out: &mut Vec<Arc<Notice>>) {
        if let Some(known) = self.slots.get_mut(&slot) {
            known.status = status;
        }
        self.tell(slot, status, out);
    }

    fn tell(&mut self, slot: u64, event: SlotEvent, out: &mut Vec<Arc<Notice>>) {
        let parent = self.slots.get(&slot).map_or(slot.saturating_sub(1), |known| known.parent);
        let number = self.next_number();
        out.push(Notice::slot(number, SlotNotice { slot, parent, root: self.finalized, event }));
    }

    fn next_number(&mut self) -> u64 {
        self.notices += 1;
        self.notices
    }

    /// Forgets slots that can no longer be replayed. Those that wait to be finalized stay.
    fn forget(&mut self) {
        let oldest = self.tip.saturating_sub(self.rules.replay_slots);
        while let Some((&first, slot)) = self.slots.first_key_value() {
            let too_old = first < oldest || self.replay_bytes > self.rules.replay_bytes;
            let needed = self.unfinalized.front().or(self.unconfirmed.front()).unwrap_or(&self.tip);
            if !too_old || first >= *needed {
                break;
            }
            self.replay_bytes = self.replay_bytes.saturating_sub(slot.bytes);
            self.slots.remove(&first);
            self.replay_from = self.replay_from.max(first + 1);
        }
        self.replay_from = self.replay_from.max(oldest);
    }

    /// How many states of accounts and writes of slots are kept.
    #[cfg(test)]
    pub fn remembered(&self) -> usize {
        let states: usize = self.history.values().map(Vec::len).sum();
        let writes: usize = self.slots.values().map(|slot| slot.writes.len()).sum();
        states + writes
    }

    /// A node that was restarted can replay only what it saw itself, and counts its writes anew.
    pub fn restart(&mut self) {
        self.replay_from = self.tip;
        self.write_version = 0;
    }

    /// What a stream at this commitment would have brought since the beginning of slot `from`;
    /// `None` if that is too long ago.
    pub fn replay(&self, from: u64, commitment: Commitment) -> Option<Vec<Arc<Notice>>> {
        if from < self.replay_from {
            return None;
        }
        let mut out = Vec::new();
        for (&number, slot) in self.slots.range(from..) {
            let reached = match slot.status {
                SlotEvent::Finalized => Some(Commitment::Finalized),
                SlotEvent::Confirmed => Some(Commitment::Confirmed),
                _ => Some(Commitment::Processed),
            };
            if reached < Some(commitment) {
                continue;
            }
            let writes = match commitment {
                Commitment::Processed => slot.writes.clone(),
                _ => last_writes(&slot.writes),
            };
            out.extend(writes.iter().map(|written| Notice::account(0, commitment, written)));
            let events: &[SlotEvent] = match slot.status {
                SlotEvent::Processed => &[SlotEvent::Processed],
                SlotEvent::Confirmed => &[SlotEvent::Processed, SlotEvent::Confirmed],
                SlotEvent::Finalized => {
                    &[SlotEvent::Processed, SlotEvent::Confirmed, SlotEvent::Finalized]
                }
                SlotEvent::Dead => &[SlotEvent::Dead],
                _ => &[],
            };
            for event in events {
                let (parent, root, event) = (slot.parent, self.finalized, *event);
                out.push(Notice::slot(0, SlotNotice { slot: number, parent, root, event }));
            }
        }
        Some(out)
    }
}

/// Of each account the last write, in the order of those.
fn last_writes(writes: &[Arc<Written>]) -> Vec<Arc<Written>> {
    let mut last = HashMap::with_capacity(writes.len());
    for (place, written) in writes.iter().enumerate() {
        last.insert(written.account.pubkey, place);
    }
    let is_last =
        |place: usize, written: &Written| last.get(&written.account.pubkey) == Some(&place);
    let kept = writes.iter().enumerate().filter(|(place, written)| is_last(*place, written));
    kept.map(|(_, written)| Arc::clone(written)).collect()
}

trait RetainFromLast {
    /// Drops states that are older than the newest one of `horizon` or before.
    fn retain_from_last(&mut self, horizon: u64);
}

impl RetainFromLast for Vec<Arc<Written>> {
    fn retain_from_last(&mut self, horizon: u64) {
        let base = self.iter().rposition(|state| state.account.slot <= horizon).unwrap_or(0);
        self.drain(..base);
    }
}
