"""Prints funding rates and open interest of all perp markets, each table from one moment."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import sys

import driftshm

HEADING = (
    f"{'market':<14} {'mark':>14} {'oracle':>14} {'funding 8h':>12} {'a year':>10} "
    f"{'open interest':>16}"
)


def table(reader: driftshm.Reader, rows: int) -> list[str]:
    """The markets with the highest funding. No account changed while the cut was made."""
    markets = [
        market
        for market in reader.perp_markets()
        if market.market_data()["oracle_price"] is not None
    ]
    cut = reader.snapshot(perp_markets=markets, perp_oracles=markets, max_age=2.0)
    lines = []
    for index, market in cut.perp_markets.items():
        try:
            mark, rate = market.mark_price_float, market.funding_rate()
        except driftshm.NoFigureError:
            continue  # an empty AMM, or no funding yet
        text = (
            f"{market.symbol:<14} {mark:>14.6f} {cut.perp_oracles[index].price_float:>14.6f} "
            f"{rate.eight_hour:>12.5%} {rate.annual:>10.2%} {market.open_interest_float:>16,.3f}"
        )
        lines.append((abs(rate.hourly), text))
    lines.sort(reverse=True)
    slots = f"slots {cut.id.min_slot} to {cut.id.max_slot}"
    title = f"{len(lines)} markets, {slots}, generation {cut.id.generation}"
    return [title, HEADING, *(text for _, text in lines[:rows])]


async def tables(reader: driftshm.Reader, rows: int, every: float) -> None:
    """Prints a table when a market has changed, at most one in ``every`` seconds."""
    async with reader.batches(kinds=["perp_market"]) as batches:
        async for _ in batches:
            try:
                print("\n".join(table(reader, rows)), flush=True)
            except (
                driftshm.StaleError,
                driftshm.ContendedError,
                driftshm.OracleInvalidError,  # since its market was listed
            ) as error:
                print(f"funding_table: no table: {error}", file=sys.stderr, flush=True)
            # What changes meanwhile waits, conflated.
            await asyncio.sleep(every)


async def announce_outages(reader: driftshm.Reader) -> None:
    """Says when the writer goes and when it is back. The stream goes on by itself."""
    alive = True
    while True:
        await asyncio.sleep(0.25)
        if reader.writer_alive != alive:
            alive = not alive
            what = "is back" if alive else "is gone: no tables until it is back"
            print(f"funding_table: the writer {what}", file=sys.stderr, flush=True)


async def run(arguments: argparse.Namespace) -> None:
    """Prints tables until the time is up."""
    with driftshm.open(arguments.region) as reader:
        work = asyncio.gather(
            tables(reader, arguments.rows, arguments.every), announce_outages(reader)
        )
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(work, arguments.seconds)


def main() -> int:
    """Returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("region", nargs="?", help="cluster, or directory if it has a slash")
    parser.add_argument("--rows", type=int, default=10, help="markets in a table")
    parser.add_argument("--every", type=float, default=2.0, help="seconds between tables")
    parser.add_argument("--seconds", type=float, help="end after so long")
    try:
        asyncio.run(run(parser.parse_args()))
    except driftshm.DriftShmError as error:
        print(f"funding_table: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        pass
    return 0


if __name__ == "__main__":
    sys.exit(main())
