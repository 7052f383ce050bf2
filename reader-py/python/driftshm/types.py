"""Names for annotations: what arguments may be, and what comes as text or a dict.

The types of accounts themselves are in the module of their profile: `driftshm.drift_v2`,
`driftshm.velocity`.
"""

from __future__ import annotations

from typing import Literal, SupportsBytes, SupportsIndex, TypeAlias, TypedDict

from ._driftshm import Change, Lagged, OracleView, View

__all__ = ["Account", "FeedState", "Item", "Kind", "Market", "MarketData", "Pubkey"]

Pubkey: TypeAlias = str | bytes | SupportsBytes
"""A public key: base58 text, 32 bytes, or anything with ``__bytes__`` (solders has that)."""

Account: TypeAlias = Pubkey | View | OracleView
"""An account by its address, or by a view of it."""

Market: TypeAlias = SupportsIndex | str | View
"""A market by its index (numpy's too), its symbol (in either case), or a view of it."""

Kind: TypeAlias = Literal["perp_market", "spot_market", "oracle", "user", "user_stats", "state"]
"""A kind of account."""

FeedState: TypeAlias = Literal["connecting", "syncing", "live", "stalled", "down"]
"""How the writer's feeds are."""

Item: TypeAlias = Change | Lagged
"""What a subscription yields; `Lagged` only without conflation."""


class MarketData(TypedDict):
    """A perp market's key figures, of one version: see ``market.market_data()``."""

    market_index: int
    symbol: str
    mark_price: float | None
    """Quote per base; None if the AMM is empty."""
    oracle_price: float | None
    """Quote per base; None if the oracle has no valid price, and in snapshots."""
    open_interest: float
    """Base, of the larger side."""
    volume_24h: float | None
    """Quote."""
    funding_rate_hourly: float | None
    """A fraction of the oracle's average, as are the next two; None before the first funding."""
    funding_rate_8h: float | None
    funding_rate_annual: float | None
    slot: int
    version: int
