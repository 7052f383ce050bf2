"""Whoever awaits a change is woken by it, by nothing else, and costs nothing meanwhile."""

from __future__ import annotations

import asyncio
import random
import select
import selectors
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import loops
import pytest
from loops import changes_of
from replays import Publishing, Script, perp
from support import WATCHDOG, Writer, bot, cpu_seconds, line, until

import driftshm

ROUNDS = 100_000
SEED = 20_240_401

Start = Callable[..., Writer]


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
            busy_until = time.perf_counter() + dice.uniform(0, 100e-6)
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
            assert change.version > delivered[change.pubkey] + change.missed
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
    last: dict[str, int] = {}

    async def main(reader: driftshm.Reader) -> None:
        async def follow() -> None:
            async for batch in batches:
                last.update({change.pubkey: change.version for change in changes_of(batch)})

        async with reader.batches() as batches:
            following = asyncio.ensure_future(follow())
            await asyncio.sleep(1)
            await asyncio.to_thread(running.stop)
            accounts = [*reader.perp_markets(), *reader.spot_markets(), *reader.users()]
            # What has not changed since the stream began was not delivered.
            final = {a.pubkey: a.version for a in accounts if a.pubkey in last or a.age < 0.9}
            assert len(final) >= 20
            arrived = lambda: final.items() <= last.items()  # noqa: E731
            await asyncio.to_thread(until, "all has arrived", arrived)
            following.cancel()

    with running.open() as reader:
        asyncio.run(main(reader))


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
                waiting = asyncio.ensure_future(changes.__anext__())
                await asyncio.sleep(0)
                burst = min(dice.choice((0, 0, 0, 1, 1, 2)), total - said)
                publishing.say(*[pubkey] * burst)
                said += burst
                if said < total:
                    for _ in range(dice.randint(0, 8)):
                        await asyncio.sleep(0)
                    waiting.cancel()
                try:
                    versions.append((await asyncio.wait_for(waiting, WATCHDOG)).version)
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
        script.say(market.set("next_fill_record_id", 77))
        running.start()
        assert int(line(idler)) == 2, "it went on by itself"
    print(f"processor time in 4 s: idle {idle:.2f} s, reconnecting {reconnecting:.2f} s")
    assert idle <= 0.01, "one tick of the clock"
    assert reconnecting < 0.02 * 4
