//! What a process takes of the machine, as the kernel counts it.

use std::path::PathBuf;

/// Of a process that runs.
#[derive(Debug, Clone, Copy, Default)]
pub struct Footprint {
    /// Memory of its own, in KiB.
    pub anonymous: u64,
    /// All that is resident but what it shares by way of the region, in KiB.
    pub private: u64,
    /// The most that was ever resident, but for as much of the region as is now, in KiB.
    pub peak: u64,
    /// Descriptors that are open.
    pub descriptors: usize,
}

impl Footprint {
    pub fn of(pid: u32) -> Self {
        let process = PathBuf::from(format!("/proc/{pid}"));
        let status = std::fs::read_to_string(process.join("status")).unwrap();
        let kib = |name: &str| -> u64 {
            let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
            let number = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
            number.unwrap_or_else(|| panic!("no {name} in {status}"))
        };
        Self {
            anonymous: kib("RssAnon"),
            private: kib("RssAnon") + kib("RssFile"),
            peak: kib("VmHWM").saturating_sub(kib("RssShmem")),
            descriptors: std::fs::read_dir(process.join("fd")).unwrap().count(),
        }
    }
}
