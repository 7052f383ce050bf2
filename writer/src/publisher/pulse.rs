//! What happens every 100 ms: the heartbeat, and looking whether the region is still there.

use std::time::{Duration, Instant};

use driftshm_layout::FeedState;

use super::Publisher;

const BEAT: Duration = Duration::from_millis(100);

impl Publisher {
    /// In the middle of a long batch: the heart beats, but what waits behind is not published
    /// yet, so nothing is vouched for.
    pub(super) fn beat_within_batch(&mut self) {
        let now = Instant::now();
        if now >= self.last_beat + BEAT {
            self.last_beat = now;
            self.writer.heartbeat(false);
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
        self.writer.heartbeat(self.feeds.overall() == FeedState::Live);
        self.end_watches(now);
        if self.writer.is_unlinked() {
            self.remake(now);
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
                self.socket_lost.notify_one();
            }
            Err(error) => {
                self.next_remake = now + Duration::from_secs(1);
                let what = "the region's file was removed and cannot be made anew; \
                            readers that have it open are still served";
                tracing::error!(path, %error, "{what}");
            }
        }
    }
}
