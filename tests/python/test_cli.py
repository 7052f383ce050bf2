"""The command line against a region whose writer lives, is dead, or was never there."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support import BINARY, WATCHDOG, Writer, until

import driftshm

Start = Callable[..., Writer]


def driftshm_does(*arguments: object, status: int = 0) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("DRIFTSHM_")}
    run = subprocess.run(
        [str(BINARY), *map(str, arguments)],
        capture_output=True, text=True, env=environment, timeout=WATCHDOG, check=False,
    )  # fmt: skip
    assert run.returncode == status, run.stdout + run.stderr
    return run


def as_json(*arguments: object, status: int = 0) -> Any:
    return json.loads(driftshm_does(*arguments, "--json", status=status).stdout)


@pytest.fixture
def dead(sim: Writer) -> Writer:
    sim.kill()
    with sim.open() as reader:
        until("its heart has stopped", lambda: not reader.writer_alive)
    return sim


def test_status_says_how_the_writer_is(sim: Writer) -> None:
    status = as_json("status", "--dir", sim.dir)
    with sim.open() as reader, reader.subscribe():
        stats = reader.stats()
        assert status["writer"]["alive"] is True
        assert status["writer"]["pid"] == stats["writer_pid"] == sim.pid
        assert (status["state"], status["cluster"], status["feed"]["state"]) == (
            "live",
            "test",
            "live",
        )
        assert status["generation"] == reader.generation
        assert {each["kind"]: each["in_use"] for each in status["records"]} == stats["records"]
        assert {each["kind"]: each["capacity"] for each in status["records"]} == stats["capacity"]
        assert status["counters"].keys() == {
            name for name in stats if isinstance(stats[name], int) and name in status["counters"]
        }
        assert status["region_bytes"] == (sim.dir / "region").stat().st_size
        assert as_json("status", "--dir", sim.dir)["socket"]["subscriptions"] == 1
    text = driftshm_does("status", "--dir", sim.dir).stdout
    assert "live" in text
    assert str(sim.pid) in text


def test_status_of_a_dead_writer_and_of_none(dead: Writer, tmp_path: Path) -> None:
    status = as_json("status", "--dir", dead.dir, status=3)
    assert status["writer"]["alive"] is False
    assert status["records"][0]["in_use"] > 0, "the last state can be read"
    assert "driftshm run" in str(status["socket_error"])
    assert as_json("status", "--dir", tmp_path, status=4)["state"] == "none"
    said = driftshm_does("status", "--dir", tmp_path, status=4).stderr
    assert "no region at" in said
    assert "driftshm run" in said


def test_get_agrees_with_the_reader(sim: Writer) -> None:
    sim.stop()
    with sim.open() as reader:
        market, spot, holder = (
            reader.get_perp_market(1),
            reader.get_spot_market(0),
            reader.users()[0],
        )
        for key in ("1", "BTC-PERP", market.pubkey):
            got = as_json("get", "perp", key, "--dir", sim.dir)
            assert got["pubkey"] == market.pubkey
            assert got["account"]["amm"]["base_asset_reserve"] is not None
            assert int(got["account"]["market_index"]) == 1
        fields = as_json(
            "get", "perp", "1", "amm.volume24h", "status", "--dir", sim.dir
        )["fields"]  # fmt: skip
        assert int(fields["amm.volume24h"]) == market.amm.volume24h
        assert fields["status"] == market.status.name
        assert as_json("get", "spot", "USDC", "--dir", sim.dir)["pubkey"] == spot.pubkey
        for key in (holder.pubkey, f"{holder.authority}:{holder.sub_account_id}"):
            got = as_json("get", "user", key, "--dir", sim.dir)
            assert got["account"]["authority"] == holder.authority
        oracle = as_json("get", "oracle", "BTC-PERP", "--dir", sim.dir)
        assert oracle["pubkey"] == reader.get_perp_oracle(1).pubkey
        assert str(reader.get_perp_oracle(1).price) in json.dumps(oracle)
        state = as_json("get", "state", "--dir", sim.dir)
        assert state["pubkey"] == reader.get_state().pubkey
        assert "market_index" in driftshm_does("get", "perp", "1", "--dir", sim.dir).stdout


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (("get", "perp", "999"), 1, ["999"]),
        (("get", "perp", "DOGE2"), 1, ["DOGE2", "SOL-PERP"]),
        (("get", "perp"), 2, ["KEY is missing", "SOL-PERP"]),
        (("get", "user", "x"), 2, ["x", "base58"]),
        (("get", "user", "11111111111111111111111111111111"), 1, ["1111"]),
        (("get", "perp", "0", "amm.volume_24h"), 1, ["volume_24h", "volume24h"]),
        (("get", "dragon", "0"), 2, ["dragon", "perp"]),
        (("watch", "--perp", "DOGE2"), 1, ["DOGE2"]),
        (("watch", "--kind", "dragon"), 2, ["dragon"]),
    ],
)
def test_what_is_asked_wrongly_is_explained(
    sim: Writer, arguments: tuple[str, ...], status: int, words: list[str]
) -> None:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("DRIFTSHM_")}
    run = subprocess.run(
        [str(BINARY), *arguments, "--dir", str(sim.dir)],
        capture_output=True, text=True, env=environment, timeout=WATCHDOG, check=False,
    )  # fmt: skip
    assert run.returncode in (status, 1, 2)
    assert run.returncode != 0
    for word in words:
        assert word in run.stderr, run.stderr
    assert "panicked" not in run.stderr


def test_watch_prints_a_line_for_each_change(sim: Writer) -> None:
    flags = ("--dir", sim.dir, "--count", "25", "--json", "--perp", "SOL-PERP", "--no-conflate")
    lines = [json.loads(text) for text in driftshm_does("watch", *flags).stdout.splitlines()]
    changes = [each for each in lines if "lagged" not in each]
    assert len(changes) == 25
    assert {(each["kind"], each["index"]) for each in changes} == {("perp_market", 0)}
    versions = [each["version"] for each in changes]
    assert versions == list(range(versions[0], versions[0] + 25))
    text = driftshm_does("watch", "--dir", sim.dir, "--count", "3").stdout
    assert len(text.splitlines()) == 3


def test_watch_goes_on_with_the_next_writer_and_ends_with_a_signal(sim: Writer) -> None:
    command = [str(BINARY), "watch", "--dir", str(sim.dir), "--json"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as watch:
        try:
            assert watch.stdout is not None
            assert watch.stderr is not None
            printed: deque[str] = deque(maxlen=1)
            said: list[str] = []
            # Always read: in a full pipe it would wait for us.
            for pipe, into in ((watch.stdout, printed), (watch.stderr, said)):
                threading.Thread(target=into.extend, args=(pipe,), daemon=True).start()
            until("a change", lambda: printed)
            assert "version" in json.loads(printed[-1])
            sim.kill()
            until("it is gone", lambda: any("the writer is gone" in text for text in said))
            sim.start()
            until("it is back", lambda: any("a writer is there again" in text for text in said))
            slot = driftshm.open(sim.dir).slot
            until("it goes on", lambda: json.loads(printed[-1])["slot"] >= slot)
            watch.send_signal(signal.SIGINT)
            assert watch.wait(WATCHDOG) == 0
        finally:
            watch.kill()


def test_watch_and_get_without_a_writer(dead: Writer, tmp_path: Path) -> None:
    assert as_json("get", "perp", "0", "--dir", dead.dir)["account"], "it can still be read"
    said = driftshm_does("watch", "--dir", dead.dir, status=1).stderr
    assert "no writer listens" in said
    assert "driftshm run" in said
    for command in (("get", "perp", "0"), ("watch",)):
        assert "no region at" in driftshm_does(*command, "--dir", tmp_path, status=1).stderr


def verdicts(*arguments: object, status: int) -> dict[str, dict[str, str]]:
    findings: list[dict[str, str]] = as_json("doctor", *arguments, status=status)["findings"]
    for finding in findings:
        assert finding["verdict"] in ("ok", "warning", "error")
        assert finding["text"]
        assert finding["verdict"] == "ok" or finding["remedy"], finding
    return {finding["check"]: finding for finding in findings}


def test_doctor_says_what_is_wrong_and_how_to_mend_it(
    sim: Writer, tmp_path: Path, directory: Path
) -> None:
    well = verdicts("--dir", sim.dir, status=0)
    assert len(well) >= 6
    assert not [finding for finding in well.values() if finding["verdict"] == "error"]
    sim.kill()
    with sim.open() as reader:
        until("its heart has stopped", lambda: not reader.writer_alive)
    ill = verdicts("--dir", sim.dir, status=1)
    errors = {check: found for check, found in ill.items() if found["verdict"] == "error"}
    assert errors
    assert any("driftshm run" in found["remedy"] for found in errors.values())
    absent = verdicts("--dir", tmp_path / "nothing", status=1)
    assert any(found["verdict"] == "error" for found in absent.values())
    os.truncate(sim.dir / "region", 100)
    broken = verdicts("--dir", sim.dir, status=1)
    assert "shorter than the header" in broken["region"]["text"]
    text = driftshm_does("doctor", "--dir", sim.dir, status=1).stdout
    assert "✗" in text
    assert "→" in text


def test_the_cluster_is_compared(sim: Writer) -> None:
    assert as_json("status", "--dir", sim.dir, "--cluster", "test")["cluster"] == "test"
    said = driftshm_does("status", "--dir", sim.dir, "--cluster", "other", status=1).stderr
    assert 'is of cluster "test", asked for was "other"' in said


def test_settings_that_are_wrong_say_which_and_what_is_allowed(
    directory: Path, tmp_path: Path
) -> None:
    cases = [
        (("--rate", "0"), ["--rate", "1 to 1000000"]),
        (("--journal", "100"), ["--journal", "power of two"]),
        (("--mode", "0666"), ["--mode", "0640"]),
        (("--profile", "drift-v9"), ["--profile", "drift-v2"]),
        (("--user", "x"), ["--user", "base58"]),
        (("--loop",), ["--loop", "--feed replay"]),
        (("--max-users", "0"), ["--max-users", "1 to"]),
    ]
    for flags, words in cases:
        run = driftshm_does(
            "run", "--cluster", "x", "--dir", directory, "--feed", "sim", *flags, status=2
        )
        for word in words:
            assert word in run.stderr, run.stderr
    config = tmp_path / "driftshm.toml"
    config.write_text('cluster = "x"\nfeed = "sim"\n[region]\nmax-usres = 3\n')
    said = driftshm_does("run", "--config", config, "--dir", directory, status=2).stderr
    assert "max-usres" in said
    assert "max-users" in said
    said = driftshm_does("run", "--dir", directory, "--feed", "sim", status=2).stderr
    assert "--cluster NAME" in said
    said = driftshm_does("run", "--cluster", "x", "--dir", directory, status=2).stderr
    assert "--feed sim" in said
    missing = directory.with_name("missing.jsonl")
    run = driftshm_does(
        "run",
        "--cluster",
        "x",
        "--dir",
        directory,
        "--feed",
        "replay",
        "--replay",
        missing,
        status=2,
    )
    assert f"{missing}" in run.stderr
    assert "--replay" in run.stderr
    assert not directory.exists(), "nothing was touched"
