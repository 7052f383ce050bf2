//! The bare publisher: a time stamp in shared memory and a write to an eventfd, at a fixed pace.

use std::fs::File;
use std::io::{BufRead, Write};
use std::os::fd::AsFd;
use std::path::Path;
use std::time::{Duration, Instant};

use driftshm_layout::clock;
use driftshm_layout::mapping::Mapping;
use driftshm_layout::sync::Ordering;

/// For each line of `orders`, a number, publishes so many times: the first word of the file at
/// `page` is set to CLOCK_MONOTONIC, then `eventfd` is written to.
pub fn run(
    page: &Path,
    period: Duration,
    orders: impl BufRead,
    mut eventfd: impl Write + AsFd,
) -> std::io::Result<()> {
    let page = Mapping::writable(File::options().read(true).write(true).open(page)?)?;
    for order in orders.lines() {
        let count: u64 = order?.trim().parse().map_err(std::io::Error::other)?;
        let mut next = Instant::now();
        for _ in 0..count {
            next += period;
            std::thread::sleep(next.saturating_duration_since(Instant::now()));
            if let Some(word) = page.words().first() {
                word.store(clock::monotonic_ns(), Ordering::Release);
            }
            eventfd.write_all(&1u64.to_ne_bytes())?;
        }
    }
    Ok(())
}
