"""How long everything is measured, and the writer that most figures share."""

from __future__ import annotations

import contextlib
from functools import cached_property

import driftshm

from .programs import Writer
from .timing import Contender, alternate

MARKETS = 100
USERS = 8192


class Bench:
    """One run of the benches; use it with ``with``."""

    def __init__(self, *, quick: bool) -> None:
        self.quick = quick
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Bench:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def pick(self, full: int, quick: int) -> int:
        """How many of something: in a full run, and in one that only shows that it works."""
        return quick if self.quick else full

    @cached_property
    def writer(self) -> Writer:
        """100 perp markets, 8,192 users, 1,000 updates a second."""
        return self._stack.enter_context(
            Writer(
                "--rate", "1000", "--markets", str(MARKETS), "--users", str(USERS),
                "--cold-users", "0", "--max-users", str(USERS), "--max-user-stats", str(USERS),
            )  # fmt: skip
        )

    @cached_property
    def reader(self) -> driftshm.Reader:
        return self.writer.open()

    def take_turns(self, *contenders: Contender, rounds: int = 300) -> dict[str, list[float]]:
        """Nanoseconds per run, by contender and round."""
        return alternate(
            contenders,
            rounds=self.pick(rounds, 5),
            turn_ns=self.pick(2_000_000, 200_000),
        )
