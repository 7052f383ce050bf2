//! How many keys a request may have.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// A provider that once refused so many may have meant something else, or have changed its mind:
/// after so long it is asked for twice as many again.
const GROW_AFTER: Duration = Duration::from_secs(600);

/// Halved where a provider refuses so many, and grown again, slowly.
pub(super) struct Batch {
    most: usize,
    inner: Mutex<Inner>,
}

struct Inner {
    size: usize,
    /// When it was refused, or grew, last.
    since: Instant,
}

impl Batch {
    pub(super) fn new(most: usize) -> Self {
        let most = most.max(1);
        Self { most, inner: Mutex::new(Inner { size: most, since: Instant::now() }) }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keys of one request.
    pub(super) fn size(&self) -> usize {
        self.size_at(Instant::now())
    }

    fn size_at(&self, now: Instant) -> usize {
        let mut inner = self.lock();
        if inner.size < self.most && now.duration_since(inner.since) >= GROW_AFTER {
            inner.size = (inner.size * 2).min(self.most);
            inner.since = now;
        }
        inner.size
    }

    /// So many were refused. False if it was one already.
    pub(super) fn halve(&self, from: usize) -> bool {
        let mut inner = self.lock();
        inner.size = inner.size.min((from / 2).max(1));
        inner.since = Instant::now();
        from > 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_halved_when_refused_and_grows_again_after_a_while() {
        let batch = Batch::new(100);
        assert!(batch.halve(100) && batch.halve(50));
        assert_eq!(batch.size(), 25);
        let mut later = Instant::now();
        for expected in [50, 100, 100] {
            later += GROW_AFTER;
            assert_eq!(batch.size_at(later), expected);
            assert_eq!(batch.size_at(later), expected, "not twice at once");
        }
    }

    #[test]
    fn one_key_cannot_be_halved() {
        let batch = Batch::new(0);
        assert_eq!(batch.size(), 1);
        assert!(!batch.halve(1));
        assert_eq!(batch.size(), 1);
    }
}
