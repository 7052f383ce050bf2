//! What an oracle says, by each source that it is read by.

use std::fmt::Write;

use driftshm_layout::OraclePrice;
use driftshm_layout::profile::{EnumId, Kind};
use serde_json::{Value, json};

use super::Account;
use crate::commands::headline::{oracle_prices, price_text};
use crate::commands::keys::markets;
use crate::commands::output::scaled;

/// One object per source.
pub fn to_json(account: &Account<'_>) -> Value {
    let prices = prices(account).into_iter().map(|(price, source)| {
        json!({
            "source": source,
            "valid": price.valid,
            "price": price.price,
            "price_float": price.price as f64 / 1e6,
            "confidence": price.confidence,
            "confidence_float": price.confidence as f64 / 1e6,
            "published_slot": price.published_slot,
            "has_sufficient_number_of_data_points": price.has_sufficient_number_of_data_points,
            "markets": markets_of(account, price.source),
        })
    });
    prices.collect()
}

/// One line per source.
pub fn to_text(account: &Account<'_>) -> String {
    let mut text = String::new();
    for (price, source) in prices(account) {
        let markets = markets_of(account, price.source).join(", ");
        if !price.valid {
            let _ = writeln!(text, "{source}: cannot be read by this source  ({markets})");
            continue;
        }
        let few =
            if price.has_sufficient_number_of_data_points { "" } else { "  too few data points" };
        let _ = writeln!(
            text,
            "{source}: price {}  confidence {}  published in slot {}{few}  ({markets})",
            price_text(price.price.into()),
            scaled(false, price.confidence.into(), 6),
            price.published_slot,
        );
    }
    text
}

fn prices(account: &Account<'_>) -> Vec<(OraclePrice, String)> {
    let profile = account.region.profile();
    let sources: Option<EnumId> = profile.oracle_sources();
    let name = |source| sources.and_then(|id| profile.variant(id, source)).map(str::to_owned);
    let all = oracle_prices(account.region, &account.record).unwrap_or_default();
    all.into_iter()
        .map(|price| (price, name(price.source).unwrap_or_else(|| price.source.to_string())))
        .collect()
}

/// The markets that read this oracle by this source: `perp:0 SOL-PERP`.
fn markets_of(account: &Account<'_>, source: u8) -> Vec<String> {
    let region = account.region;
    let named = [(Kind::PerpMarket, "perp"), (Kind::SpotMarket, "spot")];
    let all = named.into_iter().flat_map(|(kind, name)| {
        markets(region, kind).into_iter().map(move |market| (name, market))
    });
    all.filter(|(_, market)| {
        let of = region.oracle_of(&market.account);
        of.is_some_and(|(oracle, by)| oracle.number == account.record.number && by == source)
    })
    .map(|(name, market)| {
        let symbol = market.symbol.unwrap_or_default();
        format!("{name}:{} {symbol}", market.index).trim_end().to_owned()
    })
    .collect()
}
