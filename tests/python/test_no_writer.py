"""No writer, a dead one, a hanging one, another cluster's: each is told apart."""

from __future__ import annotations

import asyncio
import re
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from replays import Script, line, perp, spot
from support import WATCHDOG, Writer, until

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
    assert 'is of cluster "test", asked for was "mainnet": check DRIFTSHM_DIR' in text


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
