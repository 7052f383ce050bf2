//! When a request may go out: the budget, and the pause after a failure.
//!
//! ```text
//!   open     requests go out as the budget allows
//!     │ one fails (no answer, 429, 5xx)
//!     ▼
//!   shut     for the pause that the backoff gives; then one request is let through alone
//!     │ it succeeds            │ it fails
//!     ▼                        ▼
//!   open                     shut, for longer
//! ```
//! So a provider that refuses sees one request a pause, however many tasks wait. A pause that the
//! provider has not asked for ends early where there is reason to believe that it is well again.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, Semaphore, SemaphorePermit};
use tokio::time::sleep_until;

use super::error::RpcError;
use crate::live::backoff::Backoff;

/// What may be used up at once, in seconds of the rate, and at least so many requests.
const BURST: f64 = 2.0;
const BURST_AT_LEAST: f64 = 8.0;

/// Where the provider is not well, and others try it.
const LOOK_AGAIN: Duration = Duration::from_millis(250);

struct Inner {
    backoff: Backoff,
    shut_until: Instant,
    /// By the provider's own word.
    is_asked_for: bool,
    tokens: f64,
    filled: Instant,
}

/// Shared by all requests.
pub(super) struct Gate {
    rate: f64,
    inner: Mutex<Inner>,
    alone: Semaphore,
    hope: Notify,
}

/// A request's leave to go out; whoever has it says how it ended.
pub(super) struct Pass<'a> {
    gate: &'a Gate,
    _alone: Option<SemaphorePermit<'a>>,
}

impl Gate {
    pub fn new(rate: f64) -> Self {
        let now = Instant::now();
        let inner = Inner {
            backoff: Backoff::default(),
            shut_until: now,
            is_asked_for: false,
            tokens: (rate * BURST).max(BURST_AT_LEAST),
            filled: now,
        };
        Self { rate, inner: Mutex::new(inner), alone: Semaphore::new(1), hope: Notify::new() }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// There is reason to believe that the provider is well again: a request may go out now, if
    /// it is not the provider that wants it later.
    pub fn try_now(&self) {
        let mut inner = self.lock();
        if !inner.is_asked_for {
            inner.shut_until = Instant::now();
            self.hope.notify_waiters();
        }
    }

    /// Waits until a request may go out whose end says nothing of others. It is in the budget, but
    /// while the provider is not well it is never the one that is let through.
    pub async fn beside(&self) {
        loop {
            let due = {
                let mut inner = self.lock();
                match inner.backoff.is_failing() {
                    true => Err(Instant::now() + LOOK_AGAIN),
                    false => inner.due(self.rate),
                }
            };
            match due {
                Ok(()) => return,
                Err(due) => sleep_until(due.into()).await,
            }
        }
    }

    /// Waits until a request may go out.
    pub async fn pass(&self) -> Pass<'_> {
        let mut alone = None;
        loop {
            // Before the look: what comes after it is heard.
            let hope = self.hope.notified();
            let wait_until = {
                let mut inner = self.lock();
                if alone.is_none() && inner.backoff.is_failing() {
                    None
                } else {
                    match inner.due(self.rate) {
                        Ok(()) => return Pass { gate: self, _alone: alone },
                        Err(due) => Some(due),
                    }
                }
            };
            match wait_until {
                Some(due) => tokio::select! {
                    () = sleep_until(due.into()) => {}
                    () = hope => {}
                },
                // The semaphore is never closed.
                None => alone = self.alone.acquire().await.ok(),
            }
        }
    }
}

impl Inner {
    /// Takes a token, or says when to look again.
    fn due(&mut self, rate: f64) -> Result<(), Instant> {
        let now = Instant::now();
        if now < self.shut_until {
            return Err(self.shut_until);
        }
        let earned = now.duration_since(self.filled).as_secs_f64() * rate;
        self.tokens = (self.tokens + earned).min((rate * BURST).max(BURST_AT_LEAST));
        self.filled = now;
        if self.tokens >= 1.0 {
            self.tokens -= 1.0;
            return Ok(());
        }
        Err(now + Duration::from_secs_f64((1.0 - self.tokens) / rate))
    }
}

impl Pass<'_> {
    /// An answer came, be it one that says no.
    pub fn succeeded(self) {
        self.gate.lock().backoff.succeeded();
    }

    /// The provider is not well, or not to be bothered.
    pub fn failed(self, error: &RpcError) {
        let asked = error.retry_after();
        let mut inner = self.gate.lock();
        let pause = inner.backoff.failed(Duration::ZERO, error.was_answered(), asked);
        inner.shut_until = Instant::now() + pause;
        inner.is_asked_for = asked.is_some();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STORM: RpcError = RpcError::TooMany { retry_after: None };

    #[tokio::test(start_paused = true)]
    async fn a_refusing_provider_sees_few_requests_however_many_tasks_wait() {
        // The gate reads the real clock, so what is counted is who gets through at once.
        let gate = Gate::new(1000.0);
        gate.pass().await.failed(&STORM);
        let first = gate.alone.acquire().await;
        assert!(first.is_ok());
        let waiting = tokio::time::timeout(Duration::from_millis(50), gate.pass()).await;
        assert!(waiting.is_err(), "while one is out alone, nobody else is");
    }

    #[tokio::test]
    async fn after_a_failure_the_next_one_waits_and_success_opens_the_gate() {
        let gate = Gate::new(1000.0);
        gate.pass().await.failed(&STORM);
        let began = Instant::now();
        gate.pass().await.succeeded();
        assert!(began.elapsed() >= Duration::from_millis(250));
        let one = gate.pass().await;
        let two = gate.pass().await;
        assert!(one._alone.is_none() && two._alone.is_none());
    }

    #[tokio::test]
    async fn what_goes_out_beside_the_others_keeps_nobody_waiting_and_waits_for_the_provider() {
        let gate = Gate::new(1000.0);
        gate.beside().await;
        gate.pass().await.failed(&STORM);
        let beside = tokio::time::timeout(Duration::from_millis(400), gate.beside()).await;
        assert!(beside.is_err(), "others find out whether the provider is well again");
        let pass = tokio::time::timeout(Duration::from_secs(5), gate.pass()).await;
        pass.expect("nobody is in the way").succeeded();
        let beside = tokio::time::timeout(Duration::from_secs(5), gate.beside()).await;
        assert!(beside.is_ok());
    }

    #[tokio::test]
    async fn hope_ends_a_pause_unless_the_provider_has_asked_for_it() {
        let gate = Gate::new(1000.0);
        for _ in 0..5 {
            gate.pass().await.failed(&STORM);
            gate.try_now();
        }
        gate.pass().await.failed(&STORM);
        let waits = async {
            let hope = async {
                tokio::time::sleep(Duration::from_millis(50)).await;
                gate.try_now();
            };
            tokio::join!(gate.pass(), hope).0
        };
        let pass = tokio::time::timeout(Duration::from_secs(5), waits).await;
        pass.expect("a pause of over seven seconds")
            .failed(&RpcError::TooMany { retry_after: Some(Duration::from_secs(60)) });
        gate.try_now();
        let waiting = tokio::time::timeout(Duration::from_millis(50), gate.pass()).await;
        assert!(waiting.is_err());
    }

    #[tokio::test]
    async fn the_budget_is_a_burst_and_then_the_rate() {
        let gate = Gate::new(20.0);
        let began = Instant::now();
        for _ in 0..40 {
            gate.pass().await.succeeded();
        }
        assert!(began.elapsed() < Duration::from_secs(1));
        for _ in 0..4 {
            gate.pass().await.succeeded();
        }
        assert!(began.elapsed() >= Duration::from_millis(150));
    }
}
