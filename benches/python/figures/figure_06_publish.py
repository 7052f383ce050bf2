"""Figure 6: publishing, one thread, no readers.

All in Rust (`driftshm-bench publish`): a record's publish against a bare loop that stores the
same bytes with the same relaxed atomics into the same kind of memory; and a region's, which also
finds the account, compares it with what is there, reads the clock and writes the journal.
"""

from harness.bench import Bench
from harness.programs import tool
from harness.result import TIMES, Figure, Row, absolute, at_least
from harness.spread import Spread

NAMES = {"perp_market": "PerpMarket", "user": "User"}


def run(bench: Bench) -> Figure:
    figure = Figure()
    for measured in tool("publish", bench.pick(1000, 5), bench.pick(400, 100)):
        name, taken = NAMES[measured["kind"]], measured["ns"]
        figure.raw[name] = taken
        stores, record, region = taken["stores"], taken["record"], taken["region"]
        what, ours = f"publish a {name} in its record", absolute(record)
        figure.rows.append(
            Row(
                what,
                f"bare relaxed stores of {measured['bytes']} bytes",
                at_least(0.6, f"{TIMES} as fast"),
                Spread.ratio(stores, record),
                ours=ours,
                theirs=absolute(stores),
            )
        )
        in_region = f"publish a {name} in a region: directory, comparison, clock, journal too"
        if name == "PerpMarket":
            for each, rounds in ((what, record), (in_region, region)):
                per_second = Spread.of([1000 / ns for ns in rounds])
                limit = at_least(8, "million/s")
                figure.rows.append(Row(each, "", limit, per_second, ours=absolute(rounds)))
        else:
            per_second = Spread.of([1000 / ns for ns in region])
            figure.rows.append(
                Row(in_region, "", None, per_second, unit="million/s", ours=absolute(region))
            )
    return figure
