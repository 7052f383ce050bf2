"""Reads one perp market in every way for a while, and counts reads and torn ones.

Arguments: directory, seconds. Prints ``ready``, waits for a line, then prints its counts as JSON.
"""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import driftshm
from bots.whole import PAIRS, equal, sums_up

LENGTH = 1216
ROUND = 100

pairs = driftshm.fields(*PAIRS)
nested_pairs = driftshm.fields(*(path.removeprefix("amm.") for path in PAIRS[:2]))
Read = tuple[bool, int]


def fields_of_a_view(reader: Any, market: Any) -> Read:
    values = pairs(market)
    return equal(values), values[0]


def fields_of_a_nested_view(reader: Any, market: Any) -> Read:
    values = nested_pairs(market.amm)
    return equal(values), values[0]


def snapshot(reader: Any, market: Any) -> Read:
    copy = market.snapshot()
    conf = copy.amm.historical_oracle_data.last_oracle_conf
    values = (conf, copy.amm.volume24h, copy.last_fill_price)
    return equal(values) and sums_up(bytes(memoryview(copy))), conf


def nested_snapshot(reader: Any, market: Any) -> Read:
    copy = market.amm.snapshot()
    values = (copy.historical_oracle_data.last_oracle_conf, copy.volume24h)
    return equal(values), values[0]


def whole_bytes(reader: Any, market: Any) -> Read:
    data = market.bytes()
    return len(data) == LENGTH and sums_up(data), int.from_bytes(data[80:88], "little")


def to_dict(reader: Any, market: Any) -> Read:
    known = market.to_dict()
    conf = known["amm"]["historical_oracle_data"]["last_oracle_conf"]
    return equal((conf, known["amm"]["volume24h"], known["last_fill_price"])), conf


def cut(reader: Any, market: Any) -> Read:
    both = reader.snapshot(perp_markets=[1, 0])
    copies = [both.perp_markets[1], both.perp_markets[0]]
    good = all(sums_up(copy.bytes()) and equal(pairs(copy)) for copy in copies)
    versions = [copy.version for copy in copies]
    slots = [copy.slot for copy in copies]
    named = [both.id.versions, both.id.min_slot, both.id.max_slot]
    return good and named == [versions, min(slots), max(slots)], copies[1].last_fill_price


def array(reader: Any, market: Any) -> Read:
    row = reader.perp_markets_array()[0]
    count = int(row["last_fill_price"])
    good = count == int(row["amm"]["volume24h"]) and sums_up(row.tobytes()[:LENGTH])
    return good, count


def kinds() -> Iterator[Callable[[Any, Any], Read]]:
    yield from (fields_of_a_view, fields_of_a_nested_view, snapshot, nested_snapshot)
    yield from (whole_bytes, to_dict, cut)
    try:
        import numpy  # noqa: F401
    except ImportError:
        return
    yield array


def main(directory: str, seconds: float) -> None:
    reader = driftshm.open(directory)
    market = reader.get_perp_market(0)
    reads = list(kinds())
    counts = Counter({read.__name__: 0 for read in reads})
    torn: list[str] = []
    backwards = 0
    newest = news = contended = overtaken = 0
    print("ready")
    sys.stdin.readline()
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for read in reads:
            for _ in range(ROUND):
                version = market.version
                try:
                    whole, count = read(reader, market)
                except driftshm.ContendedError:
                    contended += 1
                    continue
                # One version beside the read does not touch what it reads; two may.
                overtaken += market.version >= version + 2
                counts[read.__name__] += 1
                if not whole:
                    torn.append(f"{read.__name__} at {count}")
                news += count != newest
                backwards += count < newest
                newest = max(newest, count)
    found = {"torn": torn[:10], "backwards": backwards, "news": news, "newest": newest}
    beside = {"contended": contended, "overtaken": overtaken}
    print(json.dumps({"counts": counts, **beside, **found}))


main(sys.argv[1], float(sys.argv[2]))
