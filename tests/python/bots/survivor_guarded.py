"""Reads with ``max_age`` in a loop, and says whether they raise, and at once when that changes.

Arguments: directory, max_age in seconds.
"""

from __future__ import annotations

import sys
import time

import driftshm
from bots.survivors import Pace, check_whole, pairs, report


def main(directory: str, max_age: float) -> None:
    reader = driftshm.open(directory)
    pace = Pace()
    kept = reader.get_perp_market(0)
    assert kept is not None
    was_fresh = None
    last_report = 0.0
    while True:
        try:
            market = reader.get_perp_market(0, max_age=max_age)
            assert market is kept
            check_whole(market.snapshot(max_age=max_age))
            pairs(kept, max_age=max_age)
            reader.snapshot(perp_markets=[0, 1], max_age=max_age)
            assert kept.ensure_fresh(max_age) is kept
            fresh = True
        except driftshm.StaleError:
            fresh = False
        if fresh != was_fresh or pace.last - last_report > 0.05:
            staleness = kept.staleness
            report("fresh" if fresh else "stale", staleness=staleness, **pace.figures())
            was_fresh, last_report = fresh, pace.last
        pace.round()
        time.sleep(0.002)


main(sys.argv[1], float(sys.argv[2]))
