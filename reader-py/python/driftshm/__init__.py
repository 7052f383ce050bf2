"""Drift's on-chain state in shared memory.

One writer process per host (``driftshm run``) keeps market, oracle and user accounts in a shared
region; any number of Python processes read them with no system call and no copy::

    import driftshm

    reader = driftshm.open()
    market = reader.get_perp_market("SOL-PERP", max_age=1.0)
    print(market.mark_price_float, market.amm.base_asset_reserve)

    async for change in reader.changes(perp_markets=["SOL-PERP"]):
        print(change.slot, change.view.oracle_price_float)
"""

from __future__ import annotations

import os as _os

from . import _driftshm
from ._driftshm import (
    ABI_VERSION,
    AccountClosedError,
    AccountGoneError,
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
    NoRegionError,
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
    "NoRegionError",
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
