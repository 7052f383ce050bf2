//! Why a recording cannot be written or read.

use std::io;
use std::path::PathBuf;

use super::VERSION;

/// What is wrong with a recording as a whole. Damage within one is not an error: see
/// [`Damage`](super::Damage).
#[derive(Debug, thiserror::Error)]
pub enum RecordingError {
    /// The file is something else.
    #[error("{path} is not a recording of driftshm: {why}", path = .path.display())]
    NotARecording {
        /// The file.
        path: PathBuf,
        /// What it looks like.
        why: &'static str,
    },
    /// Written by another version of driftshm.
    #[error(
        "the recording {path} has format {found} at byte {offset}, this driftshm knows format \
         {VERSION}: use the version that wrote it", path = .path.display()
    )]
    Version {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: u32,
        /// Where it says so.
        offset: u64,
    },
    /// Another recorder writes to it.
    #[error("another recorder writes to {path}: name another file", path = .path.display())]
    InUse {
        /// The file.
        path: PathBuf,
    },
    /// The system says no.
    #[error("cannot {action} the recording {path}: {source}", path = .path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
}
