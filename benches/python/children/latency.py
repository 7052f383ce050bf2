"""How long after it was published a coroutine runs that awaited it, in nanoseconds.

``latency changes DIR``: changes of perp market 0. ``latency eventfd FD PAGE``: an eventfd in the
loop, whose callback resolves a future, and the time of the publish in the first word of PAGE.
An order is a number: so many are awaited.
"""

from __future__ import annotations

import asyncio
import gc
import json
import mmap
import os
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from time import monotonic_ns
from typing import Any

import driftshm

Collect = Callable[[int], Coroutine[Any, Any, list[int]]]
# The first ones of a phase may have waited for it to begin.
SKIPPED = 20


def of_changes(directory: str) -> Collect:
    changes: driftshm.Changes | None = None

    async def collect(count: int) -> list[int]:
        nonlocal changes
        if changes is None:
            changes = driftshm.open(directory).changes(perp_markets=0)
        latencies = []
        async for change in changes:
            now = monotonic_ns()
            assert isinstance(change, driftshm.Change)
            latencies.append(now - change.publish_ns)
            if len(latencies) == count:
                break
        return latencies

    return collect


def of_eventfd(fd: int, page: Path) -> Collect:
    with page.open("rb") as file:
        published = memoryview(mmap.mmap(file.fileno(), 8, access=mmap.ACCESS_READ)).cast("Q")

    async def collect(count: int) -> list[int]:
        loop = asyncio.get_running_loop()
        waiter = loop.create_future()

        def on_readable() -> None:
            os.eventfd_read(fd)
            if not waiter.done():
                waiter.set_result(None)

        loop.add_reader(fd, on_readable)
        latencies: list[int] = []
        while len(latencies) < count:
            await waiter
            now = monotonic_ns()
            latencies.append(now - published[0])
            waiter = loop.create_future()
        loop.remove_reader(fd)
        return latencies

    return collect


def main(what: str, *arguments: str) -> None:
    if what == "changes":
        collect = of_changes(*arguments)
    else:
        collect = of_eventfd(int(arguments[0]), Path(arguments[1]))
    loop = asyncio.new_event_loop()
    if what == "changes":
        # The subscription is made, and its first change seen.
        loop.run_until_complete(collect(1))
    print(json.dumps("ready"), flush=True)
    gc.disable()
    for line in sys.stdin:
        latencies = loop.run_until_complete(collect(SKIPPED + int(line)))
        print(json.dumps(latencies[SKIPPED:]), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
