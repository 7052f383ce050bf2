"""After a fork the mapping may be used; what belongs to the parent stays the parent's."""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import os
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import loops
import pytest
from children import in_child
from loops import changes_of
from replays import Publishing
from support import BINARY, WATCHDOG, Writer, bot, line, until

import driftshm


def test_a_child_reads_what_its_parent_opened(sim: Writer) -> None:
    with sim.open() as reader:
        market, read = reader.get_perp_market(0), driftshm.fields("amm.volume24h")

        def act() -> object:
            live = until("it is live here, too", lambda: market.version > version)
            cut = reader.snapshot(perp_markets=[0, 1], spot_markets=[0])
            names = [m.symbol for m in reader.perp_markets()]
            fresh = reader.get_perp_market("BTC-PERP", max_age=WATCHDOG).mark_price
            return [live, len(cut.id.versions), names, fresh > 0, read(market)[0] >= 0]

        version = market.version
        expected = [m.symbol for m in reader.perp_markets()]
        assert in_child(act) == [True, 3, expected, True, True]


def test_a_child_cannot_use_its_parents_subscription_and_may_make_its_own(
    publishing: Publishing, reader: driftshm.Reader
) -> None:
    subscription = reader.subscribe(kinds=["user_stats"])
    watch = reader.watch(publishing.keys[0])

    for use in (
        subscription.drain,
        lambda: subscription.wait(1),
        subscription.fileno,
        lambda: subscription.connected,
    ):
        answer = in_child(use)
        assert answer.startswith("ForkedError: "), answer
        assert "new one after fork" in answer
    assert in_child(lambda: [subscription.close(), watch.close(), subscription.closed])[2] is True

    def own() -> object:
        with reader.subscribe(kinds=["user_stats"]) as mine:
            os.write(ready, b"x")
            return [change.version for change in mine.wait(WATCHDOG)]

    readable, ready = os.pipe()
    os.set_blocking(readable, True)

    def publish() -> None:
        os.read(readable, 1)
        publishing.say(publishing.keys[0])

    thread = threading.Thread(target=publish)
    thread.start()
    assert in_child(own) == [2]
    thread.join()
    assert [change.version for change in changes_of(subscription.wait(WATCHDOG))] == [2]
    subscription.close()
    watch.close()


@pytest.mark.parametrize("kind", ["asyncio", "uvloop"])
def test_children_do_not_touch_their_parents_wake_ups(
    kind: str, publishing: Publishing, reader: driftshm.Reader
) -> None:
    """Whatever a child does to the stream, also by ending: the loop's epoll is shared with it."""
    loop = loops.uvloop().new_event_loop() if kind == "uvloop" else asyncio.new_event_loop()

    async def main() -> None:
        changes: Any = reader.changes(kinds=["user_stats"])
        version = 1

        async def next_version() -> None:
            nonlocal version
            waiting = asyncio.ensure_future(changes.__anext__())
            await asyncio.sleep(0.01)
            publishing.say(publishing.keys[0])
            version += 1
            assert (await asyncio.wait_for(waiting, WATCHDOG)).version == version

        def dropped() -> None:
            nonlocal changes
            changes = None

        await next_version()
        for act in (changes.close, dropped):
            in_child(act)
            await next_version()
        assert changes.subscription.times_connected == 1
        changes.close()

    loop.run_until_complete(main())
    loop.close()


PARENT = """
import multiprocessing, os, sys, time, driftshm
reader = driftshm.open(sys.argv[1])
subscription, watch = reader.subscribe(), reader.watch(reader.users()[0])

def live_on():
    print(os.getpid())
    # Its own files have numbers of their own, whatever becomes of what it has inherited.
    mine = os.pipe()
    global subscription, watch
    subscription.close(), watch.close()
    del subscription, watch
    os.write(mine[1], b"x")
    print(os.read(mine[0], 1).decode())
    with reader.subscribe() as own:
        assert own.wait(30)
        time.sleep(600)

multiprocessing.get_context("fork").Process(target=live_on).start()
time.sleep(600)
"""


def test_a_parent_that_is_killed_is_gone_for_the_writer_though_its_child_lives(
    sim: Writer,
) -> None:
    def subscriptions() -> int:
        command = [str(BINARY), "status", "--json", "--dir", str(sim.dir)]
        status = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
        return int(status["socket"]["subscriptions"])

    with bot(PARENT, sim.dir) as parent:
        child = int(line(parent))
        try:
            assert line(parent) == "x"
            until("both have subscribed, and the parent watches", lambda: subscriptions() == 3)
            parent.kill()
            until("the parent's are gone", lambda: subscriptions() == 1)
            os.kill(child, 0)
        finally:
            os.kill(child, signal.SIGKILL)
        until("so are the child's", lambda: subscriptions() == 0)


def read_in_worker(directory: str) -> list[Any]:
    with driftshm.open(directory) as reader, reader.subscribe() as subscription:
        names = [market.symbol for market in reader.perp_markets()]
        return [names, bool(subscription.wait(WATCHDOG))]


def snapshot_of(market: Any) -> int:
    version: int = market.version
    return version


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_multiprocessing_workers_read_subscribe_and_get_snapshots(sim: Writer, method: str) -> None:
    context = multiprocessing.get_context(method)
    with sim.open() as reader, reader.subscribe() as subscription:
        names = [market.symbol for market in reader.perp_markets()]
        snapshot = reader.get_perp_market(0).snapshot()
        with context.Pool(2) as pool:
            results = pool.map_async(read_in_worker, [str(sim.dir)] * 4).get(WATCHDOG)
            assert results == [[names, True]] * 4
            assert pool.apply_async(snapshot_of, (snapshot,)).get(WATCHDOG) == snapshot.version
        assert subscription.wait(WATCHDOG), "the parent's goes on"
        assert reader.get_perp_market(0, max_age=WATCHDOG).symbol == names[0]


LIST = """
import os
names = [f"/proc/self/fd/{fd}" for fd in os.listdir("/proc/self/fd")]
print(sorted(os.readlink(name) for name in names if os.path.lexists(name)))
"""


def test_a_program_that_a_bot_starts_inherits_nothing_of_ours(sim: Writer) -> None:
    def listing() -> str:
        run = subprocess.run(
            [sys.executable, "-c", LIST],
            close_fds=False,
            capture_output=True,
            text=True,
            check=True,
        )
        # Numbers of pipes differ from run to run.
        return re.sub(r"pipe:\[\d+\]", "pipe", run.stdout)

    before = listing()
    with sim.open() as reader, reader.subscribe(), reader.watch(reader.users()[0]):
        assert len(os.listdir("/proc/self/fd")) > 6
        during = listing()
    assert during == before
    assert "driftshm" not in during
    assert "memfd" not in during


def test_a_pool_of_forked_workers_leaves_the_region_as_it_was(sim: Writer) -> None:
    """Python's own shared memory is unlinked by the first child that ends; ours is not."""
    region = Path(sim.dir, "region")
    inode = region.stat().st_ino
    for method in ("fork", "spawn"):
        with multiprocessing.get_context(method).Pool(2) as pool:
            pool.map_async(read_in_worker, [str(sim.dir)] * 2).get(WATCHDOG)
    assert region.stat().st_ino == inode
