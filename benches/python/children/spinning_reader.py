"""Reads one attribute for as long as it is told to.

An order is ``WHAT START_NS END_NS``, times of CLOCK_MONOTONIC: it begins at the one and ends at the
other. WHAT is ``market``, or ``floor`` for a constant getter that shares nothing with anybody. The
answer is how many reads there were a second.
"""

from __future__ import annotations

import json
import sys
from time import monotonic_ns, sleep

from driftshm_floors import Floor
from harness.timing import Contender, statement

import driftshm

# Between two looks at the clock.
AT_ONCE = 2000


def spin(contender: Contender, start: int, end: int) -> float:
    sleep(max(0, start - monotonic_ns() - 2_000_000) / 1e9)
    while monotonic_ns() < start:
        pass
    done = 0
    while (now := monotonic_ns()) < end:
        done += contender.run(AT_ONCE)[0]
    return done / (now - start) * 1e9


def main(directory: str) -> None:
    market = driftshm.open(directory).get_perp_market(0)
    contenders = {
        "market": statement("market", "m.market_index", {"m": market}),
        "floor": statement("floor", "f.constant", {"f": Floor(None)}),
    }
    print(json.dumps("ready"), flush=True)
    for line in sys.stdin:
        what, start, end = line.split()
        print(json.dumps(spin(contenders[what], int(start), int(end))), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
