"""Streams, readers and loops end in any order, and leave nothing behind."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import itertools
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import loops
import pytest
from replays import Publishing, Script, perp
from support import WATCHDOG, Writer, bot, line, open_descriptors, until

import driftshm

CYCLES = {"asyncio": 10_000, "uvloop": 2_500}


@pytest.fixture(autouse=True)
def nothing_is_swallowed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An error in a destructor is a failure, too."""
    swallowed: list[Any] = []
    monkeypatch.setattr(sys, "unraisablehook", swallowed.append)
    yield
    gc.collect()
    assert [each.exc_value for each in swallowed] == []


def new_loop(kind: str) -> asyncio.AbstractEventLoop:
    loop = loops.uvloop().new_event_loop() if kind == "uvloop" else asyncio.new_event_loop()
    loop.set_debug(True)
    return loop


def descriptors_now() -> int:
    """What other tests left to the collector is not counted."""
    gc.collect()
    return open_descriptors(os.getpid())


def started(changes: driftshm.Changes) -> asyncio.Future[Any]:
    return asyncio.ensure_future(changes.__anext__())


async def attach(changes: driftshm.Changes) -> None:
    """Puts the stream's descriptor into the loop."""
    waiting = started(changes)
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting


STEPS = (
    "close the stream",
    "drop the stream",
    "close the reader",
    "drop the reader",
    "close the loop",
)


@pytest.mark.parametrize("kind", ["asyncio", "uvloop"])
def test_stream_reader_and_loop_end_in_any_order(
    kind: str, publishing: Publishing, directory: Path
) -> None:
    orders = list(itertools.permutations(STEPS))
    first = new_loop(kind)  # The library's own descriptors are there from now on.
    first.run_until_complete(asyncio.sleep(0))
    first.close()
    descriptors = descriptors_now()
    for order in orders:
        reader: Any = driftshm.open(directory)
        changes: Any = reader.changes(kinds=["user_stats"])
        loop = new_loop(kind)
        loop.run_until_complete(attach(changes))
        for step in order:
            if step == "close the stream" and changes is not None:
                changes.close()
            elif step == "drop the stream":
                changes = None
            elif step == "close the reader" and reader is not None:
                reader.close()
            elif step == "drop the reader":
                reader = None
            elif step == "close the loop":
                loop.run_until_complete(asyncio.sleep(0))
                loop.close()
    gc.collect()
    assert descriptors_now() == descriptors
    print(f"{len(orders)} orders")


@pytest.mark.parametrize("kind", ["asyncio", "uvloop"])
def test_thousands_of_streams_leave_no_descriptor_and_no_spinning_loop(
    kind: str, publishing: Publishing, reader: driftshm.Reader
) -> None:
    writer_pid = reader.stats()["writer_pid"]

    async def main() -> None:
        for cycle in range(CYCLES[kind]):
            changes: Any = reader.changes(kinds=["user_stats"])
            if cycle % 4:
                waiting = started(changes)
                await asyncio.sleep(0)
            if cycle % 4 == 1:
                changes.close()
                with contextlib.suppress(StopAsyncIteration):
                    await asyncio.wait_for(waiting, WATCHDOG)
            elif cycle % 4 == 2:
                # Between the wake-up and the task that it wakes.
                publishing.say(publishing.keys[0])
                waiting.cancel()
                changes.close()
            elif cycle % 4 == 3:
                waiting.cancel()
                await asyncio.sleep(0)
                del waiting, changes
        await asyncio.sleep(0.05)
        used = time.process_time()
        await asyncio.sleep(1)
        assert time.process_time() - used < 0.1, "the loop spins"

    loop = new_loop(kind)
    loop.set_debug(False)
    descriptors = descriptors_now(), open_descriptors(writer_pid)
    began = time.monotonic()
    loop.run_until_complete(main())
    print(f"{kind}: {CYCLES[kind]} streams in {time.monotonic() - began - 1:.1f} s")
    gc.collect()
    assert descriptors_now() == descriptors[0]
    until("the writer has let go", lambda: open_descriptors(writer_pid) == descriptors[1])
    loop.close()


@pytest.mark.parametrize("kind", ["asyncio", "uvloop"])
def test_a_stream_in_a_cycle_may_be_collected_by_any_thread(
    kind: str, publishing: Publishing, reader: driftshm.Reader
) -> None:
    async def main() -> None:
        descriptors = descriptors_now()
        for _ in range(50):
            cycle: list[Any] = [reader.changes(kinds=["user_stats"])]
            await attach(cycle[0])
            cycle.append(cycle)
            del cycle
            await asyncio.to_thread(gc.collect)
            await asyncio.sleep(0)
        await asyncio.to_thread(until, "all are closed", lambda: descriptors_now() <= descriptors)

    loop = new_loop(kind)
    gc.disable()
    try:
        # The thread that collects is there before descriptors are counted.
        loop.run_until_complete(asyncio.wait_for(loop.run_in_executor(None, gc.collect), WATCHDOG))
        loop.run_until_complete(main())
    finally:
        gc.enable()
    loop.run_until_complete(loop.shutdown_default_executor())
    loop.close()


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

    with pytest.raises(asyncio.TimeoutError):
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


def test_a_stream_may_be_closed_within_its_own_loop(
    publishing: Publishing, reader: driftshm.Reader
) -> None:
    async def main() -> None:
        changes = reader.changes(kinds=["user_stats"])
        publishing.say(publishing.keys[0])
        async for change in changes:
            assert change.version == 2
            changes.close()
            changes.close()
        await asyncio.sleep(0)
        assert changes.subscription.closed
        with pytest.raises(StopAsyncIteration):
            await changes.__anext__()

    asyncio.run(asyncio.wait_for(main(), WATCHDOG))


def test_other_threads_run_while_one_waits(publishing: Publishing, reader: driftshm.Reader) -> None:
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


def test_control_c_ends_a_wait_without_a_timeout(
    writer: Callable[..., Writer], script: Script
) -> None:
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
