"""Reads views in a loop, and says when it sees the writer dead and alive.

Argument: directory.
"""

from __future__ import annotations

import sys
import time

import driftshm
from bots.survivors import Known, Pace, check_whole, report, waited_for_processor


def main(directory: str) -> None:
    reader = driftshm.open(directory)
    known = Known(reader)
    pace = Pace()
    market = reader.get_perp_market(0)
    assert market is not None
    was_alive, waited = None, 0.0
    last_moved, last_version = 0, -1
    while True:
        known.look()
        for each in reader.perp_markets():
            check_whole(each)
        alive = reader.writer_alive
        waited_then, waited = waited, waited_for_processor()
        if alive != was_alive:
            # Without a processor one cannot look.
            figures = {"accounts": len(known.versions), "waited": waited - waited_then}
            report("alive" if alive else "dead", **figures, **pace.figures())
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
