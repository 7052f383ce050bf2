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
        room = f"--max-users {USERS} --max-user-stats {USERS}"
        accounts = f"--markets {MARKETS} --users {USERS} --cold-users 0"
        arguments = f"--rate 1000 {accounts} {room}".split()
        return self._stack.enter_context(Writer(*arguments))

    @cached_property
    def reader(self) -> driftshm.Reader:
        return self.writer.open()

    def take_turns(
        self, *contenders: Contender, rounds: int = 1000, turn_us: int = 400
    ) -> dict[str, list[float]]:
        """Nanoseconds per run, by contender and round. Turns are short against what the kernel
        gives to a process at a time: on a busy machine most rounds are then undisturbed."""
        return alternate(
            contenders,
            rounds=self.pick(rounds, 5),
            turn_ns=self.pick(turn_us, turn_us // 4) * 1000,
        )
