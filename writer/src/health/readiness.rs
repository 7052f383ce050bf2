//! Whether bots should be sent here: a verdict that no single sample turns over.
//!
//! ```text
//!   starting ── the first live sample ──► ready ── not live for 5 s ──► not ready
//!                                           ▲                              │
//!                                           └──────── live for 1 s ────────┘
//! ```

use std::time::{Duration, Instant};

/// Only so long without a live feed is a fault: streams reconnect, slots pause.
const FAULT: Duration = Duration::from_secs(5);
/// So long live is no accident.
const RECOVERY: Duration = Duration::from_secs(1);
/// Between two samples further apart nobody has looked, and they say nothing of the time between.
const BLINK: Duration = Duration::from_secs(1);

/// What is to be said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The feed has not been live yet.
    Starting,
    /// It is live, or was a moment ago.
    Ready,
    /// It has not been live for a while.
    NotReady,
}

impl Verdict {
    /// As it is written in answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Ready => "ready",
            Self::NotReady => "not_ready",
        }
    }
}

/// Samples that say the same, one after another.
#[derive(Debug, Clone, Copy)]
struct Run {
    is_live: bool,
    since: Instant,
    last: Instant,
}

/// Makes a verdict of samples.
#[derive(Debug, Clone)]
pub struct Readiness {
    verdict: Verdict,
    run: Option<Run>,
}

impl Default for Readiness {
    fn default() -> Self {
        Self { verdict: Verdict::Starting, run: None }
    }
}

impl Readiness {
    /// Takes a sample, and gives the verdict.
    pub fn observe(&mut self, now: Instant, is_live: bool) -> Verdict {
        let before = self.run.filter(|run| run.is_live == is_live && now - run.last <= BLINK);
        let since = before.map_or(now, |run| run.since);
        self.run = Some(Run { is_live, since, last: now });
        let lasted = now - since;
        self.verdict = match self.verdict {
            Verdict::Starting if is_live => Verdict::Ready,
            Verdict::Ready if !is_live && lasted >= FAULT => Verdict::NotReady,
            Verdict::NotReady if is_live && lasted >= RECOVERY => Verdict::Ready,
            verdict => verdict,
        };
        self.verdict
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Samples ten times a second for so many tenths; the last verdict.
    fn tenths(readiness: &mut Readiness, now: &mut Instant, count: u32, is_live: bool) -> Verdict {
        for _ in 0..count {
            *now += Duration::from_millis(100);
            readiness.observe(*now, is_live);
        }
        readiness.verdict
    }

    #[test]
    fn it_is_starting_for_as_long_as_that_takes_and_ready_at_the_first_live_sample() {
        let (mut readiness, mut now) = (Readiness::default(), Instant::now());
        assert_eq!(readiness.verdict, Verdict::Starting);
        assert_eq!(tenths(&mut readiness, &mut now, 6000, false), Verdict::Starting);
        assert_eq!(tenths(&mut readiness, &mut now, 1, true), Verdict::Ready);
    }

    #[test]
    fn only_what_lasts_makes_it_not_ready_and_ready_again() {
        let (mut readiness, mut now) = (Readiness::default(), Instant::now());
        tenths(&mut readiness, &mut now, 1, true);
        assert_eq!(tenths(&mut readiness, &mut now, 50, false), Verdict::Ready);
        assert_eq!(tenths(&mut readiness, &mut now, 1, true), Verdict::Ready);
        assert_eq!(tenths(&mut readiness, &mut now, 50, false), Verdict::Ready);
        assert_eq!(tenths(&mut readiness, &mut now, 1, false), Verdict::NotReady);
        assert_eq!(tenths(&mut readiness, &mut now, 10, true), Verdict::NotReady);
        assert_eq!(tenths(&mut readiness, &mut now, 1, false), Verdict::NotReady);
        assert_eq!(tenths(&mut readiness, &mut now, 10, true), Verdict::NotReady);
        assert_eq!(tenths(&mut readiness, &mut now, 1, true), Verdict::Ready);
    }

    #[test]
    fn time_in_which_nobody_looked_counts_for_nothing() {
        let (mut readiness, mut now) = (Readiness::default(), Instant::now());
        tenths(&mut readiness, &mut now, 1, true);
        tenths(&mut readiness, &mut now, 1, false);
        // The process was stopped, and its heart has not beaten since.
        now += Duration::from_secs(60);
        assert_eq!(tenths(&mut readiness, &mut now, 1, false), Verdict::Ready);
        assert_eq!(tenths(&mut readiness, &mut now, 1, true), Verdict::Ready);
    }
}
