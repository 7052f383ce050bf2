//! `driftshm run`: the writer itself.

use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;

use clap::Command;

use super::failure::Failure;
use crate::config::args::RunArgs;
use crate::config::{self, Parsed};

/// Below the list of settings.
pub const HELP: &str = "Every setting is a flag, a variable and a key of the --config file; the first that is given\n\
    counts, in this order. In the file a key stands at the top or in the table of its heading:\n\n  \
    cluster = \"sim\"\n  feed = \"sim\"\n\n  [region]\n  max-users = 1000\n\n\
    Lists are TOML arrays, and parted by commas in variables. --check shows what is in force.\n\n\
    Exit status: 0 = stopped by SIGTERM or SIGINT, 1 = it failed, 2 = a setting is wrong.";

/// Runs the writer until it is told to stop.
pub fn run(
    args: RunArgs,
    command: &Command,
    argv: &[OsString],
    parsed: &Parsed,
) -> Result<ExitCode, Failure> {
    if args.check {
        let text = config::show(command, argv, parsed);
        std::io::stdout().write_all(text.as_bytes())?;
        return Ok(ExitCode::SUCCESS);
    }
    config::log::start(&args.log);
    Ok(ExitCode::SUCCESS)
}
