"""Reads with and without a guard, and prints why the guard says no.

Arguments: directory. Prints ``ready``, then a line for each line of input.
"""

from __future__ import annotations

import sys
from typing import Any

import driftshm

READS = 2000


def main(directory: str) -> None:
    reader: Any = driftshm.open(directory)
    market = reader.get_perp_market(0)
    print("ready")
    for _ in sys.stdin:
        why = ""
        for _ in range(READS):
            assert market.market_index == reader.get_perp_market(0).market_index == 0
            try:
                market.ensure_fresh(0.0)
            except driftshm.StaleError as error:
                why = str(error)
        print(why)


main(*sys.argv[1:])
