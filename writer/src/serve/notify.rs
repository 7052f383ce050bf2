//! What systemd is told (`Type=notify`, `WatchdogSec=`), if it asks to be.
//!
//! | message | when |
//! |---|---|
//! | `READY=1` | the region is live and the control socket bound: bots can come |
//! | `STATUS=…` | the feed's state is another one |
//! | `WATCHDOG=1` | the publisher's heart beats, as a bot sees it: a third of the time allowed apart |
//! | `STOPPING=1` | the writer has been told to end |
//!
//! Sending may block, if systemd does not read: so this is a thread, and nobody waits for it.

use std::path::Path;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use driftshm_layout::{FeedState, State};
use sd_notify::NotifyState;

use crate::health::Eye;
use crate::publisher::Throttle;

/// How often the region is looked at: as often as the heart beats.
const LOOK: Duration = Duration::from_millis(100);

/// Until it is dropped, the writer does not stop.
pub(super) struct Stopping {
    _stop: Sender<()>,
}

/// Starts the thread if there is somebody to tell.
pub(super) fn start(dir: &Path) -> std::io::Result<Option<(Stopping, JoinHandle<()>)>> {
    if std::env::var_os("NOTIFY_SOCKET").is_none() {
        return Ok(None);
    }
    let (_stop, stopping) = bounded(0);
    let mut watch = Watch {
        eye: Eye::new(dir.into()),
        watchdog: sd_notify::watchdog_enabled(),
        is_ready: false,
        feed: None,
        next_ping: Instant::now(),
        failed: Throttle::minutely(),
    };
    let thread = std::thread::Builder::new().name("notify".into());
    let thread = thread.spawn(move || watch.run(&stopping))?;
    Ok(Some((Stopping { _stop }, thread)))
}

struct Watch {
    eye: Eye,
    /// The heart must be heard of again within this time.
    watchdog: Option<Duration>,
    is_ready: bool,
    /// As it was said last.
    feed: Option<FeedState>,
    next_ping: Instant,
    failed: Throttle,
}

impl Watch {
    fn run(&mut self, stopping: &Receiver<()>) {
        let every = self.watchdog.map_or(LOOK, |time| LOOK.min(time / 3));
        loop {
            self.look();
            match stopping.recv_timeout(every) {
                Err(RecvTimeoutError::Timeout) => {}
                Ok(()) | Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        self.tell(&[NotifyState::Stopping, NotifyState::Status("stopping")]);
    }

    fn look(&mut self) {
        let Some(region) = self.eye.region().filter(|region| region.writer_alive()) else { return };
        if !self.is_ready && region.state() == Some(State::Live) {
            self.is_ready = true;
            self.tell(&[NotifyState::Ready]);
        }
        let feed = region.feed_state();
        if self.feed != Some(feed) {
            self.feed = Some(feed);
            self.tell(&[NotifyState::Status(&format!("feed {}", feed.as_str()))]);
        }
        if let Some(watchdog) = self.watchdog.filter(|_| Instant::now() >= self.next_ping) {
            self.next_ping = Instant::now() + watchdog / 3;
            self.tell(&[NotifyState::Watchdog]);
        }
    }

    fn tell(&mut self, what: &[NotifyState<'_>]) {
        if let Err(error) = sd_notify::notify(what) {
            if let Some(times) = self.failed.happened() {
                tracing::warn!(%error, times, "cannot tell systemd (NOTIFY_SOCKET) how the writer is");
            }
        }
    }
}
