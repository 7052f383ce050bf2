//! How far the chain is, by whatever has been seen of it: what lags behind is not live, however
//! much it says.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use tokio::time::timeout;

/// A feed that is so many slots behind another (25 s) has accounts that are long overtaken.
const LEFT_BEHIND: u64 = 64;
/// Nodes of one cluster are never so far apart (13 min); two clusters are further.
const FAR: u64 = 2000;
const SLOT: Duration = Duration::from_millis(400);
/// What RPC said so long ago says nothing of now.
const OLD: Duration = Duration::from_secs(600);
/// A stream waits so long for RPC's first word of where the chain is.
const FIRST_WORD: Duration = Duration::from_secs(3);

/// The newest slot seen by any feed; and RPC's word, which is of a cluster that was checked.
#[derive(Default)]
pub struct Tip {
    newest: AtomicU64,
    rpc: Mutex<Option<(u64, Instant)>>,
    first_word: Notify,
}

impl Tip {
    /// The region has accounts of slots up to this one.
    pub fn of_region(slot: u64) -> Self {
        Self { newest: AtomicU64::new(slot), ..Self::default() }
    }

    /// The newest slot that was seen.
    pub fn newest(&self) -> u64 {
        self.newest.load(Ordering::Relaxed)
    }

    /// A feed is at this slot.
    pub fn reach(&self, slot: u64) {
        self.newest.fetch_max(slot, Ordering::Relaxed);
    }

    /// Whether a feed at this slot is too far behind others to vouch for anything.
    pub fn leaves_behind(&self, slot: u64) -> bool {
        slot.saturating_add(LEFT_BEHIND) < self.newest()
    }

    /// RPC has answered with this slot.
    pub fn rpc_is_at(&self, slot: u64) {
        *self.rpc.lock().unwrap_or_else(PoisonError::into_inner) = Some((slot, Instant::now()));
        self.first_word.notify_waiters();
    }

    /// Where RPC must be by now, if a stream at this slot cannot be of the same cluster.
    pub fn contradicts(&self, slot: u64) -> Option<u64> {
        let (said, at) = (*self.rpc.lock().unwrap_or_else(PoisonError::into_inner))?;
        let passed = at.elapsed();
        let slots = u64::try_from(passed.as_millis() / SLOT.as_millis()).unwrap_or(u64::MAX);
        let now = said.saturating_add(slots);
        (passed < OLD && now.abs_diff(slot) > FAR).then_some(now)
    }

    /// Waits for RPC's first word, for a while.
    pub async fn first_word(&self) {
        let waiting = self.first_word.notified();
        if self.rpc.lock().unwrap_or_else(PoisonError::into_inner).is_none() {
            // Without it there is nothing to compare with, and still something to serve.
            let _ = timeout(FIRST_WORD, waiting).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lags_far_behind_what_was_seen_is_left_behind() {
        let tip = Tip::of_region(1000);
        assert!(tip.leaves_behind(900) && !tip.leaves_behind(1000 - LEFT_BEHIND));
        tip.reach(2000);
        tip.reach(1500);
        assert_eq!(tip.newest(), 2000);
        assert!(tip.leaves_behind(1500));
    }

    #[test]
    fn a_stream_far_from_rpc_is_of_another_cluster_and_one_that_lags_is_not() {
        let tip = Tip::default();
        assert_eq!(tip.contradicts(5), None, "nobody has said anything");
        tip.rpc_is_at(400_000_000);
        assert_eq!(tip.contradicts(400_001_000), None);
        assert_eq!(tip.contradicts(399_999_000), None);
        assert_eq!(tip.contradicts(460_000_000), Some(400_000_000));
        assert_eq!(tip.contradicts(1_000), Some(400_000_000));
    }
}
