"""Counts the instructions of the hot paths, which repeat on a noisy machine, with callgrind.

``--check`` compares them with benches/instructions.json, ``--update`` writes that file.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path

from harness.programs import PYTHON, ROOT, TOOL, BenchError, Writer, directory, environment

BASELINE = ROOT / "benches" / "instructions.json"
# Of what the baseline says, either way: who makes a path cheaper writes down the new count.
TOLERANCE = 0.10
# Below this a compiler's whim is more than the tolerance.
FEWEST = 5
MARK = "driftshm_bench_mark"
TOTALS = re.compile(r"^totals: (\d+)", re.MULTILINE)

Counts = dict[str, dict[str, float]]


def count(command: list[str]) -> dict[str, float]:
    """Instructions per run of each path of a program that runs them between marks."""
    with directory() as place:
        out = place / "out"
        options = ["--tool=callgrind", f"--dump-after={MARK}", f"--callgrind-out-file={out}"]
        done = subprocess.run(
            ["valgrind", *options, *command],
            capture_output=True,
            text=True,
            cwd=PYTHON,
            env={**environment(), "PYTHONHASHSEED": "0"},
            check=False,
        )
        if done.returncode != 0:
            raise BenchError(f"{' '.join(command)} under valgrind failed:\n{done.stderr[-3000:]}")
        told = json.loads(done.stdout)
        # The first part ends with the first mark; from then on each path has one between its two
        # marks and one before the next path's.
        parts = [
            int(found.group(1))
            for nth in range(2, 2 * len(told["paths"]) + 1, 2)
            if (found := TOTALS.search(Path(f"{out}.{nth}").read_text()))
        ]
    per_run = [total / told["times"] for total in parts]
    loop = per_run[0]
    counted = zip(told["paths"], per_run, strict=True)
    return {path: round(each - loop, 1) for path, each in counted if path != "loop"}


def count_all() -> Counts:
    with Writer("--rate", "1", "--markets", "16", "--users", "200") as writer:
        script = [sys.executable, "-m", "children.hot_paths", str(writer.dir)]
        python = f"Python {sys.version_info.major}.{sys.version_info.minor}"
        return {"Rust": count([str(TOOL), "hot"]), python: count(script)}


def compare(counts: Counts, baseline: Counts) -> list[str]:
    """What differs by more than the tolerance."""
    complaints = []
    for where, paths in counts.items():
        known = baseline.get(where)
        if known is None:
            complaints.append(f"{where}: there is no baseline")
            continue
        for path, instructions in paths.items():
            before = known.get(path)
            if before is None:
                complaints.append(f"{where}, {path}: there is no baseline")
            elif abs(instructions - before) > max(before * TOLERANCE, FEWEST):
                change = 100 * (instructions / before - 1)
                complaints.append(f"{where}, {path}: {before} → {instructions} ({change:+.0f} %)")
        complaints += [f"{where}, {path}: is no more" for path in known.keys() - paths.keys()]
    return complaints


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--check", action="store_true")
    what.add_argument("--update", action="store_true")
    arguments = parser.parse_args()
    if shutil.which("valgrind") is None:
        print("instruction counts: not checked, there is no valgrind (apt-get install valgrind)")
        return 1 if os.environ.get("CI") else 0
    if platform.machine() != "x86_64":
        print(f"instruction counts: not checked, they are of x86_64, not of {platform.machine()}")
        return 0
    counts = count_all()
    for where, paths in counts.items():
        for path, instructions in paths.items():
            print(f"{instructions:10.1f}  {where}: {path}")
    if arguments.update:
        BASELINE.write_text(json.dumps(counts, indent=2) + "\n")
        print(f"wrote {BASELINE.relative_to(ROOT)}")
        return 0
    complaints = compare(counts, json.loads(BASELINE.read_text()))
    if complaints:
        print(f"instruction counts that are off by more than {TOLERANCE:.0%}:")
        print("\n".join(f"  {complaint}" for complaint in complaints))
        print("if that is as it should be: make bench-instructions")
        return 1
    print(f"instruction counts: all within {TOLERANCE:.0%} of {BASELINE.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
