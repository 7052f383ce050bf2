//! `status --ready`: an exit status, and one line if it is not 0.

use std::path::Path;
use std::process::ExitCode;

use driftshm_layout::header::Pulse;
use driftshm_layout::{Region, State};

use super::{NO_WRITER, NOT_READY};
use crate::commands::ask::ask;
use crate::commands::failure::complain;
use crate::commands::output::{date_and_time, duration};
use crate::health::feed_trouble;

/// Says why the writer is not ready, if it is not.
pub fn check(dir: &Path, region: &Region) -> ExitCode {
    if !region.writer_alive() {
        complain(&format_args!("not ready: {}", gone(region)));
        return ExitCode::from(NO_WRITER);
    }
    let Some(trouble) = feed_trouble(region) else { return ExitCode::SUCCESS };
    complain(&format_args!("not ready: {trouble}{}", reasons(dir)));
    ExitCode::from(NOT_READY)
}

fn gone(region: &Region) -> String {
    let seen = date_and_time(region.header().pulse(Pulse::HeartbeatUnixNs));
    let age = region.heartbeat_age_ns();
    match region.state() {
        _ if age == u64::MAX => {
            format!("there was no writer since the machine was started (the last: {seen})")
        }
        Some(State::Stopped) => format!("the writer has stopped {} ago ({seen})", duration(age)),
        _ => format!("the writer is dead since {seen} ({} ago)", duration(age)),
    }
}

/// What feeds themselves say is wrong, if the writer tells.
fn reasons(dir: &Path) -> String {
    let feeds = ask(dir).map(|answer| answer.status.feeds).unwrap_or_default();
    let errors = feeds.into_iter().filter_map(|feed| {
        let error = feed.error?;
        Some(format!("; {}: {}", feed.name, error.replace('\n', " ")))
    });
    errors.collect()
}
