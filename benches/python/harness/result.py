"""What a figure comes to: rows of the table, bars of the chart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any, Literal

from .spread import Spread, quantile

Group = Literal["one field", "four fields of one version", "a whole account", "all perp markets"]
Side = Literal["driftshm", "floor", "peer", "no consistency"]
TIMES = "\N{MULTIPLICATION SIGN}"
FASTER = f"{TIMES} faster"


def nanoseconds(value: float) -> str:
    """A duration for people."""
    for unit, size in (("s", 1e9), ("ms", 1e6), ("µs", 1e3)):
        if abs(value) >= size:
            return f"{value / size:.3g} {unit}"
    return f"{value:.3g} ns"


def absolute(rounds_ns: Sequence[float]) -> str:
    """The median of the rounds, and the round that only a hundredth exceeds."""
    return f"{nanoseconds(median(rounds_ns))} (p99 {nanoseconds(quantile(rounds_ns, 0.99))})"


def number(value: float) -> str:
    """Three digits, without an exponent where people expect none."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


@dataclass(frozen=True)
class Limit:
    """What is to be reached."""

    value: float
    at: Literal["most", "least"]
    unit: str = TIMES

    def is_kept_by(self, value: float) -> bool:
        return value <= self.value if self.at == "most" else value >= self.value

    def __str__(self) -> str:
        sign = "≤" if self.at == "most" else "≥"
        return f"{sign} {number(self.value)} {self.unit}".rstrip()


def at_most(value: float, unit: str = TIMES) -> Limit:
    return Limit(value, "most", unit)


def at_least(value: float, unit: str = TIMES) -> Limit:
    return Limit(value, "least", unit)


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    what: str
    against: str = ""
    limit: Limit | None = None
    measured: Spread | None = None
    # For what has no limit that would say it.
    unit: str = TIMES
    ours: str = ""
    theirs: str = ""
    # Why it was not measured.
    missing: str = ""

    @property
    def verdict(self) -> str:
        if self.missing or self.measured is None:
            return "not measured"
        if self.limit is None:
            return "for comparison"
        kept = [self.limit.is_kept_by(v) for v in (self.measured.p10, self.measured.p90)]
        if self.limit.is_kept_by(self.measured.median):
            return "reached" if all(kept) else "reached, narrowly"
        return "missed, narrowly" if any(kept) else "**missed**"

    @property
    def measured_text(self) -> str:
        if self.measured is None:
            return self.missing
        unit = self.limit.unit if self.limit else self.unit
        text = f"{number(self.measured.median)} {unit}".rstrip()
        if self.measured.p10 == self.measured.p90:
            return text
        return f"{text} ({number(self.measured.p10)}\N{EN DASH}{number(self.measured.p90)})"


@dataclass(frozen=True)
class Bar:
    """One bar of the chart."""

    group: Group
    label: str
    ns: float
    side: Side


@dataclass
class Figure:
    """All that a figure gives."""

    rows: list[Row] = field(default_factory=list)
    bars: list[Bar] = field(default_factory=list)
    # Sentences below the table.
    notes: list[str] = field(default_factory=list)
    # For those who want to look closer: written to a file, not to the report.
    raw: dict[str, Any] = field(default_factory=dict)

    def compare(
        self,
        what: str,
        against: str,
        limit: Limit | None = None,
        *,
        ours: Sequence[float],
        theirs: Sequence[float],
    ) -> None:
        """A row from two contenders' rounds: ours over theirs; or how much faster we are, if that
        is what the limit is about, or if there is none and we are."""
        ratio = Spread.ratio(ours, theirs)
        faster = limit.at == "least" if limit else ratio.median < 1
        self.rows.append(
            Row(
                what,
                against,
                limit,
                Spread.ratio(theirs, ours) if faster else ratio,
                unit=FASTER if faster else f"{TIMES} as long",
                ours=absolute(ours),
                theirs=absolute(theirs),
            )
        )

    def bar(self, group: Group, label: str, rounds_ns: Sequence[float], side: Side) -> None:
        self.bars.append(Bar(group, label, median(rounds_ns), side))
