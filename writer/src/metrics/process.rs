//! What the system knows of this process, as every Prometheus client names it.

use procfs::process::Process;
use rustix::process::{Resource, getrlimit};

/// Figures of this process.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct ProcessFigures {
    pub cpu_seconds: f64,
    pub start_time_seconds: f64,
    pub resident_memory_bytes: u64,
    pub virtual_memory_bytes: u64,
    pub threads: i64,
    pub open_fds: usize,
    pub max_fds: u64,
}

impl ProcessFigures {
    /// Those of now; nothing where there is no /proc to read.
    pub fn read() -> Option<Self> {
        let process = Process::myself().ok()?;
        let stat = process.stat().ok()?;
        let ticks = procfs::ticks_per_second() as f64;
        let started = stat.starttime as f64 / ticks;
        Some(Self {
            cpu_seconds: (stat.utime + stat.stime) as f64 / ticks,
            start_time_seconds: procfs::boot_time_secs().ok()? as f64 + started,
            resident_memory_bytes: stat.rss * procfs::page_size(),
            virtual_memory_bytes: stat.vsize,
            threads: stat.num_threads,
            open_fds: process.fd_count().ok()?,
            max_fds: getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_is_there_and_has_used_something() {
        let figures = ProcessFigures::read().unwrap();
        assert!(figures.resident_memory_bytes > 1 << 20 && figures.threads >= 1);
        assert!(figures.open_fds >= 3 && figures.max_fds >= figures.open_fds as u64);
        let now = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs_f64();
        assert!((0.0..3600.0).contains(&(now - figures.start_time_seconds)), "{figures:?}");
    }
}
