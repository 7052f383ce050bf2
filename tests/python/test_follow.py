"""Writers come and go; a bot that keeps its reader, its views and its streams need do nothing."""

from __future__ import annotations

import asyncio
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from loops import changes_of
from replays import Publishing, Script, key, perp, spot, user
from support import WATCHDOG, Writer, until, vouched_for

import driftshm

SIM = ("--feed", "sim", "--users", "20", "--markets", "8", "--seed", "7")

Start = Callable[..., Writer]


def test_a_region_that_is_taken_over_keeps_views_versions_and_streams(
    writer: Start, script: Script
) -> None:
    """Every publish of both writers arrives, each once, also what came while the bot was away."""
    publishing = Publishing(script, 3)
    publishing.say(*publishing.keys)
    running = writer(*script.arguments)
    with running.open() as reader:
        until("start", lambda: reader.stats()["published"] == 3)
        views = [reader.get_user_stats(authority) for authority in publishing.authorities]
        every = reader.subscribe(user_stats=views, conflate=False)
        seen: list[tuple[str, int]] = []
        expected: list[tuple[str, int]] = []
        generations = {reader.generation}
        for end in (Writer.kill, Writer.stop, Writer.kill):
            publishing.say(*publishing.keys)
            until("all", lambda: publishing.published(reader) == publishing.versions)
            inode = (running.dir / "region").stat().st_ino
            end(running)
            publishing.say(*publishing.keys)
            running.start()
            until("all of it", lambda: publishing.published(reader) == publishing.versions)
            assert (running.dir / "region").stat().st_ino == inode
            generations.add(reader.generation)
        for version in range(2, 8):
            expected += [(pubkey, version) for pubkey in publishing.keys]
        while len(seen) < len(expected):
            seen += [(c.pubkey, c.version) for c in changes_of(every.wait(WATCHDOG))]
        assert seen == expected
        assert len(generations) == 4
        until("it is connected again", lambda: every.drain() == [] and every.connected)
        assert 2 <= every.times_connected <= 4
        assert [reader.get_user_stats(a) for a in publishing.authorities] == views
        publishing.say(publishing.keys[0])
        assert [change.version for change in every.wait(WATCHDOG)] == [8]


@pytest.mark.parametrize("end", [Writer.kill, Writer.stop])
@pytest.mark.parametrize(
    "change",
    [
        ("--max-users", "64"),
        ("--journal", "1024", "--headroom", "0"),
        ("--max-perp-markets", "12", "--max-spot-markets", "9"),
    ],
    ids=lambda flags: flags[0],
)
def test_a_region_of_other_capacities_is_followed(
    writer: Start, change: tuple[str, ...], end: Callable[[Writer], object]
) -> None:
    running = writer(*SIM)
    with running.open() as reader:
        market, user, oracle = (
            reader.get_perp_market(3),
            reader.users()[4],
            reader.get_perp_oracle(3),
        )
        nested, order = market.amm, user.orders[2]
        getter = driftshm.fields("market_index", "amm.volume24h")
        stream = reader.subscribe(perp_markets=[3], users=[user])
        assert stream.wait(WATCHDOG)
        before = market.snapshot()
        end(running)
        while stream.drain():
            pass
        old = reader.stats()["capacity"]
        running = writer(*SIM, *change)
        # All of what was kept is of the new region, by itself.
        assert market.ensure_fresh(WATCHDOG) is market
        until("the feed has brought it", lambda: market.version != before.version)
        assert reader.stats()["capacity"] != old or "--journal" in change
        assert reader.stats()["writer_pid"] == running.pid
        assert reader.writer_alive
        assert reader.feed_state == "live"
        assert getter(market)[0] == market.market_index == 3
        assert nested.base_asset_reserve > 0
        assert (order.status, user.authority) == (user.orders[2].status, user.authority)
        assert oracle.ensure_fresh(WATCHDOG).price > 0
        assert reader.get_perp_market(3, max_age=WATCHDOG) is market
        assert reader.get_user(user.pubkey, max_age=WATCHDOG) is user
        assert len(reader.perp_markets()) == 8
        assert len(reader.users()) == 20
        seen: set[str] = set()
        while seen != {market.pubkey, user.pubkey}:
            for item in changes_of(stream.wait(WATCHDOG)):
                assert item.view in (market, user)
                assert item.view.version >= item.version
                seen.add(item.pubkey)
        with running.open() as fresh:
            assert abs(fresh.get_perp_market(3).version - market.version) < 50


def test_streams_in_asyncio_go_on_in_a_new_region(writer: Start) -> None:
    running = writer(*SIM)

    async def main() -> None:
        nonlocal running
        with running.open() as reader:
            async with reader.changes(perp_markets=["SOL-PERP"]) as changes:

                async def next_of(generation: int) -> Any:
                    async for change in changes:
                        if reader.generation != generation:
                            return change
                    raise AssertionError("a stream does not end by itself")

                assert await asyncio.wait_for(changes.__anext__(), WATCHDOG)
                for flags in ((), ("--max-users", "50"), ("--max-users", "60")):
                    generation = reader.generation
                    running.kill()
                    waiting = asyncio.ensure_future(next_of(generation))
                    running = await asyncio.to_thread(writer, *SIM, *flags)
                    change = await asyncio.wait_for(waiting, WATCHDOG)
                    assert (change.kind, change.key) == ("perp_market", 0)
                    assert change.view.ensure_fresh(WATCHDOG).symbol == "SOL-PERP"

    asyncio.run(main())


def remove_region(directory: Path) -> None:
    (directory / "region").unlink()


@pytest.mark.parametrize("remove", [remove_region, shutil.rmtree])
@pytest.mark.parametrize("end", [Writer.kill, Writer.stop])
def test_files_that_were_removed_while_no_writer_ran_are_no_obstacle(
    writer: Start, remove: Callable[[Path], object], end: Callable[[Writer], object]
) -> None:
    """As systemd does with a service's runtime directory when the service is stopped: the old
    region cannot say any more that another has taken its place."""
    running = writer(*SIM)
    with running.open() as reader, reader.subscribe(perp_markets=[0]) as stream:
        market, user = reader.get_perp_market(0), reader.users()[3]
        old = reader.generation
        end(running)
        while stream.drain():
            pass
        remove(running.dir)
        running = writer(*SIM)
        # Guarded reads are enough, once the old writer's last word is too old for them.
        until("its heart has stopped", lambda: market.staleness > 0.7 or reader.generation != old)
        until("it is fresh", lambda: vouched_for(lambda: market.ensure_fresh(0.5)))
        until("the new one lives", lambda: reader.writer_alive)
        assert reader.feed_state == "live"
        assert reader.stats()["writer_pid"] == running.pid
        assert reader.get_perp_market("SOL-PERP", max_age=2.0) is market
        until("it goes on", lambda: user.ensure_fresh(2.0).age < 2)
        version = market.version
        until("it changes", lambda: market.version != version)
        change = changes_of(stream.wait(WATCHDOG))[0]
        assert change.view is market
        assert change.view.version >= change.version


@pytest.mark.parametrize(
    "read",
    [
        lambda _, market: market.next_fill_record_id,
        lambda _, market: market.amm.last_update_slot and market.next_fill_record_id,
        lambda _, market: driftshm.fields("next_fill_record_id")(market)[0],
        lambda _, market: market.snapshot().next_fill_record_id,
        lambda reader, _: reader.get_perp_market(0).next_fill_record_id,
        lambda reader, _: reader.perp_markets()[0].next_fill_record_id,
    ],
    ids=["attribute", "nested", "fields", "snapshot", "get_perp_market", "perp_markets"],
)
def test_who_guards_nothing_is_not_left_behind_in_a_region_whose_writer_was_stopped(
    writer: Start, script: Script, read: Callable[[Any, Any], int]
) -> None:
    """As by ``systemctl stop`` and ``start``, which remove the service's directory."""
    market = perp(0).set("amm.last_update_slot", 1)
    script.say(market.set("next_fill_record_id", 66))
    running = writer(*script.arguments)
    with running.open() as reader:
        view = until("start", lambda: reader.get_perp_market(0))
        running.stop()
        assert read(reader, view) == 66, "the last state can be read"
        shutil.rmtree(running.dir)
        script.say(market.set("next_fill_record_id", 77))
        running.start()
        until("what is read is the new region's", lambda: read(reader, view) == 77)


@pytest.mark.parametrize(
    "read",
    [
        lambda reader, _: reader.get_perp_market(0).next_fill_record_id,
        lambda reader, market: reader.get_perp_market(market.symbol).next_fill_record_id,
        lambda reader, _: reader.snapshot(perp_markets=[0]).perp_markets[0].next_fill_record_id,
        lambda _, market: market.age and market.next_fill_record_id,
        lambda _, market: market.staleness and market.next_fill_record_id,
    ],
    ids=["by index", "by symbol", "cut", "age", "staleness"],
)
def test_who_guards_nothing_finds_out_that_the_writer_was_killed_and_its_region_lost(
    writer: Start, script: Script, read: Callable[[Any, Any], int]
) -> None:
    market = perp(0)
    script.say(market.set("next_fill_record_id", 66))
    running = writer(*script.arguments)
    with running.open() as reader:
        view = until("start", lambda: reader.get_perp_market(0))
        running.kill()
        shutil.rmtree(running.dir)
        assert read(reader, view) == 66
        script.say(market.set("next_fill_record_id", 77))
        running.start()
        until("what is read is the new region's", lambda: read(reader, view) == 77)
        assert view.next_fill_record_id == 77, "what one call has found, all reads know"


def test_an_account_that_the_new_region_does_not_have_is_said_to_be_missing_there(
    writer: Start, script: Script
) -> None:
    holder = user(1)
    script.say(perp(0), holder)
    running = writer(*script.arguments)
    with running.open() as reader:
        view = until("it is there", lambda: reader.get_user(holder.pubkey))
        running.stop()
        shutil.rmtree(running.dir)
        script.say(perp(0).set("next_fill_record_id", 77))
        running.start()
        until("the market", lambda: reader.get_perp_market(0).next_fill_record_id == 77)
        until("it is too old", lambda: view.staleness > 0.1)
        with pytest.raises(driftshm.StaleError) as raised:
            view.ensure_fresh(0.1)
        text = str(raised.value)
        assert holder.pubkey in text
        assert "the region that took its place does not have it" in text
        assert "reader.watch" in text
        assert view.authority == key(1 << 40 | 1), "the last state can be read"
        script.say(holder.set("total_deposits", 5))
        until("it comes back", lambda: view.total_deposits == 5)
        assert view.ensure_fresh(WATCHDOG) is reader.get_user(holder.pubkey)


@pytest.mark.parametrize("guard", ["stream", "writer_alive", "stats"])
def test_whatever_notices_the_new_region_takes_all_there(writer: Start, guard: str) -> None:
    running = writer(*SIM)
    with running.open() as reader, reader.subscribe(perp_markets=[0]) as stream:
        market = reader.get_perp_market(0)
        running.kill()
        while stream.drain():
            pass
        shutil.rmtree(running.dir)
        old = market.version
        running = writer(*SIM)
        if guard == "stream":
            change = changes_of(stream.wait(WATCHDOG))[-1]
            assert change.view is market
        elif guard == "writer_alive":
            generation = reader.generation
            until("it lives", lambda: reader.writer_alive and reader.generation != generation)
        else:
            until(
                "the counters are the new one's",
                lambda: reader.stats()["writer_pid"] == running.pid,
            )
        until("the view goes on without a guard", lambda: market.version not in (old, old + 1))


def test_the_only_change_of_a_quiet_account_arrives_though_its_region_was_lost(
    writer: Start, script: Script
) -> None:
    """The writer is back before anybody can tell that the old region's heart has stopped: the one
    ring that there is must not have the bot look into the old journal."""
    market = perp(0)
    script.say(market)
    running = writer(*script.arguments)

    async def main() -> None:
        with running.open() as reader:
            async with reader.changes(perp_markets=[0]) as changes:
                waiting = asyncio.ensure_future(changes.__anext__())
                await asyncio.sleep(0)
                running.kill()
                (running.dir / "region").unlink()
                script.say(spot(0))
                await asyncio.to_thread(running.start)
                subscription = changes.subscription
                is_back = lambda: subscription.times_connected == 2  # noqa: E731
                await asyncio.to_thread(until, "it is connected again", is_back)
                script.say(market.set("next_fill_record_id", 77))
                change = await asyncio.wait_for(waiting, WATCHDOG)
                assert change.view.next_fill_record_id == 77

    asyncio.run(main())


def test_a_region_of_another_cluster_is_not_followed(writer: Start, directory: Path) -> None:
    """The accounts of a market have the same addresses on every cluster: prices would be
    exchanged for those of another world without anybody saying so."""
    running = writer(*SIM)
    with running.open() as reader, reader.subscribe(perp_markets=[0]) as stream:
        market = reader.get_perp_market(0)
        running.kill()
        while stream.drain():
            pass
        snapshot = market.snapshot()
        other = Writer(directory, *SIM)
        other.cluster = "other"
        # A writer leaves another cluster's region alone; somebody has to remove it.
        (directory / "region").unlink()
        with other.start():
            assert driftshm.open(directory).cluster == "other"
            until("the old heart has stopped", lambda: market.staleness > 0.5)
            with pytest.raises(driftshm.StaleError, match='is of cluster "other"'):
                market.ensure_fresh(0.5)
            until("it is dead", lambda: not reader.writer_alive)
            assert market.snapshot() == snapshot
            assert not reader.writer_alive
            assert (reader.cluster, reader.feed_state) == ("test", "down")
            assert stream.wait(0.5) == []
        (directory / "region").unlink()
        running.start()
        assert market.ensure_fresh(WATCHDOG) is market
        assert reader.cluster == "test"
        assert stream.wait(WATCHDOG)


def test_a_bot_may_be_there_before_its_writer(writer: Start, directory: Path) -> None:
    with pytest.raises(driftshm.NoRegionError):
        driftshm.open(directory)
    running = writer(*SIM)
    running.stop()
    with driftshm.open(directory) as reader:
        assert reader.stats()["state"] == "stopped"
        assert len(reader.perp_markets()) == 8, "the last state can be read"
        with pytest.raises(driftshm.WriterDeadError):
            reader.subscribe()
        running.start()
        assert reader.subscribe().wait(WATCHDOG)


def test_a_writer_that_hangs_is_noticed_without_an_event_and_so_is_its_return(sim: Writer) -> None:
    with sim.open() as reader, reader.subscribe() as stream:
        market = reader.get_perp_market(0)
        for _ in range(3):
            assert stream.wait(WATCHDOG)
            sim.signal(signal.SIGSTOP)
            until("it is noticed", lambda: not reader.writer_alive, timeout=2)
            assert reader.feed_state == "down"
            with pytest.raises(driftshm.StaleError, match="no heartbeat"):
                market.ensure_fresh(0.5)
            sim.signal(signal.SIGCONT)
            until("it is back", lambda: reader.writer_alive)
            until("and fresh", lambda: market.staleness < 0.5)
        assert stream.times_connected == 1
