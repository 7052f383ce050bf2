//! What a provider's no means, however it says it.

use std::time::{Duration, SystemTime};

/// How providers say in words that it is too often, and not too much, that is asked.
const OF_RATE: [&str; 12] = [
    "too many requests",
    "rate limit",
    "rate-limit",
    "ratelimit",
    "per second",
    "/second",
    "/sec",
    "requests limit",
    "request limit",
    "compute unit",
    "quota",
    "credits",
];

/// Whether JSON-RPC's code and words say that it is how often we ask that is refused.
pub fn is_of_rate(code: i64, message: &str) -> bool {
    let message = message.to_ascii_lowercase();
    matches!(code, 429 | -32429) || OF_RATE.iter().any(|words| message.contains(words))
}

/// What `Retry-After` asks for: seconds, or a date.
pub fn retry_after(header: &str) -> Option<Duration> {
    let header = header.trim();
    if let Ok(seconds) = header.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = httpdate::parse_http_date(header).ok()?;
    // One that is over by this machine's clock asks for no pause.
    Some(date.duration_since(SystemTime::now()).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_providers_say_of_rates_is_told_from_what_they_say_of_sizes() {
        for (code, message) in [
            (429, "no"),
            (-32429, "no"),
            (-32007, "50/second request limit reached - reduce calls per second to 50/second"),
            (-32005, "Too Many Requests"),
            (-32000, "Your app has exceeded its compute units per second capacity"),
            (-32003, "daily quota reached"),
        ] {
            assert!(is_of_rate(code, message), "{code}: {message}");
        }
        for (code, message) in [
            (-32602, "Too many inputs provided; max 100"),
            (-32005, "Node is behind by 42 slots"),
            (-32600, "request body is too large"),
        ] {
            assert!(!is_of_rate(code, message), "{code}: {message}");
        }
    }

    #[test]
    fn a_pause_is_asked_for_in_seconds_or_as_a_date() {
        assert_eq!(retry_after(" 7 "), Some(Duration::from_secs(7)));
        let soon = SystemTime::now() + Duration::from_secs(60);
        let pause = retry_after(&httpdate::fmt_http_date(soon)).unwrap();
        assert!((50..=60).contains(&pause.as_secs()), "{pause:?}");
        assert_eq!(retry_after("Tue, 01 Jan 2019 00:00:00 GMT"), Some(Duration::ZERO));
        assert_eq!(retry_after("soon"), None);
    }
}
