"""Many readers: processes of their own, forked from one that has done nothing yet.

Arguments: directory, how many. Prints ``ready`` when all have read and subscribed; ends them, each
in one of two ways, at a line of input, and prints what they have counted.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from functools import partial

import driftshm
from bots.children import fork


def read_for_ever(directory: str, number: int, pipe: int) -> None:
    """A bot that looks five times a second."""
    reader = driftshm.open(directory)
    subscription = reader.subscribe(perp_markets=[number % 4], users=[reader.users()[0]])
    counts = {"changes": 0, "snapshots": 0}

    def end(*_: object) -> None:
        os.write(pipe, (json.dumps(counts) + "\n").encode())
        os._exit(0)

    signal.signal(signal.SIGTERM, end)
    market = reader.get_perp_market(number % 4)
    assert market is not None
    os.write(pipe, b"ready\n")
    while True:
        counts["changes"] += len(subscription.wait(1.0))
        assert market.snapshot(max_age=10.0).market_index == number % 4
        counts["snapshots"] += 1
        time.sleep(0.2)


def main(directory: str, count: int) -> None:
    from_children, to_parent = os.pipe()
    lives = [partial(read_for_ever, directory, number, to_parent) for number in range(count)]
    children = [fork(live) for live in lives]
    os.close(to_parent)
    lines = os.fdopen(from_children)
    for _ in children:
        assert lines.readline() == "ready\n"
    print("ready")
    sys.stdin.readline()
    # Every other one has no chance to say goodbye.
    for number, child in enumerate(children):
        os.kill(child, signal.SIGKILL if number % 2 else signal.SIGTERM)
    ends = [os.waitpid(child, 0)[1] for child in children]
    counts = [json.loads(text) for text in lines]
    print(json.dumps({"ends": [os.waitstatus_to_exitcode(end) for end in ends], "counts": counts}))


main(sys.argv[1], int(sys.argv[2]))
