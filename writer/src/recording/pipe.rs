//! Recordings that go to another process, through a pipe.

use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::pipe::{PipeFlags, fcntl_setpipe_size, pipe_with};

/// So many go on at a time; each has a thread and up to 16 MiB that wait.
const MOST: usize = 4;
/// What the pipe holds, if the system allows it.
const SIZE: usize = 1 << 20;
/// How often a full pipe is looked at for whether the recording has ended meanwhile.
const LOOK: Timespec = Timespec { tv_sec: 0, tv_nsec: 50_000_000 };
/// How long the last block of a recording that has ended may wait for room.
const LAST: Duration = Duration::from_millis(500);

/// Counts recordings that go on.
#[derive(Debug, Clone, Default)]
pub struct Recordings(Arc<AtomicUsize>);

impl Recordings {
    /// How many go on.
    pub fn count(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }

    /// A place for one more; `None`: there are enough.
    pub fn place(&self) -> Option<Place> {
        // The place exists before it is known whether there is one: dropped, it is given back.
        let place = Place(Arc::clone(&self.0));
        (self.0.fetch_add(1, Ordering::Relaxed) < MOST).then_some(place)
    }
}

/// A recording's place among them; given back when dropped.
#[derive(Debug)]
pub struct Place(Arc<AtomicUsize>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The writing end of a pipe whose reader may stop reading, and must not hold up the end.
pub struct PipeSink {
    pipe: OwnedFd,
    ended: Arc<AtomicBool>,
    _place: Place,
}

impl PipeSink {
    /// The end to write to, and the one to read from. `ended` says that the recording is to end.
    pub fn new(ended: Arc<AtomicBool>, place: Place) -> io::Result<(Self, OwnedFd)> {
        let (theirs, ours) = pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK)?;
        // Smaller is well, too.
        let _ = fcntl_setpipe_size(&ours, SIZE);
        Ok((Self { pipe: ours, ended, _place: place }, theirs))
    }
}

impl Write for PipeSink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut ended_at = None;
        loop {
            match rustix::io::write(&self.pipe, bytes) {
                Err(Errno::AGAIN | Errno::INTR) => {}
                done => return Ok(done?),
            }
            if self.ended.load(Ordering::Relaxed) {
                let since: &mut Instant = ended_at.get_or_insert_with(Instant::now);
                if since.elapsed() > LAST {
                    return Err(io::ErrorKind::TimedOut.into());
                }
            }
            let mut room = [PollFd::new(&self.pipe, PollFlags::OUT)];
            match poll(&mut room, Some(&LOOK)) {
                Ok(_) | Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pipe(ended: &Arc<AtomicBool>) -> (PipeSink, OwnedFd) {
        PipeSink::new(Arc::clone(ended), Recordings::default().place().unwrap()).unwrap()
    }

    #[test]
    fn there_are_so_many_places_and_no_more() {
        let recordings = Recordings::default();
        let mut places: Vec<_> = (0..MOST).map(|_| recordings.place().unwrap()).collect();
        assert!(recordings.place().is_none());
        assert_eq!(recordings.count(), MOST);
        places.pop();
        assert!(recordings.place().is_some());
        drop(places);
        assert_eq!(recordings.count(), 0);
    }

    #[test]
    fn a_reader_that_is_gone_ends_it() {
        let (mut sink, theirs) = pipe(&Arc::default());
        drop(theirs);
        assert_eq!(sink.write(b"x").unwrap_err().kind(), io::ErrorKind::BrokenPipe);
    }

    #[test]
    fn a_reader_that_does_not_read_holds_up_the_recording_but_not_its_end() {
        let ended = Arc::default();
        let (mut sink, theirs) = pipe(&ended);
        let thread = std::thread::spawn(move || sink.write_all(&vec![7; 3 << 20]));
        let mut buffer = vec![0; 1 << 20];
        let mut got = 0;
        while got < 1 << 20 {
            got += rustix::io::read(&theirs, &mut buffer).unwrap_or(0);
        }
        assert!(!thread.is_finished());
        ended.store(true, Ordering::Relaxed);
        assert_eq!(thread.join().unwrap().unwrap_err().kind(), io::ErrorKind::TimedOut);
    }
}
