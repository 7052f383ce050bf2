"""No writer, a dead one, a hanging one, another cluster's: each is told apart."""

from __future__ import annotations

import asyncio
import re
import shutil
import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from replays import Script, key, line, perp, spot, user
from support import WATCHDOG, Writer, until, vouched_for

import driftshm

Start = Callable[..., Writer]


def test_no_region(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for path in (directory, directory / "deeper", Path("/no/such/place")):
        with pytest.raises(driftshm.NoRegionError) as raised:
            driftshm.open(path)
        text = str(raised.value)
        assert f"no region at {path}/region" in text
        assert "is the writer running? Start it with `driftshm run`" in text
        assert "DRIFTSHM_DIR" in text
    monkeypatch.delenv("DRIFTSHM_DIR", raising=False)
    with pytest.raises(driftshm.NoRegionError, match=r"/dev/shm/driftshm-\d+/nowhere/region"):
        driftshm.open("nowhere")
    monkeypatch.setenv("DRIFTSHM_DIR", str(directory))
    with pytest.raises(driftshm.NoRegionError, match=str(directory)):
        driftshm.open()


def test_who_is_started_with_the_writer_waits_until_its_feed_is_live(
    directory: Path, writer: Start
) -> None:
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(driftshm.open, directory, timeout=WATCHDOG)
        began = time.monotonic()
        writer("--feed", "sim", "--users", "5", start=False).spawn()
        reader = waiting.result(WATCHDOG)
        assert time.monotonic() - began < WATCHDOG
    assert reader.feed_state == "live"
    assert len(reader.perp_markets()) > 0
    assert driftshm.open(directory, timeout=0).feed_state == "live", "one look is taken in any case"


def test_who_waits_in_vain_is_told_for_what(directory: Path, writer: Start, tmp_path: Path) -> None:
    with pytest.raises(driftshm.NoRegionError):
        driftshm.open(directory, timeout=0.05)
    with pytest.raises(ValueError, match="timeout is -1"):
        driftshm.open(directory, timeout=-1)
    writer("--rpc-url", "http://127.0.0.1:1", start=False).spawn()
    until("there is a region", lambda: (directory / "region").exists())
    with pytest.raises(driftshm.NotLiveError, match=r"is (down|syncing|connecting) after 0.2 s"):
        driftshm.open(directory, timeout=0.2)
    # What waiting does not mend is said at once.
    (tmp_path / "region").write_bytes(b"nothing of the kind" * 1000)
    began = time.monotonic()
    with pytest.raises(driftshm.CorruptRegionError):
        driftshm.open(tmp_path, timeout=WATCHDOG)
    assert time.monotonic() - began < WATCHDOG


def test_a_path_that_leads_elsewhere(directory: Path, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    with pytest.raises(driftshm.OpenFailed, match="Not a directory") as raised:
        driftshm.open(file)
    assert str(file) in str(raised.value)
    long = tmp_path / ("x" * 300)
    with pytest.raises(driftshm.OpenFailed, match="File name too long"):
        driftshm.open(long)
    for wrong in (7, 1.5, object(), [directory]):
        with pytest.raises(TypeError):
            driftshm.open(wrong)  # type: ignore[arg-type]
    with pytest.raises((ValueError, driftshm.OpenFailed)):
        driftshm.open("/with/a\0zero")


def test_another_cluster(sim: Writer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DRIFTSHM_DIR", str(sim.dir))
    assert driftshm.open("test").cluster == "test"
    assert driftshm.open().cluster == "test", "none was asked for"
    with pytest.raises(driftshm.OtherClusterError) as raised:
        driftshm.open("mainnet")
    text = str(raised.value)
    assert 'is of cluster "test", asked for was "mainnet"' in text
    assert "DRIFTSHM_DIR" in text
    monkeypatch.setenv("DRIFTSHM_CLUSTER", "mainnet")
    with pytest.raises(driftshm.OtherClusterError, match="DRIFTSHM_CLUSTER"):
        driftshm.open()
    assert driftshm.open("test").cluster == "test", "an argument beats the environment"
    assert driftshm.open(sim.dir).cluster == "test"


def test_what_no_cluster_is_called(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("..", "a b", ".x"):
        with pytest.raises(driftshm.OpenFailed, match="is no cluster's name"):
            driftshm.open(name)
    monkeypatch.setenv("DRIFTSHM_CLUSTER", "/dev/shm/x")
    with pytest.raises(driftshm.OpenFailed, match='DRIFTSHM_CLUSTER is "/dev/shm/x"'):
        driftshm.open()


def test_a_writer_that_was_stopped_or_died_or_hangs(writer: Start) -> None:
    running = writer("--feed", "sim", "--users", "5", "--seed", "7")
    with running.open() as reader:
        view, oracle = reader.get_perp_market(0), reader.get_perp_oracle(0)

        def stale() -> str:
            texts = set()
            for guarded in (
                lambda: reader.get_perp_market(0, max_age=0.2),
                lambda: view.ensure_fresh(0.2),
                lambda: view.snapshot(max_age=0.2),
                lambda: driftshm.fields("status")(view, max_age=0.2),
                lambda: oracle.ensure_fresh(0.2),
                lambda: reader.get_perp_oracle(0, max_age=0.2),
                lambda: reader.get_user(reader.users()[0].pubkey, max_age=0.2),
                lambda: reader.snapshot(perp_markets=[0], max_age=0.2),
                lambda: reader.get_state(max_age=0.2),
            ):
                with pytest.raises(driftshm.StaleError) as raised:
                    guarded()
                text = str(raised.value)
                assert "was last known to be current" in text
                texts.add(re.sub(r"[\d.]+", "#", text.rsplit(": ", 1)[1]))
            assert len(texts) == 1, texts
            return texts.pop()

        assert view.ensure_fresh(WATCHDOG) is view
        running.signal(signal.SIGSTOP)
        until("it hangs", lambda: not reader.writer_alive)
        assert stale() == "no heartbeat of the writer for # s"
        with pytest.raises(driftshm.WriterDeadError, match="does not answer: is it stopped"):
            reader.subscribe(timeout=0.1)
        running.signal(signal.SIGCONT)
        until("it goes on", lambda: reader.writer_alive)
        running.stop()
        until("the last heartbeat is long ago", lambda: view.staleness > 0.2)
        assert stale() == "the writer was stopped"
        assert (reader.writer_alive, reader.feed_state) == (False, "down")
        assert view.mark_price > 0, "what there was can still be read"
        with pytest.raises(driftshm.WriterDeadError, match="no writer listens"):
            reader.subscribe()
        with pytest.raises(driftshm.WriterDeadError, match="no writer listens"):
            asyncio.run(reader.changes().__anext__())
        running.start()
        running.kill()
        until("it is dead", lambda: not reader.writer_alive)
        assert stale() == "no heartbeat of the writer for # s"
        with pytest.raises(driftshm.WriterDeadError, match="start it with `driftshm run`"):
            asyncio.run(reader.wait(view))


def test_an_oracle_that_is_not_there_or_cannot_be_read(writer: Start, script: Script) -> None:
    market, other = perp(0), spot(1)
    script.say(market, other, market.at(market.pubkey))
    with writer(*script.arguments).open() as reader:
        until("the market", lambda: reader.stats()["published"] >= 2)
        assert reader.get_perp_oracle(0) is None
        oracle = market.expected["amm"]["oracle"]
        absent = f"oracle {oracle} is not in the region yet"
        with pytest.raises(driftshm.OracleInvalidError, match=absent):
            _ = reader.get_perp_market(0).oracle_price
        assert reader.get_perp_market(0).market_data()["oracle_price"] is None
        script.say(line(oracle, b"\x22\xf1\x23\x63\x9d\x7e\xf4\xcd" + bytes(500)))
        view = until("the oracle", lambda: reader.get_perp_oracle(0))
        source = reader.get_perp_market(0).amm.oracle_source.name
        for use in (
            lambda: view.price,
            view.snapshot,
            lambda: reader.get_perp_market(0).oracle_price,
        ):
            with pytest.raises(driftshm.OracleInvalidError) as raised:
                use()
            text = str(raised.value)
            assert f"no valid price from oracle {oracle} by source {source}" in text
            assert reader.get_perp_market(0).symbol in text
            assert "the writer's log" in text
        with pytest.raises(driftshm.OracleInvalidError, match=f"{oracle} by source {source}"):
            reader.snapshot(perp_oracles=[0])
        assert view.prices() == {}
        assert len(view.bytes()) == 508
        assert "no price" in repr(view)
        assert reader.stats()["oracle_errors"] > 0


def test_nobody_vouches_that_what_is_not_there_does_not_exist_while_the_writer_hangs(
    writer: Start, script: Script
) -> None:
    """The account may have been made since: `None` would be an answer where there is none."""
    gone = user(1)
    script.say(perp(0), gone, gone.closed())
    running = writer(*script.arguments)
    with running.open() as reader:
        until("all of it", lambda: reader.stats()["closed"] == 1)
        absent, authority = key(7), key(8)
        stats = driftshm.derive_user_stats_account(authority)
        lookups: dict[str, Callable[[float | None], object]] = {
            f"user {absent}": lambda age: reader.get_user(absent, max_age=age),
            f"user {gone.pubkey}": lambda age: reader.get_user(gone.pubkey, max_age=age),
            f"user_stats {stats}": lambda age: reader.get_user_stats(authority, max_age=age),
            "perp_market 7": lambda age: reader.get_perp_market(7, max_age=age),
            "spot_market 3": lambda age: reader.get_spot_market(3, max_age=age),
            "oracle of perp_market 0": lambda age: reader.get_perp_oracle(0, max_age=age),
            "oracle of spot_market 3": lambda age: reader.get_spot_oracle(3, max_age=age),
            "state account": lambda age: reader.get_state(max_age=age),
        }
        cuts: dict[str, Callable[[float | None], object]] = {
            f"user {absent}": lambda age: reader.snapshot(users=[absent], max_age=age),
            f"user {gone.pubkey}": lambda age: reader.snapshot(users=[gone.pubkey], max_age=age),
            f"user stats account {stats}": lambda age: reader.snapshot(
                user_stats=[authority], max_age=age
            ),
            "perp_market 7": lambda age: reader.snapshot(perp_markets=[7], max_age=age),
            "oracle of perp_market 0": lambda age: reader.snapshot(perp_oracles=[0], max_age=age),
            "state account": lambda age: reader.snapshot(state=True, max_age=age),
        }
        until("the feed's first word", lambda: vouched_for(lambda: reader.get_state(max_age=1)))
        for look in lookups.values():
            assert look(WATCHDOG) is None
        for cut in cuts.values():
            with pytest.raises((driftshm.UnknownAccountError, driftshm.UnknownMarketError)):
                cut(WATCHDOG)
        running.signal(signal.SIGSTOP)
        until("it hangs", lambda: not reader.writer_alive)
        for each in (lookups, cuts):
            for what, look in each.items():
                with pytest.raises(driftshm.StaleError) as raised:
                    look(0.2)
                text = str(raised.value)
                assert text.startswith(f"{what} "), text
                assert "is not in the region, which was last known to be current" in text
                assert "no heartbeat of the writer" in text
        for look in lookups.values():
            assert look(None) is None, "without a guard it is as it was"
            assert look(WATCHDOG) is None
        running.signal(signal.SIGCONT)
        until("it is back", lambda: reader.writer_alive)
        until("so is the feed", lambda: vouched_for(lambda: reader.get_state(max_age=0.5)))


@pytest.mark.parametrize("end", [Writer.kill, Writer.stop])
@pytest.mark.parametrize(
    "look",
    [
        lambda reader: reader.get_user(user(2).pubkey),
        lambda reader: reader.get_user(user(2).pubkey, max_age=WATCHDOG),
        lambda reader: reader.get_perp_market("BTC-PERP"),
        lambda reader: reader.get_perp_market(1),
        lambda reader: reader.snapshot(users=[user(2).pubkey]),
        lambda reader: reader.snapshot(perp_markets=["BTC-PERP"]),
    ],
    ids=["user", "guarded", "symbol", "index", "cut", "cut by symbol"],
)
def test_what_only_the_new_region_has_is_found_at_the_first_look(
    writer: Start,
    script: Script,
    look: Callable[[driftshm.Reader], object],
    end: Callable[[Writer], object],
) -> None:
    script.say(perp(0), user(1))
    running = writer(*script.arguments)
    with running.open() as reader:
        until("both", lambda: reader.stats()["published"] == 2)
        end(running)
        assert reader.get_user(user(2).pubkey) is None
        shutil.rmtree(running.dir)
        script.say(user(1), user(2), perp(1), perp(0))
        running.start()
        with running.open() as other:
            until("all of it", lambda: other.stats()["published"] == 4)
        if end is Writer.kill:
            # What this asks does not look for another region.
            until("the old heart has stopped", lambda: "feed down" in repr(reader))
        assert look(reader)
        assert len(reader.users()) == len(reader.users_array()) == 2, "all reads know of it"
