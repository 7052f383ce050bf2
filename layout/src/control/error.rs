//! What can keep a bot from the writer.

use std::io;
use std::path::PathBuf;

use super::messages::ErrorCode;

/// Why there is no connection to the writer.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// Nobody listens.
    #[error("no writer listens on {path}: start it with `driftshm run`")]
    NoWriter {
        /// The socket.
        path: PathBuf,
    },
    /// The file system or the writer keeps this user out.
    #[error("no permission to connect to {path}: {why}")]
    NotAllowed {
        /// The socket.
        path: PathBuf,
        /// Who says so.
        why: String,
    },
    /// The writer is of another version.
    #[error("the writer is of another version: {0}; install the same version of driftshm for both")]
    Incompatible(String),
    /// The writer refused.
    #[error("the writer refused: {message}")]
    Refused {
        /// For programs.
        code: ErrorCode,
        /// What it said.
        message: String,
    },
    /// Descriptors that the writer sent could not be received.
    #[error(
        "the descriptors that the writer sent did not arrive: this process has too many open files; raise its limit (ulimit -n)"
    )]
    DescriptorsLost,
    /// The writer did not answer in time.
    #[error("the writer on {path} does not answer: is it stopped, or was the time too short?")]
    Timeout {
        /// The socket.
        path: PathBuf,
    },
    /// More connections wait for the writer than the system keeps for it.
    #[error(
        "as many connections wait for the writer on {path} as can: it is busy, or is it stopped?"
    )]
    Busy {
        /// The socket.
        path: PathBuf,
    },
    /// The writer closed the connection without an answer.
    #[error("the writer on {path} closed the connection without an answer: it is busy, or ended")]
    HungUp {
        /// The socket.
        path: PathBuf,
    },
    /// The writer said something that makes no sense.
    #[error("the writer on the control socket broke the protocol: {0}")]
    Protocol(String),
    /// Anything the system says.
    #[error("cannot {action}: {source}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// The system's answer.
        source: io::Error,
    },
}

impl LinkError {
    /// Whether the next attempt may well succeed with nothing mended in between.
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::Busy { .. } | Self::HungUp { .. })
    }
}

/// An answer of the system, with what was tried.
pub(super) fn io_error<E: Into<io::Error>>(action: &'static str) -> impl FnOnce(E) -> LinkError {
    move |source| LinkError::Io { action, source: source.into() }
}
