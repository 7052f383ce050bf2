//! Warnings that would come with every update: the first is said, then one a minute.

use std::time::{Duration, Instant};

/// One kind of warning.
#[derive(Debug)]
pub(crate) struct Throttle {
    every: Duration,
    last: Option<Instant>,
    unsaid: u64,
}

impl Throttle {
    pub const fn new(every: Duration) -> Self {
        Self { every, last: None, unsaid: 0 }
    }

    pub const fn minutely() -> Self {
        Self::new(Duration::from_secs(60))
    }

    /// Whether to say it now; if so, how often it happened since it was last said, now included.
    pub fn happened(&mut self) -> Option<u64> {
        self.happened_at(Instant::now())
    }

    fn happened_at(&mut self, now: Instant) -> Option<u64> {
        self.unsaid += 1;
        if self.last.is_some_and(|last| now.saturating_duration_since(last) < self.every) {
            return None;
        }
        self.last = Some(now);
        Some(std::mem::take(&mut self.unsaid))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_is_said_at_once_and_the_rest_in_one_with_their_number() {
        let mut throttle = Throttle::new(Duration::from_secs(60));
        let start = Instant::now();
        assert_eq!(throttle.happened_at(start), Some(1));
        for second in 1..60 {
            assert_eq!(throttle.happened_at(start + Duration::from_secs(second)), None);
        }
        assert_eq!(throttle.happened_at(start + Duration::from_secs(60)), Some(60));
    }
}
