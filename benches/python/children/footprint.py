"""A process as a bot is, or as bare as Python with asyncio gets; then it says what it takes.

``footprint bare`` · ``footprint bot DIR``
"""

from __future__ import annotations

import asyncio
import sys
from time import perf_counter_ns


def own_kib() -> int:
    """Memory that is this process's alone, and what is resident of driftshm's extension: that is
    another's too only if another bot runs."""
    kib = 0
    extension = False
    with open("/proc/self/smaps") as file:  # noqa: PTH123 - pathlib is not in a bare process
        for line in file:
            first, *rest = line.split()
            if not first.endswith(":"):
                extension = line.rstrip().endswith("_driftshm.abi3.so")
            elif first.startswith("Private_" if not extension else "Rss"):
                kib += int(rest[0])
    return kib


def main(what: str, *arguments: str) -> None:
    import_ns = 0
    keep: list[object] = []
    if what == "bot":
        start = perf_counter_ns()
        import driftshm

        import_ns = perf_counter_ns() - start

        async def follow() -> None:
            reader = driftshm.open(arguments[0])
            market = reader.get_perp_market(0)
            assert market is not None
            keep.extend((reader, market, market.amm.base_asset_reserve, market.mark_price))
            keep.append(market.snapshot())
            changes = reader.changes(perp_markets=0)
            keep.append(changes)
            async for _ in changes:
                break

        asyncio.run(follow())
    else:

        async def nothing() -> None:
            pass

        asyncio.run(nothing())
    print(f'{{"own_kib": {own_kib()}, "import_ns": {import_ns}}}', flush=True)
    sys.stdin.readline()


if __name__ == "__main__":
    main(*sys.argv[1:])
