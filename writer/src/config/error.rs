//! What can be wrong with settings, and how it is said in one line.

use std::fmt;
use std::path::PathBuf;

/// Where a setting's value comes from; each beats those after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// The command line.
    Flag(String),
    /// An environment variable.
    Variable(String),
    /// A line of the file.
    File {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The key.
        key: String,
    },
    /// Nobody said anything.
    Default,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(flag) => f.write_str(flag),
            Self::Variable(name) => f.write_str(name),
            Self::File { path, line, key } => write!(f, "{}:{line}: {key}", path.display()),
            Self::Default => f.write_str("default"),
        }
    }
}

/// Why settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SettingError {
    /// The file cannot be read.
    #[error("cannot read the settings in {path} (named by {by}): {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// The flag or variable that names it.
        by: Origin,
        /// The system's answer.
        source: std::io::Error,
    },
    /// The file is not TOML.
    #[error("{path}:{line}: {what}")]
    Syntax {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong there.
        what: String,
    },
    /// The file has a key that is no setting.
    #[error("{path}:{line}: there is no setting {key:?}{}", hint(.nearest))]
    UnknownKey {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The key.
        key: String,
        /// What may have been meant.
        nearest: Option<String>,
    },
    /// A value that is not allowed.
    #[error("{origin} is {given:?}: {why}")]
    Value {
        /// Where it comes from.
        origin: Origin,
        /// What was given.
        given: String,
        /// What is allowed.
        why: String,
    },
    /// Anything else that is wrong with the command line.
    #[error("{0}")]
    Usage(String),
}

fn hint(nearest: &Option<String>) -> String {
    nearest.as_ref().map(|known| format!("; did you mean {known}?")).unwrap_or_default()
}
