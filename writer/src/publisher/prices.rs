//! An oracle record's extra words: its price by each source in use.

use driftshm_layout::OraclePrice;
use driftshm_layout::oracle_price::{EXTRA_WORDS, SOURCES};
use driftshm_layout::profile::Profile;

use super::oracles::Use;
use crate::oracle::{Decoder, OracleError, Source};

/// Prices as the record keeps them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Prices {
    pub words: [u64; EXTRA_WORDS],
    /// How many sources give no price, though there is an account.
    pub errors: u64,
    /// Why the first of them does not; `None` also where the source is one that nobody can read.
    pub error: Option<OracleError>,
}

/// Decodes oracles for one profile.
pub(super) struct Pricer {
    decoder: Decoder,
    /// By the source's number in the profile.
    sources: Vec<Option<Source>>,
}

impl Pricer {
    pub fn new(profile: &Profile) -> Self {
        Self { decoder: Decoder::new(profile), sources: Source::of_profile(profile) }
    }

    fn source(&self, number: u8) -> Option<Source> {
        self.sources.get(usize::from(number)).copied().flatten()
    }

    /// Whether the source reads an account; the quote asset alone does not.
    pub fn needs_account(&self, source: u8) -> bool {
        self.source(source).is_none_or(Source::needs_account)
    }

    /// The prices of an account by these sources; without data, those that need none are valid.
    pub fn prices(&self, uses: &[Use], data: Option<&[u8]>) -> Prices {
        let mut prices = Prices { words: [0; EXTRA_WORDS], errors: 0, error: None };
        let entries = prices.words.chunks_exact_mut(EXTRA_WORDS / SOURCES);
        for (entry, known) in entries.zip(uses) {
            let source = self.source(known.source);
            let decoded = match (source, data) {
                (Some(source), Some(data)) => Some(self.decoder.decode(source, data)),
                (Some(source), None) if !source.needs_account() => {
                    Some(self.decoder.decode(source, &[]))
                }
                _ => None,
            };
            if data.is_some() && !matches!(decoded, Some(Ok(_))) {
                prices.errors += 1;
                let error = decoded.as_ref().and_then(|decoded| decoded.as_ref().err());
                prices.error = prices.error.or(error.copied());
            }
            entry
                .copy_from_slice(&in_record(known.source, decoded.and_then(Result::ok)).to_words());
        }
        prices
    }
}

fn in_record(source: u8, price: Option<crate::oracle::OraclePrice>) -> OraclePrice {
    match price {
        Some(price) => OraclePrice {
            source,
            valid: true,
            price: price.price,
            confidence: price.confidence,
            published_slot: price.published_slot,
            has_sufficient_number_of_data_points: price.has_sufficient_number_of_data_points,
        },
        None => OraclePrice {
            source,
            valid: false,
            price: 0,
            confidence: 0,
            published_slot: 0,
            has_sufficient_number_of_data_points: false,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::super::oracles::{Naming, Registry};
    use super::*;
    use driftshm_layout::Pubkey;

    /// The uses of an oracle that is read by these sources.
    fn uses(pricer_profile: &Profile, names: &[&str]) -> Vec<Use> {
        let mut registry = Registry::default();
        let oracle = Pubkey([1; 32]);
        for name in names {
            let source = pricer_profile.discriminant("OracleSource", name).unwrap();
            registry.join(&Naming { oracle, source });
        }
        registry.uses(&oracle).unwrap().to_vec()
    }

    fn all(prices: &Prices) -> Vec<OraclePrice> {
        OraclePrice::all(|i| prices.words[i])
    }

    #[test]
    fn an_account_that_cannot_be_read_has_entries_that_say_so() {
        let profile = Profile::builtin("drift-v2").unwrap();
        let pricer = Pricer::new(&profile);
        let prices = pricer.prices(&uses(&profile, &["Pyth", "QuoteAsset"]), Some(&[0; 10]));
        let entries = all(&prices);
        assert_eq!(entries.iter().map(|entry| entry.valid).collect::<Vec<_>>(), [false, true]);
        assert_eq!(prices.errors, 1);
        assert!(prices.error.is_some());
    }

    #[test]
    fn the_quote_asset_has_a_price_without_an_account() {
        let profile = Profile::builtin("drift-v2").unwrap();
        let pricer = Pricer::new(&profile);
        let prices = pricer.prices(&uses(&profile, &["QuoteAsset", "PythLazer"]), None);
        let valid: Vec<_> = all(&prices).into_iter().filter(|entry| entry.valid).collect();
        assert_eq!(valid.len(), 1);
        assert_eq!((valid[0].price, valid[0].confidence), (1_000_000, 1));
        assert_eq!(prices.errors, 0, "an account that has not come yet is no error");
    }

    #[test]
    fn a_source_that_the_profile_does_not_know_is_an_error_not_a_price() {
        let profile = Profile::builtin("drift-v2").unwrap();
        let mut registry = Registry::default();
        registry.join(&Naming { oracle: Pubkey([1; 32]), source: 200 });
        let uses = registry.uses(&Pubkey([1; 32])).unwrap();
        let prices = Pricer::new(&profile).prices(uses, Some(&[0; 4000]));
        assert_eq!((all(&prices).len(), all(&prices)[0].valid, prices.errors), (1, false, 1));
    }

    #[test]
    fn more_sources_than_a_record_holds_are_left_out() {
        let profile = Profile::builtin("drift-v2").unwrap();
        let mut registry = Registry::default();
        for source in 0..12 {
            registry.join(&Naming { oracle: Pubkey([1; 32]), source });
        }
        let uses = registry.uses(&Pubkey([1; 32])).unwrap();
        assert_eq!(all(&Pricer::new(&profile).prices(uses, None)).len(), SOURCES);
    }
}
