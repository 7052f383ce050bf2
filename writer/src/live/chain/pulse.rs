//! Whether polling moves on with the chain: only a poll that brought everything, as of a newer
//! slot than all before, shows that it does.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// The newest slot as of which everything was fetched, and when that was.
pub struct Pulse(Mutex<Inner>);

struct Inner {
    newest: u64,
    last: Option<Instant>,
    /// How many requests that took.
    requests: u32,
}

impl From<u64> for Pulse {
    /// The region has accounts of slots up to this one: what is older is no news.
    fn from(newest: u64) -> Self {
        Self(Mutex::new(Inner { newest, last: None, requests: 1 }))
    }
}

impl Pulse {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Everything was fetched, as of this slot, with so many requests. Whether that is news.
    pub fn polled(&self, slot: u64, requests: u32) -> bool {
        let mut inner = self.lock();
        inner.requests = requests.max(1);
        let is_new = slot > inner.newest;
        if is_new {
            inner.newest = slot;
            inner.last = Some(Instant::now());
        }
        is_new
    }

    /// When it last moved on.
    pub fn last(&self) -> Option<Instant> {
        self.lock().last
    }

    /// How many requests the last poll took.
    pub fn requests(&self) -> f64 {
        f64::from(self.lock().requests)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_newer_slot_than_all_before_is_news() {
        let pulse = Pulse::from(100);
        assert!(!pulse.polled(100, 1), "the region had that before");
        assert_eq!(pulse.last(), None);
        assert!(pulse.polled(101, 10));
        assert!(!pulse.polled(101, 10) && !pulse.polled(90, 10));
        assert!(pulse.last().is_some());
        assert_eq!(pulse.requests(), 10.0);
    }
}
