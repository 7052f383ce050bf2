"""Drift's on-chain state in shared memory.

One writer process per host (``driftshm run``) keeps market, oracle and user accounts in a shared
region; any number of Python processes read them with no system call and no copy::

    import driftshm

    reader = driftshm.open()
    async with reader.changes(perp_markets=["SOL-PERP"]) as changes:
        async for change in changes:
            try:
                oracle = reader.get_perp_oracle("SOL-PERP", max_age=2.0)
                market = reader.get_perp_market("SOL-PERP", max_age=2.0)
            except driftshm.StaleError as error:
                print("not trading:", error)
                continue
            if oracle and market:
                print(change.slot, market.mark_price_float - oracle.price_float)

`StaleError` says that nobody vouches for an account any more. ``max_age`` is of the one account
that it is passed for; a market's oracle is another one.
"""

from __future__ import annotations

import os as _os

from . import _driftshm
from ._driftshm import (
    ABI_VERSION,
    AccountClosedError,
    AccountGoneError,
    ArgumentError,
    ArrayView,
    Change,
    ConnectionFailed,
    ConnectionRefusedByWriterError,
    ContendedError,
    CorruptRegionError,
    Cut,
    CutId,
    DescriptorLimitError,
    DriftShmError,
    FieldError,
    Fields,
    FilterError,
    ForkedError,
    FundingRate,
    IncompatibleRegionError,
    IncompatibleWriterError,
    Lagged,
    LayoutMismatchError,
    Meta,
    NoFigureError,
    NoRegionError,
    NotLiveError,
    OpenFailed,
    OracleInvalidError,
    OraclePriceData,
    OracleView,
    OtherClusterError,
    PubkeyError,
    Reader,
    ReaderClosedError,
    RegionNotReadyError,
    RegionPermissionError,
    SchemaChangedError,
    Snapshot,
    StaleError,
    Subscription,
    UnknownAccountError,
    UnknownMarketError,
    View,
    Watch,
    WriterDeadError,
    __version__,
    derive_perp_market_account,
    derive_spot_market_account,
    derive_state_account,
    derive_user_account,
    derive_user_stats_account,
    fields,
    funding_rate,
    open,
)
from .aio import Batches, Changes

_os.register_at_fork(
    before=_driftshm.before_fork,
    after_in_parent=_driftshm.after_fork_in_parent,
    after_in_child=_driftshm.after_fork_in_child,
)

__all__ = [
    "ABI_VERSION",
    "AccountClosedError",
    "AccountGoneError",
    "ArgumentError",
    "ArrayView",
    "Batches",
    "Change",
    "Changes",
    "ConnectionFailed",
    "ConnectionRefusedByWriterError",
    "ContendedError",
    "CorruptRegionError",
    "Cut",
    "CutId",
    "DescriptorLimitError",
    "DriftShmError",
    "FieldError",
    "Fields",
    "FilterError",
    "ForkedError",
    "FundingRate",
    "IncompatibleRegionError",
    "IncompatibleWriterError",
    "Lagged",
    "LayoutMismatchError",
    "Meta",
    "NoFigureError",
    "NoRegionError",
    "NotLiveError",
    "OpenFailed",
    "OracleInvalidError",
    "OraclePriceData",
    "OracleView",
    "OtherClusterError",
    "PubkeyError",
    "Reader",
    "ReaderClosedError",
    "RegionNotReadyError",
    "RegionPermissionError",
    "SchemaChangedError",
    "Snapshot",
    "StaleError",
    "Subscription",
    "UnknownAccountError",
    "UnknownMarketError",
    "View",
    "Watch",
    "WriterDeadError",
    "__version__",
    "derive_perp_market_account",
    "derive_spot_market_account",
    "derive_state_account",
    "derive_user_account",
    "derive_user_stats_account",
    "fields",
    "funding_rate",
    "open",
]
