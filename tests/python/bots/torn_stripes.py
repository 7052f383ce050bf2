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
from collections.abc import Iterable
from typing import Any

import driftshm
from bots.whole import Value, stripes

ROUND = 20
Fields = list[tuple[str, int, int]]


class Account:
    """One market, and how to look at its fields."""

    def __init__(self, name: str, view: Any, fields: Fields) -> None:
        self.name = name
        self.view = view
        self.paths = [path for path, _, _ in fields]
        self.together = driftshm.fields(*self.paths)
        self.one_by_one = operator.attrgetter(*self.paths)
        self.numbers = [stripes(size, at % 2 == 1) for _, size, at in fields]

    def numbers_in(self, values: Iterable[Value]) -> list[int | None]:
        """The stripe of each value; `None` where it was put together from several."""
        pairs = zip(self.numbers, values, strict=True)
        return [numbers.get(value) for numbers, value in pairs]


def is_one(numbers: Iterable[int | None]) -> bool:
    found = set(numbers)
    return len(found) == 1 and None not in found


class Reads:
    """All that one reader has seen."""

    def __init__(self, reader: Any, accounts: list[Account]) -> None:
        self.reader = reader
        self.accounts = accounts
        self.counts = Counter(attributes=0, fields=0, snapshots=0, cuts=0)
        self.torn: list[str] = []
        self.seen: set[int | None] = set()
        self.contended = 0

    def of_one(self, account: Account) -> None:
        """Attributes may be of many versions, but each is of one; all else is of one."""
        numbers = account.numbers_in(account.one_by_one(account.view))
        self.counts["attributes"] += len(numbers)
        if None in numbers:
            self.torn.append(f"attribute {account.name}.{account.paths[numbers.index(None)]}")
        self.seen.update(numbers)

        self.counts["fields"] += 1
        numbers = account.numbers_in(account.together(account.view))
        if not is_one(numbers):
            self.torn.append(f"fields of {account.name}: {set(numbers)}")
        self.seen.update(numbers)

        self.counts["snapshots"] += 1
        copy = account.view.snapshot()
        numbers = account.numbers_in(account.one_by_one(copy))
        if not is_one(numbers) or numbers != account.numbers_in(account.together(copy)):
            self.torn.append(f"snapshot of {account.name}: {set(numbers)}")

    def of_all(self) -> None:
        """A cut: every account in it is whole, and of the version that the cut names."""
        try:
            cut = self.reader.snapshot(perp_markets=[0], spot_markets=[0])
        except driftshm.ContendedError:
            self.contended += 1
            return
        self.counts["cuts"] += 1
        copies = [cut.perp_markets[0], cut.spot_markets[0]]
        for account, copy in zip(self.accounts, copies, strict=True):
            numbers = account.numbers_in(account.together(copy))
            if not is_one(numbers):
                self.torn.append(f"{account.name} in a cut: {set(numbers)}")
        if cut.id.versions != [copy.version for copy in copies]:
            self.torn.append("versions of a cut")


def main(directory: str, seconds: float) -> None:
    reader = driftshm.open(directory)
    fields = json.loads(sys.stdin.readline())
    perp = Account("perp_market", reader.get_perp_market(0), fields["PerpMarket"])
    spot = Account("spot_market", reader.get_spot_market(0), fields["SpotMarket"])
    reads = Reads(reader, [perp, spot])
    print("ready")
    sys.stdin.readline()
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for _ in range(ROUND):
            reads.of_one(perp)
            reads.of_one(spot)
            reads.of_all()
    found = {"torn": reads.torn[:10], "news": len(reads.seen), "contended": reads.contended}
    print(json.dumps({"counts": reads.counts, **found}))


main(sys.argv[1], float(sys.argv[2]))
