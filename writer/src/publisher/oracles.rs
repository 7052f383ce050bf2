//! Which markets read which oracle account, and by which sources.

use std::collections::HashMap;

use driftshm_layout::Pubkey;
use driftshm_layout::oracle_price::OraclePointer;
use driftshm_layout::profile::Kind;

/// How a market names its oracle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Naming {
    pub oracle: Pubkey,
    /// Number of the source in the profile's enum.
    pub source: u8,
}

/// A market as it was last seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Market {
    pub pubkey: Pubkey,
    pub naming: Naming,
    /// `None` if its oracle could not get a record.
    pub pointer: Option<OraclePointer>,
}

/// One way in which an oracle is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Use {
    pub source: u8,
    /// By how many markets.
    markets: u32,
}

/// All markets and the oracles that they name.
#[derive(Default)]
pub(super) struct Registry {
    /// By kind (perp, spot) and index.
    markets: [Vec<Option<Market>>; 2],
    /// By ascending source. An oracle that no market names is not in here.
    oracles: HashMap<Pubkey, Vec<Use>>,
}

fn side(kind: Kind) -> Option<usize> {
    match kind {
        Kind::PerpMarket => Some(0),
        Kind::SpotMarket => Some(1),
        _ => None,
    }
}

impl Registry {
    /// The market with that index, if it names an oracle.
    pub fn market(&self, kind: Kind, index: u16) -> Option<&Market> {
        self.markets.get(side(kind)?)?.get(usize::from(index))?.as_ref()
    }

    /// Remembers a market, or forgets it, and returns what was known of it.
    pub fn set_market(&mut self, kind: Kind, index: u16, market: Option<Market>) -> Option<Market> {
        let markets = self.markets.get_mut(side(kind)?)?;
        let index = usize::from(index);
        if markets.len() <= index {
            market?;
            markets.resize(index + 1, None);
        }
        std::mem::replace(markets.get_mut(index)?, market)
    }

    /// The index under which a market with that address is known.
    pub fn index_of(&self, kind: Kind, pubkey: &Pubkey) -> Option<u16> {
        let markets = self.markets.get(side(kind)?)?;
        let is_it = |market: &Option<Market>| market.is_some_and(|known| known.pubkey == *pubkey);
        u16::try_from(markets.iter().position(is_it)?).ok()
    }

    /// How an oracle is read; `None` if no market names it.
    pub fn uses(&self, oracle: &Pubkey) -> Option<&[Use]> {
        self.oracles.get(oracle).map(Vec::as_slice)
    }

    /// All oracles that markets name.
    pub fn oracles(&self) -> impl Iterator<Item = Pubkey> + '_ {
        self.oracles.keys().copied()
    }

    /// One more market reads an oracle so. True if no other did.
    pub fn join(&mut self, naming: &Naming) -> bool {
        let uses = self.oracles.entry(naming.oracle).or_default();
        match uses.binary_search_by_key(&naming.source, |known| known.source) {
            Ok(at) => {
                if let Some(known) = uses.get_mut(at) {
                    known.markets += 1;
                }
                false
            }
            Err(at) => {
                uses.insert(at, Use { source: naming.source, markets: 1 });
                true
            }
        }
    }

    /// One market less reads an oracle so. True if it was the last.
    pub fn leave(&mut self, naming: &Naming) -> bool {
        let Some(uses) = self.oracles.get_mut(&naming.oracle) else { return false };
        let Some(known) = uses.iter_mut().find(|known| known.source == naming.source) else {
            return false;
        };
        known.markets -= 1;
        let is_last = known.markets == 0;
        uses.retain(|known| known.markets > 0);
        if uses.is_empty() {
            self.oracles.remove(&naming.oracle);
        }
        is_last
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn naming(oracle: u8, source: u8) -> Naming {
        Naming { oracle: Pubkey([oracle; 32]), source }
    }

    fn sources(registry: &Registry, oracle: u8) -> Vec<u8> {
        let uses = registry.uses(&Pubkey([oracle; 32])).unwrap_or_default();
        uses.iter().map(|known| known.source).collect()
    }

    #[test]
    fn an_oracle_has_each_source_once_however_many_markets_share_it() {
        let mut registry = Registry::default();
        assert!(registry.join(&naming(1, 5)));
        assert!(!registry.join(&naming(1, 5)));
        assert!(registry.join(&naming(1, 2)));
        assert_eq!(sources(&registry, 1), [2, 5]);
        assert!(!registry.leave(&naming(1, 5)));
        assert!(registry.leave(&naming(1, 5)));
        assert_eq!(sources(&registry, 1), [2]);
        assert!(registry.leave(&naming(1, 2)));
        assert_eq!(registry.uses(&Pubkey([1; 32])), None);
    }

    #[test]
    fn leaving_what_was_never_joined_changes_nothing() {
        let mut registry = Registry::default();
        assert!(!registry.leave(&naming(1, 5)));
        registry.join(&naming(1, 5));
        assert!(!registry.leave(&naming(1, 6)));
        assert_eq!(sources(&registry, 1), [5]);
    }

    #[test]
    fn perp_and_spot_markets_of_one_index_are_two() {
        let mut registry = Registry::default();
        let market =
            |key| Some(Market { pubkey: Pubkey([key; 32]), naming: naming(1, 1), pointer: None });
        assert_eq!(registry.set_market(Kind::PerpMarket, 3, market(8)), None);
        assert_eq!(registry.set_market(Kind::SpotMarket, 3, market(9)), None);
        assert_eq!(registry.index_of(Kind::SpotMarket, &Pubkey([9; 32])), Some(3));
        assert_eq!(registry.index_of(Kind::SpotMarket, &Pubkey([8; 32])), None);
        assert_eq!(registry.set_market(Kind::PerpMarket, 3, None), market(8));
        assert_eq!(registry.market(Kind::PerpMarket, 3), None);
        assert_eq!(registry.market(Kind::SpotMarket, 3), market(9).as_ref());
        assert_eq!(registry.set_market(Kind::User, 3, market(1)), None);
    }
}
