//! The replay feed: accounts from a recording ([`crate::recording`]), or from a file of JSON lines
//! as a test writes them. The file itself tells which of the two it is.
//!
//! Of a recording every update comes in its order, with the rank, slot and write version that it
//! had; slots and the state of the feeds come with them. Nothing is conflated, so that the same
//! recording gives the same versions of the same accounts whatever the speed.
//!
//! Of JSON lines, each line is an object with `pubkey` (base58) and `data` (base64; null or empty: the account
//! is closed), and optionally `owner`, `slot`, `write_version`, `lamports` (default 1; 0: closed)
//! and `delay_ms`, how long after the line before it comes. Other keys and empty lines are
//! ignored. A line without a slot gets the one after the highest before it, the first
//! `start_slot`. A line that cannot be read is reported with its number, counted and skipped.
//!
//! At the end of the file, which is logged, the feed stays live: slots tick on. With [`ReplayOptions::repeat`] it
//! begins anew instead, lines' own slots shifted so that they keep rising, and begin no lower than
//! `start_slot`. The file is read as it
//! is played; only where each account's last line is stays in memory, so that
//! [`FeedCommand::Follow`](super::FeedCommand::Follow) can bring it again.

mod jsonl;
mod line;
mod lines;
mod places;
mod recorded;
mod slots;
mod stage;
#[cfg(test)]
mod tests;

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use self::stage::Stage;
use super::Sink;
use crate::recording::{Recording, RecordingError};

/// What to replay, and how.
#[derive(Debug, Clone, PartialEq)]
pub struct ReplayOptions {
    /// The recording, or the file of JSON lines.
    pub path: PathBuf,
    /// Begin anew at the end of the file, for ever.
    pub repeat: bool,
    /// How much faster than recorded, above 0: 2 halves the time between updates, infinity leaves
    /// none.
    pub speed: f64,
}

/// Why a file cannot be replayed.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The file cannot be opened.
    #[error("cannot open the recording {path}: {source}; check the path given to replay", path = .path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The file cannot be read.
    #[error("cannot read the recording {path} after line {line}: {source}", path = .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// How many lines could be.
        line: u64,
        /// Why no more.
        source: io::Error,
    },
    /// The recording cannot be read.
    #[error(transparent)]
    Recording(#[from] RecordingError),
    /// Not a speed.
    #[error("a replay's speed of {speed} is not possible: give a number above 0, such as 1 or 2.5")]
    Speed {
        /// What was given.
        speed: f64,
    },
}

/// How long a slot takes where the file says nothing.
const SLOT: Duration = Duration::from_millis(400);

/// Plays the file until the writer stops.
pub fn run(options: &ReplayOptions, start_slot: u64, sink: &Sink) -> Result<(), ReplayError> {
    if options.speed.is_nan() || options.speed <= 0.0 {
        return Err(ReplayError::Speed { speed: options.speed });
    }
    let file = open(&options.path)?;
    let played = if Recording::is_one(&file) {
        let recording = Recording::open(&options.path)?;
        recorded::Player::new(options, Stage::new(sink, start_slot, true), recording).play()
    } else {
        jsonl::Player::new(options, Stage::new(sink, start_slot, false), &file).play()
    };
    match played {
        Ok(()) | Err(End::Stopped) => Ok(()),
        Err(End::Failed(error)) => Err(error),
    }
}

fn open(path: &Path) -> Result<File, ReplayError> {
    let error = |source| ReplayError::Open { path: path.to_owned(), source };
    let file = File::open(path).map_err(error)?;
    if file.metadata().map_err(error)?.is_dir() {
        return Err(error(io::ErrorKind::IsADirectory.into()));
    }
    Ok(file)
}

/// Why playing ends.
enum End {
    Stopped,
    Failed(ReplayError),
}

impl From<RecordingError> for End {
    fn from(error: RecordingError) -> Self {
        Self::Failed(error.into())
    }
}

/// Said once, when the file was played for the first time: what is published afterwards is old, and
/// a file that is no recording looks like a feed that is well.
fn log_end(options: &ReplayOptions, accounts: u64) {
    let file = options.path.display();
    let next = match options.repeat {
        true => "it begins again",
        false => "its accounts stay as they are, and the feed is live",
    };
    match accounts {
        0 => tracing::warn!(
            "{file}: no account could be read from it, and yet the feed is live: check --replay"
        ),
        _ => tracing::info!(accounts, "{file}: played to its end: {next}"),
    }
}

fn warn_of_old_slots(options: &ReplayOptions, own: Option<u64>, start: u64) {
    let (file, own) = (options.path.display(), own.unwrap_or_default());
    tracing::warn!(
        "{file}: its slots begin at {own}, the region is at {start}: what is older than the region \
         has is dropped; choose another --dir or leave out the slots"
    );
}
