//! Why a cluster could not be started.

use std::io;
use std::path::PathBuf;

/// Why a cluster could not be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A file of accounts cannot be read.
    #[error("cannot read {path}: {source}; check the path", path = .path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A line in such a file is not what it should be.
    #[error("{path}, line {number}: {reason}", path = .path.display())]
    Line {
        /// Which file.
        path: PathBuf,
        /// Which line, from 1.
        number: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// A port cannot be listened on.
    #[error(
        "the {server} server cannot listen on port {port}: {source}; take another, or 0 for any"
    )]
    Port {
        /// Which server.
        server: &'static str,
        /// Which port; 0 is any.
        port: u16,
        /// Why not.
        source: io::Error,
    },
    /// A thread cannot be started.
    #[error("cannot start a thread for the simulation: {0}")]
    Thread(io::Error),
}
