"""The examples do what they say, also without a writer and while it is away."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

import pytest
from support import ROOT, WATCHDOG, line, until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from replays import Script
    from support import Writer

EXAMPLES = ROOT / "examples"
# With arguments by which something is printed soon and often.
BOTS = {
    "watch_prices": ["--every", "0.1", "--markets", "SOL-PERP"],
    "funding_table": ["--every", "0.2", "--rows", "3"],
    "blocking_bot": [],
    "liquidation_scan": ["--every", "0.2", "--rows", "3"],
}


def start(example: str, directory: Path, *arguments: str) -> subprocess.Popen[str]:
    main = EXAMPLES / example / "main.py"
    return subprocess.Popen(
        [sys.executable, str(main), str(directory), *BOTS[example], *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture(autouse=True)
def _heed_ctrl_c() -> None:
    """A shell's background jobs ignore it, and what they start would too."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def bots() -> Iterator[list[subprocess.Popen[str]]]:
    """Whatever is put in here ends with the test."""
    made: list[subprocess.Popen[str]] = []
    yield made
    for each in made:
        each.kill()
        each.wait(WATCHDOG)


def test_every_example_is_tested_and_has_a_readme() -> None:
    folders = {path.parent.name for path in EXAMPLES.glob("*/main.py")}
    assert folders == set(BOTS)
    overview = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    for name in folders:
        assert (EXAMPLES / name / "README.md").exists()
        assert f"({name}/README.md)" in overview


@pytest.mark.parametrize("example", BOTS)
def test_prints_live_figures_and_ends_when_its_time_is_up(example: str, sim: Writer) -> None:
    bot = start(example, sim.dir, "--seconds", "3")
    out, errors = bot.communicate(timeout=WATCHDOG)
    assert bot.returncode == 0, errors
    assert len(out.splitlines()) >= 1
    assert not outages(errors.splitlines()) % 2, errors


@pytest.mark.parametrize("example", BOTS)
def test_ends_at_once_if_it_has_no_time(example: str, sim: Writer) -> None:
    bot = start(example, sim.dir, "--seconds", "0")
    _, errors = bot.communicate(timeout=WATCHDOG)
    assert bot.returncode == 0, errors
    assert not errors


def test_prices_of_no_markets_are_not_watched(
    writer: Callable[..., Writer], script: Script
) -> None:
    empty = writer(*script.arguments, start=False).spawn()
    until("there is a region", lambda: empty.dir.joinpath("region").exists())
    main = EXAMPLES / "watch_prices" / "main.py"
    done = subprocess.run(
        [sys.executable, str(main), str(empty.dir)],
        capture_output=True,
        text=True,
        timeout=WATCHDOG,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("watch_prices: there are no markets yet: the writer's feed is ")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("example", BOTS)
def test_says_so_and_fails_without_a_writer(example: str, directory: Path) -> None:
    bot = start(example, directory)
    out, errors = bot.communicate(timeout=WATCHDOG)
    assert bot.returncode == 1
    assert not out
    assert errors.startswith(f"{example}: no region at ")
    assert errors.count("\n") == 1


@pytest.mark.parametrize("example", BOTS)
def test_ends_well_at_ctrl_c(example: str, sim: Writer, bots: list[subprocess.Popen[str]]) -> None:
    bot = start(example, sim.dir)
    bots.append(bot)
    line(bot)
    bot.send_signal(signal.SIGINT)
    _, errors = bot.communicate(timeout=WATCHDOG)
    assert bot.returncode == 0, errors
    outages(errors.splitlines())


def outages(said: list[str]) -> int:
    """How many lines there are: that the writer is gone, that it is back, by turns and nothing else.

    One that does not get a processor for 0.7 s is rightly called gone.
    """
    for number, text in enumerate(said):
        assert f"writer is {('gone', 'back')[number % 2]}" in text, said
    return len(said)


def note_lines(bot: subprocess.Popen[str], times: list[float]) -> None:
    """When each line was printed."""
    times.extend(time.monotonic() for _ in bot.stdout or ())


@pytest.mark.parametrize("example", BOTS)
def test_says_that_the_writer_is_gone_and_goes_on_when_it_is_back(
    example: str, sim: Writer, bots: list[subprocess.Popen[str]]
) -> None:
    bot = start(example, sim.dir)
    bots.append(bot)
    line(bot)
    assert bot.stderr is not None
    said: list[str] = []
    listener = threading.Thread(target=said.extend, args=(bot.stderr,), daemon=True)
    listener.start()
    printed: list[float] = []
    watcher = threading.Thread(target=note_lines, args=(bot, printed), daemon=True)
    watcher.start()
    sim.kill()
    until("it says that the writer is gone", lambda: any("writer is gone" in text for text in said))
    sim.start()
    until("it says that the writer is back", lambda: any("writer is back" in text for text in said))
    back = time.monotonic()
    until("it prints again", lambda: printed and printed[-1] > back)
    bot.send_signal(signal.SIGINT)
    assert bot.wait(WATCHDOG) == 0
    listener.join(WATCHDOG)
    watcher.join(WATCHDOG)
    assert outages(said) >= 2, said
    assert "back" in said[-1]


def demo(*, seconds: str, interrupt: bool) -> tuple[int, str]:
    process = subprocess.Popen(
        [sys.executable, str(EXAMPLES / "demo.py")],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=os.environ | {"DEMO_SECONDS": seconds},
    )
    try:
        first = line(process)
        if interrupt:
            process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=WATCHDOG)
    finally:
        process.kill()
    return process.returncode, f"{first}\n{out}"


def leftovers() -> set[str]:
    return {name for name in os.listdir("/dev/shm") if name.startswith("driftshm-demo-")}


def test_the_demo_shows_both_bots_and_leaves_nothing_behind() -> None:
    before = leftovers()
    status, out = demo(seconds="2", interrupt=False)
    assert status == 0, out
    for label in ("prices │ SOL-PERP", "funding │ ", "demo │ all stopped"):
        assert label in out
    assert leftovers() <= before


def test_an_interrupted_demo_stops_cleanly_too() -> None:
    before = leftovers()
    status, out = demo(seconds="60", interrupt=True)
    assert status == 130, out
    assert "interrupted" in out
    assert leftovers() <= before
