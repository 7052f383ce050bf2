"""A bot that is there: it subscribes to everything, reads, and then does as it is told.

Arguments: directory, and what it does once it has said ``ready``: ``stop`` (itself, by SIGSTOP),
``sleep`` (without ever draining), or ``follow`` (drains and reads for ever).
"""

from __future__ import annotations

import os
import signal
import sys
import time

import driftshm


def main(directory: str, then: str) -> None:
    reader = driftshm.open(directory)
    market = reader.get_perp_market(0)
    assert market is not None
    subscription = reader.subscribe(conflate=False)
    assert subscription.drain() or subscription.wait(5.0)
    print("ready")
    if then == "stop":
        # Armed, and in the middle of its life.
        subscription.drain()
        os.kill(os.getpid(), signal.SIGSTOP)
    while then == "sleep":
        time.sleep(60)
    while True:
        subscription.wait(1.0)
        market.snapshot()


main(sys.argv[1], sys.argv[2])
