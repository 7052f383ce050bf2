"""The region's file system: no room on it, and files that go away under the writer."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from loops import changes_of
from replays import Publishing, Script
from support import WATCHDOG, Writer, need_root, need_tool, until

import driftshm

SIM = ("--feed", "sim", "--users", "10", "--markets", "8", "--seed", "7")
SMALL = (
    "--max-users", "32", "--max-oracles", "32", "--max-user-stats", "32",
    "--max-perp-markets", "16", "--max-spot-markets", "16", "--journal", "256",
)  # fmt: skip
MIB = 1 << 20

Start = Callable[..., Writer]


class Tmpfs:
    """A small file system of its own."""

    def __init__(self, path: Path, mib: int) -> None:
        need_root()
        self.path = path
        path.mkdir()
        self.mount = need_tool("mount")
        command = [self.mount, "-t", "tmpfs", "-o", f"size={mib}m", "tmpfs", str(path)]
        subprocess.run(command, check=True)

    def resize(self, mib: int) -> None:
        subprocess.run(
            [self.mount, "-o", f"remount,size={mib}m", "tmpfs", str(self.path)], check=True
        )

    def free(self) -> int:
        return os.statvfs(self.path).f_bavail * os.statvfs(self.path).f_frsize

    def fill(self, leave: int = 0) -> None:
        with (self.path / "filler").open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, self.free() - leave)


@pytest.fixture
def tmpfs(directory: Path) -> Iterator[Callable[[int], Tmpfs]]:
    made: list[Tmpfs] = []

    def make(mib: int) -> Tmpfs:
        made.append(Tmpfs(directory, mib))
        return made[-1]

    yield make
    for each in made:
        subprocess.run([need_tool("umount"), "--lazy", str(each.path)], check=True)


def refused(writer: Writer) -> str:
    """What a writer says that ends with an error."""
    process = writer.spawn().process
    assert process is not None
    assert process.wait(WATCHDOG) == 1
    return writer.tail()


# -------------------------------------------------------------------------------- no room


def test_a_region_that_does_not_fit_is_an_error_at_the_start_that_says_how_much_is_needed(
    writer: Start, tmpfs: Callable[[int], Tmpfs]
) -> None:
    small = tmpfs(8)
    free = small.free()
    said = refused(writer(*SIM, start=False))
    assert "no room for the region" in said
    assert "96 MiB" in said
    assert "7 MiB free" in said or "8 MiB free" in said
    assert "--shm-size" in said
    assert "lower --max-users" in said
    assert os.listdir(small.path) == ["lock"], "nothing is left behind"
    assert free - small.free() <= 8192
    with writer(*SIM, *SMALL).open() as reader:
        assert len(reader.users()) == 10


def test_a_full_file_system_is_an_error_even_for_the_first_byte(
    writer: Start, tmpfs: Callable[[int], Tmpfs]
) -> None:
    small = tmpfs(1)
    small.fill()
    said = refused(writer(*SIM, *SMALL, start=False))
    assert "no room" in said or "No space left on device" in said
    assert not (small.path / "region").exists()
    assert not (small.path / "region.new").exists()


def test_without_room_for_a_larger_region_the_old_one_stays_as_it_is(
    writer: Start, tmpfs: Callable[[int], Tmpfs]
) -> None:
    small = tmpfs(24)
    running = writer(*SIM, *SMALL)
    with running.open() as reader:
        view = reader.get_perp_market(3)
        running.stop()
        snapshot, inode = view.snapshot(), (small.path / "region").stat().st_ino
        assert "no room for the region" in refused(writer(*SIM, start=False))
        assert (small.path / "region").stat().st_ino == inode
        assert sorted(os.listdir(small.path)) == ["lock", "region"]
        assert view.snapshot() == snapshot
        assert reader.stats()["state"] == "stopped", "not superseded"
        running.start()
        assert view.ensure_fresh(WATCHDOG) is view
        assert (small.path / "region").stat().st_ino == inode, "taken over, with all accounts"


def test_a_writer_that_runs_needs_no_more_room(
    writer: Start, tmpfs: Callable[[int], Tmpfs]
) -> None:
    """All of the file is there from the start, so a file system that fills up kills nobody."""
    small = tmpfs(16)
    running = writer(*SIM, *SMALL, "--rate", "2000")
    small.fill()
    assert small.free() == 0
    with running.open() as reader, reader.subscribe() as subscription:
        before = reader.stats()["published"]
        until("it goes on", lambda: reader.stats()["published"] > before + 2_000)
        assert subscription.wait(WATCHDOG)
    running.stop()
    running.start()


def test_a_file_that_is_lost_on_a_full_file_system_is_made_anew_once_there_is_room(
    writer: Start, tmpfs: Callable[[int], Tmpfs]
) -> None:
    small = tmpfs(16)
    running = writer(*SIM, *SMALL, "--rate", "500")
    with running.open() as reader, reader.subscribe() as subscription:
        view = reader.get_perp_market(0)
        small.fill()
        (small.path / "region").unlink()
        until("it is said", lambda: "cannot be made anew" in running.tail())
        version = view.version
        until("who has it open is still served", lambda: view.version > version)
        assert subscription.wait(WATCHDOG)
        with pytest.raises(driftshm.NoRegionError):
            running.open()
        small.resize(64)
        until("it is made anew", lambda: reader.stats()["remade"] == 1)
        with running.open() as another:
            assert another.get_perp_market(0).version >= view.version - 1
        until("the kept view goes on", lambda: view.version > version + 10)
        assert changes_of(subscription.wait(WATCHDOG))


# ----------------------------------------------------------------------------- files that go away


def test_a_removed_region_is_made_anew_with_all_that_it_held_and_nothing_is_lost(
    writer: Start, script: Script
) -> None:
    publishing = Publishing(script, 3)
    publishing.say(*publishing.keys)
    running = writer(*script.arguments)
    first, second, third = publishing.keys
    with running.open() as reader:
        until("start", lambda: reader.stats()["published"] == 3)
        views = [reader.get_user_stats(authority) for authority in publishing.authorities]
        every = reader.subscribe(user_stats=views, conflate=False)
        seen: list[tuple[str, int]] = []
        expected: list[tuple[str, int]] = []
        for round_number in range(1, 6):
            inode = (running.dir / "region").stat().st_ino
            publishing.say(first, second)
            (running.dir / "region").unlink()
            publishing.say(first, second)
            until("remade", lambda n=round_number: reader.stats()["remade"] == n)
            assert (running.dir / "region").stat().st_ino != inode
            publishing.say(first, second)
            until("all of it", lambda: publishing.published(reader) == publishing.versions)
            for version in range(3 * round_number - 1, 3 * round_number + 2):
                expected += [(first, version), (second, version)]
            while len(seen) < len(expected):
                changes = changes_of(every.wait(WATCHDOG))
                seen += [(change.pubkey, change.version) for change in changes]
            assert seen == expected
            assert [reader.get_user_stats(a) for a in publishing.authorities] == views
            assert views[2].version == 1
        assert third not in dict(seen)
        assert all(view.ensure_fresh(WATCHDOG) for view in views)
        with running.open() as another:
            assert publishing.published(another) == publishing.versions
    remade = "the region's file was removed; made it anew"
    until("that is said", lambda: running.tail().count(remade) >= 5)
    assert running.tail().count(remade) == 5


def test_a_removed_directory_is_made_anew_with_region_lock_and_socket(writer: Start) -> None:
    running = writer(*SIM, *SMALL)
    with running.open() as reader, reader.subscribe() as subscription:
        view = reader.get_perp_market(0)
        for times in (1, 2):
            version = view.version
            # In one step: the writer may make it anew before all of it is gone.
            gone = running.dir.rename(running.dir.with_name(f"gone{times}"))
            shutil.rmtree(gone)
            until("all is there", lambda: is_whole(running.dir))
            until("remade", lambda times=times: reader.stats()["remade"] == times)
            until("the view goes on", lambda version=version: view.version > version + 5)
            assert subscription.wait(WATCHDOG)
            assert subscription.connected
            assert view.ensure_fresh(WATCHDOG)
            with running.open() as another, another.subscribe() as new:
                assert new.wait(WATCHDOG)
        said = refused(Writer(running.dir, *SIM, *SMALL))
        assert f"another writer (pid {running.pid}) already runs" in said


def is_whole(directory: Path) -> bool:
    try:
        return sorted(os.listdir(directory)) == ["control.sock", "lock", "region"]
    except FileNotFoundError:
        return False


def test_a_removed_socket_is_made_anew(writer: Start) -> None:
    running = writer(*SIM, *SMALL)
    socket = running.dir / "control.sock"
    with running.open() as reader, reader.subscribe() as old:
        running.signal(signal.SIGSTOP)
        socket.unlink()
        with pytest.raises(driftshm.WriterDeadError, match="no writer listens"):
            reader.subscribe()
        running.signal(signal.SIGCONT)
        until("a socket", socket.exists)
        with reader.subscribe() as new:
            assert new.wait(WATCHDOG)
        assert old.times_connected == 1
        assert old.wait(WATCHDOG)
        mode = socket.stat().st_mode & 0o777
        assert mode == 0o660


def test_what_is_put_in_the_place_of_a_lost_file_is_replaced(writer: Start) -> None:
    running = writer(*SIM, *SMALL)
    region: Any = running.dir / "region"
    with running.open() as reader:
        view = reader.get_perp_market(0)
        # In one step: in a gap the writer would make the region anew, to be written over then.
        beside = running.dir / "beside"
        beside.write_bytes(b"something else")
        os.link(region, running.dir / "moved away")
        beside.replace(region)
        until("remade", lambda: reader.stats()["remade"] == 1)
        version = view.version
        until("it goes on", lambda: view.version > version)
        with running.open() as another:
            assert another.get_perp_market(0, max_age=WATCHDOG)
