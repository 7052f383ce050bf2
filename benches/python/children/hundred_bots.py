"""One bot that follows perp market 0, and others that follow an account each that does not change.

An order is a number of seconds; the answer says how often the one was woken and how many of the
others were. They are subscriptions of one process, but each has its own connection and eventfd, as
bots in processes of their own have.
"""

from __future__ import annotations

import json
import select
import sys
import time

import driftshm


def drained(subscription: driftshm.Subscription) -> int:
    """Takes all that waits, so that the next change wakes it; returns how much that was."""
    count = 0
    while items := subscription.drain():
        count += len(items)
    return count


def main(directory: str, others: int) -> None:
    reader = driftshm.open(directory)
    one = reader.subscribe(perp_markets=0)
    markets = reader.perp_markets()[1:]
    sleepers = [
        reader.subscribe(perp_markets=markets[nth % len(markets)].market_index)
        for nth in range(others)
    ]
    for subscription in (one, *sleepers):
        drained(subscription)
    poll = select.poll()
    poll.register(one.fileno(), select.POLLIN)
    print(json.dumps("ready"), flush=True)
    for line in sys.stdin:
        before = reader.stats()["wakeups"]
        end = time.monotonic() + float(line)
        woken = changes = 0
        while (left := end - time.monotonic()) > 0:
            if poll.poll(left * 1000):
                woken += 1
                changes += drained(one)
        in_vain = len(select.select([each.fileno() for each in sleepers], [], [], 0)[0])
        by_writer = reader.stats()["wakeups"] - before
        answer = {"woken": woken, "changes": changes, "in_vain": in_vain, "by_writer": by_writer}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
