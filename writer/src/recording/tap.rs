//! The publisher's end of a recorder: never waits.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, TrySendError};
use driftshm_layout::{FeedState, clock};

use super::item;
use crate::feeds::{Batch, FeedEvent};
use crate::publisher::Throttle;

/// Items are handed over when there are so many bytes of them,
const CHUNK: usize = 64 * 1024;
/// or when the first of them is so old.
const OLDEST: Duration = Duration::from_millis(100);
/// Chunks that may wait for the recorder: 16 MiB, or more where accounts are larger.
const WAITING: usize = 256;
/// How long the last chunks may wait for room, when the writer ends.
pub(crate) const LAST: Duration = Duration::from_millis(200);

/// What goes to the recorder's thread.
pub(super) enum Message {
    /// What the region has by now is not told again; what changes from now on is.
    Attached,
    /// Items as they are encoded, and how many.
    Items(Vec<u8>, u64),
}

/// Encodes what the publisher gets.
pub struct Tap {
    messages: Sender<Message>,
    /// Set when the recording is to end.
    ended: Arc<AtomicBool>,
    /// CLOCK_MONOTONIC ns when the session began.
    origin_ns: u64,
    chunk: Vec<u8>,
    items: u64,
    /// Since when there is something in the chunk.
    since: Option<Instant>,
    /// Items that found no room, and are not said to be missing yet.
    lost: u64,
    warning: Throttle,
}

impl Tap {
    pub(super) fn new(origin_ns: u64, ended: Arc<AtomicBool>) -> (Self, Receiver<Message>) {
        let (messages, receiver) = crossbeam_channel::bounded(WAITING);
        let (chunk, items, since, lost) = (Vec::new(), 0, None, 0);
        let warning = Throttle::minutely();
        (Self { messages, ended, origin_ns, chunk, items, since, lost, warning }, receiver)
    }

    /// From now on everything is recorded; how feeds are, and the slot, are said at first.
    pub(crate) fn attach(&mut self, states: impl Iterator<Item = (u8, FeedState)>, slot: u64) {
        // The recorder waits for it: there is room.
        let _ = self.messages.try_send(Message::Attached);
        let now = self.now();
        item::put_slot(&mut self.chunk, now, 0, slot);
        self.items += 1;
        for (source, state) in states {
            item::put_state(&mut self.chunk, now, source, state);
            self.items += 1;
        }
        self.since = Some(Instant::now());
    }

    /// Records a batch, which may be empty; to be called now and then in any case. False if the
    /// recording is over.
    pub(crate) fn record(&mut self, batch: &Batch) -> bool {
        if self.ended.load(Ordering::Relaxed) {
            return false;
        }
        for update in &batch.updates {
            let time = update.received_ns.saturating_sub(self.origin_ns);
            if item::put_account(&mut self.chunk, time, update, false) {
                self.items += 1;
            } else {
                self.lost += 1;
            }
            if self.chunk.len() >= CHUNK && !self.hand_over() {
                return false;
            }
        }
        for (source, event) in &batch.events {
            let now = self.now();
            match event {
                FeedEvent::Slot(slot) => item::put_slot(&mut self.chunk, now, *source, *slot),
                FeedEvent::State(state) => item::put_state(&mut self.chunk, now, *source, *state),
                FeedEvent::Confirmed(slot) => {
                    item::put_confirmed(&mut self.chunk, now, *source, *slot);
                }
                FeedEvent::TakeBack { slot, before } => {
                    if !item::put_take_back(&mut self.chunk, now, *slot, before) {
                        self.lost += 1;
                        continue;
                    }
                }
                // Of how sure the writer is, a replay makes up its own mind.
                FeedEvent::Complete
                | FeedEvent::Later(_)
                | FeedEvent::Vouched(_)
                | FeedEvent::Doubt(_)
                | FeedEvent::Unsure(_)
                | FeedEvent::Count(..) => continue,
            }
            self.items += 1;
        }
        if self.items == 0 {
            return true;
        }
        let now = Instant::now();
        let is_due = now >= *self.since.get_or_insert(now) + OLDEST;
        !is_due || self.hand_over()
    }

    /// Ends the recording: what is left is handed over, if there is room before `deadline`.
    pub(crate) fn finish(mut self, deadline: Instant) {
        self.hand_over_last(deadline);
    }

    fn hand_over_last(&mut self, deadline: Instant) {
        if self.items > 0 || self.lost > 0 {
            let (message, _) = self.message();
            // If it finds no room even so, the recorder is stuck, and the recording without an end.
            let _ = self.messages.send_deadline(message, deadline);
        }
        self.ended.store(true, Ordering::Relaxed);
    }

    /// Hands the chunk over, or drops it where there is no room. False if nobody takes it.
    fn hand_over(&mut self) -> bool {
        let (message, items) = self.message();
        match self.messages.try_send(message) {
            Ok(()) => true,
            Err(TrySendError::Disconnected(_)) => false,
            Err(TrySendError::Full(_)) => {
                self.lose(items);
                true
            }
        }
    }

    /// All that is in the chunk, with what is missing before it.
    fn message(&mut self) -> (Message, u64) {
        let items = std::mem::take(&mut self.items);
        self.since = None;
        let mut bytes = std::mem::take(&mut self.chunk);
        self.chunk.reserve(CHUNK + CHUNK / 8);
        let missing = std::mem::take(&mut self.lost);
        if missing == 0 {
            return (Message::Items(bytes, items), items);
        }
        let mut gap = Vec::new();
        item::put_gap(&mut gap, self.now(), missing);
        bytes.splice(..0, gap);
        (Message::Items(bytes, items + 1), items + missing)
    }

    fn lose(&mut self, items: u64) {
        self.lost += items;
        if let Some(times) = self.warning.happened() {
            tracing::warn!(
                items = self.lost,
                times,
                "the recording has a gap: what it is written to is too slow"
            );
        }
    }

    fn now(&self) -> u64 {
        clock::monotonic_ns().saturating_sub(self.origin_ns)
    }
}

impl Drop for Tap {
    fn drop(&mut self) {
        self.hand_over_last(Instant::now() + LAST);
    }
}
