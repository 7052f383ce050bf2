"""One bot, in each of the event loops that a bot may live in."""

from __future__ import annotations

import asyncio
import importlib
import select
from collections.abc import Callable
from typing import Any

from support import WATCHDOG, missing

import driftshm

Items = list[Any]
Seen = Callable[[Items], bool]

LOOPS = ("asyncio", "uvloop", "trio", "select", "wait")


def changes_of(items: Items) -> list[driftshm.Change]:
    """The items, all of which must be changes."""
    assert all(isinstance(item, driftshm.Change) for item in items), items
    return items


def run(
    kind: str, reader: driftshm.Reader, seen: Seen, ready: Callable[[], None], **kw: Any
) -> None:
    """Hands over what changes until ``seen`` says that it was all.

    Nothing but a wake-up makes a bot look again: one that is lost ends in the watchdog.
    """
    if kind in ("asyncio", "uvloop"):
        main = _asyncio(reader, seen, ready, kw)
        if kind == "uvloop":
            uvloop().run(main, debug=True)
        else:
            asyncio.run(main, debug=True)
    elif kind == "trio":
        trio().run(_trio_main, reader, seen, ready, kw)
    else:
        with reader.subscribe(**kw) as subscription:
            ready()
            (_select if kind == "select" else _wait)(subscription, seen)


async def _asyncio(reader: driftshm.Reader, seen: Seen, ready: Callable[[], None], kw: Any) -> None:
    async with reader.batches(**kw) as batches:
        ready()
        while not seen(await asyncio.wait_for(batches.__anext__(), WATCHDOG)):
            pass


def _select(subscription: driftshm.Subscription, seen: Seen) -> None:
    while True:
        items = subscription.drain()
        if items and seen(items):
            return
        if not items:
            readable = select.select([subscription.fileno()], [], [], WATCHDOG)[0]
            assert readable, "a wake-up was lost"


def _wait(subscription: driftshm.Subscription, seen: Seen) -> None:
    while True:
        items = subscription.wait(WATCHDOG)
        assert items, "a wake-up was lost"
        if seen(items):
            return


async def _trio_main(
    reader: driftshm.Reader, seen: Seen, ready: Callable[[], None], kw: Any
) -> None:
    library = trio()
    with reader.subscribe(**kw) as subscription:
        fd = subscription.fileno()
        ready()
        try:
            while True:
                items = subscription.drain()
                if items and seen(items):
                    return
                if not items:
                    with library.fail_after(WATCHDOG):
                        await library.lowlevel.wait_readable(fd)
        finally:
            library.lowlevel.notify_closing(fd)


def uvloop() -> Any:
    """The module."""
    try:
        return importlib.import_module("uvloop")
    except ImportError:
        missing("uvloop")


def trio() -> Any:
    """The module."""
    try:
        return importlib.import_module("trio")
    except ImportError:
        missing("trio")
