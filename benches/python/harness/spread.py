"""Medians with their spread."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median


def quantile(values: Sequence[float], at: float) -> float:
    """The value below which that share of the values lies, interpolated."""
    ordered = sorted(values)
    place = at * (len(ordered) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


@dataclass(frozen=True)
class Spread:
    """A median, and the values below which a tenth and nine tenths of the rounds lie."""

    median: float
    p10: float
    p90: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        return cls(median(values), quantile(values, 0.1), quantile(values, 0.9))

    @classmethod
    def ratio(cls, over: Sequence[float], under: Sequence[float]) -> Spread:
        """Of the rounds' ratios: what disturbs a round disturbs both of its sides."""
        return cls.of([a / b for a, b in zip(over, under, strict=True)])

    @classmethod
    def exactly(cls, value: float) -> Spread:
        return cls(value, value, value)
