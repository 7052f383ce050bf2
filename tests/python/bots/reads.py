"""Does each kind of read many times between two marks that a tracer of system calls sees.

Arguments: directory, how many reads of each kind. Prints ``ready`` when it has all it reads, and
begins at a line of input. One thread, no collection of garbage; each kind runs a while before its
first mark, so that memory has been got where it is needed.
"""

from __future__ import annotations

import contextlib
import gc
import operator
import os
import sys
from collections.abc import Callable
from typing import Any

import driftshm

WARM_UP = 2000
# Threads that numpy would start make calls of their own.
os.environ["OPENBLAS_NUM_THREADS"] = "1"


def mark(text: str) -> None:
    """A system call that does nothing, with a name of its own."""
    with contextlib.suppress(FileNotFoundError):
        os.stat(f"/driftshm-mark/{text}")  # noqa: PTH116


def kinds(reader: Any) -> dict[str, Callable[[], Any]]:
    """Every way to read, as something to call without arguments."""
    market = reader.get_perp_market(0)
    spot = reader.get_spot_market(0)
    user = reader.users()[0]
    oracle = reader.get_perp_oracle(0)
    amm = market.amm
    snapshot = market.snapshot()
    base58, raw = user.pubkey, driftshm.derive_user_account(user.authority, user.sub_account_id)
    some = driftshm.fields("amm.base_asset_reserve", "amm.oracle", "status", "name", "market_index")
    symbol, authority = market.symbol, user.authority
    get = operator.attrgetter
    volume, nested, reserve, long, status, name, key = (
        get(path)
        for path in (
            "volume24h", "amm.historical_oracle_data.last_oracle_price", "base_asset_reserve",
            "base_asset_amount_long", "status", "name", "pubkey",
        )
    )  # fmt: skip
    position = get("market_index")
    meta = {name: get(name) for name in ("slot", "write_version", "version", "age", "closed")}
    assert raw == base58
    return {
        "attribute": lambda: volume(amm),
        "nested attribute": lambda: nested(market),
        "u128": lambda: reserve(amm),
        "i128": lambda: long(amm),
        "enum": lambda: status(market),
        "bytes": lambda: name(market),
        "pubkey": lambda: key(market),
        "element of an array": lambda: position(user.perp_positions[0]),
        "fields": lambda: some(market),
        "fields with max_age": lambda: some(market, max_age=60.0),
        "fields of a snapshot": lambda: some(snapshot),
        "snapshot": market.snapshot,
        "dict": market.to_dict,
        "snapshot of a nested struct": amm.snapshot,
        "bytes of an account": market.bytes,
        "cut": lambda: reader.snapshot(perp_markets=[0, 1], spot_markets=[0]),
        "get_perp_market by index": lambda: reader.get_perp_market(0),
        "get_perp_market by symbol": lambda: reader.get_perp_market(symbol),
        "get_perp_market with max_age": lambda: reader.get_perp_market(0, max_age=60.0),
        "get_spot_market": lambda: reader.get_spot_market(0),
        "get_user by base58": lambda: reader.get_user(base58),
        "get_user with max_age": lambda: reader.get_user(base58, max_age=60.0),
        "get_user by authority": lambda: reader.get_user(authority=authority),
        "get_user_stats": lambda: reader.get_user_stats(authority),
        "get_state": reader.get_state,
        "get_perp_oracle": lambda: reader.get_perp_oracle(0),
        "get_spot_oracle": lambda: reader.get_spot_oracle(1),
        "oracle price": lambda: oracle.price,
        "oracle price of a market": lambda: market.oracle_price,
        "oracle snapshot": lambda: oracle.snapshot(max_age=60.0),
        "mark price": lambda: market.mark_price,
        "open interest": lambda: market.open_interest,
        "market data": market.market_data,
        "funding rate": market.funding_rate,
        "token amount": lambda: spot.deposit_token_amount,
        "meta": market.meta,
        **{name: lambda read=read: read(market) for name, read in meta.items()},
        "staleness": lambda: market.staleness,
        "ensure_fresh": lambda: market.ensure_fresh(60.0),
        "writer_alive": lambda: reader.writer_alive,
        "generation": lambda: reader.generation,
        "feed_state": lambda: reader.feed_state,
        "current slot": lambda: reader.slot,
        "all perp markets": reader.perp_markets,
        "all spot markets": reader.spot_markets,
        "all users": reader.users,
        **arrays(reader),
    }


def arrays(reader: Any) -> dict[str, Callable[[], Any]]:
    """All accounts of a kind as an array, where there is numpy."""
    try:
        import numpy  # noqa: F401
    except ImportError:
        return {}
    return {
        "array of perp markets": reader.perp_markets_array,
        "array of spot markets": reader.spot_markets_array,
        "array of users": reader.users_array,
    }


def main(directory: str, count: int) -> None:
    reader = driftshm.open(directory)
    reads = kinds(reader)
    print("ready")
    sys.stdin.readline()
    # If the writer has made the region anew, this is when the reader finds it.
    for view in (*reader.perp_markets(), *reader.users()):
        assert view.slot
    gc.disable()
    for name, read in reads.items():
        for _ in range(WARM_UP):
            read()
        rounds = range(count)
        mark(f"begin {name}")
        for _ in rounds:
            read()
        mark(f"end {name}")
    # What does make system calls is seen as such.
    mark("begin control")
    for _ in range(100):
        os.getppid()
    mark("end control")


main(sys.argv[1], int(sys.argv[2]))
