"""A bot that takes everything through ``batches()``.

An order is ``SECONDS CONFLATE`` (0 or 1); the answer has the changes, those that it missed, the
batches, and the processor time and time that they took.
"""

from __future__ import annotations

import asyncio
import json
import resource
import sys
import time
from typing import Any

import driftshm


def used() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


async def follow(reader: driftshm.Reader, seconds: float, conflate: bool) -> dict[str, Any]:
    items: list[driftshm.Change | driftshm.Lagged] = []
    batches = 0
    async with reader.batches(conflate=conflate) as stream:
        start, before = time.monotonic(), used()
        end = start + seconds
        async for batch in stream:
            items += batch
            batches += 1
            if time.monotonic() > end:
                break
        took, cpu = time.monotonic() - start, used() - before
    last: dict[tuple[str, Any], int] = {}
    missed = changes = 0
    for item in items:
        if isinstance(item, driftshm.Lagged):
            missed += item.count
            continue
        changes += 1
        account = (item.kind, item.key)
        missed += item.version - last.get(account, item.version - 1) - 1
        last[account] = item.version
    return {
        "changes": changes, "missed": missed, "batches": batches, "cpu": cpu, "seconds": took
    }  # fmt: skip


def main(directory: str) -> None:
    reader = driftshm.open(directory)
    print(json.dumps("ready"), flush=True)
    for line in sys.stdin:
        seconds, conflate = line.split()
        told = asyncio.run(follow(reader, float(seconds), conflate == "1"))
        print(json.dumps(told), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
