//! The kinds of accounts that the region has sections for.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What an account is to driftshm, whatever the program calls it.
///
/// The numbers are part of the region format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Kind {
    /// A perpetual futures market, known by its market index.
    PerpMarket = 0,
    /// A spot market, known by its market index.
    SpotMarket = 1,
    /// A price oracle; most belong to other programs than the profile's.
    Oracle = 2,
    /// A trader's sub-account.
    User = 3,
    /// What the program keeps once per authority.
    UserStats = 4,
    /// The program's single global account.
    State = 5,
}

/// A text that names no [`Kind`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{text:?} is no account kind: use perp_market, spot_market, oracle, user, user_stats or state"
)]
pub struct UnknownKind {
    /// What was given, cut after 64 characters.
    pub text: String,
}

impl Kind {
    /// Every kind, in the order of their numbers.
    pub const ALL: [Kind; 6] = [
        Kind::PerpMarket,
        Kind::SpotMarket,
        Kind::Oracle,
        Kind::User,
        Kind::UserStats,
        Kind::State,
    ];

    /// The kind's name in profiles, messages and on the command line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Kind::PerpMarket => "perp_market",
            Kind::SpotMarket => "spot_market",
            Kind::Oracle => "oracle",
            Kind::User => "user",
            Kind::UserStats => "user_stats",
            Kind::State => "state",
        }
    }

    /// The kind with this number in the region, if there is one.
    pub fn from_index(index: u8) -> Option<Self> {
        Self::ALL.get(usize::from(index)).copied()
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Kind {
    type Err = UnknownKind;

    fn from_str(text: &str) -> Result<Self, UnknownKind> {
        let known = Self::ALL.into_iter().find(|kind| kind.as_str() == text);
        known.ok_or_else(|| UnknownKind { text: text.chars().take(64).collect() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn number_text_and_json_name_the_same_kind() {
        for (index, kind) in Kind::ALL.into_iter().enumerate() {
            assert_eq!(kind as usize, index);
            assert_eq!(Kind::from_index(index as u8), Some(kind));
            assert_eq!(kind.to_string().parse(), Ok(kind));
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
        }
        assert_eq!(Kind::from_index(6), None);
        assert!("PerpMarket".parse::<Kind>().is_err());
    }
}
