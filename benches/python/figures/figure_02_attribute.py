"""Figure 2: reading one attribute.

A field of the account, and one of a struct within it that has 128 bits of which 64 are used, each
against a PyO3 getter of the same build that returns a constant u64 of that size: of small numbers
the interpreter keeps an object, for large ones it makes one each time.
"""

from driftshm_floors import Floor
from harness.bench import Bench
from harness.result import Figure, at_most
from harness.timing import statement


def run(bench: Bench) -> Figure:
    market = bench.reader.get_perp_market(0)
    assert market is not None
    assert market.amm.base_asset_reserve < 1 << 64, (
        "the floor returns 64 bits, so this one must fit them"
    )
    floor = Floor(None)
    taken = bench.take_turns(
        statement("one", "m.market_index", {"m": market}),
        statement("nested", "m.amm.base_asset_reserve", {"m": market}),
        statement("small", "floor.small_constant", {"floor": floor}),
        statement("large", "floor.constant", {"floor": floor}),
    )
    figure = Figure(raw=taken)
    for what, name, floor_name, limit in (
        ("`m.market_index`", "one", "small", at_most(1.2)),
        ("`m.amm.base_asset_reserve`", "nested", "large", at_most(2.5)),
    ):
        figure.compare(
            what,
            f"PyO3 getter of a {floor_name} constant u64",
            limit,
            ours=taken[name],
            theirs=taken[floor_name],
        )
        figure.bar("one field", what.strip("`"), taken[name], "driftshm")
        label = f"floor: PyO3 getter of a {floor_name} constant"
        figure.bar("one field", label, taken[floor_name], "floor")
    return figure
