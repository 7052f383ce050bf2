"""Streams in asyncio connect without holding anybody up, and say why if they cannot."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from replays import Publishing
from support import WATCHDOG, Writer, open_descriptors, until

import driftshm


class Other:
    """Another task of the loop, which shows whether it gets to run."""

    def __init__(self) -> None:
        self.ticks = 0
        self.task = asyncio.ensure_future(self.tick())

    async def tick(self) -> None:
        while True:
            await asyncio.sleep(0.001)
            self.ticks += 1

    async def ticked(self, times: int) -> None:
        goal = self.ticks + times
        while self.ticks < goal:  # noqa: ASYNC110
            await asyncio.sleep(0.001)


async def entered(stream: Any) -> None:
    async with stream:
        pass


@pytest.mark.parametrize(
    "use",
    [
        lambda r, _: r.changes(timeout=2.0).__anext__(),
        lambda r, _: r.batches(timeout=2.0).__anext__(),
        lambda r, _: entered(r.changes(timeout=2.0)),
        lambda r, view: r.wait(view, timeout=2.0),
    ],
    ids=["changes", "batches", "async with", "wait"],
)
def test_other_tasks_run_while_a_writer_that_hangs_does_not_answer(
    sim: Writer, use: Callable[[driftshm.Reader, Any], Awaitable[Any]]
) -> None:
    async def main() -> None:
        with sim.open() as reader:
            view, descriptors = reader.get_perp_market(0), open_descriptors(os.getpid())
            sim.signal(signal.SIGSTOP)
            other, using = Other(), asyncio.ensure_future(use(reader, view))
            await other.ticked(60)
            assert not using.done()
            with pytest.raises(driftshm.WriterDeadError, match="does not answer: is it stopped"):
                await using
            sim.signal(signal.SIGCONT)
            is_closed = lambda: open_descriptors(os.getpid()) <= descriptors  # noqa: E731
            await asyncio.to_thread(until, "all is closed", is_closed)

    asyncio.run(main())


def test_a_stream_waits_for_a_writer_that_answers_late(sim: Writer) -> None:
    async def main() -> None:
        with sim.open() as reader:
            sim.signal(signal.SIGSTOP)
            other, changes = Other(), reader.changes(timeout=WATCHDOG)
            entering = asyncio.ensure_future(changes.__aenter__())
            await other.ticked(20)
            assert not entering.done() and not changes.subscription.connected
            sim.signal(signal.SIGCONT)
            assert await asyncio.wait_for(entering, WATCHDOG) is changes
            assert changes.subscription.connected
            assert await asyncio.wait_for(changes.__anext__(), WATCHDOG)
            await changes.aclose()

    asyncio.run(main())


def test_changes_count_from_the_call_on_whenever_the_first_is_awaited(
    publishing: Publishing, reader: driftshm.Reader
) -> None:
    async def main() -> None:
        changes = reader.changes(kinds=["user_stats"], conflate=False)
        publishing.say(publishing.keys[0], publishing.keys[0])
        await asyncio.to_thread(
            until, "both", lambda: publishing.published(reader) == publishing.versions
        )
        async with changes:
            versions = [(await asyncio.wait_for(changes.__anext__(), WATCHDOG)).version]
            versions += [(await asyncio.wait_for(changes.__anext__(), WATCHDOG)).version]
        assert versions == [2, 3]

    asyncio.run(main())


def test_a_wait_that_is_cancelled_while_it_connects_can_be_taken_up_again(sim: Writer) -> None:
    async def main() -> None:
        with sim.open() as reader:
            sim.signal(signal.SIGSTOP)
            changes = reader.changes(timeout=WATCHDOG)
            for _ in range(3):
                with pytest.raises(asyncio.TimeoutError):
                    await asyncio.wait_for(changes.__anext__(), 0.02)
            waiting = asyncio.ensure_future(changes.__anext__())
            await asyncio.sleep(0)
            with pytest.raises(RuntimeError, match="another task already waits"):
                await changes.__anext__()
            sim.signal(signal.SIGCONT)
            assert await asyncio.wait_for(waiting, WATCHDOG)
            assert changes.subscription.times_connected == 1
            changes.close()

    asyncio.run(main())


def test_a_stream_that_is_closed_while_it_connects_just_ends(sim: Writer) -> None:
    async def main() -> None:
        with sim.open() as reader:
            sim.signal(signal.SIGSTOP)
            changes = reader.changes(timeout=WATCHDOG)
            waiting = asyncio.ensure_future(changes.__anext__())
            await asyncio.sleep(0.01)
            changes.close()
            with pytest.raises(StopAsyncIteration):
                await asyncio.wait_for(waiting, WATCHDOG)
            sim.signal(signal.SIGCONT)

    asyncio.run(main())


def test_a_stream_that_could_not_connect_says_so_again(sim: Writer) -> None:
    async def main() -> None:
        with sim.open() as reader:
            sim.kill()
            changes = reader.changes()
            for _ in range(2):
                with pytest.raises(driftshm.WriterDeadError, match="no writer listens"):
                    await changes.__anext__()
            await asyncio.sleep(0)
            assert changes.subscription.closed

    asyncio.run(main())
