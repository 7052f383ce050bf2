"""Reads views in a loop, and says when it sees the writer dead and alive.

Argument: directory.
"""

from __future__ import annotations

import sys
import time

import driftshm
from bots.survivors import Known, Pace, check_whole, report


def main(directory: str) -> None:
    reader = driftshm.open(directory)
    known = Known(reader)
    pace = Pace()
    market = reader.get_perp_market(0)
    assert market is not None
    was_alive = None
    last_moved, last_version = 0, -1
    while True:
        known.look()
        for each in reader.perp_markets():
            check_whole(each)
        alive = reader.writer_alive
        if alive != was_alive:
            accounts = len(known.versions)
            report("alive" if alive else "dead", accounts=accounts, **pace.figures())
            was_alive = alive
        # The same view goes on.
        version, now = market.version, time.monotonic_ns()
        if version != last_version and now - last_moved > 20_000_000:
            published = now - int(market.age * 1e9)
            report("moved", published=published, generation=reader.generation)
            last_moved = now
        last_version = version
        pace.round()
        time.sleep(0.002)


main(sys.argv[1])
