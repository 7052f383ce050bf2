"""Killing, stopping and ending the writer while bots read."""

from __future__ import annotations

import contextlib
import os
import random
import re
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from programs import Reports, reporter
from support import Writer, need_tool, until, vouched_for

import driftshm

SEED = 20260
KILLS = 50
MAX_AGE = 0.3
LOAD = (
    "--feed", "sim", "--pairs", "--markets", "6", "--spot-markets", "3", "--users", "40",
    "--rate", "20000",
)  # fmt: skip
# A region of a few MiB: made in no time.
SMALL = (
    "--max-users", "64", "--max-perp-markets", "16", "--max-spot-markets", "16",
    "--max-oracles", "64", "--max-user-stats", "64", "--journal", "1024",
)  # fmt: skip
FILES = {"region", "lock", "control.sock"}
# A round of a reader that does nothing but read. It may have to wait for a processor, but not for
# a writer: that is away for longer.
LONGEST_PAUSE = 1.0


@dataclass
class Bots:
    """One reader process of each kind, and how long they took at worst."""

    views: Reports
    guarded: Reports
    changes: Reports
    worst: dict[str, float] = field(default_factory=dict)

    def took(self, what: str, since_ns: int, until_ns: int) -> float:
        seconds = (until_ns - since_ns) / 1e9
        self.worst[what] = max(self.worst.get(what, 0.0), seconds)
        return seconds

    def see_it_dead(self, killed_ns: int) -> None:
        """Both ways to notice: being told so, and the age of what is read."""
        dead = self.views.wait_for("dead", killed_ns)
        self.took("seen dead after", killed_ns, dead["ns"] - int(dead["waited"] * 1e9))
        self.guarded.wait_for("stale", killed_ns)

    def carry_on(self, spawned_ns: int) -> None:
        """New changes arrive, the same views go on, guarded reads work again."""
        changed = self.changes.wait_for("changed", spawned_ns, by="published")
        self.took("changes again after", spawned_ns, changed["ns"])
        moved = self.views.wait_for("moved", spawned_ns, by="published")
        self.took("views moved on after", spawned_ns, moved["ns"])
        fresh = self.guarded.wait_for("fresh", spawned_ns)
        self.took("guarded reads again after", spawned_ns, fresh["ns"])

    def check_figures(self) -> None:
        """Whatever became of the writer, no reader ever waited for it."""
        for what, seconds in self.worst.items():
            print(f"longest: {what} {seconds:.3f} s")
        for name, reports in vars(self).items():
            if isinstance(reports, Reports):
                rounds = [event for event in reports.events if "rounds" in event]
                print(f"{name}: {rounds[-1]}" if rounds else f"{name}: no figures")
                # That one awaits what a writer brings.
                awaits = reports is self.changes
                longest = max((event["longest"] for event in rounds), default=0.0)
                assert awaits or longest < LONGEST_PAUSE, name

    def forget(self) -> None:
        for reports in (self.views, self.guarded, self.changes):
            reports.forget()


@contextlib.contextmanager
def bots(directory: Path) -> Iterator[Bots]:
    with (
        reporter("survivor_views", directory) as views,
        reporter("survivor_guarded", directory, MAX_AGE) as guarded,
        reporter("survivor_changes", directory) as changes,
    ):
        views.wait_for("alive", 0)
        guarded.wait_for("fresh", 0)
        changes.wait_for("subscribed", 0)
        changes.wait_for("changed", 0)
        yield Bots(views, guarded, changes)


def leftovers(directory: Path) -> set[str]:
    """Files beyond those that a writer has."""
    return set(os.listdir(directory)) - FILES


def test_readers_survive_a_writer_that_is_killed_again_and_again(
    writer: Callable[..., Writer],
) -> None:
    dice = random.Random(SEED)
    target = writer(*LOAD)
    with target.open() as reader, bots(target.dir) as attached:
        generations = {reader.generation}
        for _ in range(KILLS):
            time.sleep(dice.uniform(0, 0.25))
            killed = time.monotonic_ns()
            target.kill()
            attached.see_it_dead(killed)
            assert not reader.writer_alive
            attached.forget()
            spawned = time.monotonic_ns()
            target.spawn()
            attached.carry_on(spawned)
            generations.add(reader.generation)
        attached.check_figures()
        print(f"seed {SEED}; {len(target.log.read_text().splitlines())} lines of log")
        # Each writer took over what the one before had.
        assert len(generations) == KILLS + 1
        assert target.log.read_text().count("made a region") == 1
        assert attached.worst["seen dead after"] < 1.0
        assert attached.worst["changes again after"] < 2.0
        assert attached.worst["views moved on after"] < 2.0
        assert attached.worst["guarded reads again after"] < 2.0
    assert target.stop() == 0
    assert leftovers(target.dir) == set()


def time_to_live(target: Writer) -> float:
    """How long this writer takes to be live."""
    began = time.monotonic()
    target.start()
    return time.monotonic() - began


def test_a_writer_killed_at_random_moments_of_its_start_loses_nothing(
    writer: Callable[..., Writer],
) -> None:
    dice = random.Random(SEED + 1)
    target = writer(*LOAD, start=False)
    usual = time_to_live(target)
    with target.open() as reader, bots(target.dir) as attached:
        for _ in range(6):
            target.kill()
            for _ in range(5):
                target.spawn()
                time.sleep(dice.uniform(0, usual))
                target.kill()
            spawned = time.monotonic_ns()
            target.spawn()
            attached.carry_on(spawned)
        assert reader.stats()["records"]["user"] == 40
        attached.check_figures()
        assert attached.worst["changes again after"] < 2.0
    assert target.stop() == 0
    assert leftovers(target.dir) == set()


# ------------------------------------------------------------------ at every step of start-up


def kill_writer(target: Writer) -> None:
    """Ends the writer that another program runs, if it has not just ended by itself."""
    pid = int((target.dir / "lock").read_text())
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    assert target.process is not None
    target.process.wait(30)


def steps_of_start(target: Writer, trace: Path) -> list[tuple[str, int]]:
    """The system calls of a start from the first that touches the directory until it is live.

    Each as its name and which one of that name it is: what strace counts too.
    """
    target.log.write_text("")
    target.prefix = (need_tool("strace"), "-f", "-s", "400", "-o", str(trace))
    target.spawn()
    until("it is live", lambda: "READY=1" in target.tail())
    kill_writer(target)
    target.prefix = ()
    steps: list[tuple[str, int]] = []
    counts: dict[str, int] = {}
    main = None
    begun = False
    for text in trace.read_text(errors="replace").splitlines():
        found = re.match(r"(\d+) +(\w+)\(", text)
        if found is None:
            continue
        pid, name = found.groups()
        main = main or pid
        # The log is written by a thread of its own.
        if begun and "READY=1" in text:
            return steps
        if pid != main:
            continue
        counts[name] = counts.get(name, 0) + 1
        begun = begun or (name != "execve" and str(target.dir) in text)
        if begun:
            steps.append((name, counts[name]))
    raise AssertionError("no start in the trace")


def kill_at(target: Writer, name: str, count: int) -> bool:
    """Starts the writer and kills it when it enters that system call. False if it never did."""
    inject = f"inject={name}:signal=SIGKILL:when={count}"
    target.prefix = (
        need_tool("strace"), "-f", "-o", "/dev/null", "-e", f"trace={name}", "-e", inject,
    )  # fmt: skip
    target.log.write_text("")
    target.spawn()
    target.prefix = ()
    assert target.process is not None

    def over() -> str | None:
        assert target.process is not None
        if target.process.poll() is not None:
            return "killed"
        return "passed" if "READY=1" in target.tail() else None

    how = until("the writer is killed, or live", over)
    if how == "passed":
        kill_writer(target)
    return how == "killed"


def test_killed_at_every_step_of_making_a_region_it_can_be_started_again(
    writer: Callable[..., Writer], tmp_path: Path
) -> None:
    target = writer(*LOAD, *SMALL, start=False)
    directory = target.dir
    steps = steps_of_start(target, tmp_path / "trace")
    reached = 0
    for name, count in steps:
        for path in directory.glob("*"):
            path.unlink()
        reached += kill_at(target, name, count)
        # Whatever is there now, nobody reads a half-made region.
        with contextlib.suppress(driftshm.NoRegionError):
            driftshm.open(directory).close()
        with target.start().open() as reader:
            assert len(reader.perp_markets()) == 6
        if count % 2:
            target.kill()
        else:
            assert target.stop() == 0
        assert leftovers(directory) == set(), (name, count)
    print(f"killed at {reached} of {len(steps)} steps:", sorted({name for name, _ in steps}))
    assert reached > 0.8 * len(steps) > 30


def test_killed_at_every_step_of_taking_over_a_region_it_loses_nothing(
    writer: Callable[..., Writer], tmp_path: Path
) -> None:
    target = writer(*LOAD, *SMALL)
    with target.open() as reader, bots(target.dir) as attached:
        known = {view.pubkey: view.version for view in reader.users()}
        assert len(known) == 40
        target.kill()
        steps = steps_of_start(target, tmp_path / "trace")
        reached = 0
        for name, count in steps:
            reached += kill_at(target, name, count)
            # Also for who opens it in between.
            with driftshm.open(target.dir) as late:
                found = {view.pubkey: view.version for view in late.users()}
            assert all(found.get(key, 0) >= version for key, version in known.items())
            known = found
        spawned = time.monotonic_ns()
        target.start()
        attached.carry_on(spawned)
        attached.check_figures()
    print(f"killed at {reached} of {len(steps)} steps:", sorted({name for name, _ in steps}))
    assert reached > 0.8 * len(steps) > 20
    assert target.stop() == 0
    assert leftovers(target.dir) == set()


def test_killed_at_every_step_of_superseding_a_region_its_readers_find_the_new_one(
    writer: Callable[..., Writer], tmp_path: Path
) -> None:
    """Writers of two capacities: neither can use the other's region."""
    target = writer(*LOAD, *SMALL)
    own, other = (*LOAD, *SMALL), (*LOAD, *SMALL[:-1], "2048")
    target.kill()
    target.arguments = other
    steps = steps_of_start(target, tmp_path / "trace")
    own, other = other, own
    reached = resumed = 0
    for turn, (name, count) in enumerate(steps):
        target.arguments = own
        target.start().kill()
        with target.open() as reader:
            # What a bot holds for ever, and reads without asking anything else.
            view = reader.get_perp_market(0)
            assert view is not None
            known = {user.pubkey: user.version for user in reader.users()}
            file = inode(target)
            target.arguments = other
            reached += kill_at(target, name, count)
            assert view.symbol == "SOL-PERP"
            if turn % 2 and inode(target) == file:
                # The new one never had the path: a writer like the first goes on with the old.
                target.arguments = own
                target.start()
                found = {user.pubkey: user.version for user in reader.users()}
                assert all(found[key] >= version for key, version in known.items())
                assert inode(target) == file
                resumed += 1
            else:
                target.start()
                own, other = other, own
            goes_on(reader, view, generation_of(target))
        target.kill()
        assert leftovers(target.dir) == set(), (name, count)
    print(f"killed at {reached} of {len(steps)} steps:", sorted({name for name, _ in steps}))
    print(f"{resumed} times the old region was taken up again")
    assert reached > 0.8 * len(steps) > 30
    assert resumed > 10


def inode(target: Writer) -> int:
    return (target.dir / "region").stat().st_ino


def generation_of(target: Writer) -> int:
    with target.open() as reader:
        return reader.generation


def goes_on(reader: driftshm.Reader, view: Any, generation: int) -> None:
    """The reader is in the newest region, and its view moves."""
    until("the reader follows", lambda: reader.generation == generation)
    version = view.version
    until("its view goes on", lambda: view.version != version)


def by_max_age(reader: driftshm.Reader, view: Any) -> bool:
    with contextlib.suppress(driftshm.StaleError):
        return view.ensure_fresh(1.0) is reader.get_perp_market(0, max_age=1.0) is view
    return False


def by_writer_alive(reader: driftshm.Reader, view: Any) -> bool:
    return reader.writer_alive


@pytest.mark.parametrize("notice", [by_max_age, by_writer_alive])
def test_a_region_lost_while_no_writer_ran_is_given_up_for_the_next_one(
    writer: Callable[..., Writer], notice: Callable[[driftshm.Reader, Any], bool]
) -> None:
    """Nobody is left to mark the lost one: a reader that asks anything of freshness sees it."""
    target = writer(*LOAD, *SMALL)
    with target.open() as reader:
        view = reader.get_perp_market(0)
        target.kill()
        (target.dir / "region").unlink()
        target.start()
        generation = generation_of(target)
        # Not at once: the last heartbeat in the lost one counts until it is too old.
        until(
            "it is noticed",
            lambda: notice(reader, view) and reader.generation == generation,
        )
        goes_on(reader, view, generation)


def test_changes_of_the_next_region_have_views_of_the_next_region(
    writer: Callable[..., Writer],
) -> None:
    target = writer(*LOAD, *SMALL)
    with target.open() as reader, reader.subscribe(perp_markets=[0]) as subscription:
        assert until("a change comes", lambda: subscription.wait(1.0))
        target.kill()
        (target.dir / "region").unlink()
        spawned = time.monotonic_ns()
        target.start()

        def new_changes() -> list[driftshm.Change]:
            items = subscription.wait(1.0)
            changes = [item for item in items if isinstance(item, driftshm.Change)]
            return [change for change in changes if change.publish_ns > spawned]

        change = until("a change of the next one comes", new_changes)[-1]
        view = change.view
        assert reader.get_perp_market(0) is view
        assert view is not None
        assert view.version >= change.version
        goes_on(reader, view, generation_of(target))


# ---------------------------------------------------------------------------- SIGSTOP, SIGTERM


def test_the_next_guarded_read_after_sigstop_raises_and_works_again_after_sigcont(
    sim: Writer,
) -> None:
    with sim.open() as reader:
        view = reader.get_perp_market(0, max_age=1.0)
        assert view is not None
        getter = driftshm.fields("amm.volume24h")
        for _ in range(3):
            sim.signal(signal.SIGSTOP)
            # No event tells it: it is the read that looks.
            until("the account is too old", lambda: view.staleness > MAX_AGE)
            reads: list[Callable[[], object]] = [
                lambda: reader.get_perp_market(0, max_age=MAX_AGE),
                lambda: reader.get_perp_oracle(0, max_age=MAX_AGE),
                lambda: reader.get_user(reader.users()[0].pubkey, max_age=MAX_AGE),
                lambda: reader.snapshot(perp_markets=[0], max_age=MAX_AGE),
                lambda: view.snapshot(max_age=MAX_AGE),
                lambda: view.ensure_fresh(MAX_AGE),
                lambda: getter(view, max_age=MAX_AGE),
            ]
            for read in reads:
                with pytest.raises(driftshm.StaleError, match="last known to be current"):
                    read()
            # Without a limit the last state can still be read.
            assert view.amm.oracle and reader.get_perp_market(0) is view
            until("the heart has stopped", lambda: not reader.writer_alive)
            assert reader.feed_state == "down"
            with pytest.raises(driftshm.StaleError, match="no heartbeat"):
                view.ensure_fresh(MAX_AGE)
            sim.signal(signal.SIGCONT)
            until("the writer lives again", lambda: reader.writer_alive)
            for read in reads:
                until("it is fresh again", lambda read=read: vouched_for(read))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_ended_writer_says_stopped_and_is_out_within_a_second(
    writer: Callable[..., Writer], number: signal.Signals
) -> None:
    target = writer(*LOAD)
    with target.open() as reader, bots(target.dir) as attached:
        view = reader.get_perp_market(0)
        assert view is not None
        asked = time.monotonic()
        target.signal(number)
        assert target.process is not None
        assert target.process.wait(30) == 0
        took = time.monotonic() - asked
        print(f"{number.name}: out after {took:.3f} s")
        assert took < 1.0
        # No waiting for a heartbeat that does not come.
        assert reader.stats()["state"] == "stopped"
        assert not reader.writer_alive
        assert reader.feed_state == "down"
        until("what is there is old", lambda: view.staleness > MAX_AGE)
        with pytest.raises(driftshm.StaleError, match="the writer was stopped"):
            view.ensure_fresh(MAX_AGE)
        assert leftovers(target.dir) == set()
        spawned = time.monotonic_ns()
        target.spawn()
        attached.carry_on(spawned)
        assert reader.stats()["state"] == "live"
