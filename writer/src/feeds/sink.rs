//! A feed's end of the queue.

use std::sync::Arc;

use crossbeam_channel::Receiver;
use driftshm_layout::profile::Kind;
use driftshm_layout::{Counter, FeedState, Pubkey};

use super::{AccountUpdate, FeedCommand, FeedEvent, Queue};

/// A feed's end of the queue.
#[derive(Clone)]
pub struct Sink {
    queue: Arc<Queue>,
    source: u8,
    commands: Receiver<FeedCommand>,
}

impl Sink {
    /// The end for the feed with this rank; it finds its commands in `commands`.
    pub fn new(queue: Arc<Queue>, source: u8, commands: Receiver<FeedCommand>) -> Self {
        Self { queue, source, commands }
    }

    /// Hands over updates, in order; `updates` is empty afterwards. Waits only if more distinct
    /// accounts wait than the queue holds.
    pub fn send(&self, updates: &mut Vec<AccountUpdate>) {
        if !updates.is_empty() {
            self.queue.push(updates, self.source);
        }
    }

    /// Hands over updates that were recorded: each keeps the rank of its source, and none replaces
    /// another on the way. Waits as long as many wait already.
    pub fn send_as_recorded(&self, updates: &mut Vec<AccountUpdate>) {
        if !updates.is_empty() {
            self.queue.push_all(updates);
        }
    }

    /// Says how the feed is.
    pub fn state(&self, state: FeedState) {
        self.queue.push_event(self.source, FeedEvent::State(state));
    }

    /// Says that what was handed over so far is as the chain had it then, CLOCK_MONOTONIC ns.
    pub fn vouch(&self, since_ns: u64) {
        self.queue.push_event(self.source, FeedEvent::Vouched(since_ns));
    }

    /// Says that nobody brings accounts of this kind any more, save those asked for by name.
    pub fn doubt(&self, kind: Kind) {
        self.queue.push_event(self.source, FeedEvent::Doubt(kind));
    }

    /// Says that changes of these are not told of yet, or could not be read.
    pub fn unsure(&self, pubkeys: Vec<Pubkey>) {
        if !pubkeys.is_empty() {
            self.queue.push_event(self.source, FeedEvent::Unsure(pubkeys));
        }
    }

    /// Says which slot the chain is at.
    pub fn slot(&self, slot: u64) {
        self.queue.push_event(self.source, FeedEvent::Slot(slot));
    }

    /// Says that every account that the feed has was brought at least once.
    pub fn complete(&self) {
        self.queue.push_event(self.source, FeedEvent::Complete);
    }

    /// Says that accounts of this kind, save those asked for by name, come later.
    pub fn later(&self, kind: Kind) {
        self.queue.push_event(self.source, FeedEvent::Later(kind));
    }

    /// Says up to which slot everything is confirmed.
    pub fn confirmed(&self, slot: u64) {
        self.queue.push_event(self.source, FeedEvent::Confirmed(slot));
    }

    /// Takes back what `slot` made of an account: it is as it was before.
    pub fn take_back(&self, slot: u64, before: AccountUpdate) {
        let before = Box::new(AccountUpdate { source: self.source, ..before });
        self.queue.push_event(self.source, FeedEvent::TakeBack { slot, before });
    }

    /// The same as it was recorded: with the rank of its source.
    pub fn take_back_as_recorded(&self, slot: u64, before: AccountUpdate) {
        let before = Box::new(before);
        self.queue.push_event(self.source, FeedEvent::TakeBack { slot, before });
    }

    /// Counts input that could not be read.
    pub fn bad_input(&self, pieces: u64) {
        self.count(Counter::BadInput, pieces);
    }

    /// Counts something that happened so many times.
    pub fn count(&self, what: Counter, times: u64) {
        if times > 0 {
            self.queue.push_event(self.source, FeedEvent::Count(what, times));
        }
    }

    /// What the publisher asks for; wait on it instead of sleeping. Its other end is dropped when
    /// the writer stops.
    pub fn commands(&self) -> &Receiver<FeedCommand> {
        &self.commands
    }

    /// Whether the feed is to end.
    pub fn is_stopped(&self) -> bool {
        self.queue.is_stopped()
    }
}
