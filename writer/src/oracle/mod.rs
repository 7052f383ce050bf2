//! Oracle accounts decoded by the rules of the program itself.
//!
//! One account can serve many markets, and each market's [`Source`] says how it wants the
//! account read: the price for `Pyth1K` is a thousand times the one for `Pyth`. Prices and
//! confidences come out in the program's price precision, 1e6.
//!
//! A price is not judged here: it may be negative, old or too wide. What the program refuses to
//! read at all is an [`OracleError`].

mod bytes;
mod error;
mod prelaunch;
mod pyth;
mod pyth_lazer;
mod pyth_pull;
mod scale;
mod source;
mod switchboard;
mod switchboard_on_demand;
#[cfg(test)]
mod tests;

use driftshm_layout::profile::Profile;

pub use self::error::{OracleError, Problem};
pub use self::source::{Family, Source};

/// One dollar in the precision of prices and confidences.
pub const PRICE_PRECISION: u64 = 1_000_000;

/// What the program makes of an oracle account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OraclePrice {
    /// The price (1e6).
    pub price: i64,
    /// How far off the price may be (1e6).
    pub confidence: u64,
    /// The slot the price was published in, by the account's own word; 0 for the quote asset,
    /// whose price is never old.
    pub published_slot: u64,
    /// Whether enough publishers stand behind the price.
    pub has_sufficient_number_of_data_points: bool,
}

impl OraclePrice {
    /// The quote asset's price: one dollar, always.
    pub const QUOTE_ASSET: Self = Self {
        price: PRICE_PRECISION as i64,
        confidence: 1,
        published_slot: 0,
        has_sufficient_number_of_data_points: true,
    };
}

/// Decodes oracle accounts for one program.
#[derive(Debug, Clone)]
pub struct Decoder {
    pyth_lazer: Option<pyth_lazer::Layout>,
    prelaunch: Option<prelaunch::Layout>,
}

impl Decoder {
    /// A decoder for the program that `profile` describes. A family whose account the profile
    /// does not describe is an error when it is decoded, not now: most programs lack some.
    pub fn new(profile: &Profile) -> Self {
        Self {
            pyth_lazer: pyth_lazer::Layout::from_profile(profile),
            prelaunch: prelaunch::Layout::from_profile(profile),
        }
    }

    /// The price that the program would take from the account `data` for a market of this
    /// source. The quote asset has no account, its `data` is not looked at.
    pub fn decode(&self, source: Source, data: &[u8]) -> Result<OraclePrice, OracleError> {
        let family = source.family();
        let price = match family {
            Family::Pyth => pyth::read(data).and_then(|reading| reading.price_for(source)),
            Family::PythPull => pyth_pull::read(data).and_then(|reading| reading.price_for(source)),
            Family::PythLazer => pyth_lazer::read(self.pyth_lazer.as_ref(), data)
                .and_then(|reading| reading.price_for(source)),
            Family::Switchboard => switchboard::decode(data),
            Family::SwitchboardOnDemand => switchboard_on_demand::decode(data),
            Family::Prelaunch => prelaunch::decode(self.prelaunch.as_ref(), data),
            Family::QuoteAsset => Ok(OraclePrice::QUOTE_ASSET),
        };
        price.map_err(|problem| OracleError { family, problem })
    }
}
