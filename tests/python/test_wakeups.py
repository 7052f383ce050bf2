"""Whoever awaits a change is woken by it, by nothing else, and costs nothing meanwhile."""

from __future__ import annotations

import asyncio
import random
import select
import selectors
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import loops
import pytest
from replays import Publishing, Script, perp
from support import WATCHDOG, Writer, bot, cpu_seconds, line, until

import driftshm

ROUNDS = 100_000
SEED = 20_240_401

Start = Callable[..., Writer]


@pytest.fixture
def publishing(writer: Start, script: Script) -> Publishing:
    """A live writer with eight accounts in it, all in version 1."""
    made = Publishing(script)
    made.say(*made.keys)
    with writer(*script.arguments).open() as reader:
        until("all are there", lambda: reader.stats()["published"] == len(made.keys))
    return made


@pytest.fixture
def reader(publishing: Publishing, directory: Path) -> Iterator[driftshm.Reader]:
    with driftshm.open(directory) as opened:
        yield opened


def changes_of(items: list[Any]) -> list[driftshm.Change]:
    assert all(isinstance(item, driftshm.Change) for item in items), items
    return items


# ------------------------------------------------------------------------- nothing is lost


def test_no_wake_up_is_lost_in_100_000_rounds(
    publishing: Publishing, reader: driftshm.Reader, record_property: Callable[..., None]
) -> None:
    """A round is a burst, and the await of its last versions. Between the two the bot is busy for a
    random while, so that publishes fall before, between and after its look, its arming, its second
    look and its sleep. It never looks again unless it is woken."""
    dice = random.Random(SEED)
    slept = rounds = 0
    delivered = dict(publishing.versions)
    with reader.subscribe(kinds=["user_stats"]) as subscription:
        poll = select.poll()
        poll.register(subscription.fileno(), select.POLLIN)
        while slept < ROUNDS:
            rounds += 1
            publishing.say(*dice.choices(publishing.keys, k=dice.choice((1, 1, 1, 2, 5))))
            busy_until = time.perf_counter() + dice.uniform(0, 60e-6)
            while time.perf_counter() < busy_until:
                pass
            was_asleep = False
            while delivered != publishing.versions:
                items = subscription.drain()
                slept += was_asleep and bool(items)
                for change in changes_of(items):
                    assert change.version > delivered[change.pubkey]
                    delivered[change.pubkey] = change.version
                was_asleep = not items
                if was_asleep:
                    assert poll.poll(WATCHDOG * 1000), f"lost in round {rounds}, {slept} sleeps"
    assert publishing.published(reader) == delivered
    record_property("rounds", rounds)
    print(f"{rounds} rounds, in {slept} of them the bot slept, seed {SEED}")


@pytest.mark.parametrize("loop", loops.LOOPS)
def test_the_last_version_of_each_account_arrives_in_every_loop(
    loop: str, publishing: Publishing, reader: driftshm.Reader
) -> None:
    """4,000 updates at random distances, then silence: only wake-ups bring a bot to the end."""
    dice = random.Random(f"{SEED} {loop}")
    counts = Counter(publishing.versions)
    for pubkey in (updates := dice.choices(publishing.keys, k=4_000)):
        counts[pubkey] += 1
    delivered: dict[str, int] = dict(publishing.versions)
    batches = 0

    def play() -> None:
        for pubkey in updates:
            delay_ms = dice.choice((0.001, 0.001, 0.02, 0.1, 1))
            publishing.script.say(publishing.next(pubkey, delay_ms=delay_ms))

    def seen(items: list[Any]) -> bool:
        nonlocal batches
        batches += 1
        for change in changes_of(items):
            assert change.version == delivered[change.pubkey] + change.missed + 1
            delivered[change.pubkey] = change.version
        return delivered == counts

    player = threading.Thread(target=play, daemon=True)
    loops.run(loop, reader, seen, player.start, kinds=["user_stats"])
    player.join()
    assert publishing.published(reader) == delivered
    print(f"{loop}: {len(updates)} updates in {batches} batches")


@pytest.mark.parametrize("rate", [300, 5_000, 100_000])
def test_what_was_delivered_last_is_what_the_region_ends_with(writer: Start, rate: int) -> None:
    running = writer("--feed", "sim", "--rate", str(rate), "--users", "50", "--seed", "3")
    with running.open() as reader:

        async def main() -> dict[str, int]:
            last: dict[str, int] = {}
            loop = asyncio.get_running_loop()
            loop.call_later(1, running.signal, signal.SIGTERM)
            async with reader.batches() as batches:
                while batches.subscription.connected:
                    batch = await asyncio.wait_for(batches.__anext__(), WATCHDOG)
                    last.update({change.pubkey: change.version for change in changes_of(batch)})
                last.update({c.pubkey: c.version for c in batches.subscription.drain()})
            return last

        last = asyncio.run(main())
        accounts = [*reader.perp_markets(), *reader.spot_markets(), *reader.users()]
        compared = [account for account in accounts if account.pubkey in last]
        assert {a.pubkey: a.version for a in compared} == {a.pubkey: last[a.pubkey] for a in compared}
        assert len(compared) >= 20


def test_a_cancelled_wait_loses_nothing_and_doubles_nothing(
    publishing: Publishing, reader: driftshm.Reader
) -> None:
    dice = random.Random(SEED)
    pubkey, total = publishing.keys[0], 2_000

    async def main() -> tuple[list[int], int]:
        versions: list[int] = []
        cancelled = 0
        async with reader.changes(user_stats=views(reader, publishing), conflate=False) as changes:
            said = 0
            while len(versions) < total:
                if said < total:
                    burst = min(dice.randint(1, 3), total - said)
                    publishing.say(*[pubkey] * burst)
                    said += burst
                task = asyncio.ensure_future(changes.__anext__())
                if said < total:
                    await asyncio.sleep(dice.choice((0, 0, 20e-6, 100e-6)))
                    task.cancel()
                try:
                    versions.append((await asyncio.wait_for(task, WATCHDOG)).version)
                except asyncio.CancelledError:
                    cancelled += 1
        return versions, cancelled

    versions, cancelled = asyncio.run(main())
    assert versions == list(range(2, total + 2))
    assert cancelled > 100
    print(f"{cancelled} waits were cancelled, seed {SEED}")


def views(reader: driftshm.Reader, publishing: Publishing) -> list[Any]:
    return [reader.get_user_stats(authority) for authority in publishing.authorities]


def test_wait_returns_the_version_that_is_newer(
    publishing: Publishing, reader: driftshm.Reader
) -> None:
    view = reader.get_user_stats(publishing.authorities[0])

    async def main() -> None:
        waiting = asyncio.ensure_future(reader.wait(view))
        await asyncio.sleep(0)
        publishing.say(publishing.keys[0])
        assert await asyncio.wait_for(waiting, WATCHDOG) == 2
        assert await reader.wait(view, newer_than=1) == 2, "it is newer already"
        with pytest.raises(TimeoutError):
            await reader.wait(view, timeout=0.05)

    asyncio.run(main())


def test_waits_timeout_counts_from_its_beginning_whatever_changes_meanwhile(sim: Writer) -> None:
    with sim.open() as reader:
        busiest = reader.get_spot_market(0)
        began = time.monotonic()
        with pytest.raises(TimeoutError):
            asyncio.run(
                asyncio.wait_for(reader.wait(busiest, newer_than=1 << 60, timeout=0.5), WATCHDOG)
            )
        assert time.monotonic() - began >= 0.5


# -------------------------------------------------------------------- nobody is woken in vain


class CountingSelector(selectors.EpollSelector):
    """Counts how often a loop is woken by a descriptor."""

    wakeups = 0

    def select(self, timeout: float | None = None) -> Any:
        events = super().select(timeout)
        self.wakeups += len(events)
        return events


def test_changes_outside_the_filter_wake_nobody(writer: Start) -> None:
    """At more than 1,000 updates per second on another market."""
    running = writer("--feed", "sim", "--rate", "2000", "--users", "0", "--focus-market", "3")
    selector = CountingSelector()
    loop = asyncio.SelectorEventLoop(selector)
    with running.open() as reader:

        async def main() -> None:
            changes = reader.changes(perp_markets=[5], spot_markets=[1], oracles=[oracle_of_5])
            waiting = asyncio.ensure_future(changes.__anext__())
            await asyncio.sleep(0.05)
            before, woken = reader.stats(), selector.wakeups
            await asyncio.sleep(3)
            after = reader.stats()
            assert after["published"] - before["published"] > 3_000
            assert (selector.wakeups - woken, after["wakeups"] - before["wakeups"]) == (0, 0)
            assert not waiting.done()
            waiting.cancel()
            changes.close()
            print(f"{after['published'] - before['published']} changes elsewhere, 0 wake-ups")

        oracle_of_5 = reader.get_perp_oracle(5)
        until("the start is over", lambda: reader.get_perp_market(3).version > 10)
        loop.run_until_complete(main())
    loop.close()


def test_a_busy_bot_costs_no_wake_ups_and_a_sleeping_one_a_single_write(
    publishing: Publishing, reader: driftshm.Reader
) -> None:
    with reader.subscribe(kinds=["user_stats"]) as subscription:
        before = reader.stats()["wakeups"]
        for _ in range(50):
            publishing.say(*publishing.keys)
        until("all is published", lambda: publishing.published(reader) == publishing.versions)
        assert reader.stats()["wakeups"] == before, "it has never said that it sleeps"
        assert len(subscription.drain()) == len(publishing.keys)
        assert subscription.drain() == []
        for _ in range(50):
            publishing.say(*publishing.keys)
        until("all is published", lambda: publishing.published(reader) == publishing.versions)
        assert reader.stats()["wakeups"] == before + 1


IDLE = """
import asyncio, sys, driftshm
reader = driftshm.open(sys.argv[1])
async def main():
    async for change in reader.changes(perp_markets=[0]):
        print(change.version)
async def start():
    task = asyncio.ensure_future(main())
    await asyncio.sleep(0.2)
    print("idle")
    await task
asyncio.run(start())
"""


def used_in(seconds: float, pid: int) -> float:
    before = cpu_seconds(pid)
    time.sleep(seconds)
    return cpu_seconds(pid) - before


def test_an_idle_bot_uses_no_processor_time_and_hardly_any_while_it_reconnects(
    writer: Start, script: Script
) -> None:
    market = perp(0)
    script.say(market)
    running = writer(*script.arguments)
    with bot(IDLE, running.dir) as idler:
        assert line(idler) == "idle"
        idle = used_in(4, idler.pid)
        running.kill()
        reconnecting = used_in(4, idler.pid)
        running.start()
        script.say(market.set("next_fill_record_id", 77))
        assert int(line(idler)) == 2, "it went on by itself"
    print(f"processor time in 4 s: idle {idle:.2f} s, reconnecting {reconnecting:.2f} s")
    assert idle <= 0.01, "one tick of the clock"
    assert reconnecting < 0.02 * 4


# ------------------------------------------------------------------- slow bots, and conflation


def test_a_slow_bot_gets_each_account_once_at_its_newest_with_what_it_missed(
    publishing: Publishing, reader: driftshm.Reader
) -> None:
    first, second, third = publishing.keys[:3]
    with reader.subscribe(kinds=["user_stats"]) as subscription:
        publishing.say(first, second)
        until("both", lambda: publishing.published(reader) == publishing.versions)
        assert {c.pubkey: c.missed for c in subscription.drain()} == {first: 0, second: 0}
        publishing.say(*[first] * 100, *[second] * 50, third)
        until("all", lambda: publishing.published(reader) == publishing.versions)
        changes = changes_of(subscription.drain())
        assert {c.pubkey: (c.version, c.missed) for c in changes} == {
            first: (102, 99), second: (52, 49), third: (2, 0),
        }  # fmt: skip
        assert len(changes) == 3
        assert subscription.drain() == []


def test_without_conflation_every_publish_arrives_in_order(
    publishing: Publishing, reader: driftshm.Reader
) -> None:
    dice = random.Random(SEED)
    said = dice.choices(publishing.keys, k=5_000)
    with reader.subscribe(kinds=["user_stats"], conflate=False) as subscription:
        publishing.say(*said)
        until("all", lambda: publishing.published(reader) == publishing.versions)
        counts: Counter[str] = Counter(dict.fromkeys(publishing.keys, 1))
        expected = []
        for pubkey in said:
            counts[pubkey] += 1
            expected.append((pubkey, counts[pubkey]))
        items = []
        while more := changes_of(subscription.drain(max=700)):
            assert len(more) <= 700
            items += more
        assert [(c.pubkey, c.version) for c in items] == expected
        assert sorted(c.publish_ns for c in items) == [c.publish_ns for c in items]
        assert all(c.missed == 0 for c in items)


@pytest.mark.parametrize("said", [50, 64, 200, 1_000])
def test_a_bot_that_was_lapped_is_told_exactly_how_much_it_lost(
    writer: Start, script: Script, said: int
) -> None:
    publishing = Publishing(script)
    publishing.say(*publishing.keys)
    with writer(*script.arguments, "--journal", "64").open() as reader:
        until("start", lambda: reader.stats()["published"] == len(publishing.keys))
        everything = reader.subscribe(conflate=False)
        conflated = reader.subscribe()
        publishing.say(*[publishing.keys[i % 2] for i in range(said)])
        until("all", lambda: publishing.published(reader) == publishing.versions)

        items = everything.drain()
        lagged = [item.count for item in items if isinstance(item, driftshm.Lagged)]
        changes = [item for item in items if isinstance(item, driftshm.Change)]
        assert sum(lagged) + len(changes) == said
        assert bool(lagged) == (said > 64)
        assert not lagged or isinstance(items[0], driftshm.Lagged)
        assert len(changes) >= min(said, 60), "nearly a whole ring is still there"
        newest = {change.pubkey: change.version for change in changes}
        assert newest.items() <= publishing.versions.items()

        items = changes_of(conflated.drain())
        assert {c.pubkey: c.version for c in items} == newest
        assert len(items) == 2


# --------------------------------------------------------------------------- misuse and endings


def test_two_tasks_on_one_stream_are_an_error_for_the_second(
    publishing: Publishing, reader: driftshm.Reader
) -> None:
    async def main() -> None:
        async with reader.changes(kinds=["user_stats"]) as changes:
            first = asyncio.ensure_future(changes.__anext__())
            await asyncio.sleep(0)
            with pytest.raises(RuntimeError, match="another task already waits"):
                await changes.__anext__()
            publishing.say(publishing.keys[0])
            until("published", lambda: publishing.published(reader) == publishing.versions)
            with pytest.raises(RuntimeError, match="another task already waits"):
                await changes.__anext__()
            assert (await asyncio.wait_for(first, WATCHDOG)).version == 2

    asyncio.run(main())


def test_a_stream_belongs_to_one_loop(publishing: Publishing, reader: driftshm.Reader) -> None:
    changes = reader.changes(kinds=["user_stats"])

    async def use() -> None:
        await asyncio.wait_for(changes.__anext__(), 0.01)

    with pytest.raises(TimeoutError):
        asyncio.run(use())
    with pytest.raises(RuntimeError, match="another event loop"):
        asyncio.run(use())
    changes.close()


def test_closing_a_stream_ends_the_loop_that_waits_on_it(
    publishing: Publishing, reader: driftshm.Reader
) -> None:
    async def main() -> list[Any]:
        changes = reader.changes(kinds=["user_stats"])
        asyncio.get_running_loop().call_later(0.05, changes.close)
        return [change async for change in changes]

    assert asyncio.run(asyncio.wait_for(main(), WATCHDOG)) == []


def test_other_threads_run_while_one_waits(
    publishing: Publishing, reader: driftshm.Reader
) -> None:
    """The change that ends the wait is brought by a thread that needs the interpreter for it."""
    subscription = reader.subscribe(kinds=["user_stats"])
    got: list[Any] = []
    thread = threading.Thread(target=lambda: got.extend(subscription.wait(WATCHDOG)))
    thread.start()
    count = 0
    woken = reader.stats()["wakeups"]
    for _ in range(100_000):
        count += 1
    publishing.say(publishing.keys[0])
    thread.join(WATCHDOG)
    assert count == 100_000
    assert [change.version for change in got] == [2]
    assert reader.stats()["wakeups"] <= woken + 1
    assert subscription.wait(0) == subscription.wait(0.01) == []


INTERRUPTED = """
import sys, driftshm
reader = driftshm.open(sys.argv[1])
subscription = reader.subscribe(perp_markets=[0])
print("waiting")
try:
    subscription.wait()
except KeyboardInterrupt:
    print("interrupted")
"""


def test_control_c_ends_a_wait_without_a_timeout(writer: Start, script: Script) -> None:
    script.say(perp(0))
    running = writer(*script.arguments)
    with bot(INTERRUPTED, running.dir) as waiter:
        assert line(waiter) == "waiting"
        until("it sleeps", lambda: state_of(waiter.pid) == "S")
        began = time.monotonic()
        waiter.send_signal(signal.SIGINT)
        assert line(waiter) == "interrupted"
        print(f"after {(time.monotonic() - began) * 1000:.0f} ms")
        assert waiter.wait(WATCHDOG) == 0


def state_of(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
