"""Figure 11: the same record read by one process, and by two at once, on two cores.

The writer does nothing meanwhile. The same is done with a getter that shares nothing with anybody:
what that loses with two processes is the machine's doing.
"""

import os
import time

from harness.bench import Bench
from harness.programs import Child, Writer
from harness.result import Figure, Row, at_least
from harness.spread import Spread


def run(bench: Bench) -> Figure:
    figure = Figure()
    cores = len(os.sched_getaffinity(0))
    if cores < 2:
        row = Row("reads by 2 processes", "1 process", at_least(1.9), missing="there is one core")
        return Figure([row])
    rounds, turn_ns = bench.pick(40, 2), bench.pick(100_000_000, 20_000_000)
    rates: dict[str, tuple[list[float], list[float]]] = {"market": ([], []), "floor": ([], [])}
    with (
        Writer("--rate", "1") as writer,
        Child("spinning_reader", str(writer.dir)) as a,
        Child("spinning_reader", str(writer.dir)) as b,
    ):
        writer.suspend()

        def rate(what: str, *readers: Child) -> float:
            start = time.monotonic_ns() + 5_000_000
            for reader in readers:
                reader.order(what, start, start + turn_ns)
            return sum(float(reader.answer()) for reader in readers)

        for nth in range(rounds):
            for what, (one, two) in rates.items():
                # Each of them is the one that is alone as often as the other.
                alone = (a, b)[nth % 2]
                one.append(rate(what, alone))
                two.append(rate(what, a, b))
    figure.raw = {what: {"one": one, "two": two} for what, (one, two) in rates.items()}
    for what, name, limit in (
        ("market", "reads of one record a second, 2 processes", at_least(1.9)),
        ("floor", "the same with a constant getter: what the machine allows", None),
    ):
        one, two = rates[what]
        figure.rows.append(
            Row(
                name,
                "1 process",
                limit,
                Spread.ratio(two, one),
                ours=f"{Spread.of(two).median / 1e6:.1f} million/s",
                theirs=f"{Spread.of(one).median / 1e6:.1f} million/s",
            )
        )
    return figure
