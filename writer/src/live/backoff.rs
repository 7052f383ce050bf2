//! How long to wait before another try.

use std::time::Duration;

use rand::Rng;

const FIRST: Duration = Duration::from_millis(500);
/// Where the other side answered, and refused or ended it: each try costs it something.
const LONGEST: Duration = Duration::from_secs(30);
/// Where nobody answered: a try costs nobody anything, and the network may be back any moment.
const LONGEST_UNANSWERED: Duration = Duration::from_secs(5);
/// What lasted so long was healthy: the next pause is a short one again.
const HEALTHY: Duration = Duration::from_secs(30);

/// Exponential, with jitter, capped. It wraps failed streams, not only failed connects: what is
/// accepted and cut at once is a failure like any other.
#[derive(Debug, Default)]
pub struct Backoff {
    failures: u32,
}

impl Backoff {
    /// Another failure, after `lasted` of success; how long to wait now. `asked` is what the other
    /// side asked for (`Retry-After`).
    pub fn failed(
        &mut self,
        lasted: Duration,
        answered: bool,
        asked: Option<Duration>,
    ) -> Duration {
        if lasted >= HEALTHY {
            self.failures = 0;
        }
        let longest = if answered { LONGEST } else { LONGEST_UNANSWERED };
        let pause = FIRST.saturating_mul(1 << self.failures.min(10)).min(longest);
        self.failures = self.failures.saturating_add(1);
        // Many hosts lose the same provider at the same time, and are not to come back at once.
        let jittered = pause.mul_f64(rand::rng().random_range(0.7..=1.0));
        jittered.max(asked.unwrap_or_default().min(Duration::from_secs(600)))
    }

    /// Whether the last try failed.
    pub fn is_failing(&self) -> bool {
        self.failures > 0
    }

    /// A request was answered.
    pub fn succeeded(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_cap_and_are_jittered() {
        let mut backoff = Backoff::default();
        for expected in [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0] {
            let pause = backoff.failed(Duration::ZERO, true, None).as_secs_f64();
            assert!((expected * 0.7..=expected).contains(&pause), "{pause} of {expected}");
        }
    }

    #[test]
    fn where_nobody_answers_the_network_is_tried_more_often() {
        let mut backoff = Backoff::default();
        let last = (0..20).map(|_| backoff.failed(Duration::ZERO, false, None)).last();
        assert!(last.is_some_and(|pause| pause <= LONGEST_UNANSWERED));
    }

    #[test]
    fn only_what_lasted_was_healthy() {
        let mut backoff = Backoff::default();
        for _ in 0..10 {
            backoff.failed(Duration::from_secs(29), true, None);
        }
        assert!(backoff.failed(Duration::from_secs(29), true, None) >= LONGEST / 2);
        assert!(backoff.failed(Duration::from_secs(30), true, None) <= FIRST);
    }

    #[test]
    fn what_the_other_side_asks_for_is_honoured() {
        let mut backoff = Backoff::default();
        let asked = Duration::from_secs(20);
        assert!(backoff.failed(Duration::ZERO, true, Some(asked)) >= asked);
    }
}
