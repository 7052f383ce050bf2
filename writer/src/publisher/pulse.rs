//! What happens every 100 ms: the heartbeat, and looking whether the region is still there.

use std::time::{Duration, Instant};

use driftshm_layout::WriterError;

use super::Publisher;

const BEAT: Duration = Duration::from_millis(100);

impl Publisher {
    /// In the middle of a long batch: the heart beats, but what waits behind is not published
    /// yet, so nothing is vouched for.
    pub(super) fn beat_within_batch(&mut self) {
        let now = Instant::now();
        if now >= self.last_beat + BEAT {
            self.last_beat = now;
            self.writer.heartbeat(None);
        }
    }

    /// All that came is published.
    pub(super) fn beat_if_due(&mut self) {
        let now = Instant::now();
        if now < self.next_beat {
            return;
        }
        self.next_beat = now + BEAT;
        self.last_beat = now;
        let vouched_ns = self.feeds.vouched_ns(self.published_ns);
        // Where another feed steps in that knows less, what was known is still true.
        self.vouched_ns = self.vouched_ns.max(vouched_ns.unwrap_or_default());
        self.writer.heartbeat(vouched_ns.map(|_| self.vouched_ns));
        self.end_watches(now);
        if self.writer.is_unlinked() {
            self.remake(now);
        } else if !self.writer.holds_lock() {
            self.retake_lock();
        }
    }

    /// The region is there, the lock is not: whoever has taken it may write to the region.
    fn retake_lock(&mut self) {
        match self.writer.retake_lock() {
            Ok(()) => {
                tracing::warn!("the lock's file was removed; made it anew");
                self.home.is_anew();
            }
            Err(error @ WriterError::Locked { .. }) => self.replaced = Some(error.to_string()),
            Err(error) => {
                if let Some(times) = self.warnings.lock.happened() {
                    tracing::error!(%error, times, "the lock's file was removed and cannot be made anew");
                }
            }
        }
    }

    fn remake(&mut self, now: Instant) {
        if now < self.next_remake {
            return;
        }
        let path = self.writer.region().path().display().to_string();
        match self.writer.remake() {
            Ok(()) => {
                let hint =
                    "on a login's /dev/shm this is systemd's RemoveIPC: see `driftshm doctor`";
                tracing::warn!(path, hint, "the region's file was removed; made it anew");
                self.home.is_anew();
            }
            Err(error @ WriterError::Locked { .. }) => self.replaced = Some(error.to_string()),
            Err(error) => {
                self.next_remake = now + Duration::from_secs(1);
                let what = "the region's file was removed and cannot be made anew; \
                            readers that have it open are still served";
                tracing::error!(path, %error, "{what}");
            }
        }
    }
}
