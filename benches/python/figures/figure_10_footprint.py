"""Figure 10: what a bot adds to a bare `import asyncio` process.

Private memory (`Private_*` of /proc/self/smaps) of a process that has run an empty coroutine, and
of one that has also imported driftshm, opened the region, read a market, taken a snapshot and
awaited a change. The extension's own pages are counted in full, also those that this process
happens to share with another that has loaded it. And how long `import driftshm` takes when
asyncio is there already. numpy is not imported by either: driftshm imports it when an array is
asked for.
"""

from harness.bench import Bench
from harness.programs import Child
from harness.result import Figure, Row, at_most
from harness.spread import Spread


def run(bench: Bench) -> Figure:
    directory = str(bench.writer.dir)
    bare, bots = [], []
    # Once for the byte code's sake.
    with Child("footprint", "bot", directory):
        pass
    for _ in range(bench.pick(20, 2)):
        with Child("footprint", "bare") as child:
            bare.append(child.ready)
        with Child("footprint", "bot", directory) as child:
            bots.append(child.ready)
    mib = {
        who: [each["own_kib"] / 1024 for each in told]
        for who, told in (("bare", bare), ("bot", bots))
    }
    figure = Figure(raw={"bare": bare, "bot": bots})
    figure.rows.append(
        Row(
            "private memory that a bot adds",
            "a process with `import asyncio`",
            at_most(3, "MiB"),
            Spread.of([bot - alone for bot, alone in zip(mib["bot"], mib["bare"], strict=True)]),
            ours=f"{Spread.of(mib['bot']).median:.1f} MiB in all",
            theirs=f"{Spread.of(mib['bare']).median:.1f} MiB",
        )
    )
    figure.rows.append(
        Row(
            "`import driftshm`, after asyncio",
            "",
            at_most(15, "ms"),
            Spread.of([each["import_ns"] / 1e6 for each in bots]),
        )
    )
    return figure
