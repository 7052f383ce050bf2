//! One line of a recording: an account as JSON.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use driftshm_layout::{Pubkey, PubkeyError};
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny};

/// The longest pause that a line may ask for: a day.
const LONGEST_DELAY_MS: f64 = 86_400_000.0;

/// What a line says.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Line {
    pub pubkey: Pubkey,
    pub owner: Option<Pubkey>,
    /// `None`: one slot after what came before.
    pub slot: Option<u64>,
    /// 0: none.
    pub write_version: u64,
    /// 0 for a closed account, whose `data` is empty.
    pub lamports: u64,
    pub data: Vec<u8>,
    /// How long after the line before.
    pub delay: Duration,
}

/// What is wrong with a line.
#[derive(Debug, PartialEq, thiserror::Error)]
pub(super) enum BadLine {
    #[error("it is longer than {max} bytes")]
    TooLong { max: usize },
    #[error("it is not the JSON of an account: {0}")]
    Json(String),
    #[error("it has no {0:?}")]
    Missing(&'static str),
    #[error("{field:?}: {error}")]
    Pubkey { field: &'static str, error: PubkeyError },
    #[error("\"data\" is not base64: {0}")]
    Base64(base64::DecodeError),
    #[error("\"delay_ms\" is {0}, but must be 0 to {LONGEST_DELAY_MS}")]
    Delay(f64),
}

/// The keys that count; a recording may have more.
#[derive(Deserialize)]
struct Raw<'a> {
    #[serde(borrow)]
    pubkey: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    data: Data<'a>,
    #[serde(borrow)]
    owner: Option<Cow<'a, str>>,
    slot: Option<u64>,
    write_version: Option<u64>,
    lamports: Option<u64>,
    delay_ms: Option<f64>,
}

/// Null is an account without data, no key at all is a mistake.
#[derive(Default)]
enum Data<'a> {
    #[default]
    Missing,
    Null,
    Base64(Cow<'a, str>),
}

impl<'de: 'a, 'a> Deserialize<'de> for Data<'a> {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = Data<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("base64 or null")
            }

            fn visit_unit<E>(self) -> Result<Data<'de>, E> {
                Ok(Data::Null)
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Data<'de>, E> {
                Ok(Data::Base64(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Data<'de>, E> {
                Ok(Data::Base64(Cow::Owned(text.to_owned())))
            }
        }

        json.deserialize_any(Visitor)
    }
}

impl Line {
    /// Reads a line, without its end.
    pub fn parse(line: &[u8]) -> Result<Self, BadLine> {
        if line.trim_ascii_start().first() != Some(&b'{') {
            return Err(BadLine::Json("it does not begin with {".to_owned()));
        }
        let raw: Raw<'_> =
            serde_json::from_slice(line).map_err(|error| json_error(line, &error))?;
        let pubkey = raw.pubkey.ok_or(BadLine::Missing("pubkey"))?;
        let pubkey = parse_key("pubkey", &pubkey)?;
        let owner = raw.owner.map(|owner| parse_key("owner", &owner)).transpose()?;
        let mut data = match raw.data {
            Data::Missing => return Err(BadLine::Missing("data")),
            Data::Null => Vec::new(),
            Data::Base64(text) => STANDARD.decode(text.as_bytes()).map_err(BadLine::Base64)?,
        };
        let mut lamports = raw.lamports.unwrap_or(1);
        if lamports == 0 || data.is_empty() {
            (lamports, data) = (0, Vec::new());
        }
        let delay_ms = raw.delay_ms.unwrap_or(0.0);
        if !(0.0..=LONGEST_DELAY_MS).contains(&delay_ms) {
            return Err(BadLine::Delay(delay_ms));
        }
        Ok(Self {
            pubkey,
            owner,
            slot: raw.slot,
            write_version: raw.write_version.unwrap_or(0),
            lamports,
            data,
            delay: Duration::from_secs_f64(delay_ms / 1_000.0),
        })
    }
}

fn parse_key(field: &'static str, text: &str) -> Result<Pubkey, BadLine> {
    text.parse().map_err(|error| BadLine::Pubkey { field, error })
}

/// The parser's words, without its line number: it only ever sees one line.
fn json_error(line: &[u8], error: &serde_json::Error) -> BadLine {
    let is_json = serde_json::from_slice::<IgnoredAny>(line).is_ok();
    let text = error.to_string();
    let text = text.split(" at line ").next().unwrap_or_default();
    let at = if is_json { String::new() } else { format!(" at column {}", error.column()) };
    BadLine::Json(format!("{text}{at}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "8UJgxaiQx5nTrdDgph5FiahMmzduuLTLf5WmsPegYA6W";

    fn parse(rest: &str) -> Result<Line, BadLine> {
        Line::parse(format!(r#"{{"pubkey":"{KEY}"{rest}}}"#).as_bytes())
    }

    fn problem(rest: &str) -> String {
        parse(rest).unwrap_err().to_string()
    }

    #[test]
    fn a_pubkey_and_data_are_enough() {
        let expected = Line {
            pubkey: KEY.parse().unwrap(),
            owner: None,
            slot: None,
            write_version: 0,
            lamports: 1,
            data: vec![1, 2, 3],
            delay: Duration::ZERO,
        };
        assert_eq!(parse(r#","data":"AQID""#), Ok(expected));
    }

    #[test]
    fn all_that_a_line_may_say_is_read_and_other_keys_are_not() {
        let rest = format!(
            r#","data":"AQID","owner":"{KEY}","slot":18446744073709551615,"write_version":7,
            "lamports":9,"delay_ms":1.5,"kind":"User","expected":{{"data":1}},"found_in":"x""#
        );
        let line = parse(&rest).unwrap();
        assert_eq!(line.owner, Some(KEY.parse().unwrap()));
        assert_eq!((line.slot, line.write_version, line.lamports), (Some(u64::MAX), 7, 9));
        assert_eq!(line.delay, Duration::from_micros(1500));
    }

    #[test]
    fn no_data_or_no_lamports_is_a_closed_account() {
        for rest in [
            r#","data":null"#,
            r#","data":"""#,
            r#","data":null,"lamports":5"#,
            r#","data":"AQID","lamports":0"#,
        ] {
            let line = parse(rest).unwrap();
            assert_eq!((line.lamports, line.data.len()), (0, 0), "{rest}");
        }
    }

    #[test]
    fn what_is_wrong_with_a_line_is_said() {
        assert_eq!(problem(""), r#"it has no "data""#);
        assert_eq!(Line::parse(b"{}").unwrap_err().to_string(), r#"it has no "pubkey""#);
        assert_eq!(
            Line::parse(br#"{"pubkey":"abc","data":null}"#).unwrap_err().to_string(),
            r#""pubkey": "abc" is not a public key: expected the base58 form of 32 bytes (32 to 44 characters)"#
        );
        assert!(problem(r#","data":null,"owner":"x""#).starts_with(r#""owner": "x" is not"#));
        assert!(
            problem(r#","data":"AQ!D""#).starts_with(r#""data" is not base64: Invalid symbol 33"#)
        );
        assert!(
            problem(r#","data":7"#).contains("invalid type: integer `7`, expected base64 or null")
        );
        assert!(problem(r#","data":null,"slot":-1"#).contains("`-1`, expected u64"));
        assert!(problem(r#","data":null,"delay_ms":-1"#).contains("must be 0 to 86400000"));
        let cut = Line::parse(br#"{"pubkey":"#).unwrap_err().to_string();
        assert!(cut.contains("EOF while parsing a value at column 10"), "{cut}");
        assert!(!problem(r#","data":7"#).contains("line"), "one line is all the parser sees");
        for junk in [&b"\xff\xfe"[..], b"null", b"[]", b"[\"a\"]", b"{\"pubkey\":\"\xff\"}"] {
            assert!(matches!(Line::parse(junk), Err(BadLine::Json(_))), "{junk:?}");
        }
    }
}
