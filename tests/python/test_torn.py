"""Torn reads: a writer at full speed on one record, and readers that can tell."""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from bots.whole import STRIPES, equal, striped, stripes, sums_up
from facts import DISCRIMINATOR, field, layout, real_accounts, write_replay
from programs import Program, program, tell
from support import WATCHDOG, Writer, line, until

import driftshm

READERS = 4
# CI takes the full time.
SHORTER = None if os.environ.get("CI") else os.environ.get("DRIFTSHM_TORN_SECONDS")
SECONDS = float(SHORTER or 20)


def run_readers(
    name: str, target: Writer, seconds: float, *, rate: int, first_line: str | None = None
) -> list[dict[str, Any]]:
    """Four reader processes at the same time; what each of them counted. The writer must have
    published more than ``rate`` versions a second meanwhile."""
    with contextlib.ExitStack() as stack, target.open() as reader:
        bots: list[Program] = []
        for _ in range(READERS):
            started = stack.enter_context(program(name, target.dir, seconds))
            if first_line is not None:
                tell(started, first_line)
            bots.append(started)
        for each in bots:
            assert line(each) == "ready"
        before, began = reader.stats(), time.monotonic()
        for each in bots:
            tell(each, "go")
        found = [json.loads(line(each, seconds + WATCHDOG)) for each in bots]
        after, took = reader.stats(), time.monotonic() - began
    published = after["published"] - before["published"]
    conflated = after["conflated"] - before["conflated"]
    print(f"writer: {published:,} published in {took:.1f} s ({published / took:,.0f}/s)")
    print(f"writer: {conflated:,} conflated before they were published")
    total: Counter[str] = Counter()
    for number, result in enumerate(found):
        total.update(result["counts"])
        counts = ", ".join(f"{kind} {count:,}" for kind, count in result["counts"].items())
        beside = f"contended {result['contended']}"
        if "overtaken" in result:
            beside += f", {result['overtaken']:,} overtaken by two versions or more"
        print(f"reader {number}: {counts}; {beside}")
    print(f"all: {sum(total.values()):,} reads, {[r['torn'] for r in found]} torn")
    assert published > rate * seconds
    return found


def assert_whole(found: list[dict[str, Any]]) -> None:
    for result in found:
        assert result["torn"] == []
        assert all(count > 0 for count in result["counts"].values()), result["counts"]
        # It is no use if the record stands still meanwhile.
        assert result["news"] > 20


def test_no_read_of_a_record_that_is_written_at_full_speed_is_torn(
    writer: Callable[..., Writer],
) -> None:
    target = writer(
        "--feed", "sim", "--pairs", "--focus-market", "0", "--rate", "1000000",
        "--markets", "2", "--spot-markets", "1", "--users", "0",
    )  # fmt: skip
    # A tenth of what a machine of two cores makes beside four readers.
    found = run_readers("torn_pairs", target, SECONDS, rate=15_000)
    assert_whole(found)
    # The count in the pairs only rises, and no read is older than the one before.
    assert [result["backwards"] for result in found] == [0] * READERS
    # Nor is it any use if no reader ever got in the writer's way.
    assert sum(result["overtaken"] for result in found) > 100


def kept(kind: str) -> list[tuple[int, int]]:
    """Which bytes a striped market keeps: who it is, and which oracle it reads and how."""
    paths = {
        "PerpMarket": ("pubkey", "market_index", "amm.oracle", "amm.oracle_source"),
        "SpotMarket": ("pubkey", "market_index", "oracle", "oracle_source"),
    }[kind]
    sizes = {"publicKey": 32, "u16": 2, "OracleSource": 1}
    places = [field(kind, path) for path in paths]
    return [(0, DISCRIMINATOR), *((at, at + sizes[type_]) for at, type_ in places)]


def wide_fields(kind: str, prefix: str = "", at: int = DISCRIMINATOR) -> list[list[Any]]:
    """Every field of more than two bytes, with its size and place in the account."""
    found: list[list[Any]] = []
    for each in layout()["structs"][kind]["fields"]:
        path, start = prefix + each["name"], at + each["offset"]
        if each["type"] in layout()["structs"]:
            found += wide_fields(each["type"], path + ".", start)
        elif each["size"] > 2:
            found.append([path, each["size"], start])
    return found


def striped_fields(kind: str) -> list[list[Any]]:
    """Those of them that are striped."""
    ranges = kept(kind)
    return [
        [path, size, at]
        for path, size, at in wide_fields(kind)
        if all(at + size <= start or at >= end for start, end in ranges)
    ]


@pytest.fixture
def striped_markets(tmp_path: Path) -> Path:
    """A perp and a spot market in turns, each line with another stripe."""
    models = [(kind, real_accounts(kind)[0]) for kind in ("PerpMarket", "SpotMarket")]
    for _, model in models:
        model["raw"] = bytearray(model["raw"])
    for kind, model in models:
        at, _ = field(kind, "market_index")
        model["raw"][at : at + 2] = b"\0\0"
    return write_replay(
        tmp_path / "stripes.jsonl",
        (
            (model["pubkey"], striped(bytes(model["raw"]), number, kept(kind)))
            for number in range(1, STRIPES + 1)
            for kind, model in models
        ),
    )


def test_no_wide_field_is_torn_however_it_is_read(
    writer: Callable[..., Writer], striped_markets: Path
) -> None:
    target = writer("--feed", "replay", "--replay", str(striped_markets), "--loop")
    paths = {kind: striped_fields(kind) for kind in ("PerpMarket", "SpotMarket")}
    sizes = Counter(size for each in paths.values() for _, size, _ in each)
    print("fields by size:", dict(sorted(sizes.items())))
    # Numbers of 128 bits, addresses and names, and bytes that begin in the middle of a word.
    assert sizes[16] > 20 and sizes[32] > 2 and sizes[22] == 1
    # Each line is parsed before it is published.
    fields = json.dumps(paths)
    assert_whole(run_readers("torn_stripes", target, SECONDS / 2, rate=500, first_line=fields))


def test_two_versions_put_together_are_noticed() -> None:
    model = real_accounts("SpotMarket")[0]["raw"]
    old, new = (striped(model, number, kept("SpotMarket")) for number in (41, 42))
    for path, size, at in striped_fields("SpotMarket"):
        numbers = stripes(size, at % 2 == 1)
        for where in range(at, at + size + 1):
            found = (old[:where] + new[where:])[at : at + size]
            expected = {at: 42, at + size: 41}.get(where)
            assert numbers.get(found) == expected, path
            if size <= 16:
                assert numbers.get(int.from_bytes(found, "little")) == expected, path
    assert not sums_up(bytes(80) + old) and not equal([7, 7, 8])


def test_every_cut_is_a_state_that_the_region_was_in(writer: Callable[..., Writer]) -> None:
    """By the journal: each account of the cut was published before any became newer than there."""
    target = writer(
        "--feed", "sim", "--markets", "6", "--spot-markets", "2", "--users", "0",
        "--rate", "50000", "--journal", str(1 << 20),
    )  # fmt: skip
    with target.open() as reader:
        markets = range(6)
        keys = [reader.get_perp_market(each).pubkey for each in markets]  # type: ignore[union-attr]
        keys += [reader.get_perp_oracle(each).pubkey for each in markets]  # type: ignore[union-attr]
        place: dict[tuple[str, int], int] = {}
        journal = 0
        cuts: list[tuple[int, ...]] = []
        contended = 0
        with reader.subscribe(kinds=["perp_market", "oracle"], conflate=False) as subscription:
            end = time.monotonic() + min(SECONDS, 5)
            while time.monotonic() < end:
                try:
                    cut = reader.snapshot(perp_markets=markets, perp_oracles=markets)
                    cuts.append(tuple(cut.id.versions))
                except driftshm.ContendedError:
                    contended += 1
                for change in subscription.drain():
                    assert isinstance(change, driftshm.Change), "lagged: no proof is possible"
                    place[change.pubkey, change.version] = journal
                    journal += 1
            newest = cuts[-1]

            def is_drained() -> bool:
                nonlocal journal
                for change in subscription.drain():
                    assert isinstance(change, driftshm.Change)
                    place[change.pubkey, change.version] = journal
                    journal += 1
                return all(
                    (key, version + 1) in place for key, version in zip(keys, newest, strict=True)
                )

            until("every account of the last cut has changed since", is_drained)

    checked = 0
    for versions in set(cuts):
        accounts = list(zip(keys, versions, strict=True))
        # What was there before the subscription has no place.
        published = max(place.get(each, -1) for each in accounts)
        replaced = min(place[key, version + 1] for key, version in accounts)
        assert published < replaced, versions
        checked += published >= 0
    print(f"{len(cuts):,} cuts of 12 accounts, {checked:,} different ones checked against")
    print(f"{journal:,} journal entries; {contended} contended")
    assert checked > 50
