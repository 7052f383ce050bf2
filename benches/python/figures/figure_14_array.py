"""Figure 14: all perp markets as one numpy array.

`reader.perp_markets_array()` of 100 markets, each row of one version, against numpy's copy of as
many bytes.
"""

from harness.bench import MARKETS, Bench
from harness.result import Figure, Row, at_most
from harness.timing import statement


def run(bench: Bench) -> Figure:
    what, against, limit = "`reader.perp_markets_array()`, 100", "numpy's copy", at_most(2)
    try:
        import numpy
    except ImportError as error:
        return Figure([Row(what, against, limit, missing=str(error))])
    reader = bench.reader
    array = reader.perp_markets_array()
    assert len(array) == MARKETS
    flat = numpy.zeros(array.nbytes, dtype=numpy.uint8)
    taken = bench.take_turns(
        statement("ours", "reader.perp_markets_array()", {"reader": reader}),
        statement("copy", "flat.copy()", {"flat": flat}),
    )
    figure = Figure(raw=taken)
    figure.compare(
        what,
        f"{against} of {array.nbytes:,} bytes",
        limit,
        ours=taken["ours"],
        theirs=taken["copy"],
    )
    figure.bar("all perp markets", "perp_markets_array(), 100 markets", taken["ours"], "driftshm")
    figure.bar("all perp markets", "floor: numpy's copy of as many bytes", taken["copy"], "floor")
    return figure
