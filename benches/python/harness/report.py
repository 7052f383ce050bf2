"""The report: RESULTS.md, and the raw rounds for those who want to look closer."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timezone
from pathlib import Path

from .machine import facts
from .result import Figure, Row

HEAD = """\
<!-- Written by benches/python/bench.py; see benches/README.md for what is measured and how. -->
# Results

Ratios are of contenders that took turns in one run: the median over all rounds, and in brackets the
range in which eight of ten rounds lie. Times are medians of rounds, and the p99 of rounds unless a
row says otherwise. "Narrowly" means that the limit lies within the range.

![Time per operation, driftshm and what it is compared with](results.svg)

"""
COLUMNS = ("#", "what", "compared with", "to reach", "measured", "ours", "theirs", "verdict")


def render(figures: Mapping[int, Figure], started: list[tuple[str, str]]) -> str:
    """The text of RESULTS.md."""
    now = datetime.now(timezone.utc)
    lines = [HEAD + f"Measured on {now:%Y-%m-%d at %H:%M} UTC.", "", "| | |", "|---|---|"]
    lines += [f"| {what} | {value} |" for what, value in started]
    lines += ["", "| " + " | ".join(COLUMNS) + " |", "|" + "---|" * len(COLUMNS)]
    for nth, figure in sorted(figures.items()):
        lines += [_line(nth, row) for row in figure.rows]
    notes = [(nth, note) for nth, figure in sorted(figures.items()) for note in figure.notes]
    if notes:
        lines.append("")
        lines += [f"- Figure {nth}: {note}" for nth, note in notes]
    return "\n".join(lines) + "\n"


def _line(nth: int, row: Row) -> str:
    limit = "" if row.limit is None else str(row.limit)
    cells = (
        str(nth), row.what, row.against, limit, row.measured_text, row.ours, row.theirs, row.verdict
    )  # fmt: skip
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def write(path: Path, text: str) -> None:
    path.write_text(text)


def write_raw(path: Path, figures: Mapping[int, Figure]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({nth: figure.raw for nth, figure in figures.items()}))


__all__ = ["facts", "render", "write", "write_raw"]
