"""What readers that outlive their writer have in common: what they know, and what they report.

They print a JSON object a line: ``event``, ``ns`` (CLOCK_MONOTONIC), and what belongs to it. A
reader that sees something wrong ends with an exception.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import driftshm
from bots.whole import PAIRS, equal, sums_up

pairs = driftshm.fields(*PAIRS)


def report(event: str, **details: Any) -> None:
    print(json.dumps({"event": event, "ns": time.monotonic_ns(), **details}), flush=True)


def waited_for_processor() -> float:
    """Seconds that this thread was ready to run and did not."""
    try:
        return int(Path("/proc/thread-self/schedstat").read_text().split()[1]) / 1e9
    except FileNotFoundError:
        return 0.0


class Pace:
    """Counts the rounds of a loop, and the longest time that one took, without what it waited for
    a processor.
    """

    def __init__(self) -> None:
        self.rounds = 0
        self.longest = 0.0
        self.last = time.monotonic()
        self.waited = waited_for_processor()

    def round(self) -> None:
        now, waited = time.monotonic(), waited_for_processor()
        self.rounds += 1
        self.longest = max(self.longest, now - self.last - (waited - self.waited))
        self.last, self.waited = now, waited

    def figures(self) -> dict[str, Any]:
        return {"rounds": self.rounds, "longest": self.longest}


def check_whole(market: Any) -> None:
    """A perp market with pairs is of one version, however it is read."""
    values = pairs(market)
    assert equal(values), values
    data = market.bytes()
    assert len(data) == 1216 and sums_up(data), "torn"


class Known:
    """Every account that was ever seen: none may go, and none may go back."""

    def __init__(self, reader: Any) -> None:
        self.reader = reader
        self.versions: dict[str, int] = {}
        self.slots: dict[str, int] = {}

    def views(self) -> list[Any]:
        reader = self.reader
        return [*reader.perp_markets(), *reader.spot_markets(), *reader.users()]

    def look(self) -> None:
        """All accounts that were there are there, and none is older than it was."""
        found = {view.pubkey: view for view in self.views()}
        lost = self.versions.keys() - found.keys()
        assert not lost, f"lost: {lost}"
        for key, view in found.items():
            meta = view.meta()
            assert meta.version >= self.versions.get(key, 0), f"{key} went back in version"
            assert meta.slot >= self.slots.get(key, 0), f"{key} went back in slot"
            self.versions[key], self.slots[key] = meta.version, meta.slot
