//! The recorder's thread: the region's state at first, and then what the tap brings.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use crossbeam_channel::{Receiver, RecvTimeoutError};
use driftshm_layout::profile::{Kind, Profile};
use driftshm_layout::{Region, clock};
use rustix::fs::{Access, FlockOperation, access, flock};

use super::RecordingError;
use super::blocks::BlockWriter;
use super::item::{self, Session};
use super::read::Recording;
use super::tap::{Message, Tap};
use crate::feeds::AccountUpdate;

/// Bytes of the region's state that are handed on at a time.
const PIECE: usize = 256 * 1024;
/// Markets before the oracles that they name, and all of these before users, who hold positions
/// in them.
const ORDER: [Kind; 6] =
    [Kind::State, Kind::PerpMarket, Kind::SpotMarket, Kind::Oracle, Kind::User, Kind::UserStats];

/// What is recorded.
#[derive(Debug, Clone)]
pub struct RecorderOptions {
    /// The region's directory.
    pub dir: PathBuf,
    /// Whose accounts these are.
    pub session: Session,
}

impl RecorderOptions {
    /// For the accounts of a profile.
    pub fn new(dir: &Path, cluster: &str, profile: &Profile) -> Self {
        let session = Session {
            unix_ns: 0,
            program: profile.program_id.to_string(),
            profile: profile.name.clone(),
            cluster: cluster.to_owned(),
            writer: env!("CARGO_PKG_VERSION").to_owned(),
        };
        Self { dir: dir.to_owned(), session }
    }
}

/// Keeps a recording going; it ends when this is dropped, or the publisher ends.
pub struct Guard(Arc<AtomicBool>);

impl Guard {
    /// For a recording that is yet to start.
    #[allow(clippy::new_without_default, reason = "there is nothing default about it")]
    pub fn new() -> Self {
        Self(Arc::default())
    }

    /// Whether it was ended.
    pub fn flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.0)
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Starts a recorder that writes to `out`. It records from when the publisher has the tap.
pub fn start(
    out: impl Write + Send + 'static,
    mut options: RecorderOptions,
    guard: &Guard,
) -> io::Result<(Tap, JoinHandle<()>)> {
    options.session.unix_ns = clock::unix_ns();
    let (tap, messages) = Tap::new(clock::monotonic_ns(), guard.flag());
    let thread = std::thread::Builder::new().name("recorder".to_owned());
    let thread = thread.spawn(move || log_end(&record(out, &options, &messages)))?;
    Ok((tap, thread))
}

fn log_end(outcome: &io::Result<Option<u64>>) {
    match outcome {
        Ok(Some(bytes)) => tracing::info!(bytes, "the recording has ended"),
        Ok(None) => {}
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
            tracing::info!("the recording has ended: nobody reads it any more");
        }
        Err(error) => tracing::error!(%error, "the recording has ended: it cannot be written"),
    }
}

/// How many bytes were written; `None` if it never began.
fn record(
    out: impl Write,
    options: &RecorderOptions,
    messages: &Receiver<Message>,
) -> io::Result<Option<u64>> {
    let began_ns = clock::monotonic_ns();
    let mut blocks = BlockWriter::new(out)?;
    let mut session = Vec::new();
    item::put_session(&mut session, &options.session);
    blocks.push(&session, 1)?;
    let Ok(Message::Attached) = messages.recv() else { return Ok(None) };
    match Region::open(&options.dir) {
        Ok(region) => record_region(&region, &mut blocks)?,
        Err(error) => {
            tracing::warn!(%error, "the recording begins without what the region has already");
        }
    }
    blocks.flush()?;
    loop {
        let message = match blocks.due() {
            Some(due) => messages.recv_deadline(due),
            None => messages.recv().map_err(|_| RecvTimeoutError::Disconnected),
        };
        match message {
            Ok(Message::Items(bytes, items)) => blocks.push(&bytes, items)?,
            Ok(Message::Attached) => {}
            Err(RecvTimeoutError::Timeout) => blocks.flush()?,
            Err(RecvTimeoutError::Disconnected) => break,
        }
        if blocks.due().is_some_and(|due| std::time::Instant::now() >= due) {
            blocks.flush()?;
        }
    }
    let mut end = Vec::new();
    item::put_end(&mut end, clock::monotonic_ns().saturating_sub(began_ns));
    blocks.push(&end, 1)?;
    blocks.flush()?;
    Ok(Some(blocks.written()))
}

/// What the region has, account by account. It changes meanwhile: what the tap brings of an
/// account that is recorded here in a newer version is dropped as old when it is replayed.
fn record_region<W: Write>(region: &Region, blocks: &mut BlockWriter<W>) -> io::Result<()> {
    let mut piece = Vec::with_capacity(PIECE + PIECE / 4);
    let mut items = 0;
    for record in ORDER.into_iter().flat_map(|kind| region.accounts(kind)) {
        let (Some(pubkey), Ok(known)) = (region.pubkey(&record), region.snapshot(&record)) else {
            continue;
        };
        // What no feed has brought: the quote asset's oracle. What is closed is not there.
        if known.meta.closed || known.data.is_empty() {
            continue;
        }
        let update = AccountUpdate {
            pubkey,
            owner: None,
            slot: known.meta.slot,
            write_version: known.meta.write_version,
            lamports: known.meta.lamports,
            data: known.data,
            received_ns: 0,
            source: known.meta.source,
        };
        items += u64::from(item::put_account(&mut piece, 0, &update, true));
        if piece.len() >= PIECE {
            blocks.push(&piece, std::mem::take(&mut items))?;
            piece.clear();
        }
    }
    blocks.push(&piece, items)
}

/// Opens a file to record to: a new one, or a recording that gets another session. Nobody else
/// may be recording to it.
pub fn append_to(path: &Path) -> Result<File, RecordingError> {
    let io = |action| move |source| RecordingError::Io { action, path: path.to_owned(), source };
    let file = options().create(true).open(path).map_err(io("open"))?;
    look_at(&file, path)?;
    let lock = flock(&file, FlockOperation::NonBlockingLockExclusive);
    lock.map_err(|error| match error {
        rustix::io::Errno::WOULDBLOCK => RecordingError::InUse { path: path.to_owned() },
        error => io("lock")(error.into()),
    })?;
    Ok(file)
}

/// Whether [`append_to`] would do it, as far as can be told without making the file. That another
/// recorder has it at the moment does not count: it may be the writer that is to be restarted.
pub fn could_append_to(path: &Path) -> Result<(), RecordingError> {
    let io = |source| RecordingError::Io { action: "open", path: path.to_owned(), source };
    match options().open(path) {
        Ok(file) => look_at(&file, path),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let above = path.parent().filter(|above| !above.as_os_str().is_empty());
            let above = above.unwrap_or(Path::new("."));
            access(above, Access::WRITE_OK | Access::EXEC_OK).map_err(|error| io(error.into()))
        }
        Err(error) => Err(io(error)),
    }
}

fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).append(true).mode(0o640);
    options
}

fn look_at(file: &File, path: &Path) -> Result<(), RecordingError> {
    let io = |action| move |source| RecordingError::Io { action, path: path.to_owned(), source };
    let not_one = |why| RecordingError::NotARecording { path: path.to_owned(), why };
    let metadata = file.metadata().map_err(io("open"))?;
    if !metadata.is_file() {
        return Err(not_one("it is no regular file"));
    }
    if metadata.len() > 0 && !Recording::is_one(file) {
        return Err(not_one("it has something else in it already; name another file"));
    }
    Ok(())
}
