//! The settings in force, as a settings file that would give the same.

use std::ffi::OsString;
use std::fmt::Write;

use clap::{Arg, ArgAction, Command};

use super::complaint::origin;
use super::file::table_name;
use super::{Parsed, settings};

/// All settings of `run` as TOML, each with where it comes from.
pub fn show(command: &Command, argv: &[OsString], parsed: &Parsed) -> String {
    let mut text = String::new();
    let Some(run) = command.find_subcommand("run") else { return text };
    let Some(matches) = parsed.matches.subcommand_matches("run") else { return text };
    let mut table = None;
    for arg in settings(run).filter(|arg| arg.get_long() != Some("config")) {
        let heading = arg.get_help_heading().map(table_name);
        if heading != table {
            let _ = writeln!(text, "\n[{}]", heading.as_deref().unwrap_or_default());
            table = heading;
        }
        let key = arg.get_long().unwrap_or_default();
        let values: Vec<String> = matches
            .get_raw(arg.get_id().as_str())
            .map(|values| values.map(|value| value.to_string_lossy().into_owned()).collect())
            .unwrap_or_default();
        if values.is_empty() {
            let _ = writeln!(text, "# {key} is not set");
            continue;
        }
        let from = origin(arg, argv, parsed.file.as_ref());
        let shown =
            if arg.is_hide_env_values_set() { secret(&values) } else { value(arg, &values) };
        let setting = format!("{key} = {shown}");
        let _ = writeln!(text, "{setting:<36} # {from}");
    }
    text
}

/// A URL without what may be a key.
fn secret(values: &[String]) -> String {
    let url = values.first().map(String::as_str).unwrap_or_default();
    let host = url.split_once("://").and_then(|(scheme, rest)| {
        let host = rest.split(['/', '?', '#']).next()?;
        let host = host.rsplit('@').next()?;
        let has_more = rest.len() > host.len() + 1;
        Some(format!("{scheme}://{host}{}", if has_more { "/…" } else { "" }))
    });
    toml::Value::String(host.unwrap_or_else(|| "…".to_owned())).to_string()
}

fn value(arg: &Arg, values: &[String]) -> String {
    let quoted = |text: &String| toml::Value::String(text.clone()).to_string();
    match values {
        many if matches!(arg.get_action(), ArgAction::Append) => {
            let many: Vec<_> = many.iter().map(quoted).collect();
            format!("[{}]", many.join(", "))
        }
        [one] if is_bare(one) => one.clone(),
        values => values.first().map(quoted).unwrap_or_default(),
    }
}

/// Whether TOML reads the text without quotes as what it says.
fn is_bare(text: &str) -> bool {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let number = digits && (text == "0" || !text.starts_with('0')) && text.len() < 19;
    number && !text.is_empty() || matches!(text, "true" | "false")
}
