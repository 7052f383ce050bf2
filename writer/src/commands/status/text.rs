//! The status for people.

use std::fmt::Write;

use crate::commands::lock::Lock;
use crate::commands::output::{Paint, bytes, date_and_time, duration, grouped, whole_seconds};
use crate::health::report::Report;

/// A writer that has its lock is not dead, and must not be mourned: what it needs is another thing.
pub fn hung(pid: u32, ago: &str) -> String {
    format!(
        "pid {pid} holds the lock, but its heart has not beaten for {ago}: it is stopped or \
         starved (driftshm doctor says what to do)"
    )
}

/// Aligned lines.
pub fn text(report: &Report, lock: Lock, paint: Paint) -> String {
    let mut out = String::new();
    let mut line = |name: &str, value: String| {
        let name = paint.dim(&format!("{name:<14}"));
        let _ = writeln!(out, "{name} {value}");
    };
    let cluster = format!("{} in {}", report.cluster, report.dir.display());
    line("cluster", cluster);
    line("writer", writer(report, lock, paint));
    let feed = match report.feed.state {
        state @ "live" => paint.good(state),
        state @ "down" => paint.bad(state),
        state => paint.odd(state),
    };
    let since = report.feed.since_ns.map(|ns| format!(" for {}", duration(ns)));
    line("feed", feed + &since.unwrap_or_default());
    let slot_age = report.slot_age_ns.map(|ns| format!(", {} ago", duration(ns)));
    line("slot", report.slot.to_string() + &slot_age.unwrap_or_default());
    if let Some(socket) = &report.socket {
        let (connected, subscriptions) = (socket.connections, socket.subscriptions);
        let watched = socket.watched;
        let bots = format!(
            "{connected} connected, {subscriptions} subscribed, {watched} accounts watched"
        );
        line("bots", bots);
        for feed in &socket.feeds {
            let age = whole_seconds(feed.state_age_s);
            let figures = feed.figures.iter().filter(|(name, _)| *name != "slot");
            let figures: Vec<_> = figures
                .map(|(name, n)| format!("{} {}", name.replace('_', " "), grouped(*n)))
                .collect();
            let lag = feed.figures.get("slot").map(|slot| report.slot.saturating_sub(*slot));
            let lag = lag.map(|lag| format!(", {lag} slots behind")).unwrap_or_default();
            let rest = if figures.is_empty() {
                String::new()
            } else {
                format!(", {}", figures.join(", "))
            };
            line(&format!("feed {}", feed.name), format!("{} for {age}{lag}{rest}", feed.state));
            if let Some(error) = &feed.error {
                line("", paint.odd(error));
            }
        }
    }
    if let (Some(error), true) = (&report.socket_error, report.writer.alive) {
        line("socket", paint.odd(error));
    }
    let profile = &report.profile;
    line("profile", format!("{} (program {})", profile.name, profile.program_version));
    let size = bytes(report.region_bytes);
    line(
        "region",
        format!("{size}, format {}, generation {}", report.region_format, report.generation),
    );
    let journal = &report.journal;
    let entries = grouped(journal.entries);
    line(
        "journal",
        format!("{entries} entries so far, the last {} are kept", grouped(journal.capacity as u64)),
    );
    for section in &report.records {
        let (in_use, capacity) = (grouped(section.in_use as u64), grouped(section.capacity as u64));
        let full = if section.in_use == section.capacity && section.capacity > 1 {
            paint.odd("  full")
        } else {
            String::new()
        };
        line(section.kind, format!("{in_use:>9} of {capacity}{full}"));
    }
    for (name, count) in &report.counters.0 {
        line(name, format!("{:>9}", grouped(*count)));
    }
    out
}

fn writer(report: &Report, lock: Lock, paint: Paint) -> String {
    let writer = &report.writer;
    let seen = date_and_time(writer.heartbeat_unix_ns);
    let Some(age) = writer.heartbeat_age_ns else {
        return paint
            .bad(&format!("dead: the region is from before the machine was started ({seen})"));
    };
    let ago = duration(age);
    if !writer.alive {
        return match (report.state, lock) {
            ("stopped", _) => paint.odd(&format!("stopped {ago} ago ({seen})")),
            (_, Lock::Held(pid)) => paint.bad(&format!("hangs: {}", hung(pid, &ago))),
            _ => paint.bad(&format!("dead since {seen} ({ago} ago): pid {}", writer.pid)),
        };
    }
    let version = writer.version.as_ref().map(|version| format!(", version {version}"));
    let up = writer.up_ns.map(|ns| format!(", up {}", duration(ns)));
    format!(
        "{}, pid {}{}{}, heartbeat {ago} ago",
        paint.good(report.state),
        writer.pid,
        version.unwrap_or_default(),
        up.unwrap_or_default()
    )
}
