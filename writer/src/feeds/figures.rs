//! What a feed counts of itself, for `status` to show.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// Figures of one feed, written by the feed, read by whoever asks.
#[derive(Debug, Default)]
pub struct Figures {
    slot: AtomicU64,
    requests: AtomicU64,
    connects: AtomicU64,
    gap_slots: AtomicU64,
    checked: AtomicU64,
    mismatches: AtomicU64,
    errors: Mutex<BTreeMap<&'static str, u64>>,
    last_error: Mutex<Option<String>>,
}

impl Figures {
    /// The newest slot that it has seen.
    pub fn slot(&self, slot: u64) {
        self.slot.fetch_max(slot, Ordering::Relaxed);
    }

    /// So many requests went out, in all.
    pub fn requests(&self, requests: u64) {
        self.requests.store(requests, Ordering::Relaxed);
    }

    /// It connected. Whether it has before.
    pub fn connected(&self) -> bool {
        self.connects.fetch_add(1, Ordering::Relaxed) > 0
    }

    /// So many slots went by between two connections.
    pub fn gap(&self, slots: u64) {
        self.gap_slots.fetch_add(slots, Ordering::Relaxed);
    }

    /// So many accounts were compared with the chain, and so many were not as it has them.
    pub fn audited(&self, checked: u64, mismatches: u64) {
        self.checked.fetch_add(checked, Ordering::Relaxed);
        self.mismatches.fetch_add(mismatches, Ordering::Relaxed);
    }

    /// Something failed. `text` holds no key. Whether this is another thing than last time.
    pub fn failed(&self, kind: &'static str, text: &str) -> bool {
        let mut errors = self.errors.lock().unwrap_or_else(PoisonError::into_inner);
        *errors.entry(kind).or_default() += 1;
        drop(errors);
        let mut last = self.last_error.lock().unwrap_or_else(PoisonError::into_inner);
        let is_new = last.as_deref() != Some(text);
        if is_new {
            *last = Some(text.to_owned());
        }
        is_new
    }

    /// It is well again.
    pub fn recovered(&self) {
        *self.last_error.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// All that is not zero, by name. Errors are `error_` and their kind.
    pub fn list(&self) -> BTreeMap<String, u64> {
        let connects = self.connects.load(Ordering::Relaxed);
        let plain = [
            ("slot", self.slot.load(Ordering::Relaxed)),
            ("requests", self.requests.load(Ordering::Relaxed)),
            ("connects", connects),
            ("reconnects", connects.saturating_sub(1)),
            ("gap_slots", self.gap_slots.load(Ordering::Relaxed)),
            ("audit_checked", self.checked.load(Ordering::Relaxed)),
            ("audit_mismatches", self.mismatches.load(Ordering::Relaxed)),
        ];
        let errors = self.errors.lock().unwrap_or_else(PoisonError::into_inner);
        let errors = errors.iter().map(|(kind, count)| (format!("error_{kind}"), *count));
        let plain = plain.into_iter().map(|(name, count)| (name.to_owned(), count));
        plain.chain(errors).filter(|(_, count)| *count > 0).collect()
    }

    /// What failed last, unless it is well again.
    pub fn last_error(&self) -> Option<String> {
        self.last_error.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_happened_is_listed_and_a_repeated_error_is_no_news() {
        let figures = Figures::default();
        assert!(figures.list().is_empty());
        assert!(!figures.connected());
        assert!(figures.connected());
        assert!(figures.failed("ended", "it has ended"));
        assert!(!figures.failed("ended", "it has ended"));
        let list = figures.list();
        assert_eq!((list["reconnects"], list["error_ended"], list.len()), (1, 2, 3));
        assert_eq!(figures.last_error().as_deref(), Some("it has ended"));
        figures.recovered();
        assert_eq!(figures.last_error(), None);
    }
}
