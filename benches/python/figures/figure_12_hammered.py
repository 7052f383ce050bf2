"""Figure 12: a reader of the very record that the writer publishes at full speed.

Single reads of one attribute are timed (in Rust, around `PyObject_GetAttr`; what the clock itself
costs is taken off), with the writer at full speed and with the writer suspended. Then the writer is
suspended at random until that has happened in the middle of a publish, which the record's sequence
shows by being odd: reads must go on.
"""

import mmap
import os
import subprocess
from statistics import median

from driftshm_floors import sample_attribute, sample_nothing
from harness.bench import Bench
from harness.programs import TOOL, Writer
from harness.result import Figure, Row, at_least, at_most, nanoseconds
from harness.spread import Spread, quantile

import driftshm


def run(bench: Bench) -> Figure:
    figure = Figure()
    rounds, samples = bench.pick(40, 3), bench.pick(50_000, 5_000)
    with Writer("--rate", "1000000", "--focus-market", "0") as writer:
        reader = writer.open()
        market = reader.get_perp_market(0)
        assert market is not None
        taken: dict[str, list[float]] = {"busy": [], "idle": []}
        seen = seconds = 0.0
        for _ in range(rounds):
            writer.resume()
            wait_for_publishes(market)
            version, age = market.version, market.meta().publish_ns
            taken["busy"].append(p99(market, samples))
            seen += market.version - version
            seconds += (market.meta().publish_ns - age) / 1e9
            writer.suspend()
            taken["idle"].append(p99(market, samples))
        figure.raw["p99"] = taken
        figure.rows.append(
            Row(
                f"attribute read, p99, {seen / seconds / 1e6:.2f} million publishes/s of it",
                "the same, writer suspended",
                at_most(3),
                Spread.ratio(taken["busy"], taken["idle"]),
                ours=nanoseconds(median(taken["busy"])),
                theirs=nanoseconds(median(taken["idle"])),
            )
        )
        figure.rows.append(in_mid_publish(bench, writer))
    return figure


def wait_for_publishes(market: driftshm.View) -> None:
    version = market.version
    while market.version < version + 1000:
        pass


def p99(market: driftshm.View, samples: int) -> float:
    clock = median(sample_nothing(2000))
    # Half a nanosecond: below that the clock cannot tell.
    return max(0.5, quantile(sample_attribute(market, "market_index", samples), 0.99) - clock)


def in_mid_publish(bench: Bench, writer: Writer) -> Row:
    """Suspends the writer until it stands in the middle of a publish, and reads."""
    wanted, tries = bench.pick(20, 1), bench.pick(20_000, 400)
    with writer.open() as reader:
        market = reader.get_perp_market(0)
        assert market is not None
        place = subprocess.run(
            [TOOL, "sequence", writer.dir, "0"], capture_output=True, check=True, text=True
        )
        fd = os.open(writer.dir / "region", os.O_RDONLY)
        with mmap.mmap(fd, 0, access=mmap.ACCESS_READ) as region:
            os.close(fd)
            sequence = memoryview(region)[int(place.stdout) :][:8]
            caught = reads = 0
            slowest = 0.0
            for _ in range(tries):
                writer.suspend()
                if int.from_bytes(sequence, "little") % 2:
                    caught += 1
                    took = sample_attribute(market, "market_index", 1000)
                    market.snapshot()
                    reads += len(took) + 1
                    slowest = max(slowest, quantile(took, 0.99))
                writer.resume()
                if caught == wanted:
                    break
                version = market.version
                while market.version == version:
                    pass
            sequence.release()
    what = "reads while the writer is stopped in mid-publish"
    limit = at_least(1, "reads")
    if not caught:
        return Row(what, "", limit, missing=f"{tries} stops, none of them in mid-publish")
    text = f"all returned, p99 {nanoseconds(slowest)} with the clock; {caught} such stops"
    return Row(what, "", limit, Spread.exactly(reads), ours=text)
