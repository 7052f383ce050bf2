"""Figure 13: from a message of a live feed to a reader. It needs the live feeds."""

from harness.bench import Bench
from harness.result import FASTER, Figure, Row, at_least, at_most

MISSING = "needs the live feeds"


def run(bench: Bench) -> Figure:
    del bench
    return Figure(
        [
            Row("message received → visible to a reader, p50", "", at_most(150, "µs"), missing=MISSING),
            Row("the same", "driftpy's own subscriber", at_least(10, FASTER), missing=MISSING),
        ]
    )
