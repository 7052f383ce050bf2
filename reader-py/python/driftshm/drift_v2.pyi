"""The types of the profile ``drift-v2`` (program version 2.162.0).

Made from layout/profiles/drift-v2.json by reader-py/stubs/generate.py: do not edit.

Each struct of the program is two types: a live view (``PerpMarket``) and a snapshot
(``PerpMarketSnapshot``). Numbers are integers in the unit that their docstring names: the figure is
integer / 10**decimals, and ``account.float("path")`` gives it; unscaled where no unit is named.
Addresses are base58 text, byte arrays are `bytes`. An enum's attribute is a plain int where the
account holds a number that the profile has no name for.

Units:

- price: Quote per base, as prices are; 6 decimals
- quote: An amount of the quote asset; 6 decimals
- base: An amount of a perp market's base asset; 9 decimals
- token: An amount in the smallest unit of a spot market's token, whose decimals its market says; a
  whole number
- amm_reserve: An amount in an AMM's reserves; 9 decimals
- peg: What scales an AMM's quote reserve to a price; 6 decimals
- funding_rate: Quote per base, as funding rates are; 9 decimals
- spot_balance: A spot balance before interest: token amount = balance * cumulative interest; 9
  decimals
- spot_cumulative_interest: What scales a spot balance to a token amount; 10 decimals
- percentage: A fraction of 1; 6 decimals
- basis_points: A fraction of 1; 4 decimals
- margin: A margin ratio: collateral per value of the position; 4 decimals
- imf: How fast margin grows with the size of a position; 6 decimals
- spot_weight: How much of an asset's or a liability's value counts; 4 decimals
- fuel_boost: A multiplier; 1 decimal
- slot: A Solana slot; a whole number
- slots: A number of Solana slots; a whole number
- unix_seconds: Unix time in seconds; a whole number
- unix_microseconds: Unix time, in microseconds; 6 decimals
- seconds: A duration in seconds; a whole number
"""

import enum
from typing import final

from ._driftshm import ArrayView, FundingRate, Snapshot, View
from .types import MarketData

__all__ = [
    "AMM",
    "AMMSnapshot",
    "FeeStructure",
    "FeeStructureSnapshot",
    "FeeTier",
    "FeeTierSnapshot",
    "HistoricalIndexData",
    "HistoricalIndexDataSnapshot",
    "HistoricalOracleData",
    "HistoricalOracleDataSnapshot",
    "InsuranceClaim",
    "InsuranceClaimSnapshot",
    "InsuranceFund",
    "InsuranceFundSnapshot",
    "OracleGuardRails",
    "OracleGuardRailsSnapshot",
    "Order",
    "OrderSnapshot",
    "OrderFillerRewardStructure",
    "OrderFillerRewardStructureSnapshot",
    "PerpMarket",
    "PerpMarketSnapshot",
    "PerpPosition",
    "PerpPositionSnapshot",
    "PoolBalance",
    "PoolBalanceSnapshot",
    "PrelaunchOracle",
    "PrelaunchOracleSnapshot",
    "PriceDivergenceGuardRails",
    "PriceDivergenceGuardRailsSnapshot",
    "PythLazerOracle",
    "PythLazerOracleSnapshot",
    "SpotMarket",
    "SpotMarketSnapshot",
    "SpotPosition",
    "SpotPositionSnapshot",
    "State",
    "StateSnapshot",
    "User",
    "UserSnapshot",
    "UserFees",
    "UserFeesSnapshot",
    "UserStats",
    "UserStatsSnapshot",
    "ValidityGuardRails",
    "ValidityGuardRailsSnapshot",
    "AssetTier",
    "ContractTier",
    "ContractType",
    "MarginMode",
    "MarketStatus",
    "MarketType",
    "OracleSource",
    "OrderStatus",
    "OrderTriggerCondition",
    "OrderType",
    "PositionDirection",
    "SpotBalanceType",
]

@final
class AMM(View):
    """A live view of a struct AMM within an account."""

    def snapshot(self, *, max_age: float | None = None) -> AMMSnapshot:
        """A frozen copy of the newest version. Raises `StaleError` as `ensure_fresh` does."""
    @property
    def oracle(self) -> str:
        """The account that prices the base asset. Base58."""
    @property
    def historical_oracle_data(self) -> HistoricalOracleData:
        """What the program saw of the oracle."""
    @property
    def base_asset_amount_per_lp(self) -> int:
        """Base since inception per LP share (per 10^per_lp_base of them).

        i128 in BASE_PRECISION, 9 decimals.
        """
    @property
    def quote_asset_amount_per_lp(self) -> int:
        """Quote since inception per LP share (per 10^per_lp_base of them).

        i128 in QUOTE_PRECISION, 6 decimals.
        """
    @property
    def fee_pool(self) -> PoolBalance:
        """Fees moved here when PnL is settled."""
    @property
    def base_asset_reserve(self) -> int:
        """x of the constant product x * y = k. u128 in AMM_RESERVE_PRECISION, 9 decimals."""
    @property
    def quote_asset_reserve(self) -> int:
        """y of the constant product x * y = k. u128 in AMM_RESERVE_PRECISION, 9 decimals."""
    @property
    def concentration_coef(self) -> int:
        """How close the reserve bounds are to the reserve.

        u128 in PERCENTAGE_PRECISION, 6 decimals.
        """
    @property
    def min_base_asset_reserve(self) -> int:
        """The AMM takes no more longs below this. u128 in AMM_RESERVE_PRECISION, 9 decimals."""
    @property
    def max_base_asset_reserve(self) -> int:
        """The AMM takes no more shorts above this. u128 in AMM_RESERVE_PRECISION, 9 decimals."""
    @property
    def sqrt_k(self) -> int:
        """The root of k, kept against rounding. u128 in AMM_RESERVE_PRECISION, 9 decimals."""
    @property
    def peg_multiplier(self) -> int:
        """Scales y to a price. u128 in PEG_PRECISION, 6 decimals."""
    @property
    def terminal_quote_asset_reserve(self) -> int:
        """y if all positions with the AMM were closed.

        u128 in AMM_RESERVE_PRECISION, 9 decimals.
        """
    @property
    def base_asset_amount_long(self) -> int:
        """The sum of all longs; never negative. i128 in BASE_PRECISION, 9 decimals."""
    @property
    def base_asset_amount_short(self) -> int:
        """The sum of all shorts; never positive. i128 in BASE_PRECISION, 9 decimals."""
    @property
    def base_asset_amount_with_amm(self) -> int:
        """Longs less shorts that the AMM is the other side of.

        i128 in BASE_PRECISION, 9 decimals.
        """
    @property
    def base_asset_amount_with_unsettled_lp(self) -> int:
        """Longs less shorts that LPs have yet to settle. i128 in BASE_PRECISION, 9 decimals."""
    @property
    def max_open_interest(self) -> int:
        """Trades above it are blocked; 0: no limit. u128 in BASE_PRECISION, 9 decimals."""
    @property
    def quote_asset_amount(self) -> int:
        """The sum of all users' quote_asset_amount. i128 in QUOTE_PRECISION, 6 decimals."""
    @property
    def quote_entry_amount_long(self) -> int:
        """The sum of all longs' quote_entry_amount. i128 in QUOTE_PRECISION, 6 decimals."""
    @property
    def quote_entry_amount_short(self) -> int:
        """The sum of all shorts' quote_entry_amount. i128 in QUOTE_PRECISION, 6 decimals."""
    @property
    def quote_break_even_amount_long(self) -> int:
        """The sum of all longs' quote_break_even_amount. i128 in QUOTE_PRECISION, 6 decimals."""
    @property
    def quote_break_even_amount_short(self) -> int:
        """The sum of all shorts' quote_break_even_amount. i128 in QUOTE_PRECISION, 6 decimals."""
    @property
    def user_lp_shares(self) -> int:
        """How much of sqrt_k users own. u128 in AMM_RESERVE_PRECISION, 9 decimals."""
    @property
    def last_funding_rate(self) -> int:
        """Funding of the last period, in quote per base.

        i64 in FUNDING_RATE_PRECISION, 9 decimals.
        """
    @property
    def last_funding_rate_long(self) -> int:
        """The same, as longs paid it. i64 in FUNDING_RATE_PRECISION, 9 decimals."""
    @property
    def last_funding_rate_short(self) -> int:
        """The same, as shorts received it. i64 in FUNDING_RATE_PRECISION, 9 decimals."""
    @property
    def last24h_avg_funding_rate(self) -> int:
        """An estimate over the last 24 h. i64 in FUNDING_RATE_PRECISION, 9 decimals."""
    @property
    def total_fee(self) -> int:
        """All fees of this market. i128 in QUOTE_PRECISION, 6 decimals."""
    @property
    def total_mm_fee(self) -> int:
        """Fees from the AMM's spread. i128 in QUOTE_PRECISION, 6 decimals."""
    @property
    def total_exchange_fee(self) -> int:
        """Fees from the fee schedule. u128 in QUOTE_PRECISION, 6 decimals."""
    @property
    def total_fee_minus_distributions(self) -> int:
        """Fees less unrealized PnL and withdrawals from the pool.

        i128 in QUOTE_PRECISION, 6 decimals.
        """
    @property
    def total_fee_withdrawn(self) -> int:
        """Fees moved to the revenue pool. u128 in QUOTE_PRECISION, 6 decimals."""
    @property
    def total_liquidation_fee(self) -> int:
        """Fees from liquidations. u128 in QUOTE_PRECISION, 6 decimals."""
    @property
    def cumulative_funding_rate_long(self) -> int:
        """All funding since inception, for longs. i128 in FUNDING_RATE_PRECISION, 9 decimals."""
    @property
    def cumulative_funding_rate_short(self) -> int:
        """All funding since inception, for shorts. i128 in FUNDING_RATE_PRECISION, 9 decimals."""
    @property
    def total_social_loss(self) -> int:
        """Losses that were spread over users since inception.

        u128 in QUOTE_PRECISION, 6 decimals.
        """
    @property
    def ask_base_asset_reserve(self) -> int:
        """x for a user who goes long. u128 in AMM_RESERVE_PRECISION, 9 decimals."""
    @property
    def ask_quote_asset_reserve(self) -> int:
        """y for a user who goes long. u128 in AMM_RESERVE_PRECISION, 9 decimals."""
    @property
    def bid_base_asset_reserve(self) -> int:
        """x for a user who goes short. u128 in AMM_RESERVE_PRECISION, 9 decimals."""
    @property
    def bid_quote_asset_reserve(self) -> int:
        """y for a user who goes short. u128 in AMM_RESERVE_PRECISION, 9 decimals."""
    @property
    def last_oracle_normalised_price(self) -> int:
        """The oracle price, drawn towards the AMM's. i64 in PRICE_PRECISION, 6 decimals."""
    @property
    def last_oracle_reserve_price_spread_pct(self) -> int:
        """The AMM's price against the oracle's. i64 in PERCENTAGE_PRECISION, 6 decimals."""
    @property
    def last_bid_price_twap(self) -> int:
        """The average bid over funding_period. u64 in PRICE_PRECISION, 6 decimals."""
    @property
    def last_ask_price_twap(self) -> int:
        """The average ask over funding_period. u64 in PRICE_PRECISION, 6 decimals."""
    @property
    def last_mark_price_twap(self) -> int:
        """The average of bid and ask over funding_period. u64 in PRICE_PRECISION, 6 decimals."""
    @property
    def last_mark_price_twap5min(self) -> int:
        """The average of bid and ask over five minutes. u64 in PRICE_PRECISION, 6 decimals."""
    @property
    def last_update_slot(self) -> int:
        """When the AMM was last updated. u64 in slot."""
    @property
    def last_oracle_conf_pct(self) -> int:
        """The oracle's confidence interval against its price.

        u64 in PERCENTAGE_PRECISION, 6 decimals.
        """
    @property
    def net_revenue_since_last_funding(self) -> int:
        """Change of total_fee_minus_distributions since the last funding.

        i64 in QUOTE_PRECISION, 6 decimals.
        """
    @property
    def last_funding_rate_ts(self) -> int:
        """When funding was last updated. i64 in unix_seconds."""
    @property
    def funding_period(self) -> int:
        """Time between funding updates. i64 in seconds."""
    @property
    def order_step_size(self) -> int:
        """Order sizes are multiples of this. u64 in BASE_PRECISION, 9 decimals."""
    @property
    def order_tick_size(self) -> int:
        """Order prices are multiples of this. u64 in PRICE_PRECISION, 6 decimals."""
    @property
    def min_order_size(self) -> int:
        """The smallest order. u64 in BASE_PRECISION, 9 decimals."""
    @property
    def mm_oracle_slot(self) -> int:
        """When mm_oracle_price was set. u64 in slot."""
    @property
    def volume24h(self) -> int:
        """An estimate of the volume of 24 h. u64 in QUOTE_PRECISION, 6 decimals."""
    @property
    def long_intensity_volume(self) -> int:
        """Recent volume of longs against the AMM. u64 in QUOTE_PRECISION, 6 decimals."""
    @property
    def short_intensity_volume(self) -> int:
        """Recent volume of shorts against the AMM. u64 in QUOTE_PRECISION, 6 decimals."""
    @property
    def last_trade_ts(self) -> int:
        """When the last trade was. i64 in unix_seconds."""
    @property
    def mark_std(self) -> int:
        """An estimate of the standard deviation of fill prices.

        u64 in PRICE_PRECISION, 6 decimals.
        """
    @property
    def oracle_std(self) -> int:
        """An estimate of the standard deviation of the oracle price.

        u64 in PRICE_PRECISION, 6 decimals.
        """
    @property
    def last_mark_price_twap_ts(self) -> int:
        """When the mark price averages were updated. i64 in unix_seconds."""
    @property
    def base_spread(self) -> int:
        """The least spread of the AMM. u32 in PERCENTAGE_PRECISION, 6 decimals."""
    @property
    def max_spread(self) -> int:
        """The largest spread of the AMM. u32 in PERCENTAGE_PRECISION, 6 decimals."""
    @property
    def long_spread(self) -> int:
        """The ask's distance from the reserve price. u32 in PERCENTAGE_PRECISION, 6 decimals."""
    @property
    def short_spread(self) -> int:
        """The bid's distance from the reserve price. u32 in PERCENTAGE_PRECISION, 6 decimals."""
    @property
    def mm_oracle_price(self) -> int:
        """The market makers' oracle price; 0: none. i64 in PRICE_PRECISION, 6 decimals."""
    @property
    def max_fill_reserve_fraction(self) -> int:
        """A fill takes at most 1/n of the AMM's liquidity. u16."""
    @property
    def max_slippage_ratio(self) -> int:
        """A fill moves the AMM's price by at most 1/n. u16."""
    @property
    def curve_update_intensity(self) -> int:
        """How strongly the AMM adjusts its curve, 0 to 100; above that, reference_price_offset too.

        u8.
        """
    @property
    def amm_jit_intensity(self) -> int:
        """How much the AMM takes part in auctions: 1 to 100 the protocol, to 200 LPs too; 0: not.

        u8.
        """
    @property
    def oracle_source(self) -> OracleSource:
        """How the oracle is to be read."""
    @property
    def last_oracle_valid(self) -> bool:
        """Whether the oracle was valid at the last update."""
    @property
    def target_base_asset_amount_per_lp(self) -> int:
        """What base_asset_amount_per_lp is steered to. i32 in BASE_PRECISION, 9 decimals."""
    @property
    def per_lp_base(self) -> int:
        """The power of ten of LP shares that per-LP figures are for. i8."""
    @property
    def oracle_low_risk_slot_delay_override(self) -> int:
        """Overrides the state's auction duration; 0: no, -1: no speed bump. i8."""
    @property
    def amm_spread_adjustment(self) -> int:
        """Percent that the spread is changed by, -100 to 100. i8."""
    @property
    def oracle_slot_delay_override(self) -> int:
        """Overrides how many slots old the oracle may be; -1: no. i8."""
    @property
    def mm_oracle_sequence_id(self) -> int:
        """Orders the updates of mm_oracle_price. u64."""
    @property
    def net_unsettled_funding_pnl(self) -> int:
        """Funding that users have yet to settle. i64 in QUOTE_PRECISION, 6 decimals."""
    @property
    def quote_asset_amount_with_unsettled_lp(self) -> int:
        """Quote that LPs have yet to settle. i64 in QUOTE_PRECISION, 6 decimals."""
    @property
    def reference_price_offset(self) -> int:
        """Moves bid and ask alike. i32 in PERCENTAGE_PRECISION, 6 decimals."""
    @property
    def amm_inventory_spread_adjustment(self) -> int:
        """Percent that the inventory's part of the spread is changed by, -100 to 100. i8."""
    @property
    def reference_price_offset_deadband_pct(self) -> int:
        """Percent of inventory without an offset. u8."""
    @property
    def padding(self) -> bytes:
        """2 bytes."""
    @property
    def last_funding_oracle_twap(self) -> int:
        """The oracle's average at the last funding update. i64 in PRICE_PRECISION, 6 decimals."""

@final
class AMMSnapshot(Snapshot):
    """A snapshot of a struct AMM within an account."""

    @property
    def oracle(self) -> str:
        """The account that prices the base asset. Base58."""
    @property
    def historical_oracle_data(self) -> HistoricalOracleDataSnapshot:
        """What the program saw of the oracle."""
    @property
    def base_asset_amount_per_lp(self) -> int:
        """Base since inception per LP share (per 10^per_lp_base of them).

        i128 in BASE_PRECISION, 9 decimals.
        """
    @property
    def quote_asset_amount_per_lp(self) -> int:
        """Quote since inception per LP share (per 10^per_lp_base of them).

        i128 in QUOTE_PRECISION, 6 decimals.
        """
    @property
    def fee_pool(self) -> PoolBalanceSnapshot:
        """Fees moved here when PnL is settled."""
    @property
    def base_asset_reserve(self) -> int:
        """x of the constant product x * y = k. u128 in AMM_RESERVE_PRECISION, 9 decimals."""
    @property
    def quote_asset_reserve(self) -> int:
        """y of the constant product x * y = k. u128 in AMM_RESERVE_PRECISION, 9 decimals."""
    @property
    def concentration_coef(self) -> int:
        """How close the reserve bounds are to the reserve.

        u128 in PERCENTAGE_PRECISION, 6 decimals.
        """
    @property
    def min_base_asset_reserve(self) -> int:
        """The AMM takes no more longs below this. u128 in AMM_RESERVE_PRECISION, 9 decimals."""
    @property
    def max_base_asset_reserve(self) -> int:
        """The AMM takes no more shorts above this. u128 in AMM_RESERVE_PRECISION, 9 decimals."""
    @property
    def sqrt_k(self) -> int:
        """The root of k, kept against rounding. u128 in AMM_RESERVE_PRECISION, 9 decimals."""
    @property
    def peg_multiplier(self) -> int:
        """Scales y to a price. u128 in PEG_PRECISION, 6 decimals."""
    @property
    def terminal_quote_asset_reserve(self) -> int:
        """y if all positions with the AMM were closed.

        u128 in AMM_RESERVE_PRECISION, 9 decimals.
        """
    @property
    def base_asset_amount_long(self) -> int:
        """The sum of all longs; never negative. i128 in BASE_PRECISION, 9 decimals."""
    @property
    def base_asset_amount_short(self) -> int:
        """The sum of all shorts; never positive. i128 in BASE_PRECISION, 9 decimals."""
    @property
    def base_asset_amount_with_amm(self) -> int:
        """Longs less shorts that the AMM is the other side of.

        i128 in BASE_PRECISION, 9 decimals.
        """
    @property
    def base_asset_amount_with_unsettled_lp(self) -> int:
        """Longs less shorts that LPs have yet to settle. i128 in BASE_PRECISION, 9 decimals."""
    @property
    def max_open_interest(self) -> int:
        """Trades above it are blocked; 0: no limit. u128 in BASE_PRECISION, 9 decimals."""
    @property
    def quote_asset_amount(self) -> int:
        """The sum of all users' quote_asset_amount. i128 in QUOTE_PRECISION, 6 decimals."""
    @property
    def quote_entry_amount_long(self) -> int:
        """The sum of all longs' quote_entry_amount. i128 in QUOTE_PRECISION, 6 decimals."""
    @property
    def quote_entry_amount_short(self) -> int:
        """The sum of all shorts' quote_entry_amount. i128 in QUOTE_PRECISION, 6 decimals."""
    @property
    def quote_break_even_amount_long(self) -> int:
        """The sum of all longs' quote_break_even_amount. i128 in QUOTE_PRECISION, 6 decimals."""
    @property
    def quote_break_even_amount_short(self) -> int:
        """The sum of all shorts' quote_break_even_amount. i128 in QUOTE_PRECISION, 6 decimals."""
    @property
    def user_lp_shares(self) -> int:
        """How much of sqrt_k users own. u128 in AMM_RESERVE_PRECISION, 9 decimals."""
    @property
    def last_funding_rate(self) -> int:
        """Funding of the last period, in quote per base.

        i64 in FUNDING_RATE_PRECISION, 9 decimals.
        """
    @property
    def last_funding_rate_long(self) -> int:
        """The same, as longs paid it. i64 in FUNDING_RATE_PRECISION, 9 decimals."""
    @property
    def last_funding_rate_short(self) -> int:
        """The same, as shorts received it. i64 in FUNDING_RATE_PRECISION, 9 decimals."""
    @property
    def last24h_avg_funding_rate(self) -> int:
        """An estimate over the last 24 h. i64 in FUNDING_RATE_PRECISION, 9 decimals."""
    @property
    def total_fee(self) -> int:
        """All fees of this market. i128 in QUOTE_PRECISION, 6 decimals."""
    @property
    def total_mm_fee(self) -> int:
        """Fees from the AMM's spread. i128 in QUOTE_PRECISION, 6 decimals."""
    @property
    def total_exchange_fee(self) -> int:
        """Fees from the fee schedule. u128 in QUOTE_PRECISION, 6 decimals."""
    @property
    def total_fee_minus_distributions(self) -> int:
        """Fees less unrealized PnL and withdrawals from the pool.

        i128 in QUOTE_PRECISION, 6 decimals.
        """
    @property
    def total_fee_withdrawn(self) -> int:
        """Fees moved to the revenue pool. u128 in QUOTE_PRECISION, 6 decimals."""
    @property
    def total_liquidation_fee(self) -> int:
        """Fees from liquidations. u128 in QUOTE_PRECISION, 6 decimals."""
    @property
    def cumulative_funding_rate_long(self) -> int:
        """All funding since inception, for longs. i128 in FUNDING_RATE_PRECISION, 9 decimals."""
    @property
    def cumulative_funding_rate_short(self) -> int:
        """All funding since inception, for shorts. i128 in FUNDING_RATE_PRECISION, 9 decimals."""
    @property
    def total_social_loss(self) -> int:
        """Losses that were spread over users since inception.

        u128 in QUOTE_PRECISION, 6 decimals.
        """
    @property
    def ask_base_asset_reserve(self) -> int:
        """x for a user who goes long. u128 in AMM_RESERVE_PRECISION, 9 decimals."""
    @property
    def ask_quote_asset_reserve(self) -> int:
        """y for a user who goes long. u128 in AMM_RESERVE_PRECISION, 9 decimals."""
    @property
    def bid_base_asset_reserve(self) -> int:
        """x for a user who goes short. u128 in AMM_RESERVE_PRECISION, 9 decimals."""
    @property
    def bid_quote_asset_reserve(self) -> int:
        """y for a user who goes short. u128 in AMM_RESERVE_PRECISION, 9 decimals."""
    @property
    def last_oracle_normalised_price(self) -> int:
        """The oracle price, drawn towards the AMM's. i64 in PRICE_PRECISION, 6 decimals."""
    @property
    def last_oracle_reserve_price_spread_pct(self) -> int:
        """The AMM's price against the oracle's. i64 in PERCENTAGE_PRECISION, 6 decimals."""
    @property
    def last_bid_price_twap(self) -> int:
        """The average bid over funding_period. u64 in PRICE_PRECISION, 6 decimals."""
    @property
    def last_ask_price_twap(self) -> int:
        """The average ask over funding_period. u64 in PRICE_PRECISION, 6 decimals."""
    @property
    def last_mark_price_twap(self) -> int:
        """The average of bid and ask over funding_period. u64 in PRICE_PRECISION, 6 decimals."""
    @property
    def last_mark_price_twap5min(self) -> int:
        """The average of bid and ask over five minutes. u64 in PRICE_PRECISION, 6 decimals."""
    @property
    def last_update_slot(self) -> int:
        """When the AMM was last updated. u64 in slot."""
    @property
    def last_oracle_conf_pct(self) -> int:
        """The oracle's confidence interval against its price.

        u64 in PERCENTAGE_PRECISION, 6 decimals.
        """
    @property
    def net_revenue_since_last_funding(self) -> int:
        """Change of total_fee_minus_distributions since the last funding.

        i64 in QUOTE_PRECISION, 6 decimals.
        """
    @property
    def last_funding_rate_ts(self) -> int:
        """When funding was last updated. i64 in unix_seconds."""
    @property
    def funding_period(self) -> int:
        """Time between funding updates. i64 in seconds."""
    @property
    def order_step_size(self) -> int:
        """Order sizes are multiples of this. u64 in BASE_PRECISION, 9 decimals."""
    @property
    def order_tick_size(self) -> int:
        """Order prices are multiples of this. u64 in PRICE_PRECISION, 6 decimals."""
    @property
    def min_order_size(self) -> int:
        """The smallest order. u64 in BASE_PRECISION, 9 decimals."""
    @property
    def mm_oracle_slot(self) -> int:
        """When mm_oracle_price was set. u64 in slot."""
    @property
    def volume24h(self) -> int:
        """An estimate of the volume of 24 h. u64 in QUOTE_PRECISION, 6 decimals."""
    @property
    def long_intensity_volume(self) -> int:
        """Recent volume of longs against the AMM. u64 in QUOTE_PRECISION, 6 decimals."""
    @property
    def short_intensity_volume(self) -> int:
        """Recent volume of shorts against the AMM. u64 in QUOTE_PRECISION, 6 decimals."""
    @property
    def last_trade_ts(self) -> int:
        """When the last trade was. i64 in unix_seconds."""
    @property
    def mark_std(self) -> int:
        """An estimate of the standard deviation of fill prices.

        u64 in PRICE_PRECISION, 6 decimals.
        """
    @property
    def oracle_std(self) -> int:
        """An estimate of the standard deviation of the oracle price.

        u64 in PRICE_PRECISION, 6 decimals.
        """
    @property
    def last_mark_price_twap_ts(self) -> int:
        """When the mark price averages were updated. i64 in unix_seconds."""
    @property
    def base_spread(self) -> int:
        """The least spread of the AMM. u32 in PERCENTAGE_PRECISION, 6 decimals."""
    @property
    def max_spread(self) -> int:
        """The largest spread of the AMM. u32 in PERCENTAGE_PRECISION, 6 decimals."""
    @property
    def long_spread(self) -> int:
        """The ask's distance from the reserve price. u32 in PERCENTAGE_PRECISION, 6 decimals."""
    @property
    def short_spread(self) -> int:
        """The bid's distance from the reserve price. u32 in PERCENTAGE_PRECISION, 6 decimals."""
    @property
    def mm_oracle_price(self) -> int:
        """The market makers' oracle price; 0: none. i64 in PRICE_PRECISION, 6 decimals."""
    @property
    def max_fill_reserve_fraction(self) -> int:
        """A fill takes at most 1/n of the AMM's liquidity. u16."""
    @property
    def max_slippage_ratio(self) -> int:
        """A fill moves the AMM's price by at most 1/n. u16."""
    @property
    def curve_update_intensity(self) -> int:
        """How strongly the AMM adjusts its curve, 0 to 100; above that, reference_price_offset too.

        u8.
        """
    @property
    def amm_jit_intensity(self) -> int:
        """How much the AMM takes part in auctions: 1 to 100 the protocol, to 200 LPs too; 0: not.

        u8.
        """
    @property
    def oracle_source(self) -> OracleSource:
        """How the oracle is to be read."""
    @property
    def last_oracle_valid(self) -> bool:
        """Whether the oracle was valid at the last update."""
    @property
    def target_base_asset_amount_per_lp(self) -> int:
        """What base_asset_amount_per_lp is steered to. i32 in BASE_PRECISION, 9 decimals."""
    @property
    def per_lp_base(self) -> int:
        """The power of ten of LP shares that per-LP figures are for. i8."""
    @property
    def oracle_low_risk_slot_delay_override(self) -> int:
        """Overrides the state's auction duration; 0: no, -1: no speed bump. i8."""
    @property
    def amm_spread_adjustment(self) -> int:
        """Percent that the spread is changed by, -100 to 100. i8."""
    @property
    def oracle_slot_delay_override(self) -> int:
        """Overrides how many slots old the oracle may be; -1: no. i8."""
    @property
    def mm_oracle_sequence_id(self) -> int:
        """Orders the updates of mm_oracle_price. u64."""
    @property
    def net_unsettled_funding_pnl(self) -> int:
        """Funding that users have yet to settle. i64 in QUOTE_PRECISION, 6 decimals."""
    @property
    def quote_asset_amount_with_unsettled_lp(self) -> int:
        """Quote that LPs have yet to settle. i64 in QUOTE_PRECISION, 6 decimals."""
    @property
    def reference_price_offset(self) -> int:
        """Moves bid and ask alike. i32 in PERCENTAGE_PRECISION, 6 decimals."""
    @property
    def amm_inventory_spread_adjustment(self) -> int:
        """Percent that the inventory's part of the spread is changed by, -100 to 100. i8."""
    @property
    def reference_price_offset_deadband_pct(self) -> int:
        """Percent of inventory without an offset. u8."""
    @property
    def padding(self) -> bytes:
        """2 bytes."""
    @property
    def last_funding_oracle_twap(self) -> int:
        """The oracle's average at the last funding update. i64 in PRICE_PRECISION, 6 decimals."""

@final
class FeeStructure(View):
    """A live view of a struct FeeStructure within an account."""

    def snapshot(self, *, max_age: float | None = None) -> FeeStructureSnapshot:
        """A frozen copy of the newest version. Raises `StaleError` as `ensure_fresh` does."""
    @property
    def fee_tiers(self) -> ArrayView[FeeTier]:
        """By the user's volume. 10 items."""
    @property
    def filler_reward_structure(self) -> OrderFillerRewardStructure:
        """What fillers of orders get."""
    @property
    def referrer_reward_epoch_upper_bound(self) -> int:
        """What a referrer may get per epoch. u64 in QUOTE_PRECISION, 6 decimals."""
    @property
    def flat_filler_fee(self) -> int:
        """What a filler gets for an order that is cancelled or expired.

        u64 in QUOTE_PRECISION, 6 decimals.
        """

@final
class FeeStructureSnapshot(Snapshot):
    """A snapshot of a struct FeeStructure within an account."""

    @property
    def fee_tiers(self) -> ArrayView[FeeTierSnapshot]:
        """By the user's volume. 10 items."""
    @property
    def filler_reward_structure(self) -> OrderFillerRewardStructureSnapshot:
        """What fillers of orders get."""
    @property
    def referrer_reward_epoch_upper_bound(self) -> int:
        """What a referrer may get per epoch. u64 in QUOTE_PRECISION, 6 decimals."""
    @property
    def flat_filler_fee(self) -> int:
        """What a filler gets for an order that is cancelled or expired.

        u64 in QUOTE_PRECISION, 6 decimals.
        """

@final
class FeeTier(View):
    """A live view of a struct FeeTier within an account."""

    def snapshot(self, *, max_age: float | None = None) -> FeeTierSnapshot:
        """A frozen copy of the newest version. Raises `StaleError` as `ensure_fresh` does."""
    @property
    def fee_numerator(self) -> int:
        """u32."""
    @property
    def fee_denominator(self) -> int:
        """u32."""
    @property
    def maker_rebate_numerator(self) -> int:
        """u32."""
    @property
    def maker_rebate_denominator(self) -> int:
        """u32."""
    @property
    def referrer_reward_numerator(self) -> int:
        """u32."""
    @property
    def referrer_reward_denominator(self) -> int:
        """u32."""
    @property
    def referee_fee_numerator(self) -> int:
        """u32."""
    @property
    def referee_fee_denominator(self) -> int:
        """u32."""

@final
class FeeTierSnapshot(Snapshot):
    """A snapshot of a struct FeeTier within an account."""

    @property
    def fee_numerator(self) -> int:
        """u32."""
    @property
    def fee_denominator(self) -> int:
        """u32."""
    @property
    def maker_rebate_numerator(self) -> int:
        """u32."""
    @property
    def maker_rebate_denominator(self) -> int:
        """u32."""
    @property
    def referrer_reward_numerator(self) -> int:
        """u32."""
    @property
    def referrer_reward_denominator(self) -> int:
        """u32."""
    @property
    def referee_fee_numerator(self) -> int:
        """u32."""
    @property
    def referee_fee_denominator(self) -> int:
        """u32."""

@final
class HistoricalIndexData(View):
    """A live view of a struct HistoricalIndexData within an account."""

    def snapshot(self, *, max_age: float | None = None) -> HistoricalIndexDataSnapshot:
        """A frozen copy of the newest version. Raises `StaleError` as `ensure_fresh` does."""
    @property
    def last_index_bid_price(self) -> int:
        """u64 in PRICE_PRECISION, 6 decimals."""
    @property
    def last_index_ask_price(self) -> int:
        """u64 in PRICE_PRECISION, 6 decimals."""
    @property
    def last_index_price_twap(self) -> int:
        """The average over an hour. u64 in PRICE_PRECISION, 6 decimals."""
    @property
    def last_index_price_twap5min(self) -> int:
        """The average over five minutes. u64 in PRICE_PRECISION, 6 decimals."""
    @property
    def last_index_price_twap_ts(self) -> int:
        """When the averages were updated. i64 in unix_seconds."""

@final
class HistoricalIndexDataSnapshot(Snapshot):
    """A snapshot of a struct HistoricalIndexData within an account."""

    @property
    def last_index_bid_price(self) -> int:
        """u64 in PRICE_PRECISION, 6 decimals."""
    @property
    def last_index_ask_price(self) -> int:
        """u64 in PRICE_PRECISION, 6 decimals."""
    @property
    def last_index_price_twap(self) -> int:
        """The average over an hour. u64 in PRICE_PRECISION, 6 decimals."""
    @property
    def last_index_price_twap5min(self) -> int:
        """The average over five minutes. u64 in PRICE_PRECISION, 6 decimals."""
    @property
    def last_index_price_twap_ts(self) -> int:
        """When the averages were updated. i64 in unix_seconds."""

@final
class HistoricalOracleData(View):
    """A live view of a struct HistoricalOracleData within an account."""

    def snapshot(self, *, max_age: float | None = None) -> HistoricalOracleDataSnapshot:
        """A frozen copy of the newest version. Raises `StaleError` as `ensure_fresh` does."""
    @property
    def last_oracle_price(self) -> int:
        """The oracle price that the program saw last. i64 in PRICE_PRECISION, 6 decimals."""
    @property
    def last_oracle_conf(self) -> int:
        """Its confidence interval. u64 in PRICE_PRECISION, 6 decimals."""
    @property
    def last_oracle_delay(self) -> int:
        """How old it was. i64 in slots."""
    @property
    def last_oracle_price_twap(self) -> int:
        """The average over the funding period. i64 in PRICE_PRECISION, 6 decimals."""
    @property
    def last_oracle_price_twap5min(self) -> int:
        """The average over five minutes. i64 in PRICE_PRECISION, 6 decimals."""
    @property
    def last_oracle_price_twap_ts(self) -> int:
        """When the averages were updated. i64 in unix_seconds."""

@final
class HistoricalOracleDataSnapshot(Snapshot):
    """A snapshot of a struct HistoricalOracleData within an account."""

    @property
    def last_oracle_price(self) -> int:
        """The oracle price that the program saw last. i64 in PRICE_PRECISION, 6 decimals."""
    @property
    def last_oracle_conf(self) -> int:
        """Its confidence interval. u64 in PRICE_PRECISION, 6 decimals."""
    @property
    def last_oracle_delay(self) -> int:
        """How old it was. i64 in slots."""
    @property
    def last_oracle_price_twap(self) -> int:
        """The average over the funding period. i64 in PRICE_PRECISION, 6 decimals."""
    @property
    def last_oracle_price_twap5min(self) -> int:
        """The average over five minutes. i64 in PRICE_PRECISION, 6 decimals."""
    @property
    def last_oracle_price_twap_ts(self) -> int:
        """When the averages were updated. i64 in unix_seconds."""

@final
class InsuranceClaim(View):
    """A live view of a struct InsuranceClaim within an account."""

    def snapshot(self, *, max_age: float | None = None) -> InsuranceClaimSnapshot:
        """A frozen copy of the newest version. Raises `StaleError` as `ensure_fresh` does."""
    @property
    def revenue_withdraw_since_last_settle(self) -> int:
        """Positive if funds left the market, negative if they were drawn in.

        i64 in QUOTE_PRECISION, 6 decimals.
        """
    @property
    def max_revenue_withdraw_per_period(self) -> int:
        """The most that may be withdrawn per period. u64 in QUOTE_PRECISION, 6 decimals."""
    @property
    def quote_max_insurance(self) -> int:
        """The most that insurance pays for this market. u64 in QUOTE_PRECISION, 6 decimals."""
    @property
    def quote_settled_insurance(self) -> int:
        """What insurance has paid for this market. u64 in QUOTE_PRECISION, 6 decimals."""
    @property
    def last_revenue_withdraw_ts(self) -> int:
        """When revenue was last settled. i64 in unix_seconds."""

@final
class InsuranceClaimSnapshot(Snapshot):
    """A snapshot of a struct InsuranceClaim within an account."""

    @property
    def revenue_withdraw_since_last_settle(self) -> int:
        """Positive if funds left the market, negative if they were drawn in.

        i64 in QUOTE_PRECISION, 6 decimals.
        """
    @property
    def max_revenue_withdraw_per_period(self) -> int:
        """The most that may be withdrawn per period. u64 in QUOTE_PRECISION, 6 decimals."""
    @property
    def quote_max_insurance(self) -> int:
        """The most that insurance pays for this market. u64 in QUOTE_PRECISION, 6 decimals."""
    @property
    def quote_settled_insurance(self) -> int:
        """What insurance has paid for this market. u64 in QUOTE_PRECISION, 6 decimals."""
    @property
    def last_revenue_withdraw_ts(self) -> int:
        """When revenue was last settled. i64 in unix_seconds."""

@final
class InsuranceFund(View):
    """A live view of a struct InsuranceFund within an account."""

    def snapshot(self, *, max_age: float | None = None) -> InsuranceFundSnapshot:
        """A frozen copy of the newest version. Raises `StaleError` as `ensure_fresh` does."""
    @property
    def vault(self) -> str:
        """The token account. Base58."""
    @property
    def total_shares(self) -> int:
        """All shares. u128."""
    @property
    def user_shares(self) -> int:
        """Shares of users. u128."""
    @property
    def shares_base(self) -> int:
        """The power of ten that shares were rebased by. u128."""
    @property
    def unstaking_period(self) -> int:
        """How long unstaking takes. i64 in seconds."""
    @property
    def last_revenue_settle_ts(self) -> int:
        """When revenue was last settled. i64 in unix_seconds."""
    @property
    def revenue_settle_period(self) -> int:
        """Time between settlements. i64 in seconds."""
    @property
    def total_factor(self) -> int:
        """Share of interest for all insurance. u32 in PERCENTAGE_PRECISION, 6 decimals."""
    @property
    def user_factor(self) -> int:
        """Share of interest for users' stakes. u32 in PERCENTAGE_PRECISION, 6 decimals."""

@final
class InsuranceFundSnapshot(Snapshot):
    """A snapshot of a struct InsuranceFund within an account."""

    @property
    def vault(self) -> str:
        """The token account. Base58."""
    @property
    def total_shares(self) -> int:
        """All shares. u128."""
    @property
    def user_shares(self) -> int:
        """Shares of users. u128."""
    @property
    def shares_base(self) -> int:
        """The power of ten that shares were rebased by. u128."""
    @property
    def unstaking_period(self) -> int:
        """How long unstaking takes. i64 in seconds."""
    @property
    def last_revenue_settle_ts(self) -> int:
        """When revenue was last settled. i64 in unix_seconds."""
    @property
    def revenue_settle_period(self) -> int:
        """Time between settlements. i64 in seconds."""
    @property
    def total_factor(self) -> int:
        """Share of interest for all insurance. u32 in PERCENTAGE_PRECISION, 6 decimals."""
    @property
    def user_factor(self) -> int:
        """Share of interest for users' stakes. u32 in PERCENTAGE_PRECISION, 6 decimals."""

@final
class OracleGuardRails(View):
    """A live view of a struct OracleGuardRails within an account."""

    def snapshot(self, *, max_age: float | None = None) -> OracleGuardRailsSnapshot:
        """A frozen copy of the newest version. Raises `StaleError` as `ensure_fresh` does."""
    @property
    def price_divergence(self) -> PriceDivergenceGuardRails: ...
    @property
    def validity(self) -> ValidityGuardRails: ...

@final
class OracleGuardRailsSnapshot(Snapshot):
    """A snapshot of a struct OracleGuardRails within an account."""

    @property
    def price_divergence(self) -> PriceDivergenceGuardRailsSnapshot: ...
    @property
    def validity(self) -> ValidityGuardRailsSnapshot: ...

@final
class Order(View):
    """A live view of a struct Order within an account."""

    def snapshot(self, *, max_age: float | None = None) -> OrderSnapshot:
        """A frozen copy of the newest version. Raises `StaleError` as `ensure_fresh` does."""
    @property
    def slot(self) -> int:
        """When it was placed. u64 in slot. Hides `View.slot`: see `meta`."""
    @property
    def price(self) -> int:
        """The limit price; 0 for market orders; counts after the auction.

        u64 in PRICE_PRECISION, 6 decimals.
        """
    @property
    def base_asset_amount(self) -> int:
        """Its size: in 1e9 for perps, in the token's decimals for spot. u64."""
    @property
    def base_asset_amount_filled(self) -> int:
        """How much of it is filled, in the unit of base_asset_amount. u64."""
    @property
    def quote_asset_amount_filled(self) -> int:
        """How much quote was filled. u64 in QUOTE_PRECISION, 6 decimals."""
    @property
    def trigger_price(self) -> int:
        """For trigger orders. u64 in PRICE_PRECISION, 6 decimals."""
    @property
    def auction_start_price(self) -> int:
        """For market and oracle orders. i64 in PRICE_PRECISION, 6 decimals."""
    @property
    def auction_end_price(self) -> int:
        """For market and oracle orders. i64 in PRICE_PRECISION, 6 decimals."""
    @property
    def max_ts(self) -> int:
        """When it expires; 0: never. i64 in unix_seconds."""
    @property
    def oracle_price_offset(self) -> int:
        """If not 0, the limit price is the oracle's plus this.

        i32 in PRICE_PRECISION, 6 decimals.
        """
    @property
    def order_id(self) -> int:
        """Unique among the user's orders. u32."""
    @property
    def market_index(self) -> int:
        """Of the perp or spot market. u16."""
    @property
    def status(self) -> OrderStatus:
        """Init means that the place is unused."""
    @property
    def order_type(self) -> OrderType: ...
    @property
    def market_type(self) -> MarketType: ...
    @property
    def user_order_id(self) -> int:
        """Chosen by the user. u8."""
    @property
    def existing_position_direction(self) -> PositionDirection:
        """The user's position when it was placed."""
    @property
    def direction(self) -> PositionDirection:
        """Long is a bid, Short an ask."""
    @property
    def reduce_only(self) -> bool:
        """It may only make the position smaller."""
    @property
    def post_only(self) -> bool:
        """It must be the maker."""
    @property
    def immediate_or_cancel(self) -> bool:
        """It is cancelled unless filled in its slot."""
    @property
    def trigger_condition(self) -> OrderTriggerCondition:
        """For trigger orders."""
    @property
    def auction_duration(self) -> int:
        """How long the auction lasts. u8 in slots."""
    @property
    def posted_slot_tail(self) -> int:
        """The low byte of the slot in which it came on chain. u8."""
    @property
    def bit_flags(self) -> int:
        """Bit 0: it came as a signed message. u8."""
    @property
    def padding(self) -> bytes:
        """1 bytes."""

@final
class OrderSnapshot(Snapshot):
    """A snapshot of a struct Order within an account."""

    @property
    def slot(self) -> int:
        """When it was placed. u64 in slot. Hides `Snapshot.slot`: see `meta`."""
    @property
    def price(self) -> int:
        """The limit price; 0 for market orders; counts after the auction.

        u64 in PRICE_PRECISION, 6 decimals.
        """
    @property
    def base_asset_amount(self) -> int:
        """Its size: in 1e9 for perps, in the token's decimals for spot. u64."""
    @property
    def base_asset_amount_filled(self) -> int:
        """How much of it is filled, in the unit of base_asset_amount. u64."""
    @property
    def quote_asset_amount_filled(self) -> int:
        """How much quote was filled. u64 in QUOTE_PRECISION, 6 decimals."""
    @property
    def trigger_price(self) -> int:
        """For trigger orders. u64 in PRICE_PRECISION, 6 decimals."""
    @property
    def auction_start_price(self) -> int:
        """For market and oracle orders. i64 in PRICE_PRECISION, 6 decimals."""
    @property
    def auction_end_price(self) -> int:
        """For market and oracle orders. i64 in PRICE_PRECISION, 6 decimals."""
    @property
    def max_ts(self) -> int:
        """When it expires; 0: never. i64 in unix_seconds."""
    @property
    def oracle_price_offset(self) -> int:
        """If not 0, the limit price is the oracle's plus this.

        i32 in PRICE_PRECISION, 6 decimals.
        """
    @property
    def order_id(self) -> int:
        """Unique among the user's orders. u32."""
    @property
    def market_index(self) -> int:
        """Of the perp or spot market. u16."""
    @property
    def status(self) -> OrderStatus:
        """Init means that the place is unused."""
    @property
    def order_type(self) -> OrderType: ...
    @property
    def market_type(self) -> MarketType: ...
    @property
    def user_order_id(self) -> int:
        """Chosen by the user. u8."""
    @property
    def existing_position_direction(self) -> PositionDirection:
        """The user's position when it was placed."""
    @property
    def direction(self) -> PositionDirection:
        """Long is a bid, Short an ask."""
    @property
    def reduce_only(self) -> bool:
        """It may only make the position smaller."""
    @property
    def post_only(self) -> bool:
        """It must be the maker."""
    @property
    def immediate_or_cancel(self) -> bool:
        """It is cancelled unless filled in its slot."""
    @property
    def trigger_condition(self) -> OrderTriggerCondition:
        """For trigger orders."""
    @property
    def auction_duration(self) -> int:
        """How long the auction lasts. u8 in slots."""
    @property
    def posted_slot_tail(self) -> int:
        """The low byte of the slot in which it came on chain. u8."""
    @property
    def bit_flags(self) -> int:
        """Bit 0: it came as a signed message. u8."""
    @property
    def padding(self) -> bytes:
        """1 bytes."""

@final
class OrderFillerRewardStructure(View):
    """A live view of a struct OrderFillerRewardStructure within an account."""

    def snapshot(self, *, max_age: float | None = None) -> OrderFillerRewardStructureSnapshot:
        """A frozen copy of the newest version. Raises `StaleError` as `ensure_fresh` does."""
    @property
    def reward_numerator(self) -> int:
        """u32."""
    @property
    def reward_denominator(self) -> int:
        """u32."""
    @property
    def time_based_reward_lower_bound(self) -> int:
        """The least reward that grows with time. u128 in QUOTE_PRECISION, 6 decimals."""

@final
class OrderFillerRewardStructureSnapshot(Snapshot):
    """A snapshot of a struct OrderFillerRewardStructure within an account."""

    @property
    def reward_numerator(self) -> int:
        """u32."""
    @property
    def reward_denominator(self) -> int:
        """u32."""
    @property
    def time_based_reward_lower_bound(self) -> int:
        """The least reward that grows with time. u128 in QUOTE_PRECISION, 6 decimals."""

@final
class PerpMarket(View):
    """A live view of the account PerpMarket."""

    def snapshot(self, *, max_age: float | None = None) -> PerpMarketSnapshot:
        """A frozen copy of the newest version. Raises `StaleError` as `ensure_fresh` does."""
    @property
    def pubkey(self) -> str:
        """The market's own address. Base58."""
    @property
    def amm(self) -> AMM:
        """The automated market maker."""
    @property
    def pnl_pool(self) -> PoolBalance:
        """Pays positive PnL, filled by negative."""
    @property
    def name(self) -> bytes:
        """Such as SOL-PERP, padded with spaces. 32 bytes."""
    @property
    def insurance_claim(self) -> InsuranceClaim:
        """What insurance owes to this market."""
    @property
    def unrealized_pnl_max_imbalance(self) -> int:
        """Above it, positive PnL counts less as collateral. u64 in QUOTE_PRECISION, 6 decimals."""
    @property
    def expiry_ts(self) -> int:
        """When it expires; 0: never. i64 in unix_seconds."""
    @property
    def expiry_price(self) -> int:
        """At which positions are settled after expiry. i64 in PRICE_PRECISION, 6 decimals."""
    @property
    def next_fill_record_id(self) -> int:
        """u64."""
    @property
    def next_funding_rate_record_id(self) -> int:
        """u64."""
    @property
    def next_curve_record_id(self) -> int:
        """u64."""
    @property
    def imf_factor(self) -> int:
        """Raises margin for large positions. u32 in imf, 6 decimals."""
    @property
    def unrealized_pnl_imf_factor(self) -> int:
        """Discounts large positive PnL. u32 in imf, 6 decimals."""
    @property
    def liquidator_fee(self) -> int:
        """For taking over a position. u32 in PERCENTAGE_PRECISION, 6 decimals."""
    @property
    def if_liquidation_fee(self) -> int:
        """For the insurance fund. u32 in PERCENTAGE_PRECISION, 6 decimals."""
    @property
    def margin_ratio_initial(self) -> int:
        """Needed to open a position. u32 in MARGIN_PRECISION, 4 decimals."""
    @property
    def margin_ratio_maintenance(self) -> int:
        """Below it a position is liquidated. u32 in MARGIN_PRECISION, 4 decimals."""
    @property
    def unrealized_pnl_initial_asset_weight(self) -> int:
        """How much of positive PnL counts. u32 in SPOT_WEIGHT_PRECISION, 4 decimals."""
    @property
    def unrealized_pnl_maintenance_asset_weight(self) -> int:
        """How much of positive PnL counts. u32 in SPOT_WEIGHT_PRECISION, 4 decimals."""
    @property
    def number_of_users_with_base(self) -> int:
        """Users with a position. u32."""
    @property
    def number_of_users(self) -> int:
        """Users with a position or PnL. u32."""
    @property
    def market_index(self) -> int:
        """u16."""
    @property
    def status(self) -> MarketStatus:
        """What users may do."""
    @property
    def contract_type(self) -> ContractType: ...
    @property
    def contract_tier(self) -> ContractTier:
        """How much insurance it may get."""
    @property
    def paused_operations(self) -> int:
        """A bit for each. u8."""
    @property
    def quote_spot_market_index(self) -> int:
        """The spot market that PnL is settled in. u16."""
    @property
    def fee_adjustment(self) -> int:
        """Percent that fees are changed by, -100 to 100. i16."""
    @property
    def fuel_boost_position(self) -> int:
        """u8 in fuel_boost, 1 decimal."""
    @property
    def fuel_boost_taker(self) -> int:
        """u8 in fuel_boost, 1 decimal."""
    @property
    def fuel_boost_maker(self) -> int:
        """u8 in fuel_boost, 1 decimal."""
    @property
    def pool_id(self) -> int:
        """u8."""
    @property
    def high_leverage_margin_ratio_initial(self) -> int:
        """For users in high leverage mode. u16 in MARGIN_PRECISION, 4 decimals."""
    @property
    def high_leverage_margin_ratio_maintenance(self) -> int:
        """For users in high leverage mode. u16 in MARGIN_PRECISION, 4 decimals."""
    @property
    def protected_maker_limit_price_divisor(self) -> int:
        """u8."""
    @property
    def protected_maker_dynamic_divisor(self) -> int:
        """u8."""
    @property
    def lp_fee_transfer_scalar(self) -> int:
        """u8."""
    @property
    def lp_status(self) -> int:
        """u8."""
    @property
    def lp_paused_operations(self) -> int:
        """u8."""
    @property
    def lp_exchange_fee_excluscion_scalar(self) -> int:
        """u8."""
    @property
    def last_fill_price(self) -> int:
        """Of the last trade. u64 in PRICE_PRECISION, 6 decimals."""
    @property
    def lp_pool_id(self) -> int:
        """u8."""
    @property
    def market_config(self) -> int:
        """u8."""
    @property
    def padding(self) -> bytes:
        """22 bytes."""
    @property
    def symbol(self) -> str:
        """The market's name, such as "SOL-PERP"."""
    @property
    def oracle_price(self) -> int:
        """The oracle's newest price by this market's source: PRICE_PRECISION, 6 decimals.

        It is of the oracle's account, which the market's ``max_age`` says nothing of:
        `Reader.get_perp_oracle` and `Reader.get_spot_oracle` take their own. Raises
        `OracleInvalidError` if there is no valid one.
        """
    @property
    def oracle_price_float(self) -> float:
        """The oracle's newest price in quote per base: see `oracle_price`."""
    @property
    def mark_price(self) -> int:
        """The AMM's stored reserve price, quote_asset_reserve * peg_multiplier /
        base_asset_reserve: PRICE_PRECISION, 6 decimals. Not its bid or ask, not the price after the
        repeg that the next trade makes, and not the order book's. Raises `NoFigureError` if the
        AMM's base reserve is 0.
        """
    @property
    def mark_price_float(self) -> float:
        """The AMM's stored reserve price in quote per base: see `mark_price`."""
    @property
    def open_interest(self) -> int:
        """The larger side's open positions, max(abs(base_asset_amount_long),
        abs(base_asset_amount_short)): BASE_PRECISION, 9 decimals.
        """
    @property
    def open_interest_float(self) -> float:
        """The larger side's open positions, in base."""
    def funding_rate(self) -> FundingRate:
        """The last funding rate as a fraction of the oracle's average price then: hourly, over 8
        hours, and over a year. Raises `NoFigureError` before the first funding.
        """
    def market_data(self) -> MarketData:
        """The market's key figures of one version, as a dict.

        The oracle's price is its newest (None in a snapshot).
        """

@final
class PerpMarketSnapshot(Snapshot):
    """A snapshot of the account PerpMarket."""

    @property
    def pubkey(self) -> str:
        """The market's own address. Base58."""
    @property
    def amm(self) -> AMMSnapshot:
        """The automated market maker."""
    @property
    def pnl_pool(self) -> PoolBalanceSnapshot:
        """Pays positive PnL, filled by negative."""
    @property
    def name(self) -> bytes:
        """Such as SOL-PERP, padded with spaces. 32 bytes."""
    @property
    def insurance_claim(self) -> InsuranceClaimSnapshot:
        """What insurance owes to this market."""
    @property
    def unrealized_pnl_max_imbalance(self) -> int:
        """Above it, positive PnL counts less as collateral. u64 in QUOTE_PRECISION, 6 decimals."""
    @property
    def expiry_ts(self) -> int:
        """When it expires; 0: never. i64 in unix_seconds."""
    @property
    def expiry_price(self) -> int:
        """At which positions are settled after expiry. i64 in PRICE_PRECISION, 6 decimals."""
    @property
    def next_fill_record_id(self) -> int:
        """u64."""
    @property
    def next_funding_rate_record_id(self) -> int:
        """u64."""
    @property
    def next_curve_record_id(self) -> int:
        """u64."""
    @property
    def imf_factor(self) -> int:
        """Raises margin for large positions. u32 in imf, 6 decimals."""
    @property
    def unrealized_pnl_imf_factor(self) -> int:
        """Discounts large positive PnL. u32 in imf, 6 decimals."""
    @property
    def liquidator_fee(self) -> int:
        """For taking over a position. u32 in PERCENTAGE_PRECISION, 6 decimals."""
    @property
    def if_liquidation_fee(self) -> int:
        """For the insurance fund. u32 in PERCENTAGE_PRECISION, 6 decimals."""
    @property
    def margin_ratio_initial(self) -> int:
        """Needed to open a position. u32 in MARGIN_PRECISION, 4 decimals."""
    @property
    def margin_ratio_maintenance(self) -> int:
        """Below it a position is liquidated. u32 in MARGIN_PRECISION, 4 decimals."""
    @property
    def unrealized_pnl_initial_asset_weight(self) -> int:
        """How much of positive PnL counts. u32 in SPOT_WEIGHT_PRECISION, 4 decimals."""
    @property
    def unrealized_pnl_maintenance_asset_weight(self) -> int:
        """How much of positive PnL counts. u32 in SPOT_WEIGHT_PRECISION, 4 decimals."""
    @property
    def number_of_users_with_base(self) -> int:
        """Users with a position. u32."""
    @property
    def number_of_users(self) -> int:
        """Users with a position or PnL. u32."""
    @property
    def market_index(self) -> int:
        """u16."""
    @property
    def status(self) -> MarketStatus:
        """What users may do."""
    @property
    def contract_type(self) -> ContractType: ...
    @property
    def contract_tier(self) -> ContractTier:
        """How much insurance it may get."""
    @property
    def paused_operations(self) -> int:
        """A bit for each. u8."""
    @property
    def quote_spot_market_index(self) -> int:
        """The spot market that PnL is settled in. u16."""
    @property
    def fee_adjustment(self) -> int:
        """Percent that fees are changed by, -100 to 100. i16."""
    @property
    def fuel_boost_position(self) -> int:
        """u8 in fuel_boost, 1 decimal."""
    @property
    def fuel_boost_taker(self) -> int:
        """u8 in fuel_boost, 1 decimal."""
    @property
    def fuel_boost_maker(self) -> int:
        """u8 in fuel_boost, 1 decimal."""
    @property
    def pool_id(self) -> int:
        """u8."""
    @property
    def high_leverage_margin_ratio_initial(self) -> int:
        """For users in high leverage mode. u16 in MARGIN_PRECISION, 4 decimals."""
    @property
    def high_leverage_margin_ratio_maintenance(self) -> int:
        """For users in high leverage mode. u16 in MARGIN_PRECISION, 4 decimals."""
    @property
    def protected_maker_limit_price_divisor(self) -> int:
        """u8."""
    @property
    def protected_maker_dynamic_divisor(self) -> int:
        """u8."""
    @property
    def lp_fee_transfer_scalar(self) -> int:
        """u8."""
    @property
    def lp_status(self) -> int:
        """u8."""
    @property
    def lp_paused_operations(self) -> int:
        """u8."""
    @property
    def lp_exchange_fee_excluscion_scalar(self) -> int:
        """u8."""
    @property
    def last_fill_price(self) -> int:
        """Of the last trade. u64 in PRICE_PRECISION, 6 decimals."""
    @property
    def lp_pool_id(self) -> int:
        """u8."""
    @property
    def market_config(self) -> int:
        """u8."""
    @property
    def padding(self) -> bytes:
        """22 bytes."""
    @property
    def symbol(self) -> str:
        """The market's name, such as "SOL-PERP"."""
    @property
    def mark_price(self) -> int:
        """The AMM's stored reserve price, quote_asset_reserve * peg_multiplier /
        base_asset_reserve: PRICE_PRECISION, 6 decimals. Not its bid or ask, not the price after the
        repeg that the next trade makes, and not the order book's. Raises `NoFigureError` if the
        AMM's base reserve is 0.
        """
    @property
    def mark_price_float(self) -> float:
        """The AMM's stored reserve price in quote per base: see `mark_price`."""
    @property
    def open_interest(self) -> int:
        """The larger side's open positions, max(abs(base_asset_amount_long),
        abs(base_asset_amount_short)): BASE_PRECISION, 9 decimals.
        """
    @property
    def open_interest_float(self) -> float:
        """The larger side's open positions, in base."""
    def funding_rate(self) -> FundingRate:
        """The last funding rate as a fraction of the oracle's average price then: hourly, over 8
        hours, and over a year. Raises `NoFigureError` before the first funding.
        """
    def market_data(self) -> MarketData:
        """The market's key figures of one version, as a dict.

        The oracle's price is its newest (None in a snapshot).
        """

@final
class PerpPosition(View):
    """A live view of a struct PerpPosition within an account."""

    def snapshot(self, *, max_age: float | None = None) -> PerpPositionSnapshot:
        """A frozen copy of the newest version. Raises `StaleError` as `ensure_fresh` does."""
    @property
    def last_cumulative_funding_rate(self) -> int:
        """The market's when funding was last settled. i64 in FUNDING_RATE_PRECISION, 9 decimals."""
    @property
    def base_asset_amount(self) -> int:
        """Its size; negative if short. i64 in BASE_PRECISION, 9 decimals."""
    @property
    def quote_asset_amount(self) -> int:
        """What makes its PnL; with fees and funding. i64 in QUOTE_PRECISION, 6 decimals."""
    @property
    def quote_break_even_amount(self) -> int:
        """What closing it must bring to break even. i64 in QUOTE_PRECISION, 6 decimals."""
    @property
    def quote_entry_amount(self) -> int:
        """Size times average entry price; without fees and funding.

        i64 in QUOTE_PRECISION, 6 decimals.
        """
    @property
    def open_bids(self) -> int:
        """Of open orders. i64 in BASE_PRECISION, 9 decimals."""
    @property
    def open_asks(self) -> int:
        """Of open orders. i64 in BASE_PRECISION, 9 decimals."""
    @property
    def settled_pnl(self) -> int:
        """Since it was opened. i64 in QUOTE_PRECISION, 6 decimals."""
    @property
    def lp_shares(self) -> int:
        """Shares in the AMM's liquidity. u64 in AMM_RESERVE_PRECISION, 9 decimals."""
    @property
    def isolated_position_scaled_balance(self) -> int:
        """Collateral of this position alone. u64 in SPOT_BALANCE_PRECISION, 9 decimals."""
    @property
    def last_quote_asset_amount_per_lp(self) -> int:
        """The AMM's when LP shares were last settled. i64 in QUOTE_PRECISION, 6 decimals."""
    @property
    def padding(self) -> bytes:
        """2 bytes."""
    @property
    def max_margin_ratio(self) -> int:
        """The user's own, for this market. u16 in MARGIN_PRECISION, 4 decimals."""
    @property
    def market_index(self) -> int:
        """u16."""
    @property
    def open_orders(self) -> int:
        """How many. u8."""
    @property
    def position_flag(self) -> int:
        """A bit each: isolated, being liquidated, bankrupt. u8."""

@final
class PerpPositionSnapshot(Snapshot):
    """A snapshot of a struct PerpPosition within an account."""

    @property
    def last_cumulative_funding_rate(self) -> int:
        """The market's when funding was last settled. i64 in FUNDING_RATE_PRECISION, 9 decimals."""
    @property
    def base_asset_amount(self) -> int:
        """Its size; negative if short. i64 in BASE_PRECISION, 9 decimals."""
    @property
    def quote_asset_amount(self) -> int:
        """What makes its PnL; with fees and funding. i64 in QUOTE_PRECISION, 6 decimals."""
    @property
    def quote_break_even_amount(self) -> int:
        """What closing it must bring to break even. i64 in QUOTE_PRECISION, 6 decimals."""
    @property
    def quote_entry_amount(self) -> int:
        """Size times average entry price; without fees and funding.

        i64 in QUOTE_PRECISION, 6 decimals.
        """
    @property
    def open_bids(self) -> int:
        """Of open orders. i64 in BASE_PRECISION, 9 decimals."""
    @property
    def open_asks(self) -> int:
        """Of open orders. i64 in BASE_PRECISION, 9 decimals."""
    @property
    def settled_pnl(self) -> int:
        """Since it was opened. i64 in QUOTE_PRECISION, 6 decimals."""
    @property
    def lp_shares(self) -> int:
        """Shares in the AMM's liquidity. u64 in AMM_RESERVE_PRECISION, 9 decimals."""
    @property
    def isolated_position_scaled_balance(self) -> int:
        """Collateral of this position alone. u64 in SPOT_BALANCE_PRECISION, 9 decimals."""
    @property
    def last_quote_asset_amount_per_lp(self) -> int:
        """The AMM's when LP shares were last settled. i64 in QUOTE_PRECISION, 6 decimals."""
    @property
    def padding(self) -> bytes:
        """2 bytes."""
    @property
    def max_margin_ratio(self) -> int:
        """The user's own, for this market. u16 in MARGIN_PRECISION, 4 decimals."""
    @property
    def market_index(self) -> int:
        """u16."""
    @property
    def open_orders(self) -> int:
        """How many. u8."""
    @property
    def position_flag(self) -> int:
        """A bit each: isolated, being liquidated, bankrupt. u8."""

@final
class PoolBalance(View):
    """A live view of a struct PoolBalance within an account."""

    def snapshot(self, *, max_age: float | None = None) -> PoolBalanceSnapshot:
        """A frozen copy of the newest version. Raises `StaleError` as `ensure_fresh` does."""
    @property
    def scaled_balance(self) -> int:
        """Times the market's cumulative deposit interest: the token amount.

        u128 in SPOT_BALANCE_PRECISION, 9 decimals.
        """
    @property
    def market_index(self) -> int:
        """Of the spot market. u16."""
    @property
    def padding(self) -> bytes:
        """6 bytes."""

@final
class PoolBalanceSnapshot(Snapshot):
    """A snapshot of a struct PoolBalance within an account."""

    @property
    def scaled_balance(self) -> int:
        """Times the market's cumulative deposit interest: the token amount.

        u128 in SPOT_BALANCE_PRECISION, 9 decimals.
        """
    @property
    def market_index(self) -> int:
        """Of the spot market. u16."""
    @property
    def padding(self) -> bytes:
        """6 bytes."""

@final
class PrelaunchOracle(View):
    """A live view of the account PrelaunchOracle."""

    def snapshot(self, *, max_age: float | None = None) -> PrelaunchOracleSnapshot:
        """A frozen copy of the newest version. Raises `StaleError` as `ensure_fresh` does."""
    @property
    def price(self) -> int:
        """i64 in PRICE_PRECISION, 6 decimals."""
    @property
    def max_price(self) -> int:
        """price is never above it. i64 in PRICE_PRECISION, 6 decimals."""
    @property
    def confidence(self) -> int:
        """u64 in PRICE_PRECISION, 6 decimals."""
    @property
    def last_update_slot(self) -> int:
        """When it was updated. u64 in slot."""
    @property
    def amm_last_update_slot(self) -> int:
        """The AMM's last_update_slot at that time. u64 in slot."""
    @property
    def perp_market_index(self) -> int:
        """u16."""
    @property
    def padding(self) -> bytes:
        """70 bytes."""

@final
class PrelaunchOracleSnapshot(Snapshot):
    """A snapshot of the account PrelaunchOracle."""

    @property
    def price(self) -> int:
        """i64 in PRICE_PRECISION, 6 decimals."""
    @property
    def max_price(self) -> int:
        """price is never above it. i64 in PRICE_PRECISION, 6 decimals."""
    @property
    def confidence(self) -> int:
        """u64 in PRICE_PRECISION, 6 decimals."""
    @property
    def last_update_slot(self) -> int:
        """When it was updated. u64 in slot."""
    @property
    def amm_last_update_slot(self) -> int:
        """The AMM's last_update_slot at that time. u64 in slot."""
    @property
    def perp_market_index(self) -> int:
        """u16."""
    @property
    def padding(self) -> bytes:
        """70 bytes."""

@final
class PriceDivergenceGuardRails(View):
    """A live view of a struct PriceDivergenceGuardRails within an account."""

    def snapshot(self, *, max_age: float | None = None) -> PriceDivergenceGuardRailsSnapshot:
        """A frozen copy of the newest version. Raises `StaleError` as `ensure_fresh` does."""
    @property
    def mark_oracle_percent_divergence(self) -> int:
        """u64 in PERCENTAGE_PRECISION, 6 decimals."""
    @property
    def oracle_twap5min_percent_divergence(self) -> int:
        """u64 in PERCENTAGE_PRECISION, 6 decimals."""

@final
class PriceDivergenceGuardRailsSnapshot(Snapshot):
    """A snapshot of a struct PriceDivergenceGuardRails within an account."""

    @property
    def mark_oracle_percent_divergence(self) -> int:
        """u64 in PERCENTAGE_PRECISION, 6 decimals."""
    @property
    def oracle_twap5min_percent_divergence(self) -> int:
        """u64 in PERCENTAGE_PRECISION, 6 decimals."""

@final
class PythLazerOracle(View):
    """A live view of the account PythLazerOracle."""

    def snapshot(self, *, max_age: float | None = None) -> PythLazerOracleSnapshot:
        """A frozen copy of the newest version. Raises `StaleError` as `ensure_fresh` does."""
    @property
    def price(self) -> int:
        """Times 10^exponent. i64."""
    @property
    def publish_time(self) -> int:
        """u64 in unix_microseconds, 6 decimals."""
    @property
    def posted_slot(self) -> int:
        """When it came on chain. u64 in slot."""
    @property
    def exponent(self) -> int:
        """The power of ten of price and conf; negative. i32."""
    @property
    def padding(self) -> bytes:
        """4 bytes."""
    @property
    def conf(self) -> int:
        """The confidence interval, times 10^exponent. u64."""

@final
class PythLazerOracleSnapshot(Snapshot):
    """A snapshot of the account PythLazerOracle."""

    @property
    def price(self) -> int:
        """Times 10^exponent. i64."""
    @property
    def publish_time(self) -> int:
        """u64 in unix_microseconds, 6 decimals."""
    @property
    def posted_slot(self) -> int:
        """When it came on chain. u64 in slot."""
    @property
    def exponent(self) -> int:
        """The power of ten of price and conf; negative. i32."""
    @property
    def padding(self) -> bytes:
        """4 bytes."""
    @property
    def conf(self) -> int:
        """The confidence interval, times 10^exponent. u64."""

@final
class SpotMarket(View):
    """A live view of the account SpotMarket."""

    def snapshot(self, *, max_age: float | None = None) -> SpotMarketSnapshot:
        """A frozen copy of the newest version. Raises `StaleError` as `ensure_fresh` does."""
    @property
    def pubkey(self) -> str:
        """The market's own address. Base58."""
    @property
    def oracle(self) -> str:
        """The account that prices the token. Base58."""
    @property
    def mint(self) -> str:
        """The token. Base58."""
    @property
    def vault(self) -> str:
        """Holds the deposits. Base58."""
    @property
    def name(self) -> bytes:
        """Such as SOL, padded with spaces. 32 bytes."""
    @property
    def historical_oracle_data(self) -> HistoricalOracleData: ...
    @property
    def historical_index_data(self) -> HistoricalIndexData: ...
    @property
    def revenue_pool(self) -> PoolBalance:
        """Revenue in this market's token."""
    @property
    def spot_fee_pool(self) -> PoolBalance:
        """Fees from swaps with the quote market."""
    @property
    def insurance_fund(self) -> InsuranceFund:
        """Covers bankruptcies in this token."""
    @property
    def total_spot_fee(self) -> int:
        """All fees of this market. u128 in QUOTE_PRECISION, 6 decimals."""
    @property
    def deposit_balance(self) -> int:
        """All deposits, before interest. u128 in SPOT_BALANCE_PRECISION, 9 decimals."""
    @property
    def borrow_balance(self) -> int:
        """All borrows, before interest. u128 in SPOT_BALANCE_PRECISION, 9 decimals."""
    @property
    def cumulative_deposit_interest(self) -> int:
        """Scales a deposit to a token amount.

        u128 in SPOT_CUMULATIVE_INTEREST_PRECISION, 10 decimals.
        """
    @property
    def cumulative_borrow_interest(self) -> int:
        """Scales a borrow to a token amount.

        u128 in SPOT_CUMULATIVE_INTEREST_PRECISION, 10 decimals.
        """
    @property
    def total_social_loss(self) -> int:
        """Losses from borrows that were spread over users. u128 in token."""
    @property
    def total_quote_social_loss(self) -> int:
        """The same in the quote asset. u128 in QUOTE_PRECISION, 6 decimals."""
    @property
    def withdraw_guard_threshold(self) -> int:
        """Below it withdrawals are not limited. u64 in token."""
    @property
    def max_token_deposits(self) -> int:
        """0: no limit. u64 in token."""
    @property
    def deposit_token_twap(self) -> int:
        """The average over 24 h. u64 in token."""
    @property
    def borrow_token_twap(self) -> int:
        """The average over 24 h. u64 in token."""
    @property
    def utilization_twap(self) -> int:
        """The average of borrows per deposits over 24 h.

        u64 in PERCENTAGE_PRECISION, 6 decimals.
        """
    @property
    def last_interest_ts(self) -> int:
        """When interest was updated. u64 in unix_seconds."""
    @property
    def last_twap_ts(self) -> int:
        """When the averages were updated. u64 in unix_seconds."""
    @property
    def expiry_ts(self) -> int:
        """When it expires; 0: never. i64 in unix_seconds."""
    @property
    def order_step_size(self) -> int:
        """Order sizes are multiples of this. u64 in token."""
    @property
    def order_tick_size(self) -> int:
        """Order prices are multiples of this. u64 in PRICE_PRECISION, 6 decimals."""
    @property
    def min_order_size(self) -> int:
        """The smallest order. u64 in token."""
    @property
    def max_position_size(self) -> int:
        """0: no limit. u64 in token."""
    @property
    def next_fill_record_id(self) -> int:
        """u64."""
    @property
    def next_deposit_record_id(self) -> int:
        """u64."""
    @property
    def initial_asset_weight(self) -> int:
        """Of a deposit, for opening positions. u32 in SPOT_WEIGHT_PRECISION, 4 decimals."""
    @property
    def maintenance_asset_weight(self) -> int:
        """Of a deposit, against liquidation. u32 in SPOT_WEIGHT_PRECISION, 4 decimals."""
    @property
    def initial_liability_weight(self) -> int:
        """Of a borrow, for opening positions. u32 in SPOT_WEIGHT_PRECISION, 4 decimals."""
    @property
    def maintenance_liability_weight(self) -> int:
        """Of a borrow, against liquidation. u32 in SPOT_WEIGHT_PRECISION, 4 decimals."""
    @property
    def imf_factor(self) -> int:
        """Worsens the weights of large positions. u32 in imf, 6 decimals."""
    @property
    def liquidator_fee(self) -> int:
        """For taking over a borrow or deposit. u32 in PERCENTAGE_PRECISION, 6 decimals."""
    @property
    def if_liquidation_fee(self) -> int:
        """For the insurance fund. u32 in PERCENTAGE_PRECISION, 6 decimals."""
    @property
    def optimal_utilization(self) -> int:
        """Above it the borrow rate grows faster. u32 in PERCENTAGE_PRECISION, 6 decimals."""
    @property
    def optimal_borrow_rate(self) -> int:
        """Per year, at optimal utilization. u32 in PERCENTAGE_PRECISION, 6 decimals."""
    @property
    def max_borrow_rate(self) -> int:
        """Per year, at full utilization. u32 in PERCENTAGE_PRECISION, 6 decimals."""
    @property
    def decimals(self) -> int:
        """The token has 10^decimals smallest units. u32."""
    @property
    def market_index(self) -> int:
        """u16."""
    @property
    def orders_enabled(self) -> bool:
        """Whether the token can be traded."""
    @property
    def oracle_source(self) -> OracleSource:
        """How the oracle is to be read."""
    @property
    def status(self) -> MarketStatus:
        """What users may do."""
    @property
    def asset_tier(self) -> AssetTier:
        """How it may be used as collateral."""
    @property
    def paused_operations(self) -> int:
        """A bit for each. u8."""
    @property
    def if_paused_operations(self) -> int:
        """A bit for each, of the insurance fund. u8."""
    @property
    def fee_adjustment(self) -> int:
        """Percent that fees are changed by, -100 to 100. i16."""
    @property
    def max_token_borrows_fraction(self) -> int:
        """Of max_token_deposits; 0: no limit. u16 in basis_points, 4 decimals."""
    @property
    def flash_loan_amount(self) -> int:
        """Lent for a swap under way. u64 in token."""
    @property
    def flash_loan_initial_token_amount(self) -> int:
        """In the user's token account before the swap. u64 in token."""
    @property
    def total_swap_fee(self) -> int:
        """Fees from swaps. u64 in token."""
    @property
    def scale_initial_asset_weight_start(self) -> int:
        """Deposits above it weigh less; 0: never. u64 in QUOTE_PRECISION, 6 decimals."""
    @property
    def min_borrow_rate(self) -> int:
        """Per year, in 1/200. u8."""
    @property
    def fuel_boost_deposits(self) -> int:
        """u8 in fuel_boost, 1 decimal."""
    @property
    def fuel_boost_borrows(self) -> int:
        """u8 in fuel_boost, 1 decimal."""
    @property
    def fuel_boost_taker(self) -> int:
        """u8 in fuel_boost, 1 decimal."""
    @property
    def fuel_boost_maker(self) -> int:
        """u8 in fuel_boost, 1 decimal."""
    @property
    def fuel_boost_insurance(self) -> int:
        """u8 in fuel_boost, 1 decimal."""
    @property
    def token_program_flag(self) -> int:
        """u8."""
    @property
    def pool_id(self) -> int:
        """u8."""
    @property
    def padding(self) -> bytes:
        """40 bytes."""
    @property
    def symbol(self) -> str:
        """The market's name, such as "SOL-PERP"."""
    @property
    def oracle_price(self) -> int:
        """The oracle's newest price by this market's source: PRICE_PRECISION, 6 decimals.

        It is of the oracle's account, which the market's ``max_age`` says nothing of:
        `Reader.get_perp_oracle` and `Reader.get_spot_oracle` take their own. Raises
        `OracleInvalidError` if there is no valid one.
        """
    @property
    def oracle_price_float(self) -> float:
        """The oracle's newest price in quote per base: see `oracle_price`."""
    @property
    def deposit_token_amount(self) -> int:
        """All deposits with their interest, rounded down, in the token's smallest unit."""
    @property
    def deposit_token_amount_float(self) -> float:
        """All deposits with their interest, in whole tokens."""
    @property
    def borrow_token_amount(self) -> int:
        """All borrows with their interest, rounded up, in the token's smallest unit."""
    @property
    def borrow_token_amount_float(self) -> float:
        """All borrows with their interest, in whole tokens."""

@final
class SpotMarketSnapshot(Snapshot):
    """A snapshot of the account SpotMarket."""

    @property
    def pubkey(self) -> str:
        """The market's own address. Base58."""
    @property
    def oracle(self) -> str:
        """The account that prices the token. Base58."""
    @property
    def mint(self) -> str:
        """The token. Base58."""
    @property
    def vault(self) -> str:
        """Holds the deposits. Base58."""
    @property
    def name(self) -> bytes:
        """Such as SOL, padded with spaces. 32 bytes."""
    @property
    def historical_oracle_data(self) -> HistoricalOracleDataSnapshot: ...
    @property
    def historical_index_data(self) -> HistoricalIndexDataSnapshot: ...
    @property
    def revenue_pool(self) -> PoolBalanceSnapshot:
        """Revenue in this market's token."""
    @property
    def spot_fee_pool(self) -> PoolBalanceSnapshot:
        """Fees from swaps with the quote market."""
    @property
    def insurance_fund(self) -> InsuranceFundSnapshot:
        """Covers bankruptcies in this token."""
    @property
    def total_spot_fee(self) -> int:
        """All fees of this market. u128 in QUOTE_PRECISION, 6 decimals."""
    @property
    def deposit_balance(self) -> int:
        """All deposits, before interest. u128 in SPOT_BALANCE_PRECISION, 9 decimals."""
    @property
    def borrow_balance(self) -> int:
        """All borrows, before interest. u128 in SPOT_BALANCE_PRECISION, 9 decimals."""
    @property
    def cumulative_deposit_interest(self) -> int:
        """Scales a deposit to a token amount.

        u128 in SPOT_CUMULATIVE_INTEREST_PRECISION, 10 decimals.
        """
    @property
    def cumulative_borrow_interest(self) -> int:
        """Scales a borrow to a token amount.

        u128 in SPOT_CUMULATIVE_INTEREST_PRECISION, 10 decimals.
        """
    @property
    def total_social_loss(self) -> int:
        """Losses from borrows that were spread over users. u128 in token."""
    @property
    def total_quote_social_loss(self) -> int:
        """The same in the quote asset. u128 in QUOTE_PRECISION, 6 decimals."""
    @property
    def withdraw_guard_threshold(self) -> int:
        """Below it withdrawals are not limited. u64 in token."""
    @property
    def max_token_deposits(self) -> int:
        """0: no limit. u64 in token."""
    @property
    def deposit_token_twap(self) -> int:
        """The average over 24 h. u64 in token."""
    @property
    def borrow_token_twap(self) -> int:
        """The average over 24 h. u64 in token."""
    @property
    def utilization_twap(self) -> int:
        """The average of borrows per deposits over 24 h.

        u64 in PERCENTAGE_PRECISION, 6 decimals.
        """
    @property
    def last_interest_ts(self) -> int:
        """When interest was updated. u64 in unix_seconds."""
    @property
    def last_twap_ts(self) -> int:
        """When the averages were updated. u64 in unix_seconds."""
    @property
    def expiry_ts(self) -> int:
        """When it expires; 0: never. i64 in unix_seconds."""
    @property
    def order_step_size(self) -> int:
        """Order sizes are multiples of this. u64 in token."""
    @property
    def order_tick_size(self) -> int:
        """Order prices are multiples of this. u64 in PRICE_PRECISION, 6 decimals."""
    @property
    def min_order_size(self) -> int:
        """The smallest order. u64 in token."""
    @property
    def max_position_size(self) -> int:
        """0: no limit. u64 in token."""
    @property
    def next_fill_record_id(self) -> int:
        """u64."""
    @property
    def next_deposit_record_id(self) -> int:
        """u64."""
    @property
    def initial_asset_weight(self) -> int:
        """Of a deposit, for opening positions. u32 in SPOT_WEIGHT_PRECISION, 4 decimals."""
    @property
    def maintenance_asset_weight(self) -> int:
        """Of a deposit, against liquidation. u32 in SPOT_WEIGHT_PRECISION, 4 decimals."""
    @property
    def initial_liability_weight(self) -> int:
        """Of a borrow, for opening positions. u32 in SPOT_WEIGHT_PRECISION, 4 decimals."""
    @property
    def maintenance_liability_weight(self) -> int:
        """Of a borrow, against liquidation. u32 in SPOT_WEIGHT_PRECISION, 4 decimals."""
    @property
    def imf_factor(self) -> int:
        """Worsens the weights of large positions. u32 in imf, 6 decimals."""
    @property
    def liquidator_fee(self) -> int:
        """For taking over a borrow or deposit. u32 in PERCENTAGE_PRECISION, 6 decimals."""
    @property
    def if_liquidation_fee(self) -> int:
        """For the insurance fund. u32 in PERCENTAGE_PRECISION, 6 decimals."""
    @property
    def optimal_utilization(self) -> int:
        """Above it the borrow rate grows faster. u32 in PERCENTAGE_PRECISION, 6 decimals."""
    @property
    def optimal_borrow_rate(self) -> int:
        """Per year, at optimal utilization. u32 in PERCENTAGE_PRECISION, 6 decimals."""
    @property
    def max_borrow_rate(self) -> int:
        """Per year, at full utilization. u32 in PERCENTAGE_PRECISION, 6 decimals."""
    @property
    def decimals(self) -> int:
        """The token has 10^decimals smallest units. u32."""
    @property
    def market_index(self) -> int:
        """u16."""
    @property
    def orders_enabled(self) -> bool:
        """Whether the token can be traded."""
    @property
    def oracle_source(self) -> OracleSource:
        """How the oracle is to be read."""
    @property
    def status(self) -> MarketStatus:
        """What users may do."""
    @property
    def asset_tier(self) -> AssetTier:
        """How it may be used as collateral."""
    @property
    def paused_operations(self) -> int:
        """A bit for each. u8."""
    @property
    def if_paused_operations(self) -> int:
        """A bit for each, of the insurance fund. u8."""
    @property
    def fee_adjustment(self) -> int:
        """Percent that fees are changed by, -100 to 100. i16."""
    @property
    def max_token_borrows_fraction(self) -> int:
        """Of max_token_deposits; 0: no limit. u16 in basis_points, 4 decimals."""
    @property
    def flash_loan_amount(self) -> int:
        """Lent for a swap under way. u64 in token."""
    @property
    def flash_loan_initial_token_amount(self) -> int:
        """In the user's token account before the swap. u64 in token."""
    @property
    def total_swap_fee(self) -> int:
        """Fees from swaps. u64 in token."""
    @property
    def scale_initial_asset_weight_start(self) -> int:
        """Deposits above it weigh less; 0: never. u64 in QUOTE_PRECISION, 6 decimals."""
    @property
    def min_borrow_rate(self) -> int:
        """Per year, in 1/200. u8."""
    @property
    def fuel_boost_deposits(self) -> int:
        """u8 in fuel_boost, 1 decimal."""
    @property
    def fuel_boost_borrows(self) -> int:
        """u8 in fuel_boost, 1 decimal."""
    @property
    def fuel_boost_taker(self) -> int:
        """u8 in fuel_boost, 1 decimal."""
    @property
    def fuel_boost_maker(self) -> int:
        """u8 in fuel_boost, 1 decimal."""
    @property
    def fuel_boost_insurance(self) -> int:
        """u8 in fuel_boost, 1 decimal."""
    @property
    def token_program_flag(self) -> int:
        """u8."""
    @property
    def pool_id(self) -> int:
        """u8."""
    @property
    def padding(self) -> bytes:
        """40 bytes."""
    @property
    def symbol(self) -> str:
        """The market's name, such as "SOL-PERP"."""
    @property
    def deposit_token_amount(self) -> int:
        """All deposits with their interest, rounded down, in the token's smallest unit."""
    @property
    def deposit_token_amount_float(self) -> float:
        """All deposits with their interest, in whole tokens."""
    @property
    def borrow_token_amount(self) -> int:
        """All borrows with their interest, rounded up, in the token's smallest unit."""
    @property
    def borrow_token_amount_float(self) -> float:
        """All borrows with their interest, in whole tokens."""

@final
class SpotPosition(View):
    """A live view of a struct SpotPosition within an account."""

    def snapshot(self, *, max_age: float | None = None) -> SpotPositionSnapshot:
        """A frozen copy of the newest version. Raises `StaleError` as `ensure_fresh` does."""
    @property
    def scaled_balance(self) -> int:
        """Times the market's cumulative interest: the token amount.

        u64 in SPOT_BALANCE_PRECISION, 9 decimals.
        """
    @property
    def open_bids(self) -> int:
        """Of open orders. i64 in token."""
    @property
    def open_asks(self) -> int:
        """Of open orders. i64 in token."""
    @property
    def cumulative_deposits(self) -> int:
        """Deposits less withdrawals. i64 in token."""
    @property
    def market_index(self) -> int:
        """u16."""
    @property
    def balance_type(self) -> SpotBalanceType:
        """Whether it is a deposit or a borrow."""
    @property
    def open_orders(self) -> int:
        """How many. u8."""
    @property
    def padding(self) -> bytes:
        """4 bytes."""

@final
class SpotPositionSnapshot(Snapshot):
    """A snapshot of a struct SpotPosition within an account."""

    @property
    def scaled_balance(self) -> int:
        """Times the market's cumulative interest: the token amount.

        u64 in SPOT_BALANCE_PRECISION, 9 decimals.
        """
    @property
    def open_bids(self) -> int:
        """Of open orders. i64 in token."""
    @property
    def open_asks(self) -> int:
        """Of open orders. i64 in token."""
    @property
    def cumulative_deposits(self) -> int:
        """Deposits less withdrawals. i64 in token."""
    @property
    def market_index(self) -> int:
        """u16."""
    @property
    def balance_type(self) -> SpotBalanceType:
        """Whether it is a deposit or a borrow."""
    @property
    def open_orders(self) -> int:
        """How many. u8."""
    @property
    def padding(self) -> bytes:
        """4 bytes."""

@final
class State(View):
    """A live view of the account State."""

    def snapshot(self, *, max_age: float | None = None) -> StateSnapshot:
        """A frozen copy of the newest version. Raises `StaleError` as `ensure_fresh` does."""
    @property
    def admin(self) -> str:
        """Base58."""
    @property
    def whitelist_mint(self) -> str:
        """Base58."""
    @property
    def discount_mint(self) -> str:
        """Base58."""
    @property
    def signer(self) -> str:
        """Base58."""
    @property
    def srm_vault(self) -> str:
        """Base58."""
    @property
    def perp_fee_structure(self) -> FeeStructure: ...
    @property
    def spot_fee_structure(self) -> FeeStructure: ...
    @property
    def oracle_guard_rails(self) -> OracleGuardRails: ...
    @property
    def number_of_authorities(self) -> int:
        """u64."""
    @property
    def number_of_sub_accounts(self) -> int:
        """u64."""
    @property
    def lp_cooldown_time(self) -> int:
        """u64 in seconds."""
    @property
    def liquidation_margin_buffer_ratio(self) -> int:
        """Margin above maintenance that ends a liquidation. u32 in MARGIN_PRECISION, 4 decimals."""
    @property
    def settlement_duration(self) -> int:
        """u16 in seconds."""
    @property
    def number_of_markets(self) -> int:
        """Perp markets. u16."""
    @property
    def number_of_spot_markets(self) -> int:
        """Spot markets. u16."""
    @property
    def signer_nonce(self) -> int:
        """u8."""
    @property
    def min_perp_auction_duration(self) -> int:
        """u8 in slots."""
    @property
    def default_market_order_time_in_force(self) -> int:
        """u8."""
    @property
    def default_spot_auction_duration(self) -> int:
        """u8 in slots."""
    @property
    def exchange_status(self) -> int:
        """A bit for each operation that is paused. u8."""
    @property
    def liquidation_duration(self) -> int:
        """u8 in slots."""
    @property
    def initial_pct_to_liquidate(self) -> int:
        """u16 in basis_points, 4 decimals."""
    @property
    def max_number_of_sub_accounts(self) -> int:
        """In hundreds. u16."""
    @property
    def max_initialize_user_fee(self) -> int:
        """In 1/100 SOL. u16."""
    @property
    def feature_bit_flags(self) -> int:
        """u8."""
    @property
    def lp_pool_feature_bit_flags(self) -> int:
        """u8."""
    @property
    def padding(self) -> bytes:
        """8 bytes."""

@final
class StateSnapshot(Snapshot):
    """A snapshot of the account State."""

    @property
    def admin(self) -> str:
        """Base58."""
    @property
    def whitelist_mint(self) -> str:
        """Base58."""
    @property
    def discount_mint(self) -> str:
        """Base58."""
    @property
    def signer(self) -> str:
        """Base58."""
    @property
    def srm_vault(self) -> str:
        """Base58."""
    @property
    def perp_fee_structure(self) -> FeeStructureSnapshot: ...
    @property
    def spot_fee_structure(self) -> FeeStructureSnapshot: ...
    @property
    def oracle_guard_rails(self) -> OracleGuardRailsSnapshot: ...
    @property
    def number_of_authorities(self) -> int:
        """u64."""
    @property
    def number_of_sub_accounts(self) -> int:
        """u64."""
    @property
    def lp_cooldown_time(self) -> int:
        """u64 in seconds."""
    @property
    def liquidation_margin_buffer_ratio(self) -> int:
        """Margin above maintenance that ends a liquidation. u32 in MARGIN_PRECISION, 4 decimals."""
    @property
    def settlement_duration(self) -> int:
        """u16 in seconds."""
    @property
    def number_of_markets(self) -> int:
        """Perp markets. u16."""
    @property
    def number_of_spot_markets(self) -> int:
        """Spot markets. u16."""
    @property
    def signer_nonce(self) -> int:
        """u8."""
    @property
    def min_perp_auction_duration(self) -> int:
        """u8 in slots."""
    @property
    def default_market_order_time_in_force(self) -> int:
        """u8."""
    @property
    def default_spot_auction_duration(self) -> int:
        """u8 in slots."""
    @property
    def exchange_status(self) -> int:
        """A bit for each operation that is paused. u8."""
    @property
    def liquidation_duration(self) -> int:
        """u8 in slots."""
    @property
    def initial_pct_to_liquidate(self) -> int:
        """u16 in basis_points, 4 decimals."""
    @property
    def max_number_of_sub_accounts(self) -> int:
        """In hundreds. u16."""
    @property
    def max_initialize_user_fee(self) -> int:
        """In 1/100 SOL. u16."""
    @property
    def feature_bit_flags(self) -> int:
        """u8."""
    @property
    def lp_pool_feature_bit_flags(self) -> int:
        """u8."""
    @property
    def padding(self) -> bytes:
        """8 bytes."""

@final
class User(View):
    """A live view of the account User."""

    def snapshot(self, *, max_age: float | None = None) -> UserSnapshot:
        """A frozen copy of the newest version. Raises `StaleError` as `ensure_fresh` does."""
    @property
    def authority(self) -> str:
        """The owner. Base58."""
    @property
    def delegate(self) -> str:
        """May trade for the owner but not withdraw. Base58."""
    @property
    def name(self) -> bytes:
        """Chosen by the owner, padded with spaces. 32 bytes."""
    @property
    def spot_positions(self) -> ArrayView[SpotPosition]:
        """8 items."""
    @property
    def perp_positions(self) -> ArrayView[PerpPosition]:
        """8 items."""
    @property
    def orders(self) -> ArrayView[Order]:
        """32 items."""
    @property
    def last_add_perp_lp_shares_ts(self) -> int:
        """When LP shares were last added. i64 in unix_seconds."""
    @property
    def total_deposits(self) -> int:
        """Value of all deposits. u64 in QUOTE_PRECISION, 6 decimals."""
    @property
    def total_withdraws(self) -> int:
        """Value of all withdrawals. u64 in QUOTE_PRECISION, 6 decimals."""
    @property
    def total_social_loss(self) -> int:
        """Losses of this user that others bore. u64 in QUOTE_PRECISION, 6 decimals."""
    @property
    def settled_perp_pnl(self) -> int:
        """PnL, fees and rewards of perps. i64 in QUOTE_PRECISION, 6 decimals."""
    @property
    def cumulative_spot_fees(self) -> int:
        """Fees and rewards of spot. i64 in QUOTE_PRECISION, 6 decimals."""
    @property
    def cumulative_perp_funding(self) -> int:
        """Funding paid and received. i64 in QUOTE_PRECISION, 6 decimals."""
    @property
    def liquidation_margin_freed(self) -> int:
        """During a liquidation; else 0. u64 in QUOTE_PRECISION, 6 decimals."""
    @property
    def last_active_slot(self) -> int:
        """Tells whether the user is idle. u64 in slot."""
    @property
    def next_order_id(self) -> int:
        """u32."""
    @property
    def max_margin_ratio(self) -> int:
        """The user's own. u32 in MARGIN_PRECISION, 4 decimals."""
    @property
    def next_liquidation_id(self) -> int:
        """u16."""
    @property
    def sub_account_id(self) -> int:
        """Which of the authority's accounts this is. u16."""
    @property
    def status(self) -> int:
        """A bit each: being liquidated, bankrupt, reduce only, advanced LP. u8."""
    @property
    def is_margin_trading_enabled(self) -> bool: ...
    @property
    def idle(self) -> bool:
        """A week without orders, positions and borrows: bots may ignore it."""
    @property
    def open_orders(self) -> int:
        """How many. u8."""
    @property
    def has_open_order(self) -> bool: ...
    @property
    def open_auctions(self) -> int:
        """How many orders are in auction. u8."""
    @property
    def has_open_auction(self) -> bool: ...
    @property
    def margin_mode(self) -> MarginMode: ...
    @property
    def pool_id(self) -> int:
        """u8."""
    @property
    def padding1(self) -> bytes:
        """3 bytes."""
    @property
    def last_fuel_bonus_update_ts(self) -> int:
        """u32 in unix_seconds."""
    @property
    def padding(self) -> bytes:
        """12 bytes."""

@final
class UserSnapshot(Snapshot):
    """A snapshot of the account User."""

    @property
    def authority(self) -> str:
        """The owner. Base58."""
    @property
    def delegate(self) -> str:
        """May trade for the owner but not withdraw. Base58."""
    @property
    def name(self) -> bytes:
        """Chosen by the owner, padded with spaces. 32 bytes."""
    @property
    def spot_positions(self) -> ArrayView[SpotPositionSnapshot]:
        """8 items."""
    @property
    def perp_positions(self) -> ArrayView[PerpPositionSnapshot]:
        """8 items."""
    @property
    def orders(self) -> ArrayView[OrderSnapshot]:
        """32 items."""
    @property
    def last_add_perp_lp_shares_ts(self) -> int:
        """When LP shares were last added. i64 in unix_seconds."""
    @property
    def total_deposits(self) -> int:
        """Value of all deposits. u64 in QUOTE_PRECISION, 6 decimals."""
    @property
    def total_withdraws(self) -> int:
        """Value of all withdrawals. u64 in QUOTE_PRECISION, 6 decimals."""
    @property
    def total_social_loss(self) -> int:
        """Losses of this user that others bore. u64 in QUOTE_PRECISION, 6 decimals."""
    @property
    def settled_perp_pnl(self) -> int:
        """PnL, fees and rewards of perps. i64 in QUOTE_PRECISION, 6 decimals."""
    @property
    def cumulative_spot_fees(self) -> int:
        """Fees and rewards of spot. i64 in QUOTE_PRECISION, 6 decimals."""
    @property
    def cumulative_perp_funding(self) -> int:
        """Funding paid and received. i64 in QUOTE_PRECISION, 6 decimals."""
    @property
    def liquidation_margin_freed(self) -> int:
        """During a liquidation; else 0. u64 in QUOTE_PRECISION, 6 decimals."""
    @property
    def last_active_slot(self) -> int:
        """Tells whether the user is idle. u64 in slot."""
    @property
    def next_order_id(self) -> int:
        """u32."""
    @property
    def max_margin_ratio(self) -> int:
        """The user's own. u32 in MARGIN_PRECISION, 4 decimals."""
    @property
    def next_liquidation_id(self) -> int:
        """u16."""
    @property
    def sub_account_id(self) -> int:
        """Which of the authority's accounts this is. u16."""
    @property
    def status(self) -> int:
        """A bit each: being liquidated, bankrupt, reduce only, advanced LP. u8."""
    @property
    def is_margin_trading_enabled(self) -> bool: ...
    @property
    def idle(self) -> bool:
        """A week without orders, positions and borrows: bots may ignore it."""
    @property
    def open_orders(self) -> int:
        """How many. u8."""
    @property
    def has_open_order(self) -> bool: ...
    @property
    def open_auctions(self) -> int:
        """How many orders are in auction. u8."""
    @property
    def has_open_auction(self) -> bool: ...
    @property
    def margin_mode(self) -> MarginMode: ...
    @property
    def pool_id(self) -> int:
        """u8."""
    @property
    def padding1(self) -> bytes:
        """3 bytes."""
    @property
    def last_fuel_bonus_update_ts(self) -> int:
        """u32 in unix_seconds."""
    @property
    def padding(self) -> bytes:
        """12 bytes."""

@final
class UserFees(View):
    """A live view of a struct UserFees within an account."""

    def snapshot(self, *, max_age: float | None = None) -> UserFeesSnapshot:
        """A frozen copy of the newest version. Raises `StaleError` as `ensure_fresh` does."""
    @property
    def total_fee_paid(self) -> int:
        """As a taker. u64 in QUOTE_PRECISION, 6 decimals."""
    @property
    def total_fee_rebate(self) -> int:
        """As a maker. u64 in QUOTE_PRECISION, 6 decimals."""
    @property
    def total_token_discount(self) -> int:
        """For holding a token. u64 in QUOTE_PRECISION, 6 decimals."""
    @property
    def total_referee_discount(self) -> int:
        """For having been referred. u64 in QUOTE_PRECISION, 6 decimals."""
    @property
    def total_referrer_reward(self) -> int:
        """For referring others. u64 in QUOTE_PRECISION, 6 decimals."""
    @property
    def current_epoch_referrer_reward(self) -> int:
        """For referring others, this epoch. u64 in QUOTE_PRECISION, 6 decimals."""

@final
class UserFeesSnapshot(Snapshot):
    """A snapshot of a struct UserFees within an account."""

    @property
    def total_fee_paid(self) -> int:
        """As a taker. u64 in QUOTE_PRECISION, 6 decimals."""
    @property
    def total_fee_rebate(self) -> int:
        """As a maker. u64 in QUOTE_PRECISION, 6 decimals."""
    @property
    def total_token_discount(self) -> int:
        """For holding a token. u64 in QUOTE_PRECISION, 6 decimals."""
    @property
    def total_referee_discount(self) -> int:
        """For having been referred. u64 in QUOTE_PRECISION, 6 decimals."""
    @property
    def total_referrer_reward(self) -> int:
        """For referring others. u64 in QUOTE_PRECISION, 6 decimals."""
    @property
    def current_epoch_referrer_reward(self) -> int:
        """For referring others, this epoch. u64 in QUOTE_PRECISION, 6 decimals."""

@final
class UserStats(View):
    """A live view of the account UserStats."""

    def snapshot(self, *, max_age: float | None = None) -> UserStatsSnapshot:
        """A frozen copy of the newest version. Raises `StaleError` as `ensure_fresh` does."""
    @property
    def authority(self) -> str:
        """Whose stats they are. Base58."""
    @property
    def referrer(self) -> str:
        """Who referred the user. Base58."""
    @property
    def fees(self) -> UserFees: ...
    @property
    def next_epoch_ts(self) -> int:
        """When the referrer's epoch ends. i64 in unix_seconds."""
    @property
    def maker_volume30d(self) -> int:
        """u64 in QUOTE_PRECISION, 6 decimals."""
    @property
    def taker_volume30d(self) -> int:
        """u64 in QUOTE_PRECISION, 6 decimals."""
    @property
    def filler_volume30d(self) -> int:
        """u64 in QUOTE_PRECISION, 6 decimals."""
    @property
    def last_maker_volume30d_ts(self) -> int:
        """i64 in unix_seconds."""
    @property
    def last_taker_volume30d_ts(self) -> int:
        """i64 in unix_seconds."""
    @property
    def last_filler_volume30d_ts(self) -> int:
        """i64 in unix_seconds."""
    @property
    def if_staked_quote_asset_amount(self) -> int:
        """Staked in the quote market's insurance fund. u64 in QUOTE_PRECISION, 6 decimals."""
    @property
    def number_of_sub_accounts(self) -> int:
        """At present. u16."""
    @property
    def number_of_sub_accounts_created(self) -> int:
        """Ever, deleted ones included. u16."""
    @property
    def referrer_status(self) -> int:
        """Bit 0: is a referrer, bit 1: was referred. u8."""
    @property
    def disable_update_perp_bid_ask_twap(self) -> int:
        """u8."""
    @property
    def paused_operations(self) -> int:
        """A bit for each. u8."""
    @property
    def fuel_overflow_status(self) -> int:
        """Whether fuel continues in another account. u8."""
    @property
    def fuel_insurance(self) -> int:
        """u32."""
    @property
    def fuel_deposits(self) -> int:
        """u32."""
    @property
    def fuel_borrows(self) -> int:
        """u32."""
    @property
    def fuel_positions(self) -> int:
        """u32."""
    @property
    def fuel_taker(self) -> int:
        """u32."""
    @property
    def fuel_maker(self) -> int:
        """u32."""
    @property
    def if_staked_gov_token_amount(self) -> int:
        """Staked in the governance token's insurance fund. u64 in token."""
    @property
    def last_fuel_if_bonus_update_ts(self) -> int:
        """u32 in unix_seconds."""
    @property
    def padding(self) -> bytes:
        """12 bytes."""

@final
class UserStatsSnapshot(Snapshot):
    """A snapshot of the account UserStats."""

    @property
    def authority(self) -> str:
        """Whose stats they are. Base58."""
    @property
    def referrer(self) -> str:
        """Who referred the user. Base58."""
    @property
    def fees(self) -> UserFeesSnapshot: ...
    @property
    def next_epoch_ts(self) -> int:
        """When the referrer's epoch ends. i64 in unix_seconds."""
    @property
    def maker_volume30d(self) -> int:
        """u64 in QUOTE_PRECISION, 6 decimals."""
    @property
    def taker_volume30d(self) -> int:
        """u64 in QUOTE_PRECISION, 6 decimals."""
    @property
    def filler_volume30d(self) -> int:
        """u64 in QUOTE_PRECISION, 6 decimals."""
    @property
    def last_maker_volume30d_ts(self) -> int:
        """i64 in unix_seconds."""
    @property
    def last_taker_volume30d_ts(self) -> int:
        """i64 in unix_seconds."""
    @property
    def last_filler_volume30d_ts(self) -> int:
        """i64 in unix_seconds."""
    @property
    def if_staked_quote_asset_amount(self) -> int:
        """Staked in the quote market's insurance fund. u64 in QUOTE_PRECISION, 6 decimals."""
    @property
    def number_of_sub_accounts(self) -> int:
        """At present. u16."""
    @property
    def number_of_sub_accounts_created(self) -> int:
        """Ever, deleted ones included. u16."""
    @property
    def referrer_status(self) -> int:
        """Bit 0: is a referrer, bit 1: was referred. u8."""
    @property
    def disable_update_perp_bid_ask_twap(self) -> int:
        """u8."""
    @property
    def paused_operations(self) -> int:
        """A bit for each. u8."""
    @property
    def fuel_overflow_status(self) -> int:
        """Whether fuel continues in another account. u8."""
    @property
    def fuel_insurance(self) -> int:
        """u32."""
    @property
    def fuel_deposits(self) -> int:
        """u32."""
    @property
    def fuel_borrows(self) -> int:
        """u32."""
    @property
    def fuel_positions(self) -> int:
        """u32."""
    @property
    def fuel_taker(self) -> int:
        """u32."""
    @property
    def fuel_maker(self) -> int:
        """u32."""
    @property
    def if_staked_gov_token_amount(self) -> int:
        """Staked in the governance token's insurance fund. u64 in token."""
    @property
    def last_fuel_if_bonus_update_ts(self) -> int:
        """u32 in unix_seconds."""
    @property
    def padding(self) -> bytes:
        """12 bytes."""

@final
class ValidityGuardRails(View):
    """A live view of a struct ValidityGuardRails within an account."""

    def snapshot(self, *, max_age: float | None = None) -> ValidityGuardRailsSnapshot:
        """A frozen copy of the newest version. Raises `StaleError` as `ensure_fresh` does."""
    @property
    def slots_before_stale_for_amm(self) -> int:
        """i64 in slots."""
    @property
    def slots_before_stale_for_margin(self) -> int:
        """i64 in slots."""
    @property
    def confidence_interval_max_size(self) -> int:
        """Against the price. u64 in PERCENTAGE_PRECISION, 6 decimals."""
    @property
    def too_volatile_ratio(self) -> int:
        """The price against its average, either way. i64."""

@final
class ValidityGuardRailsSnapshot(Snapshot):
    """A snapshot of a struct ValidityGuardRails within an account."""

    @property
    def slots_before_stale_for_amm(self) -> int:
        """i64 in slots."""
    @property
    def slots_before_stale_for_margin(self) -> int:
        """i64 in slots."""
    @property
    def confidence_interval_max_size(self) -> int:
        """Against the price. u64 in PERCENTAGE_PRECISION, 6 decimals."""
    @property
    def too_volatile_ratio(self) -> int:
        """The price against its average, either way. i64."""

class AssetTier(enum.IntEnum):
    Collateral = 0
    Protected = 1
    Cross = 2
    Isolated = 3
    Unlisted = 4

class ContractTier(enum.IntEnum):
    A = 0
    B = 1
    C = 2
    Speculative = 3
    HighlySpeculative = 4
    Isolated = 5

class ContractType(enum.IntEnum):
    Perpetual = 0
    Future = 1
    Prediction = 2

class MarginMode(enum.IntEnum):
    Default = 0
    HighLeverage = 1
    HighLeverageMaintenance = 2

class MarketStatus(enum.IntEnum):
    Initialized = 0
    Active = 1
    FundingPaused = 2
    AmmPaused = 3
    FillPaused = 4
    WithdrawPaused = 5
    ReduceOnly = 6
    Settlement = 7
    Delisted = 8

class MarketType(enum.IntEnum):
    Spot = 0
    Perp = 1

class OracleSource(enum.IntEnum):
    Pyth = 0
    Switchboard = 1
    QuoteAsset = 2
    Pyth1K = 3
    Pyth1M = 4
    PythStableCoin = 5
    Prelaunch = 6
    PythPull = 7
    Pyth1KPull = 8
    Pyth1MPull = 9
    PythStableCoinPull = 10
    SwitchboardOnDemand = 11
    PythLazer = 12
    PythLazer1K = 13
    PythLazer1M = 14
    PythLazerStableCoin = 15

class OrderStatus(enum.IntEnum):
    Init = 0
    Open = 1
    Filled = 2
    Canceled = 3

class OrderTriggerCondition(enum.IntEnum):
    Above = 0
    Below = 1
    TriggeredAbove = 2
    TriggeredBelow = 3

class OrderType(enum.IntEnum):
    Market = 0
    Limit = 1
    TriggerMarket = 2
    TriggerLimit = 3
    Oracle = 4

class PositionDirection(enum.IntEnum):
    Long = 0
    Short = 1

class SpotBalanceType(enum.IntEnum):
    Deposit = 0
    Borrow = 1
