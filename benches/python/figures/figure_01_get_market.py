"""Figure 1: finding a market's view.

`reader.get_perp_market(0)` against a PyO3 method of the same build that takes an int and returns an
object that is there already: what any lookup by index costs at least.
"""

from driftshm_floors import Floor
from harness.bench import Bench
from harness.result import Figure, at_most
from harness.timing import statement


def run(bench: Bench) -> Figure:
    reader = bench.reader
    floor = Floor(reader.get_perp_market(0))
    taken = bench.take_turns(
        statement("ours", "reader.get_perp_market(0)", {"reader": reader}),
        statement("floor", "floor.existing(0)", {"floor": floor}),
    )
    figure = Figure(raw=taken)
    figure.compare(
        "`reader.get_perp_market(0)`",
        "PyO3 method: int in, existing object out",
        at_most(1.2),
        ours=taken["ours"],
        theirs=taken["floor"],
    )
    return figure
