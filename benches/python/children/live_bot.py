"""A bot that compares, for each change of a perp market, when the writer received it with when it
could be read.

An order is ``SECONDS``; the answer is the list of nanoseconds between the two.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time

import driftshm


async def follow(reader: driftshm.Reader, seconds: float) -> list[int]:
    took: list[int] = []
    async with reader.batches(kinds=["perp_market"], conflate=False) as stream:
        end = time.monotonic() + seconds
        async for batch in stream:
            for change in batch:
                if isinstance(change, driftshm.Change):
                    meta = change.view.meta()
                    # Where it was overtaken, the newer version's times are no one's.
                    if meta.version == change.version:
                        took.append(meta.publish_ns - meta.received_ns)
            if time.monotonic() > end:
                break
    return took


def main(directory: str) -> None:
    reader = driftshm.open(directory)
    print(json.dumps("ready"), flush=True)
    for line in sys.stdin:
        print(json.dumps(asyncio.run(follow(reader, float(line)))), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
