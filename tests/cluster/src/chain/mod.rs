//! The chain: one truth behind all servers.

mod account;
mod notice;
mod state;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use driftshm_layout::Pubkey;

pub(crate) use account::Written;
pub use account::{Account, SYSTEM_PROGRAM, rent};
pub(crate) use notice::{AccountNotice, Notice, SlotEvent, SlotNotice, What};
pub(crate) use state::Rules;

use crate::commitment::Commitment;
use crate::hub::Hub;
use crate::protocol::Protocols;
use state::State;

/// An account to be written, with the chain's own slot and write version.
#[derive(Debug, Clone)]
pub(crate) struct Write {
    pub pubkey: Pubkey,
    pub owner: Pubkey,
    pub lamports: u64,
    pub data: Bytes,
}

#[derive(Debug)]
struct Inner {
    state: State,
    /// Accounts whose next updates some streams leave out, and how many of them.
    skips: HashMap<Pubkey, (Protocols, u64)>,
    /// What accounts were before they were closed.
    closed: HashMap<Pubkey, Account>,
    /// Notices of the change that is being made.
    out: Vec<Arc<Notice>>,
}

/// Accounts and slots, and the streams that are told of every change.
#[derive(Debug)]
pub(crate) struct Chain {
    inner: Mutex<Inner>,
    hubs: Vec<Arc<Hub>>,
    start: u64,
}

/// The state that a server answers from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct View {
    /// The slot that an answer names, and whose state it has.
    pub slot: u64,
}

impl Chain {
    pub fn new(rules: Rules, start: u64, hubs: Vec<Arc<Hub>>) -> Self {
        let inner = Inner {
            state: State::new(rules, start),
            skips: HashMap::new(),
            closed: HashMap::new(),
            out: Vec::new(),
        };
        Self { inner: Mutex::new(inner), hubs, start }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Nothing panics under the lock; if it did, the test that sees it fails anyway.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes something and tells the streams of it, in the same order everywhere.
    fn change<T>(&self, change: impl FnOnce(&mut Inner) -> T) -> T {
        let mut inner = self.lock();
        let result = change(&mut inner);
        for hub in &self.hubs {
            hub.publish(&inner.out);
        }
        inner.out.clear();
        result
    }

    /// Puts an account there as if it had always been.
    pub fn place(&self, write: Write) {
        let mut inner = self.lock();
        let write_version = inner.state.next_write_version();
        let Write { pubkey, owner, lamports, data } = write;
        let account = Account { pubkey, owner, lamports, data, slot: self.start, write_version };
        inner.state.place(Written { account, withheld: Protocols::NONE });
    }

    /// Writes accounts in the open slot.
    pub fn write(&self, writes: impl IntoIterator<Item = Write>) {
        self.change(|inner| writes.into_iter().for_each(|write| drop(inner.write(write))));
    }

    /// Writes an account in the open slot.
    pub fn write_one(&self, write: Write) -> Account {
        self.change(|inner| inner.write(write))
    }

    /// Writes an account that depends on how it is; `None` if there is none, or it declines.
    pub fn rewrite(
        &self,
        pubkey: &Pubkey,
        change: impl FnOnce(&Account) -> Option<Write>,
    ) -> Option<Account> {
        self.change(|inner| {
            let tip = inner.state.slot(Commitment::Processed);
            let now = &inner.state.account_at(pubkey, tip)?.account;
            let write = change(now)?;
            Some(inner.write(write))
        })
    }

    /// Closes an account. `None` if it does not exist.
    pub fn close(&self, pubkey: &Pubkey, keep_owner: bool) -> Option<Account> {
        self.change(|inner| {
            let tip = inner.state.slot(Commitment::Processed);
            let now = inner.state.account_at(pubkey, tip)?.account.clone();
            if !now.exists() {
                return None;
            }
            let owner = if keep_owner { now.owner } else { SYSTEM_PROGRAM };
            let write = Write { pubkey: *pubkey, owner, lamports: 0, data: Bytes::new() };
            inner.closed.insert(*pubkey, now);
            Some(inner.write(write))
        })
    }

    /// Opens an account again, as it was when it was closed.
    pub fn reopen(&self, pubkey: &Pubkey) -> Option<Account> {
        self.change(|inner| {
            let Account { pubkey, owner, lamports, data, .. } = inner.closed.remove(pubkey)?;
            Some(inner.write(Write { pubkey, owner, lamports, data }))
        })
    }

    /// Has some streams leave out the next updates of an account.
    pub fn skip(&self, pubkey: &Pubkey, streams: Protocols, count: u64) {
        self.lock().skips.insert(*pubkey, (streams, count));
    }

    /// Forgets what was to be left out.
    pub fn heal(&self) {
        self.lock().skips.clear();
    }

    /// Ends the open slot and begins the next, whose number is returned.
    pub fn advance(&self) -> u64 {
        self.change(|inner| {
            inner.state.advance(&mut inner.out);
            inner.state.slot(Commitment::Processed)
        })
    }

    /// Undoes slots that are not confirmed; returns them.
    pub fn orphan(&self, slots: usize, announce: bool) -> Vec<u64> {
        self.change(|inner| inner.state.orphan(slots, announce, &mut inner.out))
    }

    /// Forgets what a node forgets that is restarted.
    pub fn restart(&self) {
        self.lock().state.restart();
    }

    /// The first slot that can be replayed.
    pub fn replay_from(&self) -> u64 {
        self.lock().state.replay_from()
    }

    /// The newest slot of a commitment.
    pub fn slot(&self, commitment: Commitment) -> u64 {
        self.lock().state.slot(commitment)
    }

    /// The state of a commitment as a server sees it that is so many slots behind.
    pub fn view(&self, commitment: Commitment, behind: u64) -> View {
        View { slot: self.slot(commitment).saturating_sub(behind).max(self.start) }
    }

    /// The account in that state, if it exists.
    pub fn account(&self, pubkey: &Pubkey, view: View) -> Option<Account> {
        let inner = self.lock();
        let written = inner.state.account_at(pubkey, view.slot)?;
        written.account.exists().then(|| written.account.clone())
    }

    /// Several accounts of the same moment.
    pub fn accounts(&self, pubkeys: &[Pubkey], view: View) -> Vec<Option<Account>> {
        let inner = self.lock();
        let find = |pubkey| {
            let written = inner.state.account_at(pubkey, view.slot)?;
            written.account.exists().then(|| written.account.clone())
        };
        pubkeys.iter().map(find).collect()
    }

    /// The accounts in that state that fit.
    pub fn find(&self, view: View, fits: impl Fn(&Account) -> bool) -> Vec<Account> {
        let inner = self.lock();
        inner.state.accounts_at(view.slot).filter(|account| fits(account)).cloned().collect()
    }

    /// The number of the newest notice: who subscribes now wants those after it.
    pub fn notices(&self) -> u64 {
        self.lock().state.notices
    }

    /// What was told since the beginning of a slot, and the number of the newest notice in it. The
    /// error is the first slot that can be replayed.
    pub fn replay(
        &self,
        from: u64,
        commitment: Commitment,
    ) -> Result<(Vec<Arc<Notice>>, u64), u64> {
        let inner = self.lock();
        let replayed = inner.state.replay(from, commitment);
        replayed.map(|list| (list, inner.state.notices)).ok_or(inner.state.replay_from())
    }
}

impl Inner {
    fn write(&mut self, write: Write) -> Account {
        let Write { pubkey, owner, lamports, data } = write;
        let mut withheld = Protocols::NONE;
        if let Some((streams, left)) = self.skips.get_mut(&pubkey) {
            withheld = *streams;
            *left = left.saturating_sub(1);
            if *left == 0 {
                self.skips.remove(&pubkey);
            }
        }
        let slot = self.state.slot(Commitment::Processed);
        let write_version = self.state.next_write_version();
        let account = Account { pubkey, owner, lamports, data, slot, write_version };
        let written = Arc::new(Written { account: account.clone(), withheld });
        self.state.write(written, &mut self.out);
        account
    }
}

#[cfg(test)]
mod tests;
