"""The figures that accounts have beside their fields (computed in ``reader-py/src/figures.rs``).

stubtest fails if this list and the built module differ.
"""

from __future__ import annotations

from typing import NamedTuple


class Figure(NamedTuple):
    """An attribute, or a method without arguments."""

    name: str
    type: str
    doc: str
    is_method: bool = False
    live_only: bool = False


SYMBOL = Figure("symbol", "str", 'The market\'s name, such as "SOL-PERP".')

# Of another account, so a snapshot has none.
ORACLE = (
    Figure(
        "oracle_price",
        "int",
        "The oracle's newest price by this market's source: PRICE_PRECISION, 6 decimals. It is of "
        "the oracle's account, which the market's ``max_age`` says nothing of: "
        "`Reader.get_perp_oracle` and `Reader.get_spot_oracle` take their own. Raises "
        "`OracleInvalidError` if there is no valid one.",
        live_only=True,
    ),
    Figure(
        "oracle_price_float",
        "float",
        "The oracle's newest price in quote per base: see `oracle_price`.",
        live_only=True,
    ),
)

PERP_MARKET = (
    Figure(
        "mark_price",
        "int",
        "The AMM's stored reserve price, quote_asset_reserve * peg_multiplier / "
        "base_asset_reserve: PRICE_PRECISION, 6 decimals. Not its bid or ask, not the price after "
        "the repeg that the next trade makes, and not the order book's. Raises `NoFigureError` if "
        "the AMM's base reserve is 0.",
    ),
    Figure(
        "mark_price_float",
        "float",
        "The AMM's stored reserve price in quote per base: see `mark_price`.",
    ),
    Figure(
        "open_interest",
        "int",
        "The larger side's open positions, max(abs(base_asset_amount_long), "
        "abs(base_asset_amount_short)): BASE_PRECISION, 9 decimals.",
    ),
    Figure("open_interest_float", "float", "The larger side's open positions, in base."),
    Figure(
        "funding_rate",
        "FundingRate",
        "The last funding rate as a fraction of the oracle's average price then: hourly, over "
        "8 hours, and over a year. Raises `NoFigureError` before the first funding.",
        is_method=True,
    ),
    Figure(
        "market_data",
        "MarketData",
        "The market's key figures of one version, as a dict. The oracle's price is its newest "
        "(None in a snapshot).",
        is_method=True,
    ),
)

SPOT_MARKET = (
    Figure(
        "deposit_token_amount",
        "int",
        "All deposits with their interest, rounded down, in the token's smallest unit.",
    ),
    Figure(
        "deposit_token_amount_float",
        "float",
        "All deposits with their interest, in whole tokens.",
    ),
    Figure(
        "borrow_token_amount",
        "int",
        "All borrows with their interest, rounded up, in the token's smallest unit.",
    ),
    Figure(
        "borrow_token_amount_float",
        "float",
        "All borrows with their interest, in whole tokens.",
    ),
)

OF_KIND = {
    "perp_market": (SYMBOL, *ORACLE, *PERP_MARKET),
    "spot_market": (SYMBOL, *ORACLE, *SPOT_MARKET),
}
"""By kind of account."""
