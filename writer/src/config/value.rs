//! Settings from text: each of these says what is allowed when it gets something else.

use std::fmt::Display;
use std::io::Read;
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use driftshm_layout::dir;
use driftshm_layout::geometry::MAX_CAPACITY;
use driftshm_layout::profile::Profile;

use super::args::UsersArg;

/// A whole number within bounds; `_` may part its digits.
pub fn number<T>(from: T, to: T) -> impl Fn(&str) -> Result<T, String> + Clone + Send + Sync
where
    T: FromStr + PartialOrd + Display + Copy + Send + Sync + 'static,
{
    move |text| {
        let number = text.replace('_', "").parse().ok();
        number
            .filter(|number| (from..=to).contains(number))
            .ok_or_else(|| format!("expected a whole number from {from} to {to}"))
    }
}

/// Which users, or how many.
pub fn users(text: &str) -> Result<UsersArg, String> {
    match text {
        "none" => Ok(UsersArg::None),
        "active" => Ok(UsersArg::Active),
        "all" => Ok(UsersArg::All),
        _ => number(0, MAX_CAPACITY as u32)(text).map(UsersArg::Count).map_err(|what| {
            format!("for live feeds: none, active or all; for the feed sim: {what}")
        }),
    }
}

/// A power of two within bounds.
pub fn power_of_two(
    from: usize,
    to: usize,
) -> impl Fn(&str) -> Result<usize, String> + Clone + Send + Sync {
    let number = number(from, to);
    move |text| {
        let power = number(text).ok().filter(|number| number.is_power_of_two());
        power.ok_or_else(|| format!("expected a power of two from {from} to {to}"))
    }
}

/// A number above zero, or as much as there can be.
pub fn factor(text: &str) -> Result<f64, String> {
    if text == "max" {
        return Ok(f64::INFINITY);
    }
    let number: Option<f64> = text.parse().ok();
    let sound = number.filter(|number| number.is_finite() && *number > 0.0);
    sound.ok_or_else(|| "expected a number above 0, such as 1 or 2.5, or max".to_owned())
}

/// A stretch of time in seconds, of a day at most.
pub fn seconds(text: &str) -> Result<Duration, String> {
    const DAY: f64 = 86_400.0;
    let number: Option<f64> = text.parse().ok();
    let sound = number.filter(|number| (0.0..=DAY).contains(number));
    let duration = sound.and_then(|number| Duration::try_from_secs_f64(number).ok());
    duration.ok_or_else(|| "expected seconds from 0 to 86400, such as 30 or 0.5".to_owned())
}

/// A file mode, in which only the owner writes: else any bot could spoil what all others read.
pub fn mode(text: &str) -> Result<u32, String> {
    let digits = text.strip_prefix("0o").unwrap_or(text);
    let mode = u32::from_str_radix(digits, 8).ok().filter(|mode| mode & !0o044 == 0o600);
    mode.ok_or_else(|| "expected 0600, 0640 or 0644: no one but the owner may write".to_owned())
}

/// A cluster's name.
pub fn cluster(text: &str) -> Result<String, String> {
    if dir::is_cluster_name(text) {
        Ok(text.to_owned())
    } else {
        Err(format!("expected {}", dir::CLUSTER_NAMES))
    }
}

/// A profile that comes with driftshm, by its name, or the one in a file.
pub fn profile(text: &str) -> Result<Arc<Profile>, String> {
    /// More than any profile has; the profile itself refuses what is too long for it.
    const MOST: u64 = 16 << 20;
    if let Some(profile) = Profile::builtin(text) {
        return Ok(Arc::new(profile));
    }
    let known: Vec<_> = Profile::builtin_names().collect();
    let known = known.join(", ");
    let mut bytes = Vec::new();
    let read = std::fs::File::open(Path::new(text))
        .and_then(|file| file.take(MOST).read_to_end(&mut bytes));
    match read {
        Ok(_) => {}
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(format!("expected a file, or the name of a builtin profile: {known}"));
        }
        Err(error) => return Err(format!("cannot read that file: {error}")),
    }
    Profile::from_json(&bytes).map(Arc::new).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_held_to_their_bounds() {
        let rate = number(1u32, 1_000_000);
        assert_eq!(rate("1"), Ok(1));
        assert_eq!(rate("1_000_000"), Ok(1_000_000));
        for text in ["0", "1000001", "", "-1", "1.5", "many", "99999999999999999999"] {
            assert_eq!(rate(text).unwrap_err(), "expected a whole number from 1 to 1000000");
        }
        assert_eq!(power_of_two(64, 1024)("256"), Ok(256));
        assert!(power_of_two(64, 1024)("255").is_err());
        assert!(power_of_two(64, 1024)("2048").is_err());
    }

    #[test]
    fn speeds_and_times_are_finite() {
        assert_eq!(factor("2.5"), Ok(2.5));
        assert_eq!(factor("max"), Ok(f64::INFINITY));
        for text in ["0", "-1", "inf", "NaN", "fast", ""] {
            assert!(factor(text).is_err(), "{text}");
        }
        assert_eq!(seconds("0"), Ok(Duration::ZERO));
        assert_eq!(seconds("0.25"), Ok(Duration::from_millis(250)));
        for text in ["-1", "86401", "inf", "NaN", "1m", ""] {
            assert!(seconds(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_mode_that_lets_others_write_is_refused() {
        for (text, expected) in [("0640", 0o640), ("644", 0o644), ("0o600", 0o600)] {
            assert_eq!(mode(text), Ok(expected));
        }
        for text in ["0660", "0666", "0440", "0750", "640x", "", "4640"] {
            assert!(mode(text).is_err(), "{text}");
        }
    }

    #[test]
    fn profiles_are_builtin_or_files() {
        let builtin = profile("drift-v2").unwrap();
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), builtin.to_json()).unwrap();
        assert_eq!(*profile(file.path().to_str().unwrap()).unwrap(), *builtin);
        assert!(profile("drift-v1").unwrap_err().contains("drift-v2"));
        assert!(profile("/").unwrap_err().contains("cannot read"));
        std::fs::write(file.path(), "{}").unwrap();
        assert!(profile(file.path().to_str().unwrap()).is_err());
    }
}
