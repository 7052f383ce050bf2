"""Files that are no sound region, under the reader and under a writer that starts."""

from __future__ import annotations

import math
import os
import pickle
import random
import shutil
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from children import in_child
from programs import program, tell
from support import WATCHDOG, Writer, line, need_tool, until

import driftshm

SEED = 20_240_404
SIM = ("--feed", "sim", "--users", "10", "--markets", "8", "--seed", "7")
SMALL = (
    "--max-users",
    "32",
    "--max-oracles",
    "32",
    "--max-user-stats",
    "32",
    "--max-perp-markets",
    "16",
    "--max-spot-markets",
    "16",
    "--journal",
    "256",
)
PAGE = 4096
# Where the format's version is: these words never move.
ABI = 4
# Of the boot that its times are of.
BOOT_ID = 8 * 8

Start = Callable[..., Writer]
Spoil = Callable[[Path], object]


def patch(at: int, new: bytes) -> Spoil:
    def spoil(region: Path) -> None:
        with region.open("r+b") as file:
            file.seek(at)
            file.write(new)

    return spoil


def replaced_by(content: bytes) -> Spoil:
    def spoil(region: Path) -> None:
        region.unlink()
        region.write_bytes(content)

    return spoil


def by_a_pipe(region: Path) -> None:
    region.unlink()
    os.mkfifo(region)


def by_a_directory(region: Path) -> None:
    region.unlink()
    region.mkdir()


SPOILT: list[tuple[str, Spoil, type[driftshm.OpenFailed], str]] = [
    ("empty", lambda region: os.truncate(region, 0), driftshm.CorruptRegionError, "is empty"),
    (
        "seven bytes",
        lambda region: os.truncate(region, 7),
        driftshm.CorruptRegionError,
        "7 bytes only",
    ),
    (
        "half a page",
        lambda region: os.truncate(region, 2048),
        driftshm.CorruptRegionError,
        "shorter",
    ),
    (
        "a page",
        lambda region: os.truncate(region, PAGE),
        driftshm.CorruptRegionError,
        "length is not",
    ),
    (
        "cut short",
        lambda region: os.truncate(region, region.stat().st_size - PAGE),
        driftshm.CorruptRegionError,
        "length is not",
    ),
    ("text", replaced_by(b"hello, world\n" * 1000), driftshm.CorruptRegionError, "magic"),
    (
        "noise",
        replaced_by(random.Random(SEED).randbytes(3 * PAGE)),
        driftshm.CorruptRegionError,
        "magic",
    ),
    ("half-built", patch(0, bytes(8)), driftshm.RegionNotReadyError, "still being made"),
    ("all zeros", replaced_by(bytes(8 * PAGE)), driftshm.RegionNotReadyError, "try again"),
    (
        "an older format",
        patch(ABI, struct.pack("<I", 0)),
        driftshm.IncompatibleRegionError,
        f"has format 0, this reader reads format {driftshm.ABI_VERSION}",
    ),
    (
        "a newer format",
        patch(ABI, struct.pack("<I", 99)),
        driftshm.IncompatibleRegionError,
        f"has format 99, this reader reads format {driftshm.ABI_VERSION}",
    ),
    ("no schema", patch(PAGE, bytes(64)), driftshm.CorruptRegionError, "schema"),
    (
        "sections elsewhere",
        patch(8 * 8 + 192 + 8, b"\xff" * 8),
        driftshm.CorruptRegionError,
        "perp_market",
    ),
    ("a pipe", by_a_pipe, driftshm.CorruptRegionError, "not a regular file"),
    ("a directory", by_a_directory, driftshm.OpenFailed, "region"),
    ("gone", Path.unlink, driftshm.NoRegionError, "is the writer running"),
]
CASES = [pytest.param(*case[1:], id=case[0]) for case in SPOILT]


@pytest.fixture
def stopped(writer: Start) -> Writer:
    """A writer that was stopped, and its region."""
    running = writer(*SIM, *SMALL)
    running.stop()
    return running


@pytest.mark.parametrize(("spoil", "error", "words"), CASES)
def test_a_reader_says_what_is_wrong_and_what_to_do(
    stopped: Writer, spoil: Spoil, error: type[driftshm.OpenFailed], words: str
) -> None:
    region = stopped.dir / "region"
    spoil(region)
    with pytest.raises(error) as raised:
        stopped.open()
    text = str(raised.value)
    assert words in text
    assert str(region) in text
    if error is driftshm.IncompatibleRegionError:
        assert "install the same version" in text
    elif error is driftshm.CorruptRegionError:
        assert "stop the writer, remove the file and start the writer again" in text


@pytest.mark.parametrize(("spoil", "error", "words"), CASES)
def test_a_writer_makes_a_sound_region_in_its_place(
    stopped: Writer, spoil: Spoil, error: type[driftshm.OpenFailed], words: str
) -> None:
    spoil(stopped.dir / "region")
    if spoil is by_a_directory:
        process = stopped.spawn().process
        assert process is not None
        assert process.wait(WATCHDOG) == 1
        assert "region: Is a directory" in stopped.tail()
        return
    stopped.start()
    with stopped.open() as reader:
        assert [market.market_index for market in reader.perp_markets()] == list(range(8))
    assert sorted(os.listdir(stopped.dir)) == ["control.sock", "lock", "region"]
    if spoil is not Path.unlink:
        # The log is written by a thread of its own.
        until("it is said", lambda: "in place of one that could not be used" in stopped.tail())


@pytest.mark.parametrize("version", [0, 99])
def test_readers_of_another_formats_region_go_over_to_the_one_that_replaces_it(
    writer: Start, version: int
) -> None:
    running = writer(*SIM, *SMALL)
    with running.open() as reader:
        view = reader.get_perp_market(0)
        running.kill()
        patch(ABI, struct.pack("<I", version))(running.dir / "region")
        running.start()
        assert view.ensure_fresh(WATCHDOG) is view
        assert reader.stats()["writer_pid"] == running.pid
        assert reader.get_perp_market(0, max_age=WATCHDOG) is view


def test_the_times_in_a_region_from_before_the_machine_was_started_mean_nothing(
    stopped: Writer,
) -> None:
    patch(BOOT_ID, bytes(16))(stopped.dir / "region")
    with stopped.open() as reader:
        market, oracle = reader.get_perp_market(0), reader.get_perp_oracle(0)
        copy = market.snapshot()
        again = pickle.loads(pickle.dumps(copy))
        ages = [market.age, oracle.age, copy.age, copy.amm.age, again.age, again.amm.age]
        assert ages == [math.inf] * 6
        assert market.staleness == oracle.staleness == math.inf
        for guarded in (
            lambda: market.ensure_fresh(1e12),
            lambda: oracle.ensure_fresh(1e12),
            lambda: reader.get_user(market.pubkey, max_age=1e12),
        ):
            with pytest.raises(driftshm.StaleError, match="before the machine was started"):
                guarded()
    stopped.start()
    with stopped.open() as reader:
        assert reader.get_perp_market(0).snapshot().age < WATCHDOG


def test_a_region_that_cannot_be_read_is_not_opened_again_and_again(
    writer: Start, directory: Path, tmp_path: Path
) -> None:
    """Reads without a guard go on as fast as ever in the region that it has taken the place of."""
    running = writer(*SIM, *SMALL)
    trace = tmp_path / "trace"
    tracer = [need_tool("strace"), "-f", "-e", "trace=openat", "-o", str(trace)]
    with program("refused", directory, prefix=tracer) as process:
        assert line(process) == "ready"
        running.stop()
        aside = directory / "aside"
        shutil.copy(directory / "region", aside)
        patch(ABI, struct.pack("<I", 99))(aside)
        aside.replace(directory / "region")
        for _ in range(2):
            tell(process, "read")
            assert "has format 99" in line(process)
        sound = directory / "sound"
        shutil.copy(directory / "region", sound)
        patch(ABI, struct.pack("<I", driftshm.ABI_VERSION))(sound)
        sound.replace(directory / "region")
        tell(process, "read")
        assert "the writer was stopped" in line(process), "another file is looked at"
    opened = [text for text in trace.read_text().splitlines() if f'{directory}/region"' in text]
    assert len(opened) == 3, "when it began, one that it refused, one that it took"


def read_everything(directory: Path) -> int:
    """Reads whatever can be read; typed errors are fine. Returns how much could be."""
    count = 0
    with driftshm.open(directory) as reader:
        accounts: list[Any] = []
        for get in (reader.perp_markets, reader.spot_markets, reader.users):
            try:
                accounts += get()
            except driftshm.DriftShmError:
                continue
        for account in accounts:
            for use in ("to_dict", "bytes", "snapshot", "meta", "__repr__"):
                try:
                    getattr(account, use)()
                    count += 1
                except driftshm.DriftShmError:
                    continue
        for act in (
            reader.stats,
            reader.perp_markets_array,
            lambda: reader.get_perp_oracle(0),
            lambda: reader.get_perp_market("SOL-PERP"),
            lambda: reader.snapshot(perp_markets=[0, 1], spot_markets=[0], state=True),
        ):
            try:
                act()
                count += 1
            except driftshm.DriftShmError:
                continue
    return count


def test_a_region_with_damaged_bytes_is_an_error_or_old_data_but_never_a_crash(
    stopped: Writer, tmp_path: Path
) -> None:
    """Words at random places, most of them in the header and the first records, overwritten."""
    sound = (stopped.dir / "region").read_bytes()
    directory = tmp_path / "damaged"
    directory.mkdir()

    def damage_and_read() -> object:
        dice = random.Random(SEED)
        outcomes = {"opened": 0, "refused": 0, "read": 0}
        for _ in range(150):
            damaged = bytearray(sound)
            for _ in range(dice.choice((1, 3, 30))):
                area = dice.choice((PAGE, PAGE, 16 * PAGE, len(sound)))
                at = dice.randrange(0, area, 8) if dice.random() < 0.95 else 0
                value = dice.choice((0, 1, 1 << 63, (1 << 64) - 1, dice.getrandbits(64)))
                damaged[at : at + 8] = value.to_bytes(8, "little")
            (directory / "region").write_bytes(damaged)
            try:
                outcomes["read"] += read_everything(directory)
                outcomes["opened"] += 1
            except driftshm.OpenFailed:
                outcomes["refused"] += 1
        return outcomes

    outcomes = in_child(damage_and_read)
    assert isinstance(outcomes, dict), outcomes
    assert outcomes["opened"] > 10
    assert outcomes["refused"] > 10
    print(f"{outcomes}, seed {SEED}")


# -------------------------------------------------------------------- sections that are full


def test_a_full_section_is_counted_and_said_and_nothing_is_overwritten(writer: Start) -> None:
    running = writer(
        "--feed",
        "sim",
        "--users",
        "40",
        "--markets",
        "12",
        "--rate",
        "2000",
        "--seed",
        "7",
        "--max-users",
        "7",
        "--max-perp-markets",
        "5",
        "--max-user-stats",
        "4",
    )
    with running.open() as reader:
        users = {user.pubkey: user.authority for user in reader.users()}
        assert len(users) == 7
        assert [market.market_index for market in reader.perp_markets()] == [0, 1, 2, 3, 4]
        before = reader.stats()
        assert before["section_full"] > 0
        assert (before["records"]["user"], before["capacity"]["user"]) == (7, 7)
        spot = reader.get_spot_market(1)
        version = spot.version
        until(
            "more is refused", lambda: reader.stats()["section_full"] > before["section_full"] + 500
        )
        until("others go on", lambda: spot.version > version)
        assert {user.pubkey: user.authority for user in reader.users()} == users
        assert reader.get_perp_market(4).symbol
        with pytest.raises(driftshm.UnknownMarketError, match="indexes are 0 to 4"):
            reader.get_perp_market(5)
        with pytest.raises(driftshm.UnknownMarketError, match="no perp_market"):
            reader.get_perp_market("SUI-PERP")
    until("that is said", lambda: "no room for another account of this kind" in running.tail())
    assert "raise its capacity" in running.tail()


# ------------------------------------------------------------------------------- another writer


def test_a_second_writer_is_refused_and_told_who_is_there(writer: Start, directory: Path) -> None:
    first = writer(*SIM, *SMALL)
    with first.open() as reader:
        view, generation = reader.get_perp_market(0), reader.generation
        for _ in range(2):
            second = Writer(directory, *SIM, *SMALL)
            process = second.spawn().process
            assert process is not None
            assert process.wait(WATCHDOG) == 1
            assert f"another writer (pid {first.pid}) already runs on {directory}" in second.tail()
            assert "stop it first, or give this one another --dir or --cluster" in second.tail()
            # The lock counts, not what is written in it.
            (directory / "lock").write_text("1\n")
            second.log.write_text("")
            second = Writer(directory, *SIM, *SMALL)
            process = second.spawn().process
            assert process is not None
            assert process.wait(WATCHDOG) == 1
            (directory / "lock").write_text(f"{first.pid}\n")
        version = view.version
        until("the first goes on", lambda: view.version > version)
        assert reader.generation == generation
        assert reader.subscribe().connected
    first.kill()
    (directory / "lock").write_text(f"{os.getpid()}\n")
    first.start()  # The process that the file names lives, but holds no lock.


def test_what_a_killed_start_leaves_behind_is_cleaned_up(stopped: Writer) -> None:
    (stopped.dir / "region.new").write_bytes(b"half a region" * 1000)
    (stopped.dir / "control.new").write_bytes(b"")
    shutil.copy(stopped.dir / "lock", stopped.dir / "lock.old")
    stopped.start()
    assert sorted(os.listdir(stopped.dir)) == ["control.sock", "lock", "lock.old", "region"]
