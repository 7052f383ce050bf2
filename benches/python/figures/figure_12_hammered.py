"""Figure 12: a reader of the very record that the writer publishes at full speed.

Single reads of one attribute are timed (in Rust, around `PyObject_GetAttr`; what the clock itself
costs is taken off), with the writer at full speed and with the writer suspended. The same is done
with a floor: a getter that loads one word, which a bare program stores to as often as the writer
publishes; what that loses is what it costs to get a cache line from another core.

Then the writer is suspended at random until that has happened in the middle of a publish, which
the record's sequence shows by being odd: reads must go on.
"""

import contextlib
import mmap
import subprocess
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from driftshm_floors import SharedWord, sample_attribute, sample_nothing
from harness.bench import Bench
from harness.programs import TOOL, Writer, directory, until
from harness.result import Figure, Row, at_least, at_most, nanoseconds
from harness.spread import Spread, quantile

import driftshm

# Million publishes a second.
ASKED_FOR = 1.0


def run(bench: Bench) -> Figure:
    figure = Figure()
    rounds, samples = bench.pick(60, 3), bench.pick(50_000, 5_000)
    taken: dict[str, list[float]] = {"busy": [], "idle": [], "floor busy": [], "floor idle": []}
    rates: list[float] = []
    rate = str(round(ASKED_FOR * 1e6))
    with Writer("--rate", rate, "--focus-market", "0") as writer, directory() as place:
        market = writer.open().get_perp_market(0)
        assert market is not None
        page = place / "page"
        page.write_bytes(bytes(4096))
        word = SharedWord(page)
        for _ in range(rounds):
            writer.resume()
            wait_for_publishes(market)
            before, began = market.version, market.meta().publish_ns
            taken["busy"].append(p99(market, "market_index", samples))
            published, took = market.version - before, market.meta().publish_ns - began
            if took:  # else the writer was kept from its core all the while
                rates.append(published / took * 1000)
            writer.suspend()
            taken["idle"].append(p99(market, "market_index", samples))
            taken["floor idle"].append(p99(word, "value", samples))
            with hammering(page, period_ns=round(1000 / median(rates or [ASKED_FOR]))):
                taken["floor busy"].append(p99(word, "value", samples))
        figure.raw = {"p99": taken, "million publishes a second": rates}
        reached = f"at {median(rates):.2f} million publishes/s" if rates else "publisher kept away"
        what = f"attribute read, p99, {reached}"
        for name, against, busy, idle, limit in (
            (what, "the same, writer suspended", "busy", "idle", at_most(3)),
            (
                "floor: one load of a word that is stored to as often",
                "the same, nobody stores",
                "floor busy",
                "floor idle",
                None,
            ),
        ):
            figure.rows.append(
                Row(
                    name,
                    against,
                    limit,
                    Spread.ratio(taken[busy], taken[idle]),
                    ours=nanoseconds(median(taken[busy])),
                    theirs=nanoseconds(median(taken[idle])),
                )
            )
        figure.rows.append(in_mid_publish(bench, writer))
    return figure


def wait_for_publishes(market: driftshm.View) -> None:
    version = market.version
    until("the writer publishes", lambda: market.version >= version + 1000)


def is_newer(market: driftshm.View, version: int) -> bool:
    return market.version > version


@contextlib.contextmanager
def hammering(page: Path, *, period_ns: int) -> Iterator[None]:
    """A program that stores to the page's first word."""
    command = [str(TOOL), "hammer", str(page), str(period_ns)]
    with page.open("rb") as file, mmap.mmap(file.fileno(), 8, access=mmap.ACCESS_READ) as word:
        before = word[:]
        with subprocess.Popen(command, stdin=subprocess.PIPE) as hammer:
            until("the hammer stores", lambda: word[:] != before)
            try:
                yield
            finally:
                assert hammer.stdin is not None
                hammer.stdin.close()


def p99(thing: Any, attribute: str, samples: int) -> float:
    clock: float = median(sample_nothing(2000))
    # Below one nanosecond the clock cannot tell.
    return max(1.0, quantile(sample_attribute(thing, attribute, samples), 0.99) - clock)


def in_mid_publish(bench: Bench, writer: Writer) -> Row:
    """Suspends the writer until it stands in the middle of a publish, and reads."""
    wanted, tries = bench.pick(20, 1), bench.pick(20_000, 400)
    caught = reads = 0
    slowest = 0.0
    place = subprocess.run(
        [TOOL, "sequence", writer.dir, "0"], capture_output=True, check=True, text=True
    )
    offset = int(place.stdout)
    with writer.open() as reader, (writer.dir / "region").open("rb") as file:
        market = reader.get_perp_market(0)
        assert market is not None
        region = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        for _ in range(tries):
            writer.suspend()
            if region[offset] % 2:
                caught += 1
                took = sample_attribute(market, "market_index", 1000)
                market.snapshot()
                reads += len(took) + 1
                slowest = max(slowest, quantile(took, 0.99))
            writer.resume()
            if caught == wanted:
                break
            # It goes on before it is stopped again.
            version = market.version
            until("the writer goes on", partial(is_newer, market, version))
    what = "reads while the writer is stopped in mid-publish"
    limit = at_least(1, "reads")
    if not caught:
        return Row(what, "", limit, missing=f"{tries} stops, none of them in mid-publish")
    text = f"all returned, p99 {nanoseconds(slowest)} with the clock; {caught} such stops"
    return Row(what, "", limit, Spread.exactly(reads), ours=text)
