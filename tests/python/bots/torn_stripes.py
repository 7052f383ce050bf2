"""Reads striped markets in every way for a while, and counts reads and torn ones.

Arguments: directory, seconds. Reads from a line the fields to look at, by kind of account, as
``[path, size, offset]``; prints ``ready``, waits for a line, then prints its counts as JSON.
"""

from __future__ import annotations

import json
import operator
import sys
import time
from collections import Counter
from typing import Any

from whole import stripe_of

import driftshm

ROUND = 50
Fields = list[tuple[str, int, int]]


class Account:
    """One market, and how to look at each of its fields."""

    def __init__(self, name: str, view: Any, fields: Fields) -> None:
        self.name = name
        self.view = view
        self.fields = fields
        self.getter = driftshm.fields(*(path for path, _, _ in fields))
        self.leaves = [(operator.attrgetter(path), size, at) for path, size, at in fields]

    def stripes(self, source: Any) -> list[int | None]:
        """The stripe of each field, of a view or a snapshot, by attributes."""
        return [stripe_of(get(source), size, at) for get, size, at in self.leaves]

    def one_stripe(self, source: Any) -> bool:
        """Whether all fields have the same, in one read."""
        values = zip(self.getter(source), self.fields, strict=True)
        return is_one({stripe_of(value, size, at) for value, (_, size, at) in values})


def is_one(stripes: set[int | None]) -> bool:
    return len(stripes) == 1 and None not in stripes


def main(directory: str, seconds: float) -> None:
    reader = driftshm.open(directory)
    fields = json.loads(sys.stdin.readline())
    accounts = [
        Account("perp_market", reader.get_perp_market(0), fields["PerpMarket"]),
        Account("spot_market", reader.get_spot_market(0), fields["SpotMarket"]),
    ]
    counts: Counter[str] = Counter(attributes=0, fields=0, snapshots=0, cuts=0)
    torn: list[str] = []
    stripes: set[int | None] = set()
    contended = 0
    print("ready")
    sys.stdin.readline()
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for account in accounts:
            for _ in range(ROUND):
                found = account.stripes(account.view)
                counts["attributes"] += len(found)
                if None in found:
                    path = account.fields[found.index(None)][0]
                    torn.append(f"attribute {account.name}.{path}")
                stripes.add(found[0])
                counts["fields"] += 1
                if not account.one_stripe(account.view):
                    torn.append(f"fields of {account.name}")
                counts["snapshots"] += 1
                copy = account.view.snapshot()
                if not (account.one_stripe(copy) and is_one(set(account.stripes(copy)))):
                    torn.append(f"snapshot of {account.name}")
                try:
                    cut = reader.snapshot(perp_markets=[0], spot_markets=[0])
                except driftshm.ContendedError:
                    contended += 1
                    continue
                counts["cuts"] += 1
                copies = (cut.perp_markets[0], cut.spot_markets[0])
                whole = all(
                    each.one_stripe(copy) for each, copy in zip(accounts, copies, strict=True)
                )
                if not whole or cut.id.versions != [copy.version for copy in copies]:
                    torn.append("cut")
    found_ = {"torn": torn[:10], "news": len(stripes), "contended": contended}
    print(json.dumps({"counts": counts, **found_}))


main(sys.argv[1], float(sys.argv[2]))
