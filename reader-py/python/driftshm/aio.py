"""Awaiting changes in asyncio (and in uvloop, which has the same interface)."""

from __future__ import annotations

import asyncio
import os
from collections import deque
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import TypeVar as DefaultedTypeVar

    from ._driftshm import OracleView, Reader, Subscription, View
    from .types import Item

    # What comes: `Change` alone where it is conflated, else a `Lagged` now and then.
    T_co = DefaultedTypeVar("T_co", bound=Item, default=Item, covariant=True)
else:
    T_co = TypeVar("T_co", covariant=True)

Self = TypeVar("Self", bound="_Iterator[Any]")


class _Stream(Generic[T_co]):
    """One subscription on one event loop.

    The first await sees to the connection; that it comes about later is no error. From then on
    the subscription's descriptor is in the loop. Its callback drains at once, so the descriptor is
    no longer readable when the loop looks again. What was drained waits in ``items``: a cancelled
    wait loses nothing. While items wait the subscription is not armed, so a consumer that is busy
    elsewhere is not woken either.
    """

    def __init__(self, subscription: Subscription[T_co], timeout: float) -> None:
        self.subscription = subscription
        self.items: deque[T_co] = deque()
        self._timeout = timeout
        self._deadline: float | None = None
        # Whether it has been connected once: it reconnects by itself.
        self._is_settled = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._pid = os.getpid()
        self._fd = -1
        self._waiter: asyncio.Future[None] | None = None
        self._error: BaseException | None = None

    def _on_readable(self) -> None:
        was_settled = self._is_settled
        try:
            self._is_settled = was_settled or self.subscription._settle()
            if self._is_settled:
                self.items.extend(self.subscription.drain())
        except BaseException as error:
            self._error = error
            if self._is_settled:
                self._detach()
            else:
                self._close()
        has_news = self.items or self._error or self._is_settled != was_settled
        waiter = self._waiter
        if waiter is not None and not waiter.done() and has_news:
            waiter.set_result(None)

    def _attach(self) -> asyncio.AbstractEventLoop:
        loop = asyncio.get_running_loop()
        if self._loop is None:
            self._fd = self.subscription.fileno()
            loop.add_reader(self._fd, self._on_readable)
            self._loop = loop
        elif self._loop is not loop:
            raise RuntimeError("this stream belongs to another event loop")
        return loop

    def _detach(self) -> None:
        loop, self._loop = self._loop, None
        if loop is not None and not loop.is_closed():
            loop.remove_reader(self._fd)

    async def connect(self) -> None:
        """Waits for the first connection, if that is still to come."""
        while not self._is_settled:
            self._look_out()
            loop = self._attach()
            if self._deadline is None:
                self._deadline = loop.time() + self._timeout
            try:
                self._is_settled = self.subscription._settle(is_over=loop.time() >= self._deadline)
            except BaseException as error:
                self._error = error
                self.close()
                raise
            if not self._is_settled:
                await self._wait(loop, self._deadline)

    async def fill(self) -> None:
        """Waits until ``items`` has something."""
        if not self._is_settled:
            await self.connect()
        while not self.items:
            # Before the drain: what it took would be missing to the task that waits already.
            self._look_out()
            self.items.extend(self.subscription.drain())
            if not self.items:
                await self._wait(self._attach())

    def _look_out(self) -> None:
        if self._error is not None:
            raise self._error
        if self._waiter is not None and not self._waiter.done():
            raise RuntimeError("another task already waits on this stream")

    async def _wait(self, loop: asyncio.AbstractEventLoop, deadline: float | None = None) -> None:
        """Until something has happened, or the time is up."""
        waiter = self._waiter = loop.create_future()
        alarm = None if deadline is None else loop.call_at(deadline, _end, waiter)
        try:
            await waiter
        finally:
            if alarm is not None:
                alarm.cancel()
            if self._waiter is waiter:
                self._waiter = None

    def close(self) -> None:
        """Ends the stream, from any thread: a collector may run in any. May be called again."""
        loop = self._loop
        if self._pid != os.getpid():
            # After a fork the loop's epoll is still the parent's: its descriptor stays in it.
            self._loop = None
        elif loop is not None and loop.is_running() and loop is not _running_loop():
            try:
                loop.call_soon_threadsafe(self._close)
            except RuntimeError:  # It was closed meanwhile.
                pass
            else:
                return
        self._close()

    def _close(self) -> None:
        """Out of the loop strictly before the descriptor is closed."""
        loop = self._loop
        self._detach()
        if self._error is None:
            self._error = StopAsyncIteration()
        waiter = self._waiter
        if waiter is not None and not waiter.done() and not waiter.get_loop().is_closed():
            waiter.set_result(None)
        if loop is not None and loop.is_running():
            # uvloop lets go of a descriptor on its next round.
            loop.call_soon(self.subscription.close)
        else:
            self.subscription.close()


def _end(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


class _Iterator(Generic[T_co]):
    def __init__(self, subscription: Subscription[T_co], timeout: float) -> None:
        self._stream = _Stream(subscription, timeout)

    @property
    def subscription(self) -> Subscription[T_co]:
        """The subscription behind it, for `connected` and the like."""
        return self._stream.subscription

    def close(self) -> None:
        """Ends the stream; the writer forgets the subscription. May be called again."""
        self._stream.close()

    async def aclose(self) -> None:
        """As `close`, for ``contextlib.aclosing``."""
        self._stream.close()

    async def __aenter__(self: Self) -> Self:
        await self._stream.connect()
        return self

    async def __aexit__(
        self,
        error_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stream.close()

    def __del__(self) -> None:
        stream = getattr(self, "_stream", None)
        if stream is not None:
            stream.close()


class Changes(_Iterator[T_co]):
    """``async for change in reader.changes(...)``: one change at a time."""

    def __aiter__(self) -> Changes[T_co]:
        return self

    async def __anext__(self) -> T_co:
        items = self._stream.items
        if not items:
            await self._stream.fill()
        return items.popleft()


class Batches(_Iterator[T_co]):
    """``async for batch in reader.batches(...)``: all changes that wait, as a list."""

    def __aiter__(self) -> Batches[T_co]:
        return self

    async def __anext__(self) -> list[T_co]:
        items = self._stream.items
        if not items:
            await self._stream.fill()
        batch = list(items)
        items.clear()
        return batch


async def wait_newer(
    reader: Reader, view: View | OracleView, newer_than: int | None, timeout: float | None
) -> int:
    """The body of `Reader.wait`."""
    known = view.version if newer_than is None else newer_than
    loop = asyncio.get_running_loop()
    deadline = None if timeout is None else loop.time() + timeout
    base = view.version
    connecting = 2.0 if timeout is None else min(2.0, timeout)
    async with reader.changes(users=view.pubkey, timeout=connecting) as changes:
        # A version below the first one seen is of a new region, where versions begin anew.
        while base <= view.version <= known:
            left = None if deadline is None else deadline - loop.time()
            try:
                await asyncio.wait_for(changes.__anext__(), left)
            except asyncio.TimeoutError:
                message = f"account {view.pubkey} has no version after {known} in {timeout} s"
                raise TimeoutError(message) from None
    return view.version
