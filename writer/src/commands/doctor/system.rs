//! The system: open files, and the clock that every read of an age looks at.

use std::time::Instant;

use driftshm_layout::header::Owner;
use driftshm_layout::{Region, clock as region_clock};
use rustix::process::{Resource, getrlimit};

use super::Finding;

/// The writer needs this many for every bot: its connection and its doorbell.
const FILES_PER_BOT: u64 = 2;
/// Fewer bots than this are soon too few.
const FEW_BOTS: u64 = 256;
/// What a look at the clock may cost where no system call is needed for it.
const QUICK_NS: u64 = 1_000;

/// Whether writer and bots may have enough open files.
pub fn files(region: Option<&Region>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let pid = region
        .filter(|region| region.writer_alive())
        .map(|region| region.header().owner(Owner::WriterPid));
    if let Some(limit) = pid.and_then(limit_of) {
        let bots = limit / FILES_PER_BOT;
        let text = format!("the writer may have {limit} open: enough for about {bots} bots");
        findings.push(match bots {
            0..FEW_BOTS => Finding::warning(
                "open files",
                text,
                "LimitNOFILE= in its unit, or ulimit -n, before it starts",
            ),
            _ => Finding::ok("open files", text),
        });
    }
    // A bot has five: socket, doorbell, page, epoll and timer.
    if let Some(limit) = getrlimit(Resource::Nofile).current.filter(|limit| *limit < 64) {
        let text = format!("this user's processes may have only {limit} open");
        findings.push(Finding::warning("open files", text, "ulimit -n 1024 before a bot starts"));
    }
    findings
}

/// The soft limit of another process, if we may know it.
fn limit_of(pid: u64) -> Option<u64> {
    let limits = std::fs::read_to_string(format!("/proc/{pid}/limits")).ok()?;
    let line = limits.lines().find(|line| line.starts_with("Max open files"))?;
    line.split_whitespace().nth(3)?.parse().ok()
}

/// Whether the clock can be read without a system call.
pub fn clock() -> Finding {
    let source = "/sys/devices/system/clocksource/clocksource0/current_clocksource";
    let source = std::fs::read_to_string(source).unwrap_or_default();
    let source = match source.trim() {
        "" => "clock",
        source => source,
    };
    let cost = cost_ns();
    if cost <= QUICK_NS {
        return Finding::ok("clock", format!("{source}: {cost} ns a look"));
    }
    let text = format!("{source}: {cost} ns a look: every read of an age is a system call");
    Finding::warning(
        "clock",
        text,
        "use a clock source with a vDSO (tsc), where the host allows it",
    )
}

/// The cheapest of some rounds: others may have had the processor in between.
fn cost_ns() -> u64 {
    const LOOKS: u64 = 1_000;
    let round = |_| {
        let start = Instant::now();
        for _ in 0..LOOKS {
            std::hint::black_box(region_clock::monotonic_ns());
        }
        u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX) / LOOKS
    };
    (0..10).map(round).min().unwrap_or(u64::MAX)
}
