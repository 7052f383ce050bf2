"""Sees that the documentation still says what is so (``make lint``).

    python docs/check.py            exits 1, and says what is wrong
    python docs/check.py --write    writes the pictures anew (``make stubs``)

It compares pictures with what the code prints or a file says, the table of synchronisation points
with their labels in the sources and with the loom models, the figures in the README with the
benches' results, and looks where the links lead.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
from collections import defaultdict
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"
RESULTS = ROOT / "benches" / "RESULTS.md"
REGION_FORMAT = ROOT / "docs" / "region-format.md"
OPERATIONS = ROOT / "docs" / "operations.md"
UNIT = ROOT / "examples" / "systemd" / "driftshm@.service"
MEMORY_ORDERING = ROOT / "docs" / "memory-ordering.md"
LABEL = re.compile(r"// SYNC\(([a-z-]+)\)")
FUNCTION = re.compile(r"^\s*(?:pub(?:\([a-z]+\))? )?fn (\w+)", re.MULTILINE)
# A number and its unit, which stands once behind several: "4.0 µs", "24 / 125 µs", "6 to 7 %".
FIGURE = re.compile(
    r"(?<![\w.,])(\d[\d,]*(?:\.\d+)?)(?!\w)(?=(?: (?:/|to) [\d.,]+)* ([^\W\d]+(?:/s)?|%)|)"
)
LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)(?:#[^)]*)?\)")


def printed(example: str) -> str:
    """What an example of the crate layout prints."""
    cargo = os.environ.get("CARGO", "cargo")
    command = [cargo, "run", "--quiet", "--locked", "--package", "driftshm-layout"]
    command += ["--example", example]
    done = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    return done.stdout


def pictures() -> Iterator[tuple[Path, str, str]]:
    """What stands between two markers of a document: where, the marker, and the text."""
    yield REGION_FORMAT, "region_map", f"```text\n{printed('region_map')}```\n"
    yield OPERATIONS, "region_sizes", printed("region_sizes")
    yield OPERATIONS, "unit", f"```ini\n{UNIT.read_text(encoding='utf-8')}```\n"


def wrong_pictures(write: bool) -> Iterator[str]:
    """Pictures in the documentation that are other ones."""
    for document, marker, current in pictures():
        text = document.read_text(encoding="utf-8")
        place = re.compile(rf"(?<=<!-- {marker} -->\n).*?(?=<!-- /{marker} -->)", re.DOTALL)
        shown = place.search(text)
        if shown is None:
            yield f"{document.name} has no place for {marker}"
        elif shown.group() == current:
            continue
        elif write:
            changed = text[: shown.start()] + current + text[shown.end() :]
            document.write_text(changed, encoding="utf-8")
            print(f"wrote {document.relative_to(ROOT)}")
        else:
            yield f"{marker} in {document.name} is not current: run make stubs"


def labels() -> dict[str, set[str]]:
    """Each synchronisation label in the sources, with the functions it is in."""
    found: dict[str, set[str]] = defaultdict(set)
    for source in sorted(ROOT.glob("*/src/**/*.rs")):
        text = source.read_text(encoding="utf-8")
        functions = [(match.start(), match.group(1)) for match in FUNCTION.finditer(text)]
        for match in LABEL.finditer(text):
            around = [name for start, name in functions if start < match.start()]
            found[match.group(1)].add(f"{source.stem}::{around[-1]}")
    return found


def wrong_labels() -> Iterator[str]:
    """Labels without a row, rows without a label, and models that do not exist."""
    text = MEMORY_ORDERING.read_text(encoding="utf-8")
    rows = {row[0].strip(" `"): row for row in table(text, "label")}
    models = set()
    for model in (ROOT / "layout" / "tests").glob("loom_*.rs"):
        models |= set(FUNCTION.findall(model.read_text(encoding="utf-8")))
    found = labels()
    for label in sorted(rows.keys() - found.keys()):
        yield f"{MEMORY_ORDERING.name}: no source has the label {label}"
    for label, functions in sorted(found.items()):
        if label not in rows:
            yield f"{MEMORY_ORDERING.name}: the label {label} has no row"
            continue
        named = set(re.findall(r"`([^`]+)`", " ".join(rows[label][1:-1])))
        if missing := functions - named:
            yield f"{MEMORY_ORDERING.name}: {label} is also in {', '.join(sorted(missing))}"
        if gone := {name for name in named if "::" in name} - functions:
            yield f"{MEMORY_ORDERING.name}: {label} is no longer in {', '.join(sorted(gone))}"
        tests = set(re.findall(r"`([^`]+)`", rows[label][-1]))
        if not tests or (unknown := tests - models):
            what = ", ".join(sorted(unknown)) if tests else "none named"
            yield f"{MEMORY_ORDERING.name}: {label} has no such model: {what}"


def figures(text: str) -> set[tuple[Decimal, str]]:
    """Every number and its unit, but for those in code and within words."""
    found = FIGURE.findall(re.sub(r"`[^`]*`", "", text))
    return {(Decimal(number.replace(",", "")), unit) for number, unit in found}


def wrong_figures() -> Iterator[str]:
    """Figures in the README that are not in the benches' results, rounded as they are shown.

    A row begins with the number of a figure there: what it has as measured must be among that
    figure's "measured" and "ours", what it has beside it among "theirs".
    """
    known: dict[tuple[str, str], set[tuple[Decimal, str]]] = defaultdict(set)
    for number, *cells in table(RESULTS.read_text(encoding="utf-8"), "#"):
        # Without what is in brackets: spreads, and p99.
        measured, ours, theirs = (re.sub(r"\([^)]*\)", "", cell) for cell in cells[3:6])
        known[number, "measured"] |= figures(measured) | figures(ours)
        known[number, "beside it"] |= figures(theirs)
    rows = list(table(README.read_text(encoding="utf-8"), "#"))
    if not rows:
        yield f"{README.name}: there is no table of figures"
    for number, what, measured, beside in rows:
        for column, cell in (("measured", measured), ("beside it", beside)):
            for shown, unit in sorted(figures(cell)):
                values = (value for value, of in known[number, column] if of == unit)
                if not any(value.quantize(shown, ROUND_HALF_UP) == shown for value in values):
                    yield f"{README.name}: {what}: {shown} {unit} is not figure {number}, {column}"


def table(text: str, first: str) -> Iterator[list[str]]:
    """The rows of the table whose first column has that heading."""
    inside = False
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if not line.startswith("|"):
            inside = False
        elif cells[0] == first:
            inside = True
        elif inside and set(line) - set("|-: "):
            yield cells


def documents() -> Iterator[Path]:
    """Every Markdown file that is the project's own."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
    )
    names = listed.stdout.split("\n") if listed.returncode == 0 else []
    paths = [ROOT / name for name in names if name] or [*ROOT.glob("*.md"), *ROOT.glob("*/**/*.md")]
    yield from (path for path in paths if path.exists())


def wrong_links() -> Iterator[str]:
    """Links to files that are not there."""
    for document in documents():
        text = re.sub(r"```.*?```", "", document.read_text(encoding="utf-8"), flags=re.DOTALL)
        for target in LINK.findall(text):
            if "://" not in target and not (document.parent / target).exists():
                yield f"{document.relative_to(ROOT)}: there is no {target}"


def main() -> int:
    """Returns the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--write", action="store_true", help="write the pictures anew")
    write = parser.parse_args().write
    problems = list(wrong_pictures(write))
    if not write:
        problems += [*wrong_labels(), *wrong_figures(), *wrong_links()]
    for problem in problems:
        print(f"docs: {problem}", file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
