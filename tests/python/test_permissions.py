"""Who may read, who may connect, and that nobody can write."""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from children import NOBODY, in_child, quietly
from replays import Script, perp
from support import BINARY, WATCHDOG, Writer, need_root, until

import driftshm

STRANGER = 54_321
GROUP = 54_322
PROT_READ, PROT_WRITE = 1, 2

Start = Callable[..., Writer]
SIM = ("--feed", "sim", "--users", "5", "--seed", "7")


def reads(directory: Path) -> Callable[[], object]:
    def act() -> object:
        with driftshm.open(directory) as reader:
            return reader.get_perp_market(0, max_age=WATCHDOG).symbol

    return act


def subscribes(directory: Path) -> Callable[[], object]:
    def act() -> object:
        with driftshm.open(directory) as reader, reader.subscribe() as subscription:
            return bool(subscription.wait(WATCHDOG))

    return act


@pytest.fixture
def shared_directory(directory: Path) -> Path:
    """A directory that others can get to; what they find there is up to the modes in it."""
    need_root()
    directory.parent.chmod(0o755)
    return directory


# ------------------------------------------------------------------------------- by the modes


def test_another_user_is_kept_out_by_the_modes_that_the_writer_makes(
    writer: Start, shared_directory: Path
) -> None:
    running = writer(*SIM)
    assert (running.dir.stat().st_mode & 0o777) == 0o750
    assert (running.dir / "region").stat().st_mode & 0o777 == 0o640
    assert (running.dir / "control.sock").stat().st_mode & 0o777 == 0o660
    refused = in_child(reads(running.dir), uid=NOBODY)
    assert refused.startswith("RegionPermissionError: no permission to read"), refused
    assert str(running.dir) in refused
    assert "must be in the group" in refused
    running.dir.chmod(0o755)
    refused = in_child(reads(running.dir), uid=NOBODY)
    assert refused.startswith("RegionPermissionError: no permission to read"), "the file's mode"


def test_who_may_read_but_not_connect_is_told_so(writer: Start, shared_directory: Path) -> None:
    running = writer(*SIM)
    running.dir.chmod(0o755)
    (running.dir / "region").chmod(0o644)
    assert in_child(reads(running.dir), uid=NOBODY) == "SOL-PERP"
    refused = in_child(subscribes(running.dir), uid=NOBODY)
    assert refused.startswith("ConnectionRefusedByWriterError: no permission to connect"), refused
    assert "control.sock" in refused
    assert "must be in the group" in refused


@pytest.mark.parametrize("primary", [True, False])
def test_a_member_of_the_group_reads_and_subscribes(
    writer: Start, shared_directory: Path, primary: bool
) -> None:
    shared_directory.mkdir()
    os.chown(shared_directory, 0, GROUP)
    shared_directory.chmod(0o2750)  # What is made in it is the group's, too.
    running = writer(*SIM)
    member = {"gid": GROUP} if primary else {"groups": (GROUP,)}
    assert in_child(reads(running.dir), uid=STRANGER, **member) == "SOL-PERP"
    assert in_child(subscribes(running.dir), uid=STRANGER, **member) is True
    assert in_child(reads(running.dir), uid=STRANGER).startswith("RegionPermissionError")

    region, lock = running.dir / "region", running.dir / "lock"

    def write() -> object:
        return [
            _refused(lambda: os.open(region, os.O_RDWR)),
            _refused(lambda: os.open(lock, os.O_RDWR)),
            _refused(lambda: os.truncate(region, 0)),
            _refused(region.unlink),
            _refused(running.dir.joinpath("mine").touch),
        ]

    assert in_child(write, uid=STRANGER, **member) == [True] * 5


def _refused(act: Callable[[], object]) -> bool:
    try:
        act()
    except PermissionError:
        return True
    return False


def test_for_all_to_read(writer: Start, shared_directory: Path) -> None:
    running = writer(*SIM, "--mode", "0644")
    assert in_child(reads(running.dir), uid=NOBODY).startswith("RegionPermissionError")
    running.dir.chmod(0o755)
    assert in_child(reads(running.dir), uid=NOBODY) == "SOL-PERP"
    assert in_child(subscribes(running.dir), uid=NOBODY) is True


# ------------------------------------------------------------------------- by the writer's list


@pytest.mark.parametrize(
    ("flags", "allowed"),
    [
        (("--allow-uid", str(STRANGER)), {"uid": STRANGER}),
        (("--allow-gid", str(GROUP)), {"uid": NOBODY, "gid": GROUP}),
        (("--allow-uid", "1", "--allow-uid", str(STRANGER), "--allow-gid", "2"), {"uid": STRANGER}),
    ],
)
def test_who_is_on_neither_list_is_refused_by_the_credentials_that_the_kernel_gives(
    writer: Start, shared_directory: Path, flags: tuple[str, ...], allowed: dict[str, int]
) -> None:
    running = writer(*SIM, "--mode", "0644", *flags)
    running.dir.chmod(0o755)
    assert in_child(subscribes(running.dir), **allowed) is True
    refused = in_child(subscribes(running.dir), uid=NOBODY)
    assert refused.startswith("ConnectionRefusedByWriterError: "), refused
    assert f"uid {NOBODY} with gid {NOBODY} is on neither list" in refused
    assert "allow" in refused
    assert in_child(reads(running.dir), uid=NOBODY) == "SOL-PERP", "reading needs no connection"
    assert in_child(subscribes(running.dir)) is True, "the writer's own user always may"


def test_a_writer_does_not_use_a_directory_that_is_somebody_elses(shared_directory: Path) -> None:
    shared_directory.mkdir()
    shared_directory.chmod(0o777)
    programs = Path(tempfile.mkdtemp())
    try:
        programs.chmod(0o755)
        program = shutil.copy(BINARY, programs)
        shared_directory.with_name(shared_directory.name + ".log").touch()
        running = Writer(
            shared_directory, *SIM, user=NOBODY, group=NOBODY, extra_groups=[], executable=program
        )
        process = running.spawn().process
        assert process is not None
        assert process.wait(WATCHDOG) == 1
    finally:
        shutil.rmtree(programs)
    assert f"belongs to uid 0, not to this user (uid {NOBODY})" in running.tail()
    assert list(shared_directory.iterdir()) == []


def test_a_region_that_somebody_else_puts_in_the_place_of_ones_own_is_not_followed(
    writer: Start, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Anybody may make a directory in /dev/shm once the one that was there is gone; the accounts
    in it would be whatever they please."""
    need_root()
    monkeypatch.delenv("DRIFTSHM_DIR", raising=False)
    cluster = f"test-{os.getpid()}"
    own = Path(f"/dev/shm/driftshm-{os.getuid()}", cluster)
    own.parent.mkdir(mode=0o755, exist_ok=True)
    try:
        market = perp(0)
        script.say(market.set("next_fill_record_id", 66))
        running = writer(*script.arguments, path=own, start=False)
        running.cluster = cluster
        running.start()
        with driftshm.open(cluster) as reader:
            view = until("the market", lambda: reader.get_perp_market(0))
            running.stop()
            own.rename(own.with_name(cluster + ".old"))
            script.say(market.set("next_fill_record_id", 77))
            running.start()
            with driftshm.open(own) as other:
                until("the market", lambda: other.get_perp_market(0))
            running.stop()
            os.chown(own / "region", STRANGER, STRANGER)
            running.spawn()

            until("it is too old", lambda: view.staleness > 0.1)
            with pytest.raises(driftshm.StaleError, match=f"belongs to uid {STRANGER}, not to"):
                view.ensure_fresh(0.1)
            assert view.next_fill_record_id == 66
            assert reader.get_perp_market(0).next_fill_record_id == 66
            assert not reader.writer_alive
            with pytest.raises(driftshm.RegionPermissionError, match=f"uid {STRANGER}"):
                driftshm.open(cluster)

            # What was refused is taken when it turns out to be one's own.
            os.chown(own / "region", 0, 0)
            until("it is followed", lambda: view.next_fill_record_id == 77)
    finally:
        for left in own.parent.glob(f"{cluster}*"):
            left.unlink() if left.is_file() else shutil.rmtree(left)


# -------------------------------------------------------------------------------- no writing


def mapping_of(region: Path) -> tuple[int, str]:
    """Where the region is in our memory, and what the kernel lets us do there."""
    for text in Path("/proc/self/maps").read_text().splitlines():
        if text.endswith(str(region)):
            span, permissions = text.split()[:2]
            return int(span.split("-")[0], 16), permissions
    raise AssertionError(f"{region} is not mapped")


def test_the_region_is_mapped_for_reading_only_and_no_descriptor_is_kept(sim: Writer) -> None:
    with sim.open() as reader, reader.subscribe():
        address, permissions = mapping_of(sim.dir / "region")
        assert address
        assert permissions == "r--s"
        links = [str(path.readlink()) for path in Path("/proc/self/fd").iterdir() if path.exists()]
        assert not [link for link in links if "region" in link]


def test_a_store_to_the_mapping_kills_the_process_and_changes_nothing(sim: Writer) -> None:
    with sim.open() as reader:
        address, _ = mapping_of(sim.dir / "region")
        header = (sim.dir / "region").read_bytes()[:16]
        assert in_child(quietly(lambda: ctypes.memset(address, 0, 8))) == signal.SIGSEGV
        assert (sim.dir / "region").read_bytes()[:16] == header
        assert reader.get_perp_market(0, max_age=WATCHDOG).symbol == "SOL-PERP"


@pytest.mark.parametrize("uid", [0, NOBODY])
def test_the_mapping_cannot_be_made_writable_not_even_by_root(sim: Writer, uid: int) -> None:
    need_root()
    with sim.open() as reader:
        address, _ = mapping_of(sim.dir / "region")
        libc = ctypes.CDLL(None, use_errno=True)

        def protect() -> object:
            pointer, length = ctypes.c_void_p(address), ctypes.c_size_t(4096)
            result = libc.mprotect(pointer, length, PROT_READ | PROT_WRITE)
            return [result, os.strerror(ctypes.get_errno())]

        assert in_child(protect, uid=uid) == [-1, "Permission denied"]
        assert reader.writer_alive


def test_a_bot_that_spoils_its_own_page_spoils_nobody_elses_wake_ups(sim: Writer) -> None:
    """The page that a subscriber shares with the writer is the one thing that a bot may write."""
    with sim.open() as reader:

        def spoil() -> object:
            subscription = reader.subscribe()
            assert subscription.drain() is not None
            pages = [
                text.split()
                for text in Path("/proc/self/maps").read_text().splitlines()
                if "memfd:driftshm-subscriber" in text
            ]
            (span, permissions), length = pages[0][:2], 4096
            assert permissions == "rw-s"
            start = int(span.split("-")[0], 16)
            for value in (0, 1, 0x55, 0xFF) * 500:
                ctypes.memset(start, value, length)
            return bool(subscription.wait(WATCHDOG))

        with reader.subscribe(perp_markets=[0]) as mine:
            before = reader.stats()["published"]
            assert in_child(spoil) is True
            until("the writer goes on", lambda: reader.stats()["published"] > before + 100)
            assert mine.wait(WATCHDOG)
