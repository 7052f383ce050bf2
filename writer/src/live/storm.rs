//! One provider's word that there are too many requests, for all that ask it: RPC and streams are
//! limited together, and each with a backoff of its own would ask as often as one alone.
//!
//! While it lasts, one of them asks at a time, after pauses that grow; the first that is answered
//! ends it for all.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::time::sleep_until;

use super::backoff::Backoff;

/// Of one host.
pub struct Storm {
    inner: Mutex<Inner>,
    alone: Arc<Semaphore>,
    over: Notify,
}

struct Inner {
    backoff: Backoff,
    until: Instant,
}

/// Leave to ask; whoever has it says how that ended, unless it says nothing of the storm.
pub struct Turn {
    storm: Arc<Storm>,
    _alone: Option<OwnedSemaphorePermit>,
}

impl Default for Storm {
    fn default() -> Self {
        let inner = Inner { backoff: Backoff::default(), until: Instant::now() };
        let alone = Arc::new(Semaphore::new(1));
        Self { inner: Mutex::new(inner), alone, over: Notify::new() }
    }
}

impl Storm {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Until when nobody asks; `None` if there is no storm.
    fn until(&self) -> Option<Instant> {
        let inner = self.lock();
        inner.backoff.is_failing().then_some(inner.until)
    }

    /// Waits until one may ask.
    pub async fn turn(self: &Arc<Self>) -> Turn {
        let mut alone = None;
        loop {
            // Before the look: that it is over meanwhile is heard.
            let mut over = std::pin::pin!(self.over.notified());
            over.as_mut().enable();
            let Some(until) = self.until() else {
                return Turn { storm: Arc::clone(self), _alone: None };
            };
            if alone.is_none() {
                tokio::select! {
                    // The semaphore is never closed.
                    permit = Arc::clone(&self.alone).acquire_owned() => alone = permit.ok(),
                    () = over => {}
                }
            } else if Instant::now() < until {
                tokio::select! {
                    () = sleep_until(until.into()) => {}
                    () = over => {}
                }
            } else {
                return Turn { storm: Arc::clone(self), _alone: alone };
            }
        }
    }
}

impl Turn {
    /// There are too many requests; `asked` is what the provider asked for (`Retry-After`).
    pub fn refused(self, asked: Option<Duration>) {
        let mut inner = self.storm.lock();
        let pause = inner.backoff.failed(Duration::ZERO, true, asked);
        inner.until = Instant::now() + pause;
    }

    /// There was an answer.
    pub fn answered(self) {
        let mut inner = self.storm.lock();
        if inner.backoff.is_failing() {
            inner.backoff.succeeded();
            drop(inner);
            self.storm.over.notify_waiters();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT_ONCE: Duration = Duration::from_millis(100);

    async fn has_turn(storm: &Arc<Storm>) -> bool {
        tokio::time::timeout(AT_ONCE, storm.turn()).await.is_ok()
    }

    #[tokio::test]
    async fn without_a_storm_all_may_ask_at_once() {
        let storm = Arc::new(Storm::default());
        let (one, _other) = (storm.turn().await, storm.turn().await);
        one.answered();
        assert!(has_turn(&storm).await);
    }

    #[tokio::test]
    async fn in_a_storm_one_asks_after_the_pause_and_the_others_wait_for_its_word() {
        let long = Arc::new(Storm::default());
        long.turn().await.refused(Some(Duration::from_secs(60)));
        assert!(!has_turn(&long).await, "the pause");
        let storm = Arc::new(Storm::default());
        let began = Instant::now();
        storm.turn().await.refused(None);
        let one = storm.turn().await;
        let pause = began.elapsed();
        assert!(Duration::from_millis(300) <= pause && pause < Duration::from_secs(1), "{pause:?}");
        let waiting = tokio::spawn({
            let storm = Arc::clone(&storm);
            async move { storm.turn().await.answered() }
        });
        assert!(!has_turn(&storm).await, "another asks");
        one.answered();
        waiting.await.unwrap();
        assert!(has_turn(&storm).await);
    }

    #[tokio::test]
    async fn one_that_gives_up_leaves_its_turn_to_another() {
        let storm = Arc::new(Storm::default());
        storm.turn().await.refused(None);
        drop(storm.turn().await);
        assert!(has_turn(&storm).await);
    }

    #[tokio::test]
    async fn what_the_provider_asks_for_is_honoured_by_all() {
        let storm = Arc::new(Storm::default());
        let (one, other) = (storm.turn().await, storm.turn().await);
        let began = Instant::now();
        one.refused(Some(Duration::from_secs(1)));
        let next = storm.turn().await;
        assert!(began.elapsed() >= Duration::from_millis(990));
        // One that was under way all the while.
        other.answered();
        drop(next);
        assert!(has_turn(&storm).await);
    }
}
