"""Figure 13: from a message of a live feed to a reader. It needs the live feeds."""

from harness.bench import Bench
from harness.result import FASTER, Figure, Row, at_least, at_most


def run(bench: Bench) -> Figure:
    del bench
    what, missing = "message received → visible to a reader, p50", "needs the live feeds"
    return Figure(
        [
            Row(what, "", at_most(150, "µs"), missing=missing),
            Row(what, "driftpy's own subscriber", at_least(10, FASTER), missing=missing),
        ]
    )
