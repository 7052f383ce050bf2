//! One word, stored over and over: what another core's stores cost a reader, and nothing else.

use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::path::Path;
use std::time::{Duration, Instant};

use driftshm_layout::mapping::Mapping;
use driftshm_layout::sync::Ordering;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::time::Timespec;

/// Between two looks whether it is to end.
const AT_ONCE: u64 = 10_000;

/// Stores to the first word of the file at `page` once every `period`, until `end` is readable.
pub fn run(page: &Path, period: Duration, end: impl AsFd) -> io::Result<()> {
    let page = Mapping::writable(File::options().read(true).write(true).open(page)?)?;
    let Some(word) = page.words().first() else { return Ok(()) };
    let mut next = Instant::now();
    loop {
        for nth in 0..AT_ONCE {
            while Instant::now() < next {
                std::hint::spin_loop();
            }
            word.store(nth, Ordering::Release);
            next += period;
        }
        let mut polled = [PollFd::new(&end, PollFlags::IN)];
        if poll(&mut polled, Some(&Timespec::default()))? != 0 {
            return Ok(());
        }
    }
}
