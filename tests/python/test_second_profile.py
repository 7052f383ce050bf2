"""Another program, served and read by attribute without a line of code that knows it."""

from __future__ import annotations

import json
import pickle
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from replays import Recording, Script, from_base58, key, line, perp
from support import ROOT, WATCHDOG, Writer, until

import driftshm

PROFILE = ROOT / "layout" / "tests" / "fixtures" / "second-profile.json"
PROGRAM = json.loads(PROFILE.read_text())["program_id"]
FEED_A, FEED_B = key(21), key(22)

Start = Callable[..., Writer]


def account(name: str, size: int, **fields: tuple[int, bytes]) -> bytes:
    """An account of the profile, laid out by hand: fields by offset behind the discriminator."""
    described = json.loads(PROFILE.read_text())["accounts"][name]
    data = bytearray(bytes.fromhex(described["discriminator"]) + bytes(size - 8))
    for offset, value in fields.values():
        data[8 + offset : 8 + offset + len(value)] = value
    return bytes(data)


def market(index: int, ticker: str, size: int = 152, fees: int = 0) -> bytes:
    grown = {"fees": (112, fees.to_bytes(16, "little")), "shift": (128, struct.pack("<q", -5))}
    return account(
        "Market", size,
        index=(0, struct.pack("<H", index)), ticker=(2, ticker.encode()),
        oracle=(16, from_base58(FEED_A)), source=(48, b"\1"),
        lots=(56, struct.pack("<QQ", 1000 + index, 7)),
        grid=(72, struct.pack("<6h", 1, -2, 3, -4, 5, -6)), paused=(84, b"\1"),
        **(grown if size >= 152 else {}),
    )  # fmt: skip


def trader(number: int, size: int = 74) -> bytes:
    return account(
        "Trader", size,
        owner=(0, from_base58(key(31))), number=(32, struct.pack("<H", number)),
        first=(34, struct.pack("<I", 3)), lots=(42, struct.pack("<q", -9)),
    )  # fmt: skip


FLAGS = ("--profile", str(PROFILE))
CONFIG = account("Config", 16, markets=(0, struct.pack("<I", 2)))


def lines() -> list[str]:
    return [
        line(key(11), market(0, "AAA", fees=1 << 100), owner=PROGRAM, slot=50),
        line(key(12), market(1, "BBB", 152 + 64), owner=PROGRAM, slot=50),
        line(key(13), market(2, "CCC", 152 + 512), owner=PROGRAM, slot=50),
        line(key(14), market(3, "OLD", 120), owner=PROGRAM, slot=50),
        line(key(31), trader(0), owner=PROGRAM, slot=50),
        line(key(32), trader(1, 90), owner=PROGRAM, slot=50),
        line(key(33), trader(2, 82), owner=PROGRAM, slot=50),
        line(key(40), CONFIG, owner=PROGRAM, slot=50),
        line(FEED_A, account("FeedA", 20, price=(0, struct.pack("<qi", 123, -2))), slot=50),
        perp(0).line(slot=50),
    ]


@pytest.fixture
def reader(writer: Start, directory: Path) -> driftshm.Reader:
    running = writer(*Recording(directory.with_name("recording"), *lines()).arguments, *FLAGS)
    reader = running.open()
    until("all are there", lambda: sum(reader.stats()["records"].values()) == 9)
    return reader


def test_accounts_of_another_program_are_read_by_attribute(reader: driftshm.Reader) -> None:
    assert reader.profile == "second"
    view = reader.get_perp_market("AAA")
    assert view is reader.get_perp_market(0)
    assert type(view).__name__ == "Market"
    assert type(view).__module__ == "driftshm.second"
    assert (view.index, view.ticker, view.symbol) == (0, b"AAA" + bytes(9), "AAA")
    assert (view.feed.account, view.feed.source.name, int(view.feed.source)) == (FEED_A, "A", 1)
    assert list(view.open_lots) == [1000, 7]
    assert view.grid.to_list() == [[1, -2, 3], [-4, 5, -6]]
    assert (view.grid[1][2], view.paused) == (-6, True)
    assert (view.grown.fees, view.grown.shift) == (1 << 100, -5)
    assert view.float("grown.fees") == (1 << 100) / 1e8
    assert driftshm.fields("grid[1][0]", "grown.fees", "ticker")(view) == (
        -4,
        1 << 100,
        view.ticker,
    )
    assert "an integer with 8 decimals" in type(view.grown).fees.__doc__
    assert reader.get_state().markets == 2
    with pytest.raises(driftshm.FieldError):
        driftshm.fields("amm.volume24h")(view)
    assert not hasattr(view, "amm")
    assert reader.get_spot_market(0) is None
    assert reader.spot_markets() == []


def test_accounts_of_several_lengths_are_all_readable(reader: driftshm.Reader) -> None:
    """The same type at N, N + 64, N + 512 bytes, and one from before it grew to N."""
    sizes = {view.symbol: view.meta().data_len for view in reader.perp_markets()}
    assert sizes == {"AAA": 152, "BBB": 216, "CCC": 664, "OLD": 120}
    for index, (ticker, size) in enumerate((("AAA", 152), ("BBB", 216), ("CCC", 664))):
        view = reader.get_perp_market(index)
        expected = market(index, ticker, size, fees=1 << 100 if index == 0 else 0)
        assert view.bytes() == bytes(view.snapshot()) == expected
        assert view.open_lots[0] == 1000 + index
        assert not view.meta().layout_mismatch
    old = reader.get_perp_market("OLD")
    assert (old.index, old.open_lots[0]) == (3, 1003)
    assert (old.grown.fees, old.grown.shift) == (0, 0), "behind its end there is nothing"
    assert len(reader.perp_markets_array()) == 4
    assert list(reader.perp_markets_array()["index"]) == [0, 1, 2, 3]


def test_lengths_that_are_listed_are_the_only_ones_that_are_trusted(
    reader: driftshm.Reader,
) -> None:
    assert reader.get_user(key(31)).positions[0].lots == -9
    grown = reader.get_user(key(32))
    assert (grown.number, grown.owner, len(grown.bytes())) == (1, key(31), 90)
    odd = reader.get_user(key(33))
    assert odd.meta().layout_mismatch
    assert odd.bytes() == trader(2, 82)
    with pytest.raises(driftshm.LayoutMismatchError, match="82 bytes"):
        _ = odd.number
    assert reader.stats()["layout_mismatch"] == 1


def test_addresses_are_derived_by_the_profiles_seeds(
    reader: driftshm.Reader, tmp_path: Path
) -> None:
    assert reader.get_user(authority=key(31), sub_account_id=0) is None, "not at that address"
    with pytest.raises(TypeError, match="does not say how this address is made"):
        reader.get_user_stats(key(31))


def test_snapshots_of_it_are_pickled_with_their_profile(reader: driftshm.Reader) -> None:
    snapshot = reader.get_perp_market(0).snapshot()
    code = "import pickle,sys; s=pickle.load(sys.stdin.buffer); print(s.symbol, s.grown.fees, s.to_dict()['grid'])"
    run = subprocess.run(
        [sys.executable, "-c", code], input=pickle.dumps(snapshot), capture_output=True, check=True
    )
    assert run.stdout.decode().split() == [
        "AAA",
        str(1 << 100),
        "[[1,",
        "-2,",
        "3],",
        "[-4,",
        "5,",
        "-6]]",
    ]


def test_changes_of_it_are_awaited_like_any(writer: Start, script: Script) -> None:
    script.say(*lines())
    with writer(*script.arguments, *FLAGS).open() as reader:
        until("all are there", lambda: sum(reader.stats()["records"].values()) == 9)
        with reader.subscribe(perp_markets=["BBB"], users=[key(31)]) as subscription:
            script.say(line(key(12), market(1, "BBB", 152 + 128, fees=9), owner=PROGRAM))
            change = subscription.wait(WATCHDOG)[0]
            assert (change.kind, change.key, change.view.grown.fees) == ("perp_market", 1, 9)
            assert change.view.meta().data_len == 280


def test_a_bot_from_before_the_profile_was_changed_is_told_so_and_can_go_on(
    writer: Start, script: Script
) -> None:
    script.say(perp(0))
    running = writer(*script.arguments)
    with running.open() as reader, reader.subscribe(perp_markets=[0]) as subscription:
        old = until("it is there", lambda: reader.get_perp_market(0))
        nested, oracle_source, array = old.amm, old.amm.oracle_source, old.snapshot()
        running.stop()
        script.say(*lines())
        running = writer(*script.arguments, *FLAGS)
        until("all are there", lambda: reader.get_perp_market(3))
        reads: list[Callable[[], Any]] = [
            lambda: old.status, lambda: nested.volume24h, old.to_dict, old.snapshot, old.bytes,
            lambda: old.version, lambda: driftshm.fields("status")(old), lambda: old.mark_price,
            lambda: old.ensure_fresh(WATCHDOG), lambda: old.snapshot(max_age=0.1),
        ]  # fmt: skip
        for read in reads:
            with pytest.raises(
                driftshm.SchemaChangedError,
                match=f"get account {perp(0).pubkey} from the reader again",
            ):
                read()
        assert repr(old)
        assert old.pubkey == perp(0).pubkey
        assert array.symbol == "SOL-PERP", "snapshots keep their own"
        assert oracle_source.name == "PythLazer"
        new = reader.get_perp_market(0)
        assert (new.symbol, reader.profile) == ("AAA", "second")
        assert new is not old
        assert new.ensure_fresh(WATCHDOG) is new
        change = subscription.wait(WATCHDOG)[0]
        assert change.view is new
        assert len(reader.perp_markets()) == 4
        getter = driftshm.fields("index")
        assert getter(new) == (0,)

        running.stop()
        script.say(perp(0))
        running = writer(*script.arguments)
        until("and back", lambda: _symbol(reader) == "SOL-PERP")
        with pytest.raises(driftshm.SchemaChangedError):
            _ = new.index
        assert reader.get_perp_market(0).status == 1
        until("the first view reads again", lambda: _status(old) == 1)


def _symbol(reader: driftshm.Reader) -> str | None:
    view = reader.get_perp_market(0)
    return None if view is None else str(view.symbol)


def _status(view: Any) -> int | None:
    try:
        return int(view.status)
    except driftshm.SchemaChangedError:
        return None
