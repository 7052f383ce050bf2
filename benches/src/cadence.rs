//! The bare publisher: a time stamp in shared memory and a write to an eventfd, at a fixed pace.

use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::path::Path;
use std::time::{Duration, Instant};

use driftshm_layout::clock;
use driftshm_layout::mapping::Mapping;
use driftshm_layout::sync::Ordering;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::time::Timespec;

/// Publishes from one line of `orders` to the next: the first word of the file at `page` is set to
/// CLOCK_MONOTONIC, then `eventfd` is written to. Ends with `orders`.
pub fn run(page: &Path, period: Duration, orders: impl AsFd, eventfd: impl AsFd) -> io::Result<()> {
    let page = Mapping::writable(File::options().read(true).write(true).open(page)?)?;
    let mut running = false;
    let mut next = Instant::now();
    loop {
        let pause = running.then(|| next.saturating_duration_since(Instant::now()));
        if is_readable(&orders, pause)? {
            let mut line = [0; 64];
            if rustix::io::read(&orders, &mut line)? == 0 {
                return Ok(());
            }
            running = !running;
            next = Instant::now();
        } else {
            if let Some(word) = page.words().first() {
                word.store(clock::monotonic_ns(), Ordering::Release);
            }
            rustix::io::write(&eventfd, &1u64.to_ne_bytes())?;
            next += period;
        }
    }
}

fn is_readable(fd: &impl AsFd, timeout: Option<Duration>) -> io::Result<bool> {
    let timeout = timeout.map(Timespec::try_from).transpose().map_err(io::Error::other)?;
    let mut polled = [PollFd::new(fd, PollFlags::IN)];
    Ok(poll(&mut polled, timeout.as_ref())? != 0)
}
