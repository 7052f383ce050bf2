"""Prints a perp market's mark and oracle price whenever one of them changes."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import sys
import time
from typing import TYPE_CHECKING, NamedTuple

import driftshm

if TYPE_CHECKING:
    from driftshm.drift_v2 import PerpMarket

MAX_AGE = 1.0
"""Seconds for which nobody may have vouched for an account whose price is printed."""


class Watched(NamedTuple):
    """A market and its oracle: two accounts, each with a freshness of its own."""

    market: PerpMarket
    oracle: driftshm.OracleView | None


async def watch(reader: driftshm.Reader, symbols: list[str], every: float) -> None:
    """Prints a line per change, for each market at most one in ``every`` seconds."""
    # By the keys that changes have: the index of a market, the address of an oracle. Views are
    # live, so they are looked up once and kept.
    markets: dict[int | str, list[Watched]] = {}
    for symbol in symbols or [market.symbol for market in reader.perp_markets()]:
        market = reader.get_perp_market(symbol)
        oracle = reader.get_perp_oracle(symbol)
        if market is not None:
            watched = Watched(market, oracle)
            markets.setdefault(market.market_index, []).append(watched)
            if oracle is not None:
                markets.setdefault(oracle.pubkey, []).append(watched)
    if not markets:
        raise driftshm.UnknownMarketError(
            f"there are no markets yet: the writer's feed is {reader.feed_state}; see its log, or "
            f"`driftshm status --dir {reader.directory}`"
        )
    indexes = [key for key in markets if isinstance(key, int)]
    oracles = [key for key in markets if isinstance(key, str)]
    printed: dict[str, float] = {}
    async with reader.changes(perp_markets=indexes, oracles=oracles) as changes:
        async for change in changes:
            latency = time.monotonic_ns() - change.publish_ns
            now = time.monotonic()
            for watched in markets[change.key]:
                symbol = watched.market.symbol
                if now - printed.get(symbol, 0.0) >= every:
                    printed[symbol] = now
                    print(line(watched, change.slot, latency), flush=True)


def line(watched: Watched, slot: int, latency: int) -> str:
    """One line, all figures of the market from one version of its account."""
    market, oracle = watched
    try:
        market.ensure_fresh(MAX_AGE)
        if oracle is not None:
            oracle.ensure_fresh(MAX_AGE)
    except driftshm.StaleError as error:
        return f"{market.symbol:<14} is stale: {error}"
    data = market.market_data()
    mark, price = data["mark_price"], data["oracle_price"]
    if mark is None or price is None:
        return f"{data['symbol']:<14} has no price"
    spread = (mark / price - 1) * 100
    return (
        f"{data['symbol']:<14} mark {mark:>14.6f}   oracle {price:>14.6f}   "
        f"spread {spread:>+8.4f} %   slot {slot}   {latency:>9,} ns after publish"
    )


async def announce_outages(reader: driftshm.Reader) -> None:
    """Says when the writer goes and when it is back. The stream goes on by itself."""
    alive = True
    while True:
        await asyncio.sleep(0.25)
        if reader.writer_alive != alive:
            alive = not alive
            what = "is back" if alive else "is gone: prices stand still until it is back"
            print(f"watch_prices: the writer {what}", file=sys.stderr, flush=True)


async def run(arguments: argparse.Namespace) -> None:
    """Watches until the time is up."""
    with driftshm.open(arguments.region) as reader:
        work = asyncio.gather(
            watch(reader, arguments.markets, arguments.every), announce_outages(reader)
        )
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(work, arguments.seconds)


def main() -> int:
    """Returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("region", nargs="?", help="cluster, or directory if it has a slash")
    parser.add_argument("--markets", nargs="*", default=[], help="symbols; default: all")
    parser.add_argument("--every", type=float, default=0.0, help="seconds between a market's lines")
    parser.add_argument("--seconds", type=float, help="end after so long")
    try:
        asyncio.run(run(parser.parse_args()))
    except driftshm.DriftShmError as error:
        print(f"watch_prices: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        pass
    return 0


if __name__ == "__main__":
    sys.exit(main())
