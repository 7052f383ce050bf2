"""Figure 2: reading one attribute.

A field of the account, and one of a struct within it that has 128 bits of which 64 are used, against
a PyO3 getter of the same build that returns a constant u64.
"""

from driftshm_floors import Floor

from harness.bench import Bench
from harness.result import Figure, at_most
from harness.timing import statement


def run(bench: Bench) -> Figure:
    market = bench.reader.get_perp_market(0)
    assert market is not None
    assert market.amm.base_asset_reserve < 1 << 64, "the issue asks for one that fits 64 bits"
    floor = Floor(None)
    taken = bench.take_turns(
        statement("one", "m.market_index", {"m": market}),
        statement("nested", "m.amm.base_asset_reserve", {"m": market}),
        statement("floor", "floor.constant", {"floor": floor}),
    )
    figure = Figure(raw=taken)
    against = "PyO3 getter of a constant u64"
    for what, name, limit in (
        ("`m.market_index`", "one", at_most(1.2)),
        ("`m.amm.base_asset_reserve`", "nested", at_most(2.5)),
    ):
        figure.compare(what, against, limit, ours=taken[name], theirs=taken["floor"])
    figure.bar("one field", "m.market_index", taken["one"], "driftshm")
    figure.bar("one field", "m.amm.base_asset_reserve", taken["nested"], "driftshm")
    figure.bar("one field", "floor: PyO3 getter of a constant", taken["floor"], "floor")
    return figure
