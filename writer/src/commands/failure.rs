//! Why a command did not do its work, and the exit status for it.

use std::fmt::Display;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use driftshm_layout::OpenError;
use driftshm_layout::control::LinkError;
use driftshm_layout::profile::PathError;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::config::SettingError;
use crate::recording::RecordingError;
use crate::serve::ServeError;

/// A command failed; the text is all that the user gets to see.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// A setting or the command line is wrong.
    #[error(transparent)]
    Setting(#[from] SettingError),
    /// An argument makes no sense.
    #[error("{0}")]
    Argument(String),
    /// The region does not open.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The writer's socket gives no answer.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// The file cannot be recorded to.
    #[error(transparent)]
    Recording(#[from] RecordingError),
    /// The file takes no more.
    #[error("cannot write to {path}: {source}", path = .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The system's answer.
        source: std::io::Error,
    },
    /// The writer does not run.
    #[error(transparent)]
    Serve(#[from] ServeError),
    /// An account has no such field.
    #[error(transparent)]
    Field(#[from] PathError),
    /// What was asked for is not there.
    #[error("{0}")]
    NotThere(String),
    /// The system says no.
    #[error("cannot {action}: {source}")]
    System {
        /// What was tried.
        action: &'static str,
        /// Its answer.
        source: std::io::Error,
    },
    /// Standard output does not take any more.
    #[error("cannot write to standard output: {0}")]
    Output(#[from] std::io::Error),
}

impl Failure {
    /// Says so on standard error.
    pub fn report(&self) -> ExitCode {
        match self {
            // `driftshm watch | head` has had what it wanted.
            Self::Output(error) if error.kind() == std::io::ErrorKind::BrokenPipe => {
                ExitCode::SUCCESS
            }
            Self::Setting(_)
            | Self::Argument(_)
            | Self::Open(OpenError::ClusterName { .. })
            | Self::Serve(
                ServeError::Options(_) | ServeError::Recording { .. } | ServeError::Record(_),
            ) => {
                complain(self);
                ExitCode::from(2)
            }
            _ => {
                complain(self);
                ExitCode::FAILURE
            }
        }
    }
}

/// So long a full standard error may take to have room again.
const PATIENCE: Timespec = Timespec { tv_sec: 1, tv_nsec: 0 };

/// A line on standard error. If it cannot be written, or nobody empties the pipe, there is nobody
/// to tell, and the exit status must say it.
pub fn complain(what: &dyn Display) {
    let stderr = std::io::stderr();
    let mut room = [PollFd::new(&stderr, PollFlags::OUT)];
    if !matches!(poll(&mut room, Some(&PATIENCE)), Ok(0)) {
        let _ = writeln!(std::io::stderr(), "driftshm: {what}");
    }
}
