//! What the writer says of itself, and whether there is one.

use super::{HEARTBEAT_TIMEOUT_NS, Region};
use crate::clock;
use crate::header::{Counter, FeedState, Owner, Pulse, State};

impl Region {
    /// What the writer last said of itself; `None` if the word is not a state.
    pub fn state(&self) -> Option<State> {
        self.header().state()
    }

    /// Whether a writer runs: live by its own word, and by its heartbeat.
    pub fn writer_alive(&self) -> bool {
        let state = self.header().state();
        matches!(state, Some(State::Live | State::Starting))
            && self.heartbeat_age_ns() < HEARTBEAT_TIMEOUT_NS
    }

    /// Nanoseconds since the last heartbeat.
    pub fn heartbeat_age_ns(&self) -> u64 {
        if !self.this_boot {
            return u64::MAX;
        }
        clock::monotonic_ns().saturating_sub(self.header().pulse(Pulse::HeartbeatNs))
    }

    /// A new number per writer start.
    pub fn generation(&self) -> u64 {
        self.header().owner(Owner::Generation)
    }

    /// The feeds' state as the writer last knew it; [`FeedState::Down`] if there is no writer.
    pub fn feed_state(&self) -> FeedState {
        if !self.writer_alive() {
            return FeedState::Down;
        }
        FeedState::from_word(self.header().owner(Owner::FeedState)).unwrap_or(FeedState::Down)
    }

    /// Up to when the feed vouches for what it follows, CLOCK_MONOTONIC; 0 if it never did.
    pub fn live_ns(&self) -> u64 {
        if self.is_of_this_boot() { self.header().pulse(Pulse::LiveNs) } else { 0 }
    }

    /// The newest Solana slot.
    pub fn slot(&self) -> u64 {
        self.header().pulse(Pulse::Slot)
    }

    /// What is of this slot or an older one is confirmed; `u64::MAX` where everything is.
    pub fn confirmed_slot(&self) -> u64 {
        self.header().pulse(Pulse::ConfirmedSlot)
    }

    /// All counters by name.
    pub fn counters(&self) -> impl Iterator<Item = (&'static str, u64)> + '_ {
        Counter::ALL.into_iter().map(|(counter, name)| (name, self.header().counter(counter)))
    }
}
