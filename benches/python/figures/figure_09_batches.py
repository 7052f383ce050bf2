"""Figure 9: 5,000 updates a second into one bot through `batches()`.

The bot takes every publish (`conflate=False`) and only keeps the changes; afterwards it is
checked that of no account a version is missing. Its processor time is what the kernel counts for
the process, the event loop included.
"""

from harness.bench import Bench
from harness.programs import Child, Writer
from harness.result import Figure, Row, at_most
from harness.spread import Spread


def run(bench: Bench) -> Figure:
    figure = Figure()
    rounds, seconds = bench.pick(6, 1), bench.pick(3, 1)
    with (
        Writer("--rate", "5000", "--markets", "100", "--users", "1000") as writer,
        Child("batches_bot", str(writer.dir)) as bot,
    ):
        told = {
            conflate: [bot.ask(seconds, int(conflate)) for _ in range(rounds)]
            for conflate in (False, True)
        }
    every = told[False]
    figure.raw = {"every": every, "conflated": told[True]}
    missed = sum(each["missed"] for each in every)
    seen = sum(each["changes"] for each in every)
    figure.rows.append(
        Row(
            "changes that a bot at 5,000 a second misses",
            "",
            at_most(0, ""),
            Spread.exactly(missed),
            ours=f"{seen:,} seen",
        )
    )
    for what, rounds_told in (
        ("processor time of that bot", every),
        ("the same, conflated (the default)", told[True]),
    ):
        cpu = [100 * each["cpu"] / each["seconds"] for each in rounds_told]
        rate = [each["changes"] / each["seconds"] for each in rounds_told]
        size = sum(e["changes"] for e in rounds_told) / sum(e["batches"] for e in rounds_told)
        figure.rows.append(
            Row(
                what,
                "",
                at_most(10, "% of a core"),
                Spread.of(cpu),
                ours=f"{Spread.of(rate).median:,.0f} changes/s, {size:.1f} a batch",
            )
        )
    return figure
