"""Runs the benches: all of them, or one; a full run writes benches/RESULTS.md and results.svg."""

from __future__ import annotations

import argparse
import sys
import time
import traceback
from importlib import import_module
from pathlib import Path

from harness import machine, report
from harness.bench import Bench
from harness.programs import BINARY, ROOT, TOOL
from harness.result import Figure, Row

BENCHES = ROOT / "benches"
RAW = ROOT / "target" / "bench" / "raw.json"


def figures() -> dict[int, str]:
    """The figures' modules, by number."""
    paths = sorted((Path(__file__).parent / "figures").glob("figure_*.py"))
    return {int(path.stem.split("_")[1]): path.stem for path in paths}


def main() -> int:
    known = figures()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="only see that every figure runs; writes no report"
    )
    parser.add_argument(
        "--only", type=int, action="append", metavar="N", choices=known, help="only figure N"
    )
    arguments = parser.parse_args()
    for program in (BINARY, TOOL):
        if not program.exists():
            parser.error(f"{program} is not there: make bench builds it")

    started = machine.facts()
    done: dict[int, Figure] = {}
    failures = 0
    with Bench(quick=arguments.quick) as bench:
        for nth in arguments.only or known:
            begun = time.monotonic()
            try:
                done[nth] = import_module(f"figures.{known[nth]}").run(bench)
            except Exception as error:
                # The others are not lost with it.
                traceback.print_exc()
                failed = f"failed: {type(error).__name__}: {error}".split("\n", 1)[0]
                done[nth] = Figure([Row(known[nth], missing=failed)])
                failures += 1
            print(f"figure {nth:2}  {time.monotonic() - begun:5.1f} s", flush=True)
            for row in done[nth].rows:
                tell(row)
            for note in done[nth].notes:
                print(f"    note: {note}")
    report.write_raw(RAW, done)
    if arguments.quick or arguments.only:
        return min(failures, 1)

    from harness import chart

    report.write(BENCHES / "RESULTS.md", report.render(done, started))
    chart.write(BENCHES / "results.svg", done)
    print(f"wrote {BENCHES / 'RESULTS.md'} and results.svg; the rounds are in {RAW}")
    return min(failures, 1)


def tell(row: Row) -> None:
    limit = f", to reach {row.limit}" if row.limit else ""
    sides = " against ".join(side for side in (row.ours, row.theirs) if side)
    sides = f"; {sides}" if sides else ""
    against = f" / {row.against}" if row.against else ""
    print(f"    {row.what}{against}: {row.measured_text}{limit}{sides}: {row.verdict}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
