//! The one figure or two that say most about an account.

use driftshm_layout::figures;
use driftshm_layout::profile::{AccountDef, Kind, role};
use driftshm_layout::record::Unread;
use driftshm_layout::{OraclePrice, RecordRef, Region};

use super::output::scaled;

/// Prices have so many decimal places.
pub const PRICE_DECIMALS: u32 = 6;

/// A price with what it is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Price {
    /// `mark_price` or `oracle_price`, as Python calls them.
    pub name: &'static str,
    /// 1e6.
    pub value: i128,
}

impl Price {
    /// As a decimal number.
    pub fn text(&self) -> String {
        price_text(self.value)
    }

    /// Rounded.
    pub fn float(&self) -> f64 {
        self.value as f64 / 1e6
    }
}

/// A price (1e6) as a decimal number.
pub fn price_text(price: i128) -> String {
    scaled(price < 0, price.unsigned_abs(), PRICE_DECIMALS)
}

/// Mark and oracle price of a market, or the price of an oracle; nothing for others.
pub fn headline(region: &Region, account: &RecordRef) -> Vec<Price> {
    let oracle = match account.kind {
        Kind::PerpMarket | Kind::SpotMarket => market_oracle_price(region, account),
        Kind::Oracle => oracle_prices(region, account)
            .ok()
            .and_then(|prices| prices.into_iter().find(|price| price.valid)),
        _ => None,
    };
    let oracle = oracle.map(|price| Price { name: "oracle_price", value: price.price.into() });
    let mark = (account.kind == Kind::PerpMarket).then(|| mark_price(region, account)).flatten();
    let mark = mark.and_then(|price| price.try_into().ok());
    let mark = mark.map(|value| Price { name: "mark_price", value });
    mark.into_iter().chain(oracle).collect()
}

/// The oracle price of a market, if there is one that can be read.
fn market_oracle_price(region: &Region, market: &RecordRef) -> Option<OraclePrice> {
    let (oracle, source) = region.oracle_of(market)?;
    let (price, _) = region.oracle_price(&oracle, source)?;
    price.valid.then_some(price)
}

/// An oracle's price by each source that a market reads it by.
pub fn oracle_prices(region: &Region, oracle: &RecordRef) -> Result<Vec<OraclePrice>, Unread> {
    region.read(oracle, |buffer| OraclePrice::all(|index| buffer.extra(index)))
}

fn mark_price(region: &Region, market: &RecordRef) -> Option<u128> {
    let def: &AccountDef = region.profile().account(Kind::PerpMarket)?;
    let snapshot = region.snapshot(market).ok()?;
    if snapshot.meta.closed || snapshot.meta.layout_mismatch {
        return None;
    }
    let number = |role| def.role(role)?.read_u128(&snapshot.data);
    figures::mark_price(
        number(role::BASE_ASSET_RESERVE)?,
        number(role::QUOTE_ASSET_RESERVE)?,
        number(role::PEG_MULTIPLIER)?,
    )
}
