"""Contenders that take turns, so that a machine's bad moments hit all of them alike."""

from __future__ import annotations

import gc
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import repeat
from time import perf_counter_ns
from typing import Any

# A statement is written so many times into the body of the loop that runs it: what the loop costs
# would otherwise be in both sides of a ratio and pull it towards 1.
UNROLLED = 20


@dataclass(frozen=True)
class Contender:
    """Something that is timed. ``run(n)`` does it at least n times and returns how often it did
    it and how many nanoseconds that took."""

    name: str
    run: Callable[[int], tuple[int, int]]


def statement(
    name: str, code: str, names: Mapping[str, Any], *, unrolled: int = UNROLLED
) -> Contender:
    """A contender that runs a statement, in which ``names`` are local variables."""
    body = "\n".join(f"        {code}" for _ in range(unrolled))
    arguments = "".join(f", {each}={each}" for each in names)
    source = (
        f"def run(n, *, repeat=repeat, clock=clock{arguments}):\n"
        f"    loops = -(-n // {unrolled})\n"
        "    start = clock()\n"
        "    for _ in repeat(None, loops):\n"
        f"{body}\n"
        f"    return loops * {unrolled}, clock() - start\n"
    )
    scope: dict[str, Any] = {"repeat": repeat, "clock": perf_counter_ns, **names}
    exec(compile(source, f"<{name}>", "exec"), scope)
    return Contender(name, scope["run"])


def calibrate(contender: Contender, turn_ns: int) -> int:
    """How often a contender has to be run to take as long as a turn."""
    n = 1
    while True:
        done, took = contender.run(n)
        if took * 4 >= turn_ns:
            return max(1, round(done * turn_ns / took))
        n = max(done, n) * 2


def alternate(
    contenders: Sequence[Contender], *, rounds: int, turn_ns: int
) -> dict[str, list[float]]:
    """Nanoseconds per run, by contender and round. Each has one turn a round."""
    counts = [calibrate(contender, turn_ns) for contender in contenders]
    taken: list[list[float]] = [[] for _ in contenders]
    enabled = gc.isenabled()
    gc.disable()
    try:
        for nth in range(rounds):
            # Nobody is always the one that comes after somebody else.
            for step in range(len(contenders)):
                who = (nth + step) % len(contenders)
                done, took = contenders[who].run(counts[who])
                taken[who].append(took / done)
    finally:
        if enabled:
            gc.enable()
    return {contender.name: list_ for contender, list_ in zip(contenders, taken, strict=True)}
