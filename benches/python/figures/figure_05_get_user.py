"""Figure 5: finding one user among 8,192 by its base58 address.

`reader.get_user(address)` against a dict with the same 8,192 strings, plus a PyO3 call that takes
an object and does nothing: `floor.empty(users[address])`. First the same user each time, as a bot
does with its own; then all of them in a shuffled order, where both sides miss the caches.
"""

import random
from collections.abc import Callable
from time import perf_counter_ns
from typing import Any

from driftshm_floors import Floor
from harness.bench import USERS, Bench
from harness.result import Figure, at_most
from harness.timing import Contender, statement


def run(bench: Bench) -> Figure:
    reader = bench.reader
    users = {user.pubkey: user for user in reader.users()}
    assert len(users) == USERS, f"{len(users)} users"
    addresses = list(users)
    random.Random(1).shuffle(addresses)
    for address in addresses:
        assert reader.get_user(address) is users[address]
    one = addresses[0]
    floor = Floor(None)
    figure = Figure()

    names = {"reader": reader, "one": one, "floor": floor, "users": users}
    taken = bench.take_turns(
        statement("ours", "reader.get_user(one)", names),
        statement("floor", "floor.empty(users[one])", names),
    )
    against = "dict lookup + empty PyO3 call"
    figure.raw["the same user"] = taken
    figure.compare(
        "`reader.get_user(address)`, one of 8,192",
        against,
        at_most(2.5),
        ours=taken["ours"],
        theirs=taken["floor"],
    )

    def each_of_them(get: Callable[[str], Any]) -> Callable[[int], tuple[int, int]]:
        def run(n: int) -> tuple[int, int]:
            some = addresses[:n]
            start = perf_counter_ns()
            for address in some:
                get(address)
            return len(some), perf_counter_ns() - start

        return run

    def dict_and_call(n: int) -> tuple[int, int]:
        some = addresses[:n]
        start = perf_counter_ns()
        for address in some:
            floor.empty(users[address])
        return len(some), perf_counter_ns() - start

    taken = bench.take_turns(
        Contender("ours", each_of_them(reader.get_user)),
        Contender("floor", dict_and_call),
        # Long enough for all of them.
        rounds=300,
        turn_us=2000,
    )
    figure.raw["every user"] = taken
    figure.compare(
        "`reader.get_user(address)`, all 8,192 in turn",
        against,
        at_most(2.5),
        ours=taken["ours"],
        theirs=taken["floor"],
    )
    return figure
