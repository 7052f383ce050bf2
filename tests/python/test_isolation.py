"""What bots do, or have done to them, is nothing to the writer."""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from programs import program, tell
from support import BINARY, Writer, cpu_ns, line, open_descriptors, resident_kib, until

import driftshm

RATE = 20_000
SEED = 31
CYCLES = 1000
# Of the rate before. Other processes want the processors too.
LEEWAY = 0.25
# The writer could work harder and still keep its pace: what a version costs it, in processor time,
# may be no more than so many times what it was. Others in its caches make it dearer.
DEARER = 2.0
MOST_STRETCHES = 5
# A writer that did not get a processor for a while has had a longer queue, and malloc keeps that.
MEMORY_KIB = 8 * 1024
# That happens once in a while; what each connection leaves behind would be there in each of
# several stretches of equal length.
STRETCHES = 3
STRETCH_KIB = 64


@pytest.fixture
def target(writer: Callable[..., Writer]) -> Writer:
    return writer(
        "--feed", "sim", "--rate", str(RATE), "--markets", "4", "--users", "5", "--seed", "5"
    )


@dataclass(frozen=True)
class Held:
    """What the writer holds for its bots."""

    descriptors: int
    mappings: int
    connections: int
    subscriptions: int
    watched: int

    @classmethod
    def by(cls, target: Writer) -> Held:
        # First what the question itself would change.
        descriptors = open_descriptors(target.pid)
        mappings = Path(f"/proc/{target.pid}/maps").read_text().count("memfd:")
        command = [str(BINARY), "status", "--json", "--dir", str(target.dir)]
        status = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
        socket = (status["socket"][name] for name in ("connections", "subscriptions", "watched"))
        return cls(descriptors, mappings, *socket)


def published(reader: driftshm.Reader) -> int:
    return int(reader.stats()["published"])


class Figures:
    """How the writer does: what it publishes, its memory, what it holds for bots."""

    def __init__(self, target: Writer) -> None:
        self.target = target
        with target.open() as reader:
            self.rate, self.cost = self.measure(reader)
            self.memory = resident_kib(target.pid)
            self.held = Held.by(target)
            self.generation = reader.generation

    def measure(self, reader: driftshm.Reader, seconds: float = 1.5) -> tuple[float, float]:
        """Versions published a second, and microseconds of processor time for each."""
        before, used, began = published(reader), cpu_ns(self.target.pid), time.monotonic()
        time.sleep(seconds)
        used, took = cpu_ns(self.target.pid) - used, time.monotonic() - began
        versions = published(reader) - before
        return versions / took, used / versions / 1e3

    def print(self, what: str) -> None:
        print(f"{what}: {self.rate:,.0f} published/s, each {self.cost:.1f} µs", end=", ")
        print(f"{self.memory:,} KiB, {self.held}")

    def is_as(self, before: Figures) -> None:
        self.keeps_pace_of(before)
        assert self.memory < before.memory + MEMORY_KIB, (self.memory, before.memory)
        assert self.generation == before.generation

    def keeps_pace_of(self, before: Figures) -> None:
        # Other processes may take the processors for one stretch, bots that hold it up do for all.
        rates, costs = [self.rate], [self.cost]
        least, most = before.rate * (1 - LEEWAY), before.cost * DEARER
        with self.target.open() as reader:
            while (max(rates) <= least or min(costs) >= most) and len(rates) < MOST_STRETCHES:
                rate, cost = self.measure(reader)
                rates.append(rate)
                costs.append(cost)
        assert max(rates) > least, (rates, before.rate)
        assert min(costs) < most, (costs, before.cost)


def back_to(before: Figures) -> None:
    """The writer has let go of everything that bots had."""
    until("it holds what it held before", lambda: Held.by(before.target) == before.held)


def more(held: Held, bots: int, watched: int) -> Held:
    """What a writer holds with so many more bots, each with one subscription."""
    return Held(
        held.descriptors + 2 * bots,
        held.mappings + bots,
        held.connections + bots,
        held.subscriptions + bots,
        watched,
    )


def process_state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]


@pytest.mark.parametrize("then", ["stop", "sleep"])
def test_a_bot_that_stands_still_holds_nothing_up(target: Writer, then: str) -> None:
    before = Figures(target)
    before.print("before")
    with program("neighbour", target.dir, then) as bot:
        assert line(bot) == "ready"
        wanted = {"stop": "T", "sleep": "S"}[then]
        until("it stands still", lambda: process_state(bot.pid) == wanted)
        during = Figures(target)
        during.print("during")
        during.is_as(before)
        # One connection, one pipe, one page.
        assert during.held == more(before.held, 1, watched=0)
        # Another bot does not feel it either.
        with target.open() as reader, reader.subscribe(perp_markets=[0]) as subscription:
            assert until("a change comes", lambda: subscription.wait(1.0))
        if then == "stop":
            os.kill(bot.pid, signal.SIGCONT)
            until("it runs on", lambda: process_state(bot.pid) in "RS")
    back_to(before)
    after = Figures(target)
    after.print("after")
    after.is_as(before)


def test_a_bot_that_never_drains_costs_one_wakeup(target: Writer) -> None:
    """Whatever is published: it is woken once, and then not again until it has looked."""
    with target.open() as reader:
        subscription = reader.subscribe()
        while subscription.drain():
            pass
        before = reader.stats()
        until(
            "a hundred thousand more are published",
            lambda: published(reader) > before["published"] + 100_000,
        )
        assert reader.stats()["wakeups"] - before["wakeups"] <= 1
        subscription.close()


def test_a_hundred_readers_are_as_good_as_none(target: Writer) -> None:
    before = Figures(target)
    before.print("before")
    with program("crowd", target.dir, 100) as crowd:
        assert line(crowd, 120) == "ready"
        during = Figures(target)
        during.print("with 100 reader processes")
        during.is_as(before)
        # All of them watch the same user.
        assert during.held == more(before.held, 100, watched=during.held.watched)
        tell(crowd, "end")
        found = json.loads(line(crowd))
    ends = Counter(found["ends"])
    assert ends == {0: 50, -signal.SIGKILL: 50}
    changes = [counts["changes"] for counts in found["counts"]]
    snapshots = [counts["snapshots"] for counts in found["counts"]]
    print(f"each reader: {min(changes)} to {max(changes)} changes,", end=" ")
    print(f"{min(snapshots)} to {max(snapshots)} snapshots")
    assert len(changes) == 50 and min(changes) > 0 and min(snapshots) > 0
    back_to(before)
    after = Figures(target)
    after.print("after")
    after.is_as(before)


def test_a_thousand_bots_that_are_killed_leave_nothing_behind(target: Writer) -> None:
    """Connected and subscribed, or half-way through the handshake, SIGKILLed at any moment."""
    first = Figures(target)
    first.print("before")
    with program("short_lives", target.dir, SEED) as lives:
        assert line(lives) == "ready"
        # The writer's memory has got what it needs for that after the first hundred.
        tell(lives, "100")
        ends = Counter(json.loads(line(lives, 120)))
        back_to(first)
        before = Figures(target)
        before.print("after 100")
        began = time.monotonic()
        memory = [before.memory]
        with target.open() as reader:
            versions = published(reader)
            for _ in range(STRETCHES):
                tell(lives, str((CYCLES - 100) // STRETCHES))
                ends += Counter(json.loads(line(lives, 240)))
                back_to(first)
                memory.append(resident_kib(target.pid))
            rate = (published(reader) - versions) / (time.monotonic() - began)
        print(f"during {CYCLES - 100} cycles in {time.monotonic() - began:.1f} s: {rate:,.0f}/s")
        growth = [after - before for before, after in itertools.pairwise(memory)]
        print(f"memory has grown by {growth} KiB")
        assert min(growth) < STRETCH_KIB, growth
    assert ends == {"killed": CYCLES}
    assert rate > first.rate * (1 - 2 * LEEWAY)
    back_to(first)
    after = Figures(target)
    after.print(f"after {CYCLES}, seed {SEED}")
    after.is_as(before)
    after.keeps_pace_of(first)
    # And the next bot is served as the first was.
    with target.open() as reader, reader.subscribe() as subscription:
        assert until("a change comes", lambda: subscription.wait(1.0))
