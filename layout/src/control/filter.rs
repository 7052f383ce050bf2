//! Which changes a subscriber wants.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use crate::Pubkey;
use crate::profile::Kind;

/// A union: a change matches if any part names it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Filter {
    /// Every account.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub everything: bool,
    /// Every account of these kinds.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub kinds: Vec<Kind>,
    /// Perp markets by index.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub perp_markets: Vec<u16>,
    /// Spot markets by index.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub spot_markets: Vec<u16>,
    /// Accounts by address, whatever their kind.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub pubkeys: Vec<Pubkey>,
}

impl Filter {
    /// The filter that lets every change through.
    pub fn everything() -> Self {
        Self { everything: true, ..Self::default() }
    }

    /// Whether nothing can match.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// A filter made ready for many questions.
#[derive(Debug, Clone)]
pub struct Matcher {
    everything: bool,
    kinds: [bool; Kind::ALL.len()],
    perp_markets: HashSet<u32>,
    spot_markets: HashSet<u32>,
    pubkeys: HashSet<Pubkey>,
}

impl Matcher {
    /// Prepares a filter.
    pub fn new(filter: &Filter) -> Self {
        let mut kinds = [false; Kind::ALL.len()];
        for kind in &filter.kinds {
            kinds[*kind as usize] = true;
        }
        let places = |indexes: &[u16]| indexes.iter().copied().map(u32::from).collect();
        Self {
            everything: filter.everything,
            kinds,
            perp_markets: places(&filter.perp_markets),
            spot_markets: places(&filter.spot_markets),
            pubkeys: filter.pubkeys.iter().copied().collect(),
        }
    }

    /// Whether an account matches: its kind, its place in its section, and, asked for only if it
    /// matters, its address.
    #[inline]
    pub fn matches(&self, kind: Kind, place: u32, pubkey: impl FnOnce() -> Option<Pubkey>) -> bool {
        if self.everything || self.kinds[kind as usize] {
            return true;
        }
        let by_index = match kind {
            Kind::PerpMarket => self.perp_markets.contains(&place),
            Kind::SpotMarket => self.spot_markets.contains(&place),
            _ => false,
        };
        by_index
            || !self.pubkeys.is_empty() && pubkey().is_some_and(|key| self.pubkeys.contains(&key))
    }
}
