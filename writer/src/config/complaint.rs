//! What clap has to say, in one line, and with where a wrong value comes from.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, Command};

use super::error::{Origin, SettingError};
use super::file::SettingsFile;

/// Where the value of a setting of `run` comes from, in the order in which clap looks.
pub fn origin(arg: &Arg, argv: &[OsString], file: Option<&SettingsFile>) -> Origin {
    let long = arg.get_long().unwrap_or_default();
    let flag = format!("--{long}");
    let is_it = |given: &OsString| {
        let given = given.to_string_lossy();
        given.strip_prefix(&flag).is_some_and(|rest| rest.is_empty() || rest.starts_with('='))
    };
    if argv.iter().any(is_it) {
        return Origin::Flag(flag);
    }
    if let Some(name) = arg.get_env().filter(|name| std::env::var_os(name).is_some()) {
        return Origin::Variable(name.to_string_lossy().into_owned());
    }
    file.and_then(|file| file.origin(long)).unwrap_or(Origin::Default)
}

/// One line for an error of clap's.
pub fn say(
    error: &clap::Error,
    command: &Command,
    argv: &[OsString],
    file: Option<&SettingsFile>,
) -> SettingError {
    let text = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.clone()),
        _ => None,
    };
    let list = |kind| match error.get(kind) {
        Some(ContextValue::Strings(texts)) => Some(texts.join(", ")),
        _ => None,
    };
    let given = text(ContextKind::InvalidValue);
    let named = text(ContextKind::InvalidArg);
    if let (ErrorKind::InvalidValue | ErrorKind::ValueValidation, Some(given), Some(named)) =
        (error.kind(), &given, &named)
    {
        let why = match (std::error::Error::source(error), list(ContextKind::ValidValue)) {
            (Some(why), _) => why.to_string(),
            (None, Some(known)) if !known.is_empty() => format!("expected one of {known}"),
            _ => "a value is missing".to_owned(),
        };
        let flag = named.split([' ', '=', '[']).next().unwrap_or_default();
        let run = command.find_subcommand("run");
        let arg = run.and_then(|run| {
            let long = flag.strip_prefix("--")?;
            super::settings(run).find(|arg| arg.get_long() == Some(long))
        });
        let origin = match arg {
            Some(arg) => origin(arg, argv, file),
            None => Origin::Flag(flag.to_owned()),
        };
        // A URL with a key in it is not repeated.
        let is_secret = arg.is_some_and(Arg::is_hide_env_values_set);
        let given = if is_secret { "…".to_owned() } else { given.clone() };
        return SettingError::Value { origin, given, why };
    }
    let all = error.to_string();
    let first = all.split("\n\n").next().unwrap_or_default();
    let first =
        first.trim_start_matches("error: ").split_whitespace().collect::<Vec<_>>().join(" ");
    let meant = [ContextKind::SuggestedArg, ContextKind::SuggestedSubcommand]
        .into_iter()
        .find_map(|kind| text(kind).or_else(|| list(kind)));
    let meant = meant.map(|meant| format!("; did you mean {meant}?")).unwrap_or_default();
    SettingError::Usage(format!("{first}{meant} (driftshm --help says what there is)"))
}

/// The flag that clap would propose instead of this one, without its dashes.
pub fn nearest_flag(run: &Command, key: &str) -> Option<String> {
    let argv = [OsString::from("run"), OsString::from(format!("--{key}"))];
    let error = run.clone().try_get_matches_from(argv).err()?;
    match error.get(ContextKind::SuggestedArg) {
        Some(ContextValue::String(flag)) => {
            flag.trim_start_matches('-').split([' ', '=', '[']).next().map(str::to_owned)
        }
        _ => None,
    }
}
