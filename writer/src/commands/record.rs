//! `driftshm record`: what the feeds of a running writer bring, into a file.

use std::fs::File;
use std::io::Write;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Args;
use driftshm_layout::control::LinkError;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use super::ask::{self, Recorded};
use super::failure::{Failure, complain};
use super::place::PlaceArgs;
use super::stop::Stop;
use crate::recording::append_to;

/// How often it is looked whether there is a writer again.
const RETRY: Duration = Duration::from_millis(500);
/// How long the writer may take to bring the end, once it was told to.
const LAST: Duration = Duration::from_secs(2);
/// Bytes that are written at a time.
const PIECE: usize = 1 << 20;

/// Records what the feeds of the running writer bring, until Ctrl-C: `driftshm run --feed replay
/// --replay FILE` plays it again.
///
/// The writer goes on as it is, and nothing is asked of its nodes that would not be anyway. The
/// recording begins with what the region has. A writer that is started again is followed. A disk
/// that is too slow makes gaps in the recording, and does not slow down the writer.
#[derive(Debug, Clone, Args)]
pub struct RecordArgs {
    /// The file; one that is a recording already is added to
    #[arg(value_name = "FILE")]
    file: PathBuf,

    #[command(flatten)]
    place: PlaceArgs,
}

/// Records until told to stop.
pub fn run(args: &RecordArgs) -> Result<ExitCode, Failure> {
    let stop = Stop::on_signals()?;
    // Of the right cluster, or not at all.
    let (dir, _) = args.place.open()?;
    // Before the file: a writer that does not answer leaves no empty one behind.
    let mut recorded = ask::record(&dir)?;
    let mut file = append_to(&args.file)?;
    let name = args.file.display();
    complain(&format_args!("recording into {name}; Ctrl-C ends it"));
    let mut bytes = 0;
    loop {
        bytes += copy(recorded, &mut file, &args.file, &stop)?;
        if stop.is_set() {
            break;
        }
        complain(&"the writer is gone; waiting for another");
        match next(&dir, &stop)? {
            Some(again) => recorded = again,
            None => break,
        }
        complain(&"a writer is there again");
    }
    complain(&format_args!("recorded {bytes} bytes into {name}"));
    Ok(ExitCode::SUCCESS)
}

/// The recording of the next writer; `None` if it is time to stop.
fn next(dir: &Path, stop: &Stop) -> Result<Option<Recorded>, Failure> {
    while !stop.is_set() {
        match ask::record(dir) {
            Ok(recorded) => return Ok(Some(recorded)),
            Err(
                LinkError::NoWriter { .. }
                | LinkError::Timeout { .. }
                | LinkError::Busy { .. }
                | LinkError::HungUp { .. }
                | LinkError::Io { .. },
            ) => {
                wait(&[PollFd::from_borrowed_fd(stop.fd(), PollFlags::IN)], RETRY)?;
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(None)
}

/// Copies to the end of the recording, which comes when the writer ends it, or is told to.
fn copy(recorded: Recorded, file: &mut File, path: &Path, stop: &Stop) -> Result<u64, Failure> {
    let Recorded { connection, pipe } = recorded;
    let mut connection = Some(connection);
    let mut give_up: Option<Instant> = None;
    let mut buffer = vec![0; PIECE];
    let mut bytes = 0;
    loop {
        if stop.is_set() && connection.take().is_some() {
            give_up = Some(Instant::now() + LAST);
        }
        match rustix::io::read(&pipe, &mut buffer) {
            Ok(0) => return Ok(bytes),
            Ok(len) => {
                let write = file.write_all(buffer.get(..len).unwrap_or_default());
                write.map_err(|source| Failure::File { path: path.to_owned(), source })?;
                bytes += len as u64;
                continue;
            }
            Err(Errno::INTR) => continue,
            Err(Errno::AGAIN) => {}
            Err(error) => {
                return Err(Failure::System { action: "read the recording", source: error.into() });
            }
        }
        if give_up.is_some_and(|until| Instant::now() >= until) {
            complain(&"the writer does not end the recording: it is cut off");
            return Ok(bytes);
        }
        wait_for(&pipe, connection.as_ref().map(|_| stop))?;
    }
}

/// Until there is more, or it is time to stop.
fn wait_for(pipe: &OwnedFd, stop: Option<&Stop>) -> Result<(), Failure> {
    let mut fds = vec![PollFd::new(pipe, PollFlags::IN)];
    fds.extend(stop.map(|stop| PollFd::from_borrowed_fd(stop.fd(), PollFlags::IN)));
    wait(&fds, Duration::from_millis(100))
}

fn wait(fds: &[PollFd<'_>], longest: Duration) -> Result<(), Failure> {
    let mut fds = fds.to_vec();
    let longest = Timespec { tv_sec: 0, tv_nsec: longest.subsec_nanos().into() };
    match poll(&mut fds, Some(&longest)) {
        Ok(_) | Err(Errno::INTR) => Ok(()),
        Err(error) => Err(Failure::System { action: "wait", source: error.into() }),
    }
}
