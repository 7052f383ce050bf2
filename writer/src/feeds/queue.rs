//! The queue between feeds and the publisher: bounded, and under pressure conflated by account.
//!
//! Every update goes through while the publisher keeps up. When it does not, of each account's
//! waiting updates only the newest stays: a burst costs the overwritten version, never memory.
//!
//! Whoever puts something into the empty queue sees to it that it is taken: by the [`Taker`], in
//! this very thread, or else by waking who is in [`Queue::wait`]. Who adds to it before that need do
//! nothing.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use driftshm_layout::{Stamp, clock};

use super::{AccountUpdate, FeedEvent};

/// Updates that may wait before they are conflated.
const CONFLATE_AT: usize = 8192;
/// Updates, and events, that are few: done with in some 10 µs.
pub const FEW: usize = 16;
/// Distinct accounts that may wait before feeds are held back.
const HOLD_BACK_AT: usize = 65_536;

/// What the publisher gets in one go, in the order in which it came.
#[derive(Debug, Default)]
pub struct Batch {
    /// The accounts.
    pub updates: Vec<AccountUpdate>,
    /// What feeds said, with the source's rank.
    pub events: Vec<(u8, FeedEvent)>,
    /// How many updates were overwritten while they waited.
    pub conflated: u64,
    /// All that feeds had handed over by then, CLOCK_MONOTONIC ns, is in this batch or was in an
    /// earlier one. `None`: some of it is still held back.
    pub whole_until_ns: Option<u64>,
}

impl Batch {
    fn is_empty(&self) -> bool {
        self.updates.is_empty() && self.events.is_empty()
    }

    /// Keeps its memory.
    pub fn clear(&mut self) {
        self.updates.clear();
        self.events.clear();
        self.conflated = 0;
        self.whole_until_ns = None;
    }
}

#[derive(Default)]
struct Waiting {
    batch: Batch,
    /// Conflate when this many wait; grows with the number of distinct accounts.
    conflate_at: usize,
    woken: bool,
    /// How many feeds wait for room.
    held_back: usize,
}

impl Waiting {
    fn are_few(&self) -> bool {
        let Batch { updates, events, .. } = &self.batch;
        !self.woken
            && updates.len() <= FEW
            && events.len() <= FEW
            && events.iter().all(|(_, event)| event.is_soon_done())
    }
}

/// Takes from the queue in the thread of a feed that has put something in it.
pub trait Taker: Send + Sync {
    /// Takes what waits and sees it through, if that can be done at once; false if not.
    fn take_at_once(&self) -> bool;
}

/// Shared by all feeds and the publisher.
#[derive(Default)]
pub struct Queue {
    waiting: Mutex<Waiting>,
    filled: Condvar,
    emptied: Condvar,
    stopped: AtomicBool,
    taker: OnceLock<Arc<dyn Taker>>,
}

impl Queue {
    /// An empty queue.
    pub fn new() -> Arc<Self> {
        Arc::new(Self::default())
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        // Nothing panics under the lock; if it did, what is queued would still be whole.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on feeds ask it before they wake who waits. Only the first one counts.
    pub fn set_taker(&self, taker: Arc<dyn Taker>) {
        let _ = self.taker.set(taker);
    }

    /// Waits until there is something to take or somebody calls, at most until `deadline`.
    pub fn wait(&self, deadline: Instant) {
        let mut waiting = self.lock();
        while waiting.batch.is_empty() && !waiting.woken && !self.is_stopped() {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            let woken = self.filled.wait_timeout(waiting, left);
            waiting = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Moves all that waits into `batch`, which is emptied first.
    pub fn take(&self, batch: &mut Batch) {
        batch.clear();
        let mut waiting = self.lock();
        waiting.woken = false;
        self.hand_out(waiting, batch);
    }

    /// The same, if it is [`FEW`] at most, none of which takes time, and nobody has called for who
    /// waits in [`Queue::wait`].
    pub fn take_few(&self, batch: &mut Batch) -> bool {
        batch.clear();
        let waiting = self.lock();
        let is_for_us = waiting.are_few();
        if is_for_us {
            self.hand_out(waiting, batch);
        }
        is_for_us
    }

    /// Into an empty batch: what was in it is not given back under the lock.
    fn hand_out(&self, mut waiting: MutexGuard<'_, Waiting>, batch: &mut Batch) {
        std::mem::swap(&mut waiting.batch, batch);
        if waiting.held_back == 0 {
            // Before anybody else hands anything over.
            batch.whole_until_ns = Some(clock::monotonic_ns());
        } else {
            drop(waiting);
            self.emptied.notify_all();
        }
    }

    /// Makes [`Queue::wait`] return: something else than a feed wants the publisher.
    pub fn wake(&self) {
        self.lock().woken = true;
        self.filled.notify_one();
    }

    /// Tells all feeds to end.
    pub fn stop(&self) {
        self.stopped.store(true, Ordering::Release);
        self.wake();
        self.emptied.notify_all();
    }

    /// Whether feeds are to end.
    pub fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Acquire)
    }

    pub(super) fn push(&self, updates: &mut Vec<AccountUpdate>, source: u8) {
        let mut waiting = self.lock();
        while waiting.batch.updates.len() >= HOLD_BACK_AT && !self.is_stopped() {
            conflate(&mut waiting);
            if waiting.batch.updates.len() < HOLD_BACK_AT {
                break;
            }
            let timeout = Duration::from_millis(100);
            waiting.held_back += 1;
            let woken = self.emptied.wait_timeout(waiting, timeout);
            waiting = woken.unwrap_or_else(PoisonError::into_inner).0;
            waiting.held_back -= 1;
        }
        let was_empty = waiting.batch.is_empty();
        waiting
            .batch
            .updates
            .extend(updates.drain(..).map(|update| AccountUpdate { source, ..update }));
        if waiting.batch.updates.len() >= waiting.conflate_at.max(CONFLATE_AT) {
            conflate(&mut waiting);
        }
        if was_empty {
            self.have_it_taken(waiting);
        }
    }

    /// The same without conflating, as far as it is up to this feed: waits for the publisher.
    pub(super) fn push_all(&self, updates: &mut Vec<AccountUpdate>) {
        let mut waiting = self.lock();
        // What is taken back was brought before and is not brought after: a batch of both would be
        // published in another order.
        let is_taken_back = |event: &(u8, FeedEvent)| matches!(event.1, FeedEvent::TakeBack { .. });
        while !self.is_stopped()
            && (waiting.batch.updates.len() >= CONFLATE_AT / 2
                || waiting.batch.events.iter().any(is_taken_back))
        {
            let timeout = Duration::from_millis(100);
            waiting.held_back += 1;
            let woken = self.emptied.wait_timeout(waiting, timeout);
            waiting = woken.unwrap_or_else(PoisonError::into_inner).0;
            waiting.held_back -= 1;
        }
        let was_empty = waiting.batch.is_empty();
        waiting.batch.updates.append(updates);
        if was_empty {
            self.have_it_taken(waiting);
        }
    }

    pub(super) fn push_event(&self, source: u8, event: FeedEvent) {
        let mut waiting = self.lock();
        let was_empty = waiting.batch.is_empty();
        // A slot replaces the one that still waits; states and counts are rare.
        let last = waiting.batch.events.last_mut();
        match (last, &event) {
            (Some((from, FeedEvent::Slot(old))), FeedEvent::Slot(new)) if *from == source => {
                *old = (*old).max(*new);
            }
            (Some((from, FeedEvent::Confirmed(old))), FeedEvent::Confirmed(new))
                if *from == source =>
            {
                *old = (*old).max(*new);
            }
            (Some((from, FeedEvent::Vouched(old))), FeedEvent::Vouched(new)) if *from == source => {
                *old = (*old).max(*new);
            }
            (Some((from, FeedEvent::Count(what, old))), FeedEvent::Count(which, new))
                if *from == source && what == which =>
            {
                *old += new;
            }
            _ => waiting.batch.events.push((source, event)),
        }
        if was_empty {
            self.have_it_taken(waiting);
        }
    }

    fn have_it_taken(&self, waiting: MutexGuard<'_, Waiting>) {
        // To try it with many would only be in the publisher's way.
        let taker = self.taker.get().filter(|_| waiting.are_few());
        drop(waiting);
        if !taker.is_some_and(|taker| taker.take_at_once()) {
            self.filled.notify_one();
        }
    }
}

/// Keeps of each account and source the update that replaces the others: the one that would be
/// left if all of them were published.
fn conflate(waiting: &mut Waiting) {
    let updates = &mut waiting.batch.updates;
    let before = updates.len();
    let mut newest: HashMap<_, (usize, Stamp)> = HashMap::with_capacity(before);
    for (place, update) in updates.iter().enumerate() {
        let AccountUpdate { slot, write_version, source, .. } = *update;
        let stamp = Stamp { slot, write_version, source };
        let known = newest.entry((update.pubkey, source)).or_insert((place, stamp));
        if stamp.replaces(&known.1) {
            *known = (place, stamp);
        }
    }
    let mut place = 0;
    updates.retain(|update| {
        let newest = newest.get(&(update.pubkey, update.source));
        let keep = newest.is_some_and(|newest| newest.0 == place);
        place += 1;
        keep
    });
    waiting.batch.conflated += (before - updates.len()) as u64;
    waiting.conflate_at = updates.len() * 2;
}

#[cfg(test)]
mod tests;
