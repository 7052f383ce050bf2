"""What a type checker must make of a bot. It is checked by mypy, never run.

A line with ``type: ignore`` is one that must be refused: mypy finds ignores without need.
"""

from __future__ import annotations

import pathlib
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from typing_extensions import assert_type

import driftshm
from driftshm import drift_v2, velocity
from driftshm.types import Account, FeedState, Item, Kind, MarketData, Pubkey

if TYPE_CHECKING:
    from collections.abc import Iterable


class Solders:
    """Like a Pubkey of solders."""

    def __bytes__(self) -> bytes:
        return bytes(32)


def markets(reader: driftshm.Reader) -> None:
    market = reader.get_perp_market("SOL-PERP", max_age=1.0)
    assert_type(market, drift_v2.PerpMarket | None)
    market.amm  # type: ignore[union-attr] # may be None
    assert market is not None
    assert_type(market.amm, drift_v2.AMM)
    assert_type(market.amm.base_asset_reserve, int)
    assert_type(market.amm.oracle, str)
    assert_type(market.name, bytes)
    assert_type(market.status, drift_v2.MarketStatus)
    assert_type(market.amm.last_oracle_valid, bool)
    assert_type(market.symbol, str)
    assert_type(market.mark_price, int)
    assert_type(market.mark_price_float, float)
    assert_type(market.oracle_price, int)
    assert_type(market.open_interest, int)
    assert_type(market.funding_rate(), driftshm.FundingRate)
    assert_type(market.funding_rate().eight_hour, float)
    assert_type(market.market_data(), MarketData)
    assert_type(market.market_data()["symbol"], str)
    assert_type(market.market_data()["oracle_price"], float | None)
    assert_type(market.float("amm.base_asset_reserve"), float)
    assert_type(market.ensure_fresh(1), drift_v2.PerpMarket)
    assert_type(market.bytes(), bytes)
    market.status = drift_v2.MarketStatus.Active  # type: ignore[misc] # read-only
    market.no_such_field  # type: ignore[attr-defined]
    market.deposit_token_amount  # type: ignore[attr-defined] # of spot markets

    spot = reader.get_spot_market(0)
    assert spot is not None
    assert_type(spot, drift_v2.SpotMarket)
    assert_type(spot.deposit_token_amount, int)
    assert_type(spot.borrow_token_amount_float, float)
    assert_type(reader.perp_markets(), list[drift_v2.PerpMarket])
    reader.get_perp_market(market)
    reader.get_perp_market(0, 1.0)  # type: ignore[call-arg] # max_age is keyword-only
    reader.get_perp_market(b"SOL-PERP")  # type: ignore[arg-type]


def of_another_program(reader: driftshm.Reader) -> None:
    market: object = reader.get_perp_market(0)
    assert isinstance(market, velocity.PerpMarket)
    assert_type(market.oracle, str)
    assert_type(market.oracle_source, velocity.OracleSource)
    assert_type(market.market_stats.volume_24h, int)
    assert_type(market.mark_price, int)
    assert_type(market.funding_rate(), driftshm.FundingRate)
    market.amm.oracle  # type: ignore[attr-defined] # moved


def oracles(reader: driftshm.Reader) -> None:
    oracle = reader.get_perp_oracle(0)
    assert_type(oracle, driftshm.OracleView | None)
    assert oracle is not None
    assert_type(oracle.price, int)
    assert_type(oracle.source, drift_v2.OracleSource)
    assert_type(oracle.snapshot(max_age=2), driftshm.OraclePriceData)
    assert_type(oracle.prices(), dict[drift_v2.OracleSource, driftshm.OraclePriceData])


def users(reader: driftshm.Reader, key: Solders) -> None:
    assert_type(reader.get_user(key), drift_v2.User | None)
    assert_type(reader.get_user(authority=bytes(32), sub_account_id=1), drift_v2.User | None)
    reader.get_user()  # type: ignore[call-overload]
    reader.get_user(key, authority=key)  # type: ignore[call-overload]
    reader.get_user(7)  # type: ignore[call-overload]
    for user in reader.users():
        assert_type(user.orders, driftshm.ArrayView[drift_v2.Order])
        assert_type(user.orders[0], drift_v2.Order)
        assert_type(user.orders[:2], list[drift_v2.Order])
        assert_type(user.orders[0].direction, drift_v2.PositionDirection)
        assert_type([p.base_asset_amount for p in user.perp_positions], list[int])
        assert_type(user.snapshot().orders[0], drift_v2.OrderSnapshot)
    assert_type(reader.get_user_stats("authority"), drift_v2.UserStats | None)
    assert_type(reader.get_state(), drift_v2.State | None)


def copies(reader: driftshm.Reader, market: drift_v2.PerpMarket) -> None:
    snapshot = market.snapshot()
    assert_type(snapshot, drift_v2.PerpMarketSnapshot)
    assert_type(snapshot.amm, drift_v2.AMMSnapshot)
    assert_type(snapshot.mark_price, int)
    assert_type(snapshot.to_dict(), dict[str, Any])
    assert_type(snapshot.meta(), driftshm.Meta)
    assert_type(memoryview(snapshot).nbytes, int)
    assert_type({snapshot: snapshot == market.snapshot()}, dict[drift_v2.PerpMarketSnapshot, bool])
    snapshot.oracle_price  # type: ignore[attr-defined] # of another account
    memoryview(market)  # type: ignore[arg-type] # views are live

    cut = reader.snapshot(perp_markets=[0, "BTC-PERP"], perp_oracles=0, users=Solders(), state=True)
    assert_type(cut.id.max_slot, int)
    assert_type(cut.perp_markets[0], drift_v2.PerpMarketSnapshot)
    assert_type(cut.perp_oracles[0].price_float, float)
    assert_type(cut.users["address"], drift_v2.UserSnapshot)
    assert_type(cut.state, drift_v2.StateSnapshot | None)

    getter = driftshm.fields("amm.base_asset_reserve", "amm.quote_asset_reserve")
    assert_type(getter(market, max_age=0.5), tuple[Any, ...])
    getter(snapshot)
    assert_type(reader.perp_markets_array(), npt.NDArray[np.void])


async def changes(reader: driftshm.Reader, market: drift_v2.PerpMarket) -> None:
    async with reader.changes(perp_markets=["SOL-PERP", 1, market], kinds=["oracle"]) as stream:
        async for change in stream:
            assert_type(change, driftshm.Change)
            assert_type(change.kind, Kind)
            assert_type(change.view, driftshm.View | driftshm.OracleView | None)
            if isinstance(change.view, drift_v2.PerpMarket):
                assert_type(change.view.amm, drift_v2.AMM)
    async for batch in reader.batches(users=Solders()):
        assert_type(batch, list[driftshm.Change])
    assert_type(reader.changes().subscription, driftshm.Subscription[driftshm.Change])
    await of_any_stream(reader.changes(conflate=True))
    reader.changes(kinds=["perp"])  # type: ignore[list-item]
    reader.changes(kinds="user")
    reader.changes(kinds="users")  # type: ignore[arg-type]
    assert_type(await reader.wait(market, newer_than=market.version, timeout=1), int)


async def every_publish(reader: driftshm.Reader, flag: bool) -> None:
    async for change in reader.changes(conflate=False):
        assert_type(change, Item)
        if isinstance(change, driftshm.Lagged):
            assert_type(change.count, int)
            continue
        assert_type(change, driftshm.Change)
    async for batch in reader.batches(conflate=flag):
        assert_type(batch, list[Item])


async def of_any_stream(stream: driftshm.Changes) -> None:
    async for change in stream:
        assert_type(change, Item)


def without_asyncio(reader: driftshm.Reader) -> None:
    with reader.subscribe(perp_markets=0) as conflated:
        assert_type(conflated.wait(1.0), list[driftshm.Change])
    with reader.subscribe(conflate=False) as subscription:
        assert_type(subscription.wait(1.0), list[Item])
        assert_type(subscription.drain(100), list[Item])
        assert_type(subscription.fileno(), int)
    with reader.watch("address", Solders(), timeout=1) as watch:
        assert_type(watch.pubkeys, list[str])


def the_rest(keys: Iterable[Pubkey], account: Account) -> None:
    with driftshm.open(pathlib.Path("/run/driftshm/mainnet")) as reader:
        assert_type(reader, driftshm.Reader)
        assert_type(reader.feed_state, FeedState)
        assert_type(reader.directory, pathlib.Path)
        assert_type(reader.stats(), dict[str, Any])
        reader.watch(account)
    for key in keys:
        assert_type(driftshm.derive_user_account(key, 1, profile="drift-v2"), str)
    assert_type(drift_v2.MarketStatus(1), drift_v2.MarketStatus)
    try:
        driftshm.open("mainnet")
    except driftshm.NoRegionError as error:
        failed: driftshm.OpenFailed = error
        assert_type(failed.args, tuple[Any, ...])
    wrong: AttributeError = driftshm.FieldError("no such field")
    assert_type(wrong.args, tuple[Any, ...])
    missing: LookupError = driftshm.UnknownAccountError("no such user")
    nothing: ArithmeticError = driftshm.NoFigureError("no reserves")
    assert_type((missing.args, nothing.args), tuple[tuple[Any, ...], tuple[Any, ...]])


class Mine(drift_v2.PerpMarket):  # type: ignore[misc] # final
    """Views are not to be extended."""
