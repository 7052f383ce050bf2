//! `driftshm status`: how writer, feeds and region are.

mod ready;
mod text;

use std::io::Write;
use std::process::ExitCode;

use clap::Args;
use driftshm_layout::OpenError;

use super::ask::ask;
use super::failure::{Failure, complain};
use super::lock::lock;
use super::output::Paint;
use super::place::{self, PlaceArgs};
use crate::health::report::Report;

/// There is a region, but no writer that lives.
const NO_WRITER: u8 = 3;
/// There is no region.
const NO_REGION: u8 = 4;
/// Asked was whether all is ready: a writer lives, but its feed is not live.
const NOT_READY: u8 = 5;

/// Shows how the writer, its feeds and the region are.
///
/// Exit status: 0 = a writer lives, 3 = there is a region but no live writer, 4 = there is no
/// region, 1 = it cannot be read; with --ready also 5 = a writer lives, but its feed is not live.
#[derive(Debug, Clone, Args)]
pub struct StatusArgs {
    /// Print one JSON object
    #[arg(long)]
    json: bool,

    /// Print nothing unless the writer is not ready: for health checks, which go by the exit status
    #[arg(long, conflicts_with = "json")]
    ready: bool,

    #[command(flatten)]
    place: PlaceArgs,
}

/// Prints the status.
pub fn run(args: &StatusArgs) -> Result<ExitCode, Failure> {
    let place = args.place.place()?;
    let region = match place::open(&place) {
        Ok(region) => region,
        Err(error @ (OpenError::NotFound { .. } | OpenError::NotReady { .. })) => {
            if args.json {
                let none = serde_json::json!({ "state": "none", "error": error.to_string() });
                writeln!(std::io::stdout(), "{none:#}")?;
            } else {
                complain(&error);
            }
            return Ok(ExitCode::from(NO_REGION));
        }
        Err(error) => return Err(error.into()),
    };
    if args.ready {
        return Ok(ready::check(&place.dir, &region));
    }
    let answer = ask(&place.dir).map(|answer| (answer.version, answer.status));
    let report = Report::new(&place.dir, &region, answer.map_err(|error| error.to_string()));
    let mut out = std::io::stdout().lock();
    if args.json {
        let json = serde_json::to_string_pretty(&report).map_err(std::io::Error::other)?;
        writeln!(out, "{json}")?;
    } else {
        out.write_all(text::text(&report, lock(&place.dir), Paint::stdout()).as_bytes())?;
    }
    out.flush()?;
    Ok(if report.writer.alive { ExitCode::SUCCESS } else { ExitCode::from(NO_WRITER) })
}
