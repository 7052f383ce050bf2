"""The chart: nanoseconds per operation, driftshm and what it is compared with."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from .result import Bar, Figure, Side, nanoseconds

COLOURS: dict[Side, str] = {
    "driftshm": "#1f6feb",
    "floor": "#c9d1d9",
    "no consistency": "#e3b341",
    "peer": "#8c959f",
}
LEGEND: dict[Side, str] = {
    "driftshm": "driftshm",
    "floor": "floor: the least that it can cost",
    "peer": "what a user would pick instead",
    "no consistency": "may mix two versions",
}
INK = "#24292f"
# In units of a bar.
BAR, GAP = 0.72, 0.9


def write(path: Path, figures: Mapping[int, Figure]) -> None:
    """Draws all bars, by group and then by duration."""
    import matplotlib as mpl

    mpl.use("svg")
    # As outlines it looks the same wherever it is shown; the same rounds give the same file.
    mpl.rcParams.update({"svg.fonttype": "path", "svg.hashsalt": "driftshm", "font.size": 10})
    from matplotlib import pyplot
    from matplotlib.patches import Patch

    groups: dict[str, list[Bar]] = {}
    for _, figure in sorted(figures.items()):
        for bar in figure.bars:
            groups.setdefault(bar.group, []).append(bar)
    places: list[tuple[float, Bar]] = []
    titles: list[tuple[float, str]] = []
    y = 0.0
    for group, bars in groups.items():
        titles.append((y, group))
        y += 1
        for bar in sorted(bars, key=lambda bar: bar.ns):
            places.append((y, bar))
            y += 1
        y += GAP

    drawing, axes = pyplot.subplots(figsize=(9.5, 0.27 * y + 1.1))
    least = 10 ** len(str(int(min(bar.ns for _, bar in places)))) / 10
    most = max(bar.ns for _, bar in places)
    axes.set_xscale("log")
    # From a power of ten below the shortest: bars on a log scale have no natural beginning.
    axes.set_xlim(least, most * 6)
    for y_bar, bar in places:
        axes.barh(y_bar, bar.ns - least, left=least, height=BAR, color=COLOURS[bar.side])
        weight = "bold" if bar.side == "driftshm" else "normal"
        axes.text(
            bar.ns * 1.12, y_bar, nanoseconds(bar.ns), va="center", color=INK, weight=weight
        )  # fmt: skip
    for y_title, title in titles:
        axes.text(
            -0.01, y_title, title.capitalize(), transform=axes.get_yaxis_transform(),
            ha="right", va="center", weight="bold", color=INK,
        )  # fmt: skip
    axes.set_yticks([y_bar for y_bar, _ in places], [bar.label for _, bar in places])
    axes.invert_yaxis()
    axes.tick_params(axis="y", length=0, colors=INK)
    axes.tick_params(axis="x", colors=INK)
    axes.tick_params(axis="x", which="minor", length=0)
    axes.xaxis.set_major_formatter(lambda ns, _: nanoseconds(ns))
    axes.grid(axis="x", color="#eaeef2", linewidth=0.8)
    axes.set_axisbelow(True)
    for spine in axes.spines.values():
        spine.set_visible(False)
    axes.set_title(
        "Time per operation in Python (log scale, shorter is better)", color=INK, loc="left"
    )
    sides = [side for side in LEGEND if any(bar.side == side for _, bar in places)]
    axes.legend(
        handles=[Patch(color=COLOURS[side], label=LEGEND[side]) for side in sides],
        loc="upper right", facecolor="white", edgecolor="white", framealpha=1, labelcolor=INK,
    )  # fmt: skip
    drawing.tight_layout()
    drawing.savefig(path, metadata={"Date": None}, facecolor="white")
    pyplot.close(drawing)
