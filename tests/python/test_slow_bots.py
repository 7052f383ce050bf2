"""Bots that are slow: each account at its newest, or every change and what was lost."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable

import pytest
from loops import changes_of
from replays import Publishing, Script
from support import WATCHDOG, Writer, until

import driftshm

SEED = 20_240_402


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


def test_the_first_change_of_an_account_counts_from_the_beginning_of_the_stream(
    publishing: Publishing, reader: driftshm.Reader
) -> None:
    first, second = publishing.keys[:2]
    publishing.say(first, first)
    until("two", lambda: publishing.published(reader) == publishing.versions)
    with reader.subscribe() as subscription:
        publishing.say(*[first] * 5, second)
        until("all", lambda: publishing.published(reader) == publishing.versions)
        found = {c.pubkey: (c.version, c.missed) for c in changes_of(subscription.drain())}
        assert found == {first: (8, 4), second: (2, 0)}
        publishing.say(first, first)
        until("all", lambda: publishing.published(reader) == publishing.versions)
        [change] = changes_of(subscription.drain())
        assert (change.version, change.missed) == (10, 1)


@pytest.mark.parametrize("said", [50, 64, 200, 1_000])
def test_a_bot_that_was_lapped_is_told_exactly_how_much_it_lost(
    writer: Callable[..., Writer], script: Script, said: int
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


def test_a_bot_with_a_narrow_filter_loses_nothing_to_what_is_not_for_it(
    writer: Callable[..., Writer], script: Script
) -> None:
    """It sleeps, however it awaits, while the journal runs over it many times: then its own change
    comes, and nothing that says that anything was lost."""
    publishing = Publishing(script)
    publishing.say(*publishing.keys)
    mine, *others = publishing.keys
    with writer(*script.arguments, "--journal", "64").open() as reader:
        until("start", lambda: reader.stats()["published"] == len(publishing.keys))

        def say_others() -> None:
            publishing.say(*others * 100)
            until("all", lambda: publishing.published(reader) == publishing.versions)

        async def main() -> None:
            async with (
                reader.changes(users=mine, conflate=False) as changes,
                reader.batches(users=mine) as batches,
            ):
                for version in range(2, 6):
                    for stream in (changes, batches):
                        # A wait that ends before anything comes looks again when it begins anew.
                        with pytest.raises(asyncio.TimeoutError):
                            await asyncio.wait_for(stream.__anext__(), 0.05)
                    await asyncio.to_thread(say_others)
                    both = asyncio.gather(changes.__anext__(), batches.__anext__())
                    await asyncio.sleep(0)
                    await asyncio.to_thread(say_others)
                    publishing.say(mine)
                    change, [conflated] = await asyncio.wait_for(both, WATCHDOG)
                    assert (change.version, change.missed) == (version, 0)
                    assert (conflated.version, conflated.missed) == (version, 0)

        asyncio.run(main())
        with reader.subscribe(users=mine, conflate=False) as subscription:
            assert subscription.wait(0.01) == []
            for version in range(6, 9):
                say_others()
                assert subscription.wait(0.01) == []
                say_others()
                publishing.say(mine)
                [change] = changes_of(subscription.wait(WATCHDOG))
                assert change.version == version
                assert subscription.drain() == []
