//! How figures, times and columns look.

use std::os::fd::AsFd;

/// Whether a stream may be coloured: a terminal, and the user has nothing against it.
pub fn colour(stream: impl AsFd) -> bool {
    let unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let dumb = std::env::var_os("TERM").is_some_and(|value| value == "dumb");
    !unwanted && !dumb && rustix::termios::isatty(stream)
}

/// Quiet colours, or none.
#[derive(Debug, Clone, Copy)]
pub struct Paint(pub bool);

impl Paint {
    /// For standard output.
    pub fn stdout() -> Self {
        Self(colour(std::io::stdout()))
    }

    fn with(self, code: &str, text: &str) -> String {
        if self.0 { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    /// Green.
    pub fn good(self, text: &str) -> String {
        self.with("32", text)
    }

    /// Yellow.
    pub fn odd(self, text: &str) -> String {
        self.with("33", text)
    }

    /// Red.
    pub fn bad(self, text: &str) -> String {
        self.with("31", text)
    }

    /// Grey.
    pub fn dim(self, text: &str) -> String {
        self.with("2", text)
    }
}

/// An integer with `decimals` places as a decimal number, exact, without trailing zeroes.
pub fn scaled(negative: bool, magnitude: u128, decimals: u32) -> String {
    let sign = if negative && magnitude != 0 { "-" } else { "" };
    let digits = format!("{magnitude:0>width$}", width = decimals as usize + 1);
    let (whole, fraction) = digits.split_at(digits.len() - decimals as usize);
    match fraction.trim_end_matches('0') {
        "" => format!("{sign}{whole}"),
        fraction => format!("{sign}{whole}.{fraction}"),
    }
}

/// A number with its thousands parted.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place != 0 && (digits.len() - place) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A stretch of time in the one unit that fits.
pub fn duration(ns: u64) -> String {
    let seconds = ns / 1_000_000_000;
    match seconds {
        0..=9 => format!("{:.2} s", ns as f64 / 1e9),
        10..=119 => format!("{seconds} s"),
        120..=7199 => format!("{} min", seconds / 60),
        7200..=172_799 => format!("{} h", seconds / 3600),
        _ => format!("{} days", seconds / 86_400),
    }
}

/// The same where nothing finer than seconds is known.
pub fn whole_seconds(seconds: u64) -> String {
    match seconds {
        0..=9 => format!("{seconds} s"),
        _ => duration(seconds.saturating_mul(1_000_000_000)),
    }
}

/// Bytes in the unit that fits.
pub fn bytes(bytes: u64) -> String {
    match bytes {
        0..=9_999 => format!("{bytes} bytes"),
        10_000..=9_999_999 => format!("{:.1} KiB", bytes as f64 / 1024.0),
        10_000_000..=9_999_999_999 => format!("{:.1} MiB", bytes as f64 / 1_048_576.0),
        _ => format!("{:.1} GiB", bytes as f64 / 1_073_741_824.0),
    }
}

/// The time of day in UTC, with milliseconds.
pub fn time_of_day(unix_ns: u64) -> String {
    let ms = unix_ns / 1_000_000 % 86_400_000;
    let (hours, minutes) = (ms / 3_600_000, ms / 60_000 % 60);
    format!("{hours:02}:{minutes:02}:{:02}.{:03}", ms / 1000 % 60, ms % 1000)
}

/// Date and time in UTC.
pub fn date_and_time(unix_ns: u64) -> String {
    let seconds = unix_ns / 1_000_000_000;
    // Days since the first of March of the year 0, in which leap days end the year.
    let days = seconds / 86_400 + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    let clock = seconds % 86_400;
    let (hours, minutes) = (clock / 3600, clock / 60 % 60);
    format!("{year}-{month:02}-{day:02} {hours:02}:{minutes:02}:{:02} UTC", clock % 60)
}

/// The first few of a list, and how many more there are.
pub fn some_of<T: AsRef<str>>(all: &[T], most: usize) -> String {
    let shown: Vec<&str> = all.iter().take(most).map(AsRef::as_ref).collect();
    let more = match all.len().saturating_sub(most) {
        0 => String::new(),
        more => format!(", and {more} more"),
    };
    shown.join(", ") + &more
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scaled_figures_are_exact() {
        assert_eq!(scaled(false, 150_123_456, 6), "150.123456");
        assert_eq!(scaled(true, 1_500_000, 6), "-1.5");
        assert_eq!(scaled(false, 42, 6), "0.000042");
        assert_eq!(scaled(true, 0, 9), "0");
        assert_eq!(scaled(false, 7, 0), "7");
        let max = "340282366920938463463374607431768211.455";
        assert_eq!(scaled(false, u128::MAX, 3), max);
    }

    #[test]
    fn dates_are_those_of_the_calendar() {
        let at = |seconds: u64| date_and_time(seconds * 1_000_000_000);
        assert_eq!(at(0), "1970-01-01 00:00:00 UTC");
        assert_eq!(at(951_782_399), "2000-02-28 23:59:59 UTC");
        assert_eq!(at(951_782_400), "2000-02-29 00:00:00 UTC");
        assert_eq!(at(1_767_225_599), "2025-12-31 23:59:59 UTC");
        assert_eq!(at(4_107_542_400), "2100-03-01 00:00:00 UTC");
        assert_eq!(time_of_day(1_767_225_599_987_654_321), "23:59:59.987");
    }

    #[test]
    fn numbers_and_stretches_of_time_are_readable() {
        assert_eq!(grouped(0), "0");
        assert_eq!(grouped(999), "999");
        assert_eq!(grouped(1_234_567), "1,234,567");
        assert_eq!(duration(50_000_000), "0.05 s");
        assert_eq!(duration(90_000_000_000), "90 s");
        assert_eq!(duration(7_200_000_000_000), "2 h");
        assert_eq!(some_of(&["a", "b", "c"], 2), "a, b, and 1 more");
        assert_eq!(some_of(&["a"], 2), "a");
    }
}
