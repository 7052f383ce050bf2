//! The settings file: TOML, whose keys are the names of flags, at the top or in tables.

use std::path::{Path, PathBuf};

use clap::{ArgAction, Command};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::error::{Origin, SettingError};

/// No settings file is longer.
const MAX_LEN: u64 = 1 << 20;

/// One key of the file, with its value as it would be typed on a command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// The key.
    pub key: String,
    /// The table it stands in.
    pub table: Option<String>,
    /// The line of the key, from 1.
    pub line: usize,
    /// An array has several.
    pub values: Vec<String>,
}

/// What a file says.
#[derive(Debug, Clone, Default)]
pub struct SettingsFile {
    /// The file.
    pub path: PathBuf,
    /// Its keys.
    pub settings: Vec<Setting>,
}

impl SettingsFile {
    /// Reads a file that `by` names.
    pub fn read(path: &Path, by: Origin) -> Result<Self, SettingError> {
        use std::io::Read;
        let mut text = String::new();
        std::fs::File::open(path)
            .and_then(|file| file.take(MAX_LEN).read_to_string(&mut text))
            .map_err(|source| SettingError::File { path: path.into(), by, source })?;
        Self::parse(path, &text)
    }

    /// Takes a file's text apart, but does not look at what the keys and values are.
    pub fn parse(path: &Path, text: &str) -> Result<Self, SettingError> {
        let line_of = |at: usize| text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1;
        let document = DeTable::parse(text).map_err(|error| SettingError::Syntax {
            path: path.into(),
            line: line_of(error.span().map_or(0, |span| span.start)),
            what: syntax(error.message()),
        })?;
        let mut settings = Vec::new();
        let mut take = |table: Option<&str>, entries: &DeTable<'_>| {
            for (key, value) in entries {
                let line = line_of(key.span().start);
                if let (DeValue::Table(_), None) = (value.get_ref(), table) {
                    continue;
                }
                let values = values(value.get_ref()).ok_or_else(|| SettingError::Syntax {
                    path: path.into(),
                    line,
                    what: format!("{} cannot be a {}", key.get_ref(), value.get_ref().type_str()),
                })?;
                let key = key.get_ref().to_string();
                settings.push(Setting { key, table: table.map(str::to_owned), line, values });
            }
            Ok(())
        };
        take(None, document.get_ref())?;
        for (name, value) in document.get_ref() {
            if let DeValue::Table(entries) = value.get_ref() {
                take(Some(name.get_ref()), entries)?;
            }
        }
        settings.sort_by_key(|setting| setting.line);
        Ok(Self { path: path.into(), settings })
    }

    /// The command `run` with this file's values in place of its defaults.
    pub fn apply(&self, mut run: Command) -> Result<Command, SettingError> {
        let mut seen: Vec<&Setting> = Vec::new();
        for setting in &self.settings {
            let arg = find(&run, &setting.key).ok_or_else(|| self.unknown(&run, setting))?;
            let id = arg.get_id().clone();
            let many = matches!(arg.get_action(), ArgAction::Append);
            let table = arg.get_help_heading().map(table_name);
            let wrong = |what: String| SettingError::Syntax {
                path: self.path.clone(),
                line: setting.line,
                what,
            };
            let key = &setting.key;
            if setting.table.is_some() && setting.table != table {
                return Err(wrong(match table {
                    Some(table) => format!("{key} belongs into [{table}], or into no table"),
                    None => format!("{key} belongs into no table"),
                }));
            }
            if let Some(first) = seen.iter().find(|first| first.key == *key) {
                return Err(wrong(format!("{key} is given twice: in line {} too", first.line)));
            }
            seen.push(setting);
            if setting.values.len() != 1 && !many {
                return Err(wrong(format!("{key} takes one value, not a list")));
            }
            if !setting.values.is_empty() {
                // clap wants values that live as long as the program, and these do.
                let values = setting.values.iter().map(|value| &*value.clone().leak());
                let values: Vec<&'static str> = values.collect();
                run = run.mut_arg(id, |arg| arg.default_values(values));
            }
        }
        Ok(run)
    }

    /// Where the file says something about the setting that has this flag.
    pub fn origin(&self, key: &str) -> Option<Origin> {
        let setting = self.settings.iter().find(|setting| setting.key == key)?;
        let (path, line, key) = (self.path.clone(), setting.line, key.to_owned());
        (!setting.values.is_empty()).then_some(Origin::File { path, line, key })
    }

    fn unknown(&self, run: &Command, setting: &Setting) -> SettingError {
        SettingError::UnknownKey {
            path: self.path.clone(),
            line: setting.line,
            key: setting.key.clone(),
            nearest: super::complaint::nearest_flag(run, &setting.key),
        }
    }
}

/// The setting with this key; what is no setting but a deed (`--check`, `--help`, the file
/// itself) has none.
fn find<'a>(run: &'a Command, key: &str) -> Option<&'a clap::Arg> {
    super::settings(run).find(|arg| arg.get_long() == Some(key) && key != "config")
}

/// What TOML's reader says, in one line; of an octal mode as a shell has it, also what to write.
fn syntax(message: &str) -> String {
    let message = message.replace('\n', ", ");
    match message.contains("leading zero") {
        true => format!("{message}: put it in quotes, as in mode = \"0640\""),
        false => message,
    }
}

/// The table for the settings under a heading.
pub fn table_name(heading: &str) -> String {
    heading.to_lowercase().replace(' ', "-")
}

fn values(value: &DeValue<'_>) -> Option<Vec<String>> {
    match value {
        DeValue::Array(items) => {
            items.iter().map(|item: &Spanned<_>| one(item.get_ref())).collect()
        }
        value => one(value).map(|one| vec![one]),
    }
}

fn one(value: &DeValue<'_>) -> Option<String> {
    match value {
        DeValue::String(text) => Some(text.to_string()),
        DeValue::Integer(number) => Some(number.to_string()),
        DeValue::Float(number) => Some(number.to_string()),
        DeValue::Boolean(truth) => Some(truth.to_string()),
        DeValue::Datetime(_) | DeValue::Array(_) | DeValue::Table(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::args::RunArgs;
    use clap::Args;

    fn run() -> Command {
        RunArgs::augment_args(Command::new("run"))
    }

    /// What is wrong with a file, or nothing.
    fn complaint(text: &str) -> String {
        let applied =
            SettingsFile::parse(Path::new("f.toml"), text).and_then(|file| file.apply(run()));
        applied.map_or_else(|error| error.to_string(), |_| String::new())
    }

    #[test]
    fn keys_stand_at_the_top_or_in_the_table_of_their_heading() {
        assert_eq!(complaint("max-users = 7\nmode = 0o640\n[log]\nlog-level = \"warn\""), "");
        assert_eq!(complaint("[region]\nmax-users = 7"), "");
        assert_eq!(complaint(""), "");
        let elsewhere = "f.toml:2: max-users belongs into [region], or into no table";
        assert_eq!(complaint("[log]\nmax-users = 7"), elsewhere);
        assert_eq!(complaint("[log]\ncluster = \"x\""), "f.toml:2: cluster belongs into no table");
    }

    #[test]
    fn a_mode_without_quotes_is_told_to_have_some() {
        let said = complaint("rate = 1\n[access]\nmode = 0640\n");
        assert!(said.starts_with("f.toml:3: "), "{said}");
        assert!(said.ends_with("put it in quotes, as in mode = \"0640\""), "{said}");
    }

    #[test]
    fn unknown_keys_are_named_with_the_nearest_known_one() {
        let said = complaint("\n\n[region]\nmax-usrs = 7");
        assert_eq!(said, "f.toml:4: there is no setting \"max-usrs\"; did you mean max-users?");
        assert_eq!(complaint("qqq = 1"), "f.toml:1: there is no setting \"qqq\"");
        // What is no setting cannot be set either.
        assert!(complaint("config = \"x\"").contains("no setting \"config\""));
        assert!(complaint("check = true").contains("no setting \"check\""));
        assert!(complaint("max_users = 1").contains("did you mean max-users?"));
    }

    #[test]
    fn what_is_no_value_is_refused_where_it_stands() {
        assert_eq!(
            complaint("users = 1\nrate = 1979-05-27"),
            "f.toml:2: rate cannot be a datetime"
        );
        assert_eq!(complaint("rate = [1, 2]"), "f.toml:1: rate takes one value, not a list");
        assert_eq!(complaint("rate = []"), "f.toml:1: rate takes one value, not a list");
        assert_eq!(complaint("user = []"), "");
        assert!(complaint("[sim-feed.more]\nrate = 1").contains("more cannot be a table"));
        assert!(complaint("rate = = 1").starts_with("f.toml:1: "));
        let twice = "f.toml:3: rate is given twice: in line 1 too";
        assert_eq!(complaint("rate = 1\n[sim-feed]\nrate = 2"), twice);
    }
}
