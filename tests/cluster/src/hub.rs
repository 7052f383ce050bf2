//! From the chain to the connections of one streaming protocol, through that protocol's faults.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use driftshm_layout::Pubkey;
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;

use crate::chain::{AccountNotice, Notice, SlotEvent, SlotNotice, What};
use crate::commitment::Commitment;
use crate::faults::{Line, Shape};

/// An update that is held back comes after so many slots in any case.
const HELD_FOR_SLOTS: u64 = 2;

#[derive(Debug, Default)]
struct Inner {
    next: u64,
    streams: HashMap<u64, mpsc::Sender<Arc<Notice>>>,
    /// The newest slot that was processed.
    slot: u64,
    /// Updates held back until the next one of the same account has overtaken them, and the slot
    /// since which they are.
    held: HashMap<(Pubkey, Commitment), (u64, Arc<Notice>)>,
}

/// All streams of one protocol.
#[derive(Debug)]
pub(crate) struct Hub {
    line: Arc<Line>,
    queue: usize,
    inner: Mutex<Inner>,
}

/// One connection's share: it ends when the connection was too slow.
#[derive(Debug)]
pub(crate) struct Stream {
    pub notices: mpsc::Receiver<Arc<Notice>>,
    id: u64,
    hub: Arc<Hub>,
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.hub.lock().streams.remove(&self.id);
    }
}

impl Hub {
    /// Streams may lag by `queue` notices.
    pub fn new(line: Arc<Line>, queue: usize) -> Arc<Self> {
        Arc::new(Self { line, queue: queue.max(1), inner: Mutex::default() })
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A stream of all that is told from now on.
    pub fn subscribe(self: &Arc<Self>) -> Stream {
        let (sender, notices) = mpsc::channel(self.queue);
        let mut inner = self.lock();
        inner.next += 1;
        let id = inner.next;
        inner.streams.insert(id, sender);
        Stream { notices, id, hub: Arc::clone(self) }
    }

    /// Tells all streams, as far as the faults in force let it.
    pub fn publish(&self, notices: &[Arc<Notice>]) {
        if notices.is_empty() {
            return;
        }
        let mut inner = self.lock();
        let shape = self.line.shape();
        for notice in notices {
            inner.shape(&shape, &self.line, notice);
        }
    }

    /// Tells what was held back.
    pub fn release(&self) {
        let mut inner = self.lock();
        let held = std::mem::take(&mut inner.held);
        for (_, notice) in held.into_values() {
            inner.send(&notice);
        }
    }
}

impl Inner {
    fn shape(&mut self, shape: &Shape, line: &Line, notice: &Arc<Notice>) {
        if shape.silence {
            return;
        }
        match &notice.what {
            What::Slot(slot) => {
                if slot.event == SlotEvent::Processed {
                    self.slot = slot.slot;
                    self.release_older(slot.slot.saturating_sub(HELD_FOR_SLOTS));
                }
                if shape.stall || shape.omits(slot.event) {
                    return;
                }
                match shape.slots_back {
                    0 => self.send(notice),
                    by => self.send(&Notice::slot(notice.number, back(*slot, by))),
                }
            }
            What::Account(account) => {
                if account.written.withheld.has(line.protocol()) {
                    return;
                }
                if shape.reorders(&account.written.account.pubkey) {
                    self.reorder(account, notice);
                } else {
                    self.send(notice);
                }
                if shape.duplicate {
                    self.send(notice);
                }
            }
        }
    }

    /// Lets this update overtake the one before it, or holds it back for the next to do so.
    fn reorder(&mut self, account: &AccountNotice, notice: &Arc<Notice>) {
        let key = (account.written.account.pubkey, account.commitment);
        match self.held.remove(&key) {
            Some((_, overtaken)) => {
                self.send(notice);
                self.send(&overtaken);
            }
            None => {
                self.held.insert(key, (self.slot, Arc::clone(notice)));
            }
        }
    }

    fn release_older(&mut self, than: u64) {
        if self.held.is_empty() {
            return;
        }
        let mut old = Vec::new();
        self.held.retain(|_, (since, notice)| {
            let keep = *since > than;
            if !keep {
                old.push(Arc::clone(notice));
            }
            keep
        });
        for notice in old {
            self.send(&notice);
        }
    }

    fn send(&mut self, notice: &Arc<Notice>) {
        self.streams.retain(|_, stream| match stream.try_send(Arc::clone(notice)) {
            Ok(()) => true,
            // Its end of the channel sees that there is no more, and says that it lagged.
            Err(TrySendError::Full(_) | TrySendError::Closed(_)) => false,
        });
    }
}

fn back(slot: SlotNotice, by: u64) -> SlotNotice {
    SlotNotice {
        slot: slot.slot.saturating_sub(by),
        parent: slot.parent.saturating_sub(by),
        root: slot.root.saturating_sub(by),
        event: slot.event,
    }
}
