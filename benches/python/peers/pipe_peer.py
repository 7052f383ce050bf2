"""Pickles over a pipe: each update is sent to each reader, which takes it from the pipe whether it
needs it or not. What is timed is receiving one, with the four fields decoded by the sender."""

from __future__ import annotations

from multiprocessing import Pipe
from time import perf_counter_ns
from typing import Any

from harness.timing import Contender

NAME = "pickle over a pipe (per update)"
# As many as fit into a pipe's buffer at least.
AT_ONCE = 64


def contender(four: tuple[int, ...]) -> Contender:
    receiver, sender = Pipe(duplex=False)

    def run(n: int) -> tuple[int, int]:
        done = took = 0
        while done < n:
            for _ in range(AT_ONCE):
                sender.send(four)
            start = perf_counter_ns()
            for _ in range(AT_ONCE):
                values: Any = receiver.recv()
            took += perf_counter_ns() - start
            assert values == four
            done += AT_ONCE
        return done, took

    return Contender(NAME, run)
