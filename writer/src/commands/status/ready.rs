//! `status --ready`: an exit status, and one line if it is not 0.

use std::path::Path;
use std::process::ExitCode;

use driftshm_layout::header::Pulse;
use driftshm_layout::{Region, State};

use super::text::hung;
use super::{NO_WRITER, NOT_READY};
use crate::commands::ask::feed_errors;
use crate::commands::failure::complain;
use crate::commands::lock::{Lock, lock};
use crate::commands::output::{date_and_time, duration};
use crate::health::feed_trouble;

/// Says why the writer is not ready, if it is not.
pub fn check(dir: &Path, region: &Region) -> ExitCode {
    if !region.writer_alive() {
        complain(&format_args!("not ready: {}", gone(region, lock(dir))));
        return ExitCode::from(NO_WRITER);
    }
    let Some(trouble) = feed_trouble(region) else { return ExitCode::SUCCESS };
    complain(&format_args!("not ready: {trouble}{}", feed_errors(dir)));
    ExitCode::from(NOT_READY)
}

fn gone(region: &Region, lock: Lock) -> String {
    let seen = date_and_time(region.header().pulse(Pulse::HeartbeatUnixNs));
    let age = region.heartbeat_age_ns();
    let ago = duration(age);
    match (region.state(), lock) {
        _ if age == u64::MAX => {
            format!("there was no writer since the machine was started (the last: {seen})")
        }
        (Some(State::Stopped), _) => format!("the writer has stopped {ago} ago ({seen})"),
        (_, Lock::Held(pid)) => format!("the writer hangs: {}", hung(pid, &ago)),
        _ => format!("the writer is dead since {seen} ({ago} ago)"),
    }
}
