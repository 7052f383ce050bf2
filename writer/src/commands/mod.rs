//! The command line of `driftshm`: one file or folder per command.

mod ask;
mod doctor;
mod failure;
mod get;
mod headline;
mod keys;
mod kind;
#[cfg(feature = "live")]
mod live;
mod lock;
mod output;
mod place;
mod record;
mod run;
mod status;
mod stop;
mod watch;

use std::ffi::OsString;
use std::process::ExitCode;
use std::sync::LazyLock;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use driftshm_layout::header::ABI_VERSION;
use driftshm_layout::profile::Profile;

use crate::config::args::RunArgs;
use crate::config::{self, Refused};
pub use failure::Failure;
pub(crate) use output::colour;

/// What `--version` says after the name.
static VERSION: LazyLock<String> = LazyLock::new(|| {
    let profiles: Vec<_> = Profile::builtin_names().collect();
    let package = env!("CARGO_PKG_VERSION");
    format!("{package} (region format {ABI_VERSION}, profiles: {})", profiles.join(", "))
});

const EXIT_STATUS: &str = "Exit status: 0 = done, 1 = it failed, 2 = the command line or a setting is wrong.\n\
    status: 3 = there is a region but no live writer, 4 = there is no region,\n\
    5 = (--ready) a writer lives, but its feed is not live.";

/// Drift's accounts in shared memory: one writer per host, any number of readers.
#[derive(Debug, Parser)]
#[command(name = "driftshm", version = VERSION.as_str(), after_help = EXIT_STATUS)]
#[command(arg_required_else_help = true, disable_help_subcommand = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    #[command(after_help = run::HELP)]
    Run(Box<RunArgs>),
    Status(status::StatusArgs),
    Get(get::GetArgs),
    Watch(watch::WatchArgs),
    Record(record::RecordArgs),
    Doctor(doctor::DoctorArgs),
}

/// Does what the command line says; whatever goes wrong is one line on standard error.
pub fn main(argv: Vec<OsString>) -> ExitCode {
    match execute(&argv) {
        Ok(code) => code,
        Err(Refused::Shown(shown)) => {
            // Nobody to tell if even this cannot be printed.
            let _ = shown.print();
            ExitCode::from(u8::try_from(shown.exit_code()).unwrap_or(2))
        }
        Err(Refused::Wrong(error)) => Failure::from(error).report(),
    }
}

fn execute(argv: &[OsString]) -> Result<ExitCode, Refused> {
    let parsed = config::parse(Cli::command(), argv)?;
    let cli = Cli::from_arg_matches(&parsed.matches).map_err(Refused::Shown)?;
    let done = match cli.command {
        Command::Run(args) => run::run(*args, &Cli::command(), argv, &parsed),
        Command::Status(args) => status::run(&args),
        Command::Get(args) => get::run(&args),
        Command::Watch(args) => watch::run(&args),
        Command::Record(args) => record::run(&args),
        Command::Doctor(args) => doctor::run(&args),
    };
    Ok(done.unwrap_or_else(|failure| failure.report()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_help_says_how_many_users_the_simulation_makes() {
        let command = Cli::command();
        let run = command.find_subcommand("run").unwrap();
        let users = run.get_arguments().find(|arg| arg.get_long() == Some("users")).unwrap();
        let help = users.get_help().unwrap().to_string();
        let count = crate::feeds::sim::SimOptions::default().users;
        assert!(help.contains(&format!("sim: {count}]")), "{help}");
    }

    #[test]
    fn every_setting_of_run_has_a_flag_and_the_variable_of_that_name() {
        let command = Cli::command();
        let run = command.find_subcommand("run").unwrap();
        let mut count = 0;
        for arg in config::settings(run) {
            let long = arg.get_long().unwrap();
            let expected = format!("DRIFTSHM_{}", long.to_uppercase().replace('-', "_"));
            let variable = arg.get_env().map(|name| name.to_string_lossy().into_owned());
            assert_eq!(variable.as_deref(), Some(expected.as_str()), "--{long}");
            assert!(!arg.is_required_set(), "--{long} is looked at before the file is");
            count += 1;
        }
        assert!(count > 25, "only {count} settings");
    }
}
