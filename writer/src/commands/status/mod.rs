//! `driftshm status`: how writer, feeds and region are.

mod text;

use std::io::Write;
use std::process::ExitCode;

use clap::Args;
use driftshm_layout::OpenError;

use super::ask::ask;
use super::failure::{Failure, complain};
use super::output::Paint;
use super::place::{self, PlaceArgs};
use crate::health::report::Report;

/// There is a region, but no writer that lives.
const NO_WRITER: u8 = 3;
/// There is no region.
const NO_REGION: u8 = 4;

/// Shows how the writer, its feeds and the region are.
///
/// Exit status: 0 = a writer lives, 3 = there is a region but no live writer, 4 = there is no
/// region, 1 = it cannot be read.
#[derive(Debug, Clone, Args)]
pub struct StatusArgs {
    /// Print one JSON object
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    place: PlaceArgs,
}

/// Prints the status.
pub fn run(args: &StatusArgs) -> Result<ExitCode, Failure> {
    let place = args.place.place();
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
    let answer = ask(&place.dir).map(|answer| (answer.version, answer.status));
    let report = Report::new(&place.dir, &region, answer.map_err(|error| error.to_string()));
    let mut out = std::io::stdout().lock();
    if args.json {
        let json = serde_json::to_string_pretty(&report).map_err(std::io::Error::other)?;
        writeln!(out, "{json}")?;
    } else {
        out.write_all(text::text(&report, Paint::stdout()).as_bytes())?;
    }
    out.flush()?;
    Ok(if report.writer.alive { ExitCode::SUCCESS } else { ExitCode::from(NO_WRITER) })
}
