//! A stream's pulse: slots that move on.

use std::time::{Duration, Instant};

use super::StreamError;
use crate::live::tip::Tip;

/// What outlives a connection.
pub(super) struct Past {
    /// Where the next one goes on from, for protocols that can: all before it has come.
    pub from_slot: Option<u64>,
    /// The newest slot while the stream was live: behind it there is a gap.
    pub last_live: Option<u64>,
    /// The newest slot that there was: who is not beyond it has nothing new.
    reached: u64,
    /// The newest slot that an account was of.
    pub handed: u64,
    /// It was live once.
    pub was_live: bool,
}

impl Past {
    /// The region has accounts of slots up to `reached`.
    pub fn new(reached: u64) -> Self {
        Self { from_slot: None, last_live: None, reached, handed: 0, was_live: false }
    }

    /// Everything up to this slot has come.
    pub fn was_live_at(&mut self, slot: u64) {
        self.from_slot = self.from_slot.max(Some(slot));
        self.last_live = self.last_live.max(Some(slot));
    }
}

/// Of one connection.
pub(super) struct Pulse {
    setting: &'static str,
    slot: Option<u64>,
    last: Instant,
    /// What the provider says, where it is behind what was known before.
    behind: Option<(u64, u64)>,
}

impl Pulse {
    pub fn new(setting: &'static str) -> Self {
        Self { setting, slot: None, last: Instant::now(), behind: None }
    }

    /// The newest slot of this connection.
    pub fn slot(&self) -> Option<u64> {
        self.slot
    }

    /// Since when there was no new one.
    pub fn quiet(&self) -> Duration {
        self.last.elapsed()
    }

    /// The provider says that it is at this slot. Whether the chain has moved on: one that repeats
    /// itself, goes back, or has yet to catch up with what was seen before is not alive.
    pub fn beat(&mut self, slot: u64, past: &mut Past, tip: &Tip) -> Result<bool, StreamError> {
        if self.slot.is_none() {
            if let Some(rpc) = tip.contradicts(slot) {
                return Err(StreamError::OtherCluster { setting: self.setting, slot, rpc });
            }
        }
        if slot <= past.reached || tip.leaves_behind(slot) {
            self.behind = Some((slot, past.reached.max(tip.newest())));
            return Ok(false);
        }
        past.reached = slot;
        tip.reach(slot);
        self.slot = Some(slot);
        self.last = Instant::now();
        Ok(true)
    }

    /// Why there was no slot, if the provider is behind.
    pub fn is_behind(&self) -> Option<StreamError> {
        let (slot, reached) = self.behind?;
        Some(StreamError::Behind { setting: self.setting, slot, reached })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_slot_beyond_all_that_were_seen_is_a_beat_also_on_the_next_connection() {
        let (tip, mut past) = (Tip::default(), Past::new(100));
        let mut pulse = Pulse::new("--ws-url");
        assert_eq!(pulse.beat(100, &mut past, &tip), Ok(false), "the region had that before");
        assert_eq!(pulse.beat(101, &mut past, &tip), Ok(true));
        assert_eq!(pulse.beat(101, &mut past, &tip), Ok(false));
        let mut next = Pulse::new("--ws-url");
        assert_eq!(next.beat(60, &mut past, &tip), Ok(false));
        assert_eq!(next.slot(), None);
        let error = next.is_behind().unwrap();
        assert_eq!(error, StreamError::Behind { setting: "--ws-url", slot: 60, reached: 101 });
        assert_eq!(next.beat(102, &mut past, &tip), Ok(true));
    }

    #[test]
    fn a_stream_far_behind_another_is_not_alive() {
        let (tip, mut past) = (Tip::default(), Past::new(0));
        let mut pulse = Pulse::new("--grpc-url");
        tip.reach(1000);
        assert_eq!(pulse.beat(900, &mut past, &tip), Ok(false));
        assert_eq!(pulse.beat(990, &mut past, &tip), Ok(true));
    }

    #[test]
    fn a_stream_of_another_cluster_is_refused_before_anything_of_it_is_taken() {
        let (tip, mut past) = (Tip::default(), Past::new(0));
        tip.rpc_is_at(400_000_000);
        let mut pulse = Pulse::new("--grpc-url");
        let error = pulse.beat(450_000_000, &mut past, &tip).unwrap_err();
        assert_eq!(error.kind(), "other_cluster");
        assert_eq!(tip.newest(), 0, "and it sets no mark for others");
    }
}
