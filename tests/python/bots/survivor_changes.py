"""Awaits changes, and says every few milliseconds that one came.

Argument: directory.
"""

from __future__ import annotations

import asyncio
import sys
import time

import driftshm
from bots.survivors import Pace, check_whole, report


def time_of(item: driftshm.Change | driftshm.Lagged) -> int:
    return item.publish_ns if isinstance(item, driftshm.Change) else 0


async def main(directory: str) -> None:
    reader = driftshm.open(directory)
    pace = Pace()
    last_report = 0
    versions: dict[str, int] = {}
    async with reader.batches(kinds=["perp_market", "user"]) as batches:
        report("subscribed")
        async for batch in batches:
            for change in batch:
                assert isinstance(change, driftshm.Change), change
                view = change.view
                assert view is not None, f"{change} of an account that is gone"
                # Conflated: each change once, at its newest.
                assert change.version > versions.get(change.pubkey, 0), change
                versions[change.pubkey] = change.version
                if change.kind == "perp_market":
                    check_whole(view)
            pace.round()
            now = time.monotonic_ns()
            if now - last_report > 10_000_000:
                connected = batches.subscription.times_connected
                published = max(time_of(item) for item in batch)
                report("changed", published=published, connected=connected, **pace.figures())
                last_report = now


asyncio.run(main(sys.argv[1]))
