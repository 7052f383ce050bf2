//! Spot markets: deposits and borrows that earn and pay interest.

use driftshm_layout::profile::{AccountDef, Profile, role};

use super::account::{Account, Moment};
use super::cell::{Cell, Draft};
use super::dice::{Dice, Purpose, address};
use super::perp::Market;
use super::source::Choice;
use crate::oracle::OraclePrice;

/// What part of the way to the newest price an average goes with each update.
const TWAP_PACE: f64 = 1.0 / 64.0;
/// Deposits and borrows of those who are not simulated, in dollars.
const DEPOSITS: f64 = 50e6;
const BORROWS: f64 = 20e6;
/// Interest paid so far, and what it grows by in a year.
const INTEREST: Interest =
    Interest { deposits: 1.05, borrows: 1.12, deposit_rate: 0.04, borrow_rate: 0.1 };
const YEAR_SECONDS: f64 = 31_536_000.0;

struct Interest {
    deposits: f64,
    borrows: f64,
    deposit_rate: f64,
    borrow_rate: f64,
}

/// The fields that change with every update.
pub(super) struct SpotCells {
    oracle_price: Cell,
    oracle_conf: Cell,
    oracle_twap: [Cell; 2],
    oracle_twap_ts: Cell,
    index: [(Cell, i64); 4],
    deposit_balance: Cell,
    borrow_balance: Cell,
    deposit_interest: Cell,
    borrow_interest: Cell,
    timestamps: [Cell; 2],
    deposit_id: Cell,
}

impl SpotCells {
    pub fn new(profile: &Profile, def: &AccountDef) -> Self {
        let role = |role| Cell::role(def, role);
        let path = |path| Cell::path(profile, def, path);
        Self {
            oracle_price: role(role::LAST_ORACLE_PRICE),
            oracle_conf: path("historical_oracle_data.last_oracle_conf"),
            oracle_twap: [
                role(role::LAST_ORACLE_PRICE_TWAP),
                path("historical_oracle_data.last_oracle_price_twap5min"),
            ],
            oracle_twap_ts: path("historical_oracle_data.last_oracle_price_twap_ts"),
            index: [
                (path("historical_index_data.last_index_bid_price"), -1),
                (path("historical_index_data.last_index_ask_price"), 1),
                (path("historical_index_data.last_index_price_twap"), 0),
                (path("historical_index_data.last_index_price_twap5min"), 0),
            ],
            deposit_balance: role(role::DEPOSIT_BALANCE),
            borrow_balance: role(role::BORROW_BALANCE),
            deposit_interest: role(role::CUMULATIVE_DEPOSIT_INTEREST),
            borrow_interest: role(role::CUMULATIVE_BORROW_INTEREST),
            timestamps: [path("last_interest_ts"), path("last_twap_ts")],
            deposit_id: path("next_deposit_record_id"),
        }
    }
}

/// A spot market.
pub(super) struct Spot {
    pub account: Account,
    pub source: Option<Choice>,
    /// The newest oracle price (1e6).
    pub price: i64,
    pub decimals: u32,
    /// All deposits and all borrows, scaled (1e9).
    pub deposits: u128,
    pub borrows: u128,
    twap: f64,
    updates: u64,
    began: i64,
}

impl Spot {
    /// A market with the deposits of those who are not simulated; [`Spot::refresh`] makes it
    /// whole.
    pub fn new(profile: &Profile, seed: u64, index: u16, market: &Market<'_>, now: Moment) -> Self {
        let Market { def, listing, source, oracle } = market;
        let other = |what: u32| address(seed, Purpose::Other, what << 16 | u32::from(index));
        let pubkey = profile.spot_market_address(index).unwrap_or_else(|| other(0));
        let known = listing.mint.and_then(|mint| mint.parse().ok());
        let mint = known.unwrap_or_else(|| other(1));
        let mut dice = Dice::new(seed, Purpose::Other, index.into());
        let is_quote = index == 0;
        let weights = if listing.price == 1.0 {
            [10_000, 10_000, 10_000, 10_000]
        } else {
            [8_000, 9_000, 12_000, 11_000]
        };
        let token = 10_i64.pow(listing.decimals.min(18));
        let mut draft = Draft::new(profile, def);
        draft
            .set_key("pubkey", &pubkey)
            .role(role::MARKET_INDEX, index)
            .role_name(role::SYMBOL, &listing.symbol)
            .role_key(role::ORACLE, oracle)
            .role_variant(role::STATUS, "Active")
            .role_key(role::MINT, &mint)
            .set_key("vault", &other(2))
            .set_key("insurance_fund.vault", &other(3))
            .set("insurance_fund.total_shares", 775_597_137_995_i64)
            .set("insurance_fund.user_shares", 557_746_419_822_i64)
            .set("insurance_fund.unstaking_period", 1_123_200)
            .set("insurance_fund.revenue_settle_period", 3_600)
            .set("insurance_fund.total_factor", 200_000)
            .set("insurance_fund.user_factor", 60_000)
            .set("revenue_pool.scaled_balance", 2_603_062_440_i64)
            .set("revenue_pool.market_index", index)
            .set("spot_fee_pool.scaled_balance", 816_893_130_525_i64)
            .set("total_spot_fee", 1_064_433_521_i64 + dice.below(1 << 30) as i64)
            .set("utilization_twap", 400_000)
            .role(role::ORDER_STEP_SIZE, if is_quote { 0 } else { (token / 10_000).max(1) })
            .role(role::ORDER_TICK_SIZE, if is_quote { 0 } else { 100 })
            .role(role::MIN_ORDER_SIZE, if is_quote { 0 } else { (token / 10).max(1) })
            .set("initial_asset_weight", weights[0])
            .set("maintenance_asset_weight", weights[1])
            .set("initial_liability_weight", weights[2])
            .set("maintenance_liability_weight", weights[3])
            .set("liquidator_fee", 7_500)
            .set("if_liquidation_fee", 22_500)
            .set("optimal_utilization", 800_000)
            .set("optimal_borrow_rate", 100_000)
            .set("max_borrow_rate", 1_500_000)
            .role(role::DECIMALS, listing.decimals)
            .set("orders_enabled", i32::from(!is_quote))
            .set_variant("asset_tier", "Collateral")
            .set("min_borrow_rate", 1);
        if let Some(source) = source {
            draft.role(role::ORACLE_SOURCE, source.number);
        }
        let account = Account { pubkey, owner: profile.program_id, data: draft.data };
        let price = listing.price * 1e6;
        let mut spot = Self {
            account,
            source: *source,
            price: price as i64,
            decimals: listing.decimals,
            deposits: 0,
            borrows: 0,
            twap: price,
            updates: 0,
            began: now.unix_seconds(),
        };
        let scaled =
            |dollars: f64, interest: f64| (dollars / listing.price * 1e9 / interest) as u128;
        spot.deposits = scaled(DEPOSITS, INTEREST.deposits);
        spot.borrows = scaled(BORROWS, INTEREST.borrows);
        spot
    }

    /// The scaled balance (1e9) of a deposit or borrow of so many tokens.
    pub fn scaled(&self, tokens: f64, borrow: bool) -> u64 {
        (tokens * 1e9 / if borrow { INTEREST.borrows } else { INTEREST.deposits }) as u64
    }

    /// The market after its next deposit.
    pub fn refresh(&mut self, cells: &SpotCells, oracle: Option<OraclePrice>, now: Moment) {
        self.price = oracle.map_or(self.price, |oracle| oracle.price).max(1);
        self.updates += 1;
        self.twap += (self.price as f64 - self.twap) * TWAP_PACE;
        let seconds = now.unix_seconds();
        let years = (seconds - self.began) as f64 / YEAR_SECONDS;
        let grown = |from: f64, rate: f64| (from * (1.0 + rate * years) * 1e10) as u64;
        let data = &mut self.account.data;
        cells.oracle_price.set(data, self.price);
        cells.oracle_conf.set(data, oracle.map_or(1, |oracle| oracle.confidence));
        for twap in cells.oracle_twap {
            twap.set(data, self.twap as i64);
        }
        cells.oracle_twap_ts.set(data, seconds);
        for (index, side) in cells.index {
            index.set(data, self.price + side * self.price / 5_000);
        }
        cells.deposit_balance.set_amount(data, self.deposits);
        cells.borrow_balance.set_amount(data, self.borrows);
        cells.deposit_interest.set_amount(data, grown(INTEREST.deposits, INTEREST.deposit_rate));
        cells.borrow_interest.set_amount(data, grown(INTEREST.borrows, INTEREST.borrow_rate));
        for timestamp in cells.timestamps {
            timestamp.set(data, seconds);
        }
        cells.deposit_id.set(data, self.updates);
    }
}
