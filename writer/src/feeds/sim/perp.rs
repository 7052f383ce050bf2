//! Perp markets: an AMM whose price follows the oracle, and funding that follows from both.

use driftshm_layout::Pubkey;
use driftshm_layout::profile::{AccountDef, Profile, role};

use super::account::{Account, Moment};
use super::cell::{Cell, Draft};
use super::dice::{Dice, Purpose, address};
use super::pairs::Pairs;
use super::prices::Walk;
use super::source::Choice;
use super::symbols::Listing;
use crate::oracle::OraclePrice;

/// What part of the way to the newest price an average goes with each update.
const TWAP_PACE: f64 = 1.0 / 64.0;
/// A funding rate pays a day's premium in so many parts.
const FUNDING_PARTS: i64 = 24;
/// The AMM of a large market is this deep, in dollars; that of any other, and the base reserve
/// that no market exceeds.
const DEPTH: (f64, f64, f64) = (1e9, 2e7, 5e18);

/// The fields that change with every update.
pub(super) struct PerpCells {
    base: Cell,
    quote: Cell,
    peg: Cell,
    ask: (Cell, Cell),
    bid: (Cell, Cell),
    long: Cell,
    short: Cell,
    with_amm: Cell,
    oracle_price: Cell,
    oracle_normalised: Cell,
    oracle_conf: Cell,
    oracle_twap: [Cell; 2],
    oracle_twap_ts: Cell,
    mark_twap: [Cell; 2],
    mark_bid_twap: Cell,
    mark_ask_twap: Cell,
    mark_twap_ts: Cell,
    spread_pct: Cell,
    funding_rate: [Cell; 3],
    funding_ts: Cell,
    funding_twap: Cell,
    mm_oracle: [Cell; 3],
    update_slot: Cell,
    volume: Cell,
    trade_ts: Cell,
    fill_price: Cell,
    fill_id: Cell,
    pairs: Option<Pairs>,
}

impl PerpCells {
    pub fn new(profile: &Profile, def: &AccountDef, pairs: bool) -> Self {
        let role = |role| Cell::role(def, role);
        let path = |name| Cell::of_perp(profile, def, name);
        Self {
            base: role(role::BASE_ASSET_RESERVE),
            quote: role(role::QUOTE_ASSET_RESERVE),
            peg: role(role::PEG_MULTIPLIER),
            ask: (path("ask_base_asset_reserve"), path("ask_quote_asset_reserve")),
            bid: (path("bid_base_asset_reserve"), path("bid_quote_asset_reserve")),
            long: role(role::BASE_ASSET_AMOUNT_LONG),
            short: role(role::BASE_ASSET_AMOUNT_SHORT),
            with_amm: path("base_asset_amount_with_amm"),
            oracle_price: role(role::LAST_ORACLE_PRICE),
            oracle_normalised: path("last_oracle_normalised_price"),
            oracle_conf: path("historical_oracle_data.last_oracle_conf"),
            oracle_twap: [
                role(role::LAST_ORACLE_PRICE_TWAP),
                path("historical_oracle_data.last_oracle_price_twap5min"),
            ],
            oracle_twap_ts: path("historical_oracle_data.last_oracle_price_twap_ts"),
            mark_twap: [role(role::LAST_MARK_PRICE_TWAP), path("last_mark_price_twap5min")],
            mark_bid_twap: path("last_bid_price_twap"),
            mark_ask_twap: path("last_ask_price_twap"),
            mark_twap_ts: path("last_mark_price_twap_ts"),
            spread_pct: path("last_oracle_reserve_price_spread_pct"),
            funding_rate: [
                role(role::LAST_FUNDING_RATE),
                path("last_funding_rate_long"),
                path("last_funding_rate_short"),
            ],
            funding_ts: role(role::LAST_FUNDING_RATE_TS),
            funding_twap: role(role::LAST_FUNDING_ORACLE_TWAP),
            mm_oracle: [
                path("mm_oracle_price"),
                path("mm_oracle_slot"),
                path("mm_oracle_sequence_id"),
            ],
            update_slot: path("last_update_slot"),
            volume: role(role::VOLUME_24H),
            trade_ts: path("last_trade_ts"),
            fill_price: path("last_fill_price"),
            fill_id: path("next_fill_record_id"),
            pairs: if pairs { Pairs::of(profile) } else { None },
        }
    }
}

/// A perp market.
pub(super) struct Perp {
    pub account: Account,
    pub source: Option<Choice>,
    /// The newest oracle price (1e6).
    pub price: i64,
    /// Order sizes and prices are multiples of these.
    pub step: i64,
    pub tick: i64,
    /// Total of all long positions and, negative, of all short ones (1e9).
    pub long: i128,
    pub short: i128,
    /// Mark price as a part of the oracle price.
    premium: Walk,
    depth: f64,
    oracle_twap: f64,
    mark_twap: f64,
    volume: u64,
    updates: u64,
}

/// What a user's position needs to know of its market.
pub(super) const CUMULATIVE_FUNDING_RATE: i64 = 4_900_000_000;

impl Perp {
    /// A market without any position yet; [`Perp::refresh`] makes it whole.
    pub fn new(profile: &Profile, seed: u64, index: u16, market: &Market<'_>) -> Self {
        let Market { def, listing, source, oracle } = market;
        let pubkey = profile
            .perp_market_address(index)
            .unwrap_or_else(|| address(seed, Purpose::Market, index.into()));
        let mut dice = Dice::new(seed, Purpose::Market, index.into());
        let price = listing.price;
        let (step, tick) = (step_size(price), tick_size(price));
        let (large, small, most) = DEPTH;
        let depth = (if index < 3 { large } else { small } / price * 1e9).min(most);
        let is_bet = listing.source == "Prelaunch";
        let (initial, maintenance) = match index {
            _ if is_bet => (10_000, 10_000),
            0..=2 => (500, 300),
            _ => (1_000, 500),
        };
        let reserve = depth as u64;
        let mut draft = Draft::new(profile, def);
        draft
            .set_key("pubkey", &pubkey)
            .role(role::MARKET_INDEX, index)
            .role_name(role::SYMBOL, &listing.symbol)
            .role_key(role::ORACLE, oracle)
            .role_variant(role::STATUS, "Active")
            .set_variant("contract_type", if is_bet { "Prediction" } else { "Perpetual" })
            .set_variant("contract_tier", if index < 3 { "B" } else { "Speculative" })
            .set_perp("sqrt_k", reserve)
            .set_perp("concentration_coef", 1_004_142)
            .set_perp("min_base_asset_reserve", reserve / 1_004 * 1_000)
            .set_perp("max_base_asset_reserve", reserve / 1_000 * 1_004)
            .set_perp("terminal_quote_asset_reserve", reserve)
            .set_perp("max_open_interest", reserve / 20)
            .set_perp("cumulative_funding_rate_long", CUMULATIVE_FUNDING_RATE)
            .set_perp("cumulative_funding_rate_short", CUMULATIVE_FUNDING_RATE)
            .set_perp("total_fee", 28_000_000_000_i64 + dice.below(1 << 30) as i64)
            .set_perp("total_exchange_fee", 17_000_000_000_i64)
            .set_perp("total_fee_minus_distributions", 14_000_000_000_i64)
            .set_perp("fee_pool.scaled_balance", 9_600_000_000_000_i64)
            .role(role::FUNDING_PERIOD, 3600)
            .role(role::ORDER_STEP_SIZE, step)
            .role(role::ORDER_TICK_SIZE, tick)
            .role(role::MIN_ORDER_SIZE, step)
            .set_perp("base_spread", 200)
            .set_perp("max_spread", 20_000)
            .set_perp("long_spread", 200)
            .set_perp("short_spread", 200)
            .set_perp("max_fill_reserve_fraction", 25_000)
            .set_perp("max_slippage_ratio", 50)
            .set_perp("curve_update_intensity", 100)
            .set_perp("amm_jit_intensity", 100)
            .set_perp("last_oracle_valid", 1)
            .set_perp("mark_std", tick * 10)
            .set_perp("oracle_std", tick * 10)
            .set_perp("historical_oracle_data.last_oracle_delay", 1)
            .set("pnl_pool.scaled_balance", 6_000_000_000_000_i64)
            .set("insurance_claim.quote_max_insurance", 1_000_000_000_000_i64)
            .set("unrealized_pnl_max_imbalance", 1_000_000_000_i64)
            .set("next_funding_rate_record_id", 29_226)
            .set("next_curve_record_id", 5_048)
            .set("imf_factor", 50)
            .set("liquidator_fee", 7_500)
            .set("if_liquidation_fee", 7_500)
            .role(role::MARGIN_RATIO_INITIAL, initial)
            .role(role::MARGIN_RATIO_MAINTENANCE, maintenance)
            .set("unrealized_pnl_maintenance_asset_weight", 10_000);
        if let Some(source) = source {
            draft.role(role::ORACLE_SOURCE, source.number);
        }
        let account = Account { pubkey, owner: profile.program_id, data: draft.data };
        Self {
            account,
            source: *source,
            price: (price * 1e6) as i64,
            step,
            tick,
            long: 0,
            short: 0,
            premium: Walk::premium(),
            depth,
            oracle_twap: price * 1e6,
            mark_twap: price * 1e6,
            volume: (depth / 1e9 * price * 1e6 / 100.0) as u64,
            updates: 0,
        }
    }

    /// A position went from one size to another.
    pub fn traded(&mut self, from: i64, to: i64) {
        for (base, sign) in [(from, -1), (to, 1)] {
            let total = if base > 0 { &mut self.long } else { &mut self.short };
            *total += i128::from(base) * sign;
        }
    }

    /// Says how many hold a position.
    pub fn set_users(&mut self, profile: &Profile, def: &AccountDef, users: u32) {
        for path in ["number_of_users_with_base", "number_of_users"] {
            Cell::path(profile, def, path).set(&mut self.account.data, users);
        }
    }

    /// The market after its next trade.
    pub fn update(
        &mut self,
        cells: &PerpCells,
        dice: &mut Dice,
        oracle: Option<OraclePrice>,
        now: Moment,
    ) {
        self.premium.step(dice);
        // Up to 65 dollars; what was traded a day ago leaves in step.
        self.volume = self.volume - (self.volume >> 20) + dice.below(1 << 26) as u64;
        self.refresh(cells, oracle, now);
    }

    /// Writes what follows from the oracle price and the premium.
    pub fn refresh(&mut self, cells: &PerpCells, oracle: Option<OraclePrice>, now: Moment) {
        self.price = oracle.map_or(self.price, |oracle| oracle.price).max(1);
        self.updates += 1;
        let price = self.price as f64;
        self.oracle_twap += (price - self.oracle_twap) * TWAP_PACE;
        self.mark_twap += (price * self.premium.value() - self.mark_twap) * TWAP_PACE;
        let data = &mut self.account.data;

        // The peg is the oracle price, so the reserves' ratio is the premium.
        let root = self.premium.value().sqrt();
        let (base, quote) = ((self.depth / root) as u64, (self.depth * root) as u64);
        let (base_step, quote_step) = (base / 5_000, quote / 5_000);
        cells.base.set_amount(data, base);
        cells.quote.set_amount(data, quote);
        cells.peg.set_amount(data, self.price as u64);
        cells.ask.0.set_amount(data, base - base_step);
        cells.ask.1.set_amount(data, quote + quote_step);
        cells.bid.0.set_amount(data, base + base_step);
        cells.bid.1.set_amount(data, quote - quote_step);

        cells.long.set(data, self.long);
        cells.short.set(data, self.short);
        cells.with_amm.set(data, self.long + self.short);

        let seconds = now.unix_seconds();
        cells.oracle_price.set(data, self.price);
        cells.oracle_normalised.set(data, self.price);
        cells.oracle_conf.set(data, oracle.map_or(1, |oracle| oracle.confidence));
        let (oracle_twap, mark_twap) = (self.oracle_twap as i64, self.mark_twap as i64);
        for twap in cells.oracle_twap {
            twap.set(data, oracle_twap);
        }
        cells.oracle_twap_ts.set(data, seconds);
        for twap in cells.mark_twap {
            twap.set(data, mark_twap);
        }
        cells.mark_bid_twap.set(data, mark_twap - mark_twap / 10_000);
        cells.mark_ask_twap.set(data, mark_twap + mark_twap / 10_000);
        cells.mark_twap_ts.set(data, seconds);
        cells.spread_pct.set(data, ((self.premium.value() - 1.0) * 1e6) as i64);

        // On chain this is done once per period; here it is done with every update, so that it
        // always agrees with the averages beside it.
        let rate = (mark_twap - oracle_twap) * 1_000 / FUNDING_PARTS;
        for funding_rate in cells.funding_rate {
            funding_rate.set(data, rate);
        }
        cells.funding_ts.set(data, seconds);
        cells.funding_twap.set(data, oracle_twap);

        cells.mm_oracle[0].set(data, self.price);
        cells.mm_oracle[1].set(data, now.slot);
        cells.mm_oracle[2].set(data, now.unix_us);
        cells.update_slot.set(data, now.slot);
        cells.volume.set(data, self.volume);
        cells.trade_ts.set(data, seconds);
        cells.fill_price.set(data, (price * self.premium.value()) as i64 / self.tick * self.tick);
        cells.fill_id.set(data, self.updates);
        if let Some(pairs) = &cells.pairs {
            pairs.stamp(data, self.updates);
        }
    }
}

/// What a market is made from.
pub(super) struct Market<'a> {
    pub def: &'a AccountDef,
    pub listing: &'a Listing,
    pub source: Option<Choice>,
    /// The oracle's address; all zero if it has none.
    pub oracle: Pubkey,
}

/// About a dollar's worth of base (1e9).
fn step_size(price: f64) -> i64 {
    match price {
        10_000.0.. => 100_000,
        1_000.0.. => 1_000_000,
        10.0.. => 10_000_000,
        1.0.. => 100_000_000,
        _ => 1_000_000_000,
    }
}

fn tick_size(price: f64) -> i64 {
    match price {
        10_000.0.. => 100_000,
        1_000.0.. => 10_000,
        1.0.. => 100,
        0.1.. => 10,
        _ => 1,
    }
}
