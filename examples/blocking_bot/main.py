"""A bot without asyncio: it waits for changes in a plain loop and counts what it gets."""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import dataclass, field

import driftshm


@dataclass
class Second:
    """What came within about a second."""

    latencies: list[int] = field(default_factory=list)
    missed: int = 0

    def add(self, change: driftshm.Change) -> None:
        """Counts a change at the moment at which the bot has it."""
        self.latencies.append(time.monotonic_ns() - change.publish_ns)
        self.missed += change.missed

    def text(self, slot: int) -> str:
        """One line."""
        if not self.latencies:
            return f"slot {slot}   no changes"
        ordered = sorted(self.latencies)
        middle, worst = ordered[len(ordered) // 2], ordered[-1]
        return (
            f"slot {slot}   {len(ordered):>6} changes   {self.missed:>6} versions passed over   "
            f"after publish: median {middle / 1e3:>8.1f} µs, worst {worst / 1e3:>9.1f} µs"
        )


def run(arguments: argparse.Namespace) -> None:
    """Waits and counts until the time is up."""
    end = time.monotonic() + (float("inf") if arguments.seconds is None else arguments.seconds)
    with (
        driftshm.open(arguments.region) as reader,
        reader.subscribe(perp_markets=arguments.markets or None) as changes,
    ):
        second, next_line, connected = Second(), time.monotonic() + 1, True
        while (now := time.monotonic()) < end:
            # Other threads run meanwhile, and Ctrl-C ends it.
            for change in changes.wait(max(0.0, min(next_line, end) - now)):
                second.add(change)
            if changes.connected != connected:
                connected = not connected
                what = "is back" if connected else "is gone: waiting for another"
                print(f"blocking_bot: the writer {what}", file=sys.stderr, flush=True)
            if time.monotonic() >= next_line:
                print(second.text(reader.slot), flush=True)
                second, next_line = Second(), time.monotonic() + 1


def main() -> int:
    """Returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("region", nargs="?", help="cluster, or directory if it has a slash")
    parser.add_argument("--markets", nargs="*", help="symbols; default: every account")
    parser.add_argument("--seconds", type=float, help="end after so long")
    try:
        run(parser.parse_args())
    except driftshm.DriftShmError as error:
        print(f"blocking_bot: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        pass
    return 0


if __name__ == "__main__":
    sys.exit(main())
