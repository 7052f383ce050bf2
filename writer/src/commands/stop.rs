//! Being told to stop, by Ctrl-C or by the system, in a loop that waits on descriptors.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::event::{EventfdFlags, eventfd};
use tokio::signal::unix::{SignalKind, signal};

use crate::commands::failure::Failure;

/// Set by SIGINT and SIGTERM.
pub struct Stop {
    state: Arc<State>,
}

struct State {
    is_set: AtomicBool,
    eventfd: OwnedFd,
}

impl Stop {
    /// From now on the signals no longer end the process by themselves.
    pub fn on_signals() -> Result<Self, Failure> {
        let failed =
            |source: std::io::Error| Failure::System { action: "wait for signals", source };
        let flags = EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK;
        let eventfd = eventfd(0, flags).map_err(|error| failed(error.into()))?;
        let state = Arc::new(State { is_set: AtomicBool::new(false), eventfd });
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_io().build().map_err(failed)?;
        let (mut interrupt, mut terminate) = {
            let _inside = runtime.enter();
            let one = |kind| signal(kind).map_err(failed);
            (one(SignalKind::interrupt())?, one(SignalKind::terminate())?)
        };
        let set = Arc::clone(&state);
        let wait = move || {
            runtime.block_on(async {
                tokio::select! {
                    _ = interrupt.recv() => {}
                    _ = terminate.recv() => {}
                }
            });
            set.is_set.store(true, Ordering::Release);
            let _ = rustix::io::write(&set.eventfd, &1u64.to_ne_bytes());
        };
        std::thread::Builder::new().name("signals".into()).spawn(wait).map_err(failed)?;
        Ok(Self { state })
    }

    /// Whether it is time to stop.
    pub fn is_set(&self) -> bool {
        self.state.is_set.load(Ordering::Acquire)
    }

    /// Readable when it is.
    pub fn fd(&self) -> BorrowedFd<'_> {
        self.state.eventfd.as_fd()
    }
}
