//! Why the writer does not run, or runs no more.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use driftshm_layout::WriterError;

use crate::recording::RecordingError;

/// What ended [`serve`](super::serve).
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The options cannot be carried out; nothing was touched.
    #[error("{0}")]
    Options(String),
    /// There is no region to write to.
    #[error(transparent)]
    Region(#[from] WriterError),
    /// The recording of a replay cannot be read; nothing was touched.
    #[error("cannot read the recording {path}: {source}; check --replay")]
    Recording {
        /// The file.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// A feed failed before it was live, and `fail_fast` is on.
    #[error("the feed {feed} failed, and --fail-fast is on: {error}")]
    Feed {
        /// Its name.
        feed: String,
        /// What it says.
        error: String,
    },
    /// The file to record to is none; nothing was touched.
    #[error("{0}; check --record")]
    Record(#[from] RecordingError),
    /// The control socket cannot be bound.
    #[error("cannot bind the control socket {path}: {source}")]
    Socket {
        /// Its path.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// Nothing can be served at the address for metrics.
    #[error(
        "cannot serve metrics at {address}: {source}; choose another --metrics-listen \
         (DRIFTSHM_METRICS_LISTEN, metrics-listen), or see who has the port: ss -ltnp"
    )]
    Metrics {
        /// The address.
        address: SocketAddr,
        /// The system's answer.
        source: io::Error,
    },
    /// The publisher panicked: a fault in driftshm. Readers see the writer as dead; starting it
    /// again carries on from what was published.
    #[error(
        "the publisher panicked ({0}): this is a fault in driftshm; start the writer again, it carries on where it was"
    )]
    Panicked(String),
    /// Another writer has taken the directory while this one ran.
    #[error(
        "the directory was removed or its lock was, and another writer has it now ({0}); this one has ended and touched nothing of the other's"
    )]
    Replaced(String),
    /// What still waited at the end is not published, and the region does not say `stopped`.
    #[error(
        "the publisher did not end in time: readers see the writer as dead; starting it again carries on from what was published"
    )]
    LeftBehind,
    /// Anything the system says.
    #[error("cannot {action}: {source}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// The system's answer.
        source: io::Error,
    },
}

impl ServeError {
    pub(super) fn io(action: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { action, source }
    }
}
