//! Settings of the writer: one list ([`args`]), three places to set them, one order of precedence.
//!
//! ```text
//!   flag  --max-users 512                     beats
//!   variable  DRIFTSHM_MAX_USERS=512          beats
//!   file  max-users = 512                     beats
//!   the default
//! ```
//! An empty variable counts as none.

pub mod args;
mod complaint;
mod error;
mod file;
#[cfg(feature = "live")]
pub mod live;
pub mod log;
pub mod metrics;
mod show;
pub mod value;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Command};

pub use error::{Origin, SettingError};
pub use file::SettingsFile;
pub use show::show;

/// A command line that was understood.
pub struct Parsed {
    /// What clap found.
    pub matches: ArgMatches,
    /// The settings file, if one was named.
    pub file: Option<SettingsFile>,
}

/// Why there is nothing to run.
pub enum Refused {
    /// Help or version was asked for, and is in this.
    Shown(clap::Error),
    /// Something is wrong.
    Wrong(SettingError),
}

impl From<SettingError> for Refused {
    fn from(error: SettingError) -> Self {
        Self::Wrong(error)
    }
}

/// Understands a command line, with the variables and the file that it names for `run`.
pub fn parse(command: Command, argv: &[OsString]) -> Result<Parsed, Refused> {
    let command = command.mut_subcommands(|sub| {
        sub.mut_args(|arg| with_negative_numbers(without_empty_variable(arg)))
    });
    let understand = |command: &Command, file: Option<&SettingsFile>| {
        command.clone().try_get_matches_from(argv).map_err(|error| match error.kind() {
            ErrorKind::DisplayHelp
            | ErrorKind::DisplayVersion
            | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => Refused::Shown(error),
            _ => Refused::Wrong(complaint::say(&error, command, argv, file)),
        })
    };
    // Nothing in `run` is required by clap, so all that is wrong here is wrong with a file, too.
    let matches = understand(&command, None)?;
    let Some((run, path)) = config_file(&matches) else {
        return Ok(Parsed { matches, file: None });
    };
    let named_by = match run.value_source("config") {
        Some(ValueSource::EnvVariable) => Origin::Variable("DRIFTSHM_CONFIG".into()),
        _ => Origin::Flag("--config".into()),
    };
    let file = SettingsFile::read(&path, named_by)?;
    let mut applied = Ok(());
    let command = command.mut_subcommand("run", |run| {
        file.apply(run.clone()).unwrap_or_else(|error| {
            applied = Err(error);
            run
        })
    });
    applied?;
    let matches = understand(&command, Some(&file))?;
    Ok(Parsed { matches, file: Some(file) })
}

/// What is said of each variable that looks like a setting of `run` and is none: a typing error
/// there is found nowhere else.
pub fn unknown_variables(run: &Command) -> Vec<String> {
    let names = std::env::vars_os().map(|(name, _)| name.to_string_lossy().into_owned());
    let mut unknown: Vec<_> = names.filter_map(|name| unknown_variable(run, &name)).collect();
    unknown.sort_unstable();
    unknown
}

fn unknown_variable(run: &Command, name: &str) -> Option<String> {
    let rest = name.strip_prefix("DRIFTSHM_")?;
    if settings(run).any(|arg| arg.get_env().is_some_and(|known| known == name)) {
        return None;
    }
    let nearest = complaint::nearest_flag(run, &rest.to_lowercase().replace('_', "-"));
    let variable = |flag: String| format!("DRIFTSHM_{}", flag.to_uppercase().replace('-', "_"));
    let meant = nearest.map(|flag| format!("; did you mean {}?", variable(flag)));
    Some(format!("{name} is no setting of this driftshm: ignored{}", meant.unwrap_or_default()))
}

fn config_file(matches: &ArgMatches) -> Option<(&ArgMatches, PathBuf)> {
    let run = matches.subcommand_matches("run")?;
    let path: &PathBuf = run.get_one("config")?;
    Some((run, path.clone()))
}

fn without_empty_variable(arg: Arg) -> Arg {
    let empty = arg.get_env().and_then(std::env::var_os).is_some_and(|value| value.is_empty());
    if empty { arg.env(None) } else { arg }
}

/// A negative number is a wrong value, about which there is something better to say than that there
/// is no such flag.
fn with_negative_numbers(arg: Arg) -> Arg {
    let takes_one = arg.is_positional() || arg.get_action().takes_values();
    if takes_one { arg.allow_negative_numbers(true) } else { arg }
}

/// The settings among the arguments of `run`; the others are deeds.
pub fn settings(run: &Command) -> impl Iterator<Item = &Arg> {
    run.get_arguments().filter(|arg| {
        arg.get_long().is_some_and(|long| !matches!(long, "check" | "help" | "version"))
    })
}
