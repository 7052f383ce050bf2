"""Whatever outlives its reader, its region or its writer works on or raises; nothing crashes."""

from __future__ import annotations

import gc
import itertools
import random
import threading
from collections.abc import Callable
from typing import Any

import pytest
from support import WATCHDOG, Writer, missing, until

import driftshm

SEED = 20_240_403


def numpy() -> Any:
    try:
        import numpy as np
    except ImportError:
        missing("numpy")
    return np


class Holdings:
    """One of everything that a reader gives."""

    def __init__(self, writer: Writer) -> None:
        np = numpy()
        self.reader: Any = writer.open()
        self.view: Any = self.reader.get_perp_market(0)
        self.nested: Any = self.view.amm.historical_oracle_data
        self.user: Any = self.reader.users()[0]
        self.array: Any = self.user.perp_positions
        self.element: Any = self.user.perp_positions[-1]
        self.oracle: Any = self.reader.get_perp_oracle(0)
        self.snapshot: Any = self.view.snapshot()
        self.nested_snapshot: Any = self.snapshot.amm
        self.memory: Any = memoryview(self.snapshot)
        self.numbers: Any = np.frombuffer(self.nested_snapshot, dtype="u1")
        self.table: Any = self.reader.perp_markets_array()
        self.cut: Any = self.reader.snapshot(perp_markets=[0, 1], users=[self.user])
        self.subscription: Any = self.reader.subscribe()
        self.change: Any = None
        self.getter: Any = driftshm.fields("amm.volume24h", "market_index")
        self.watch: Any = self.reader.watch(self.user)

    NAMES = (
        "reader", "view", "nested", "user", "array", "element", "oracle", "snapshot",
        "nested_snapshot", "memory", "numbers", "table", "cut", "subscription", "watch",
    )  # fmt: skip

    def use(self) -> None:
        """Everything that is still held, read to the end."""
        uses: dict[str, Callable[[Any], object]] = {
            "reader": lambda it: it.stats(),
            "view": lambda it: (it.to_dict(), it.bytes(), it.mark_price, self.getter(it)),
            "nested": lambda it: (it.to_dict(), it.bytes(), it.last_oracle_price),
            "user": lambda it: (it.to_dict(), it.authority, it.age),
            "array": lambda it: (it.to_list(), it[0].base_asset_amount, list(it)),
            "element": lambda it: it.market_index,
            "oracle": lambda it: (it.price, it.prices(), it.bytes()),
            "snapshot": lambda it: (it.to_dict(), hash(it), bytes(it)),
            "nested_snapshot": lambda it: (it.to_dict(), it.fee_pool.scaled_balance),
            "memory": bytes,
            "numbers": lambda it: int(it.sum()),
            "table": lambda it: it["amm"]["volume24h"].sum(),
            "cut": lambda it: (it.id, [one.to_dict() for one in it.perp_markets.values()]),
            "subscription": lambda it: [change.view for change in it.drain()],
            "watch": lambda it: it.pubkeys,
        }
        for name, use in uses.items():
            held = getattr(self, name)
            if held is not None:
                use(held)


def test_everything_is_dropped_in_random_orders_and_what_is_left_still_works(sim: Writer) -> None:
    dice = random.Random(SEED)
    for _ in range(40):
        holdings = Holdings(sim)
        order = dice.sample(Holdings.NAMES, len(Holdings.NAMES))
        for name in order:
            setattr(holdings, name, None)
            gc.collect(0)
            holdings.use()
    gc.collect()


def test_each_pair_is_dropped_in_both_orders(sim: Writer) -> None:
    for first, second in itertools.permutations(("reader", "view", "snapshot", "subscription"), 2):
        holdings = Holdings(sim)
        for name in (first, second):
            setattr(holdings, name, None)
            gc.collect(0)
        holdings.use()


def test_a_closed_reader_says_so_and_what_it_gave_works_on(sim: Writer) -> None:
    holdings = Holdings(sim)
    holdings.reader.close()
    holdings.reader.close()
    for use in (
        lambda r: r.get_perp_market(0),
        lambda r: r.users(),
        lambda r: r.snapshot(state=True),
        lambda r: r.stats(),
        lambda r: r.subscribe(),
        lambda r: r.watch("11111111111111111111111111111111"),
        lambda r: r.writer_alive,
        lambda r: r.perp_markets_array(),
        lambda r: r.__enter__() and r.changes(),
    ):
        with pytest.raises(driftshm.ReaderClosedError, match="open another"):
            use(holdings.reader)
    assert "Reader of" in repr(holdings.reader)
    holdings.reader = None
    until("a change", lambda: holdings.view.version > holdings.snapshot.version)
    holdings.subscription = None
    holdings.use()


def test_all_of_it_lives_through_a_restart_and_a_new_region(writer: Callable[..., Writer]) -> None:
    flags = ("--feed", "sim", "--users", "20", "--seed", "7")
    holdings = Holdings(running := writer(*flags))
    old_table, old_memory = holdings.table.copy(), bytes(holdings.memory)
    for more in ((), ("--max-users", "64"), ("--journal", "1024")):
        version_before = holdings.reader.generation
        running.kill()
        running = writer(*flags, *more)
        holdings.use()
        assert holdings.reader.writer_alive
        until("the new writer", lambda before=version_before: holdings.reader.generation > before)
        assert holdings.view.ensure_fresh(WATCHDOG) is holdings.view
        holdings.use()
    assert bytes(holdings.memory) == old_memory
    assert (holdings.table == old_table).all()
    running.stop()
    holdings.use()


def test_a_reader_may_be_dropped_by_who_is_called_back(sim: Writer) -> None:
    class Key:
        """Called in the middle of a getter."""

        def __bytes__(self) -> bytes:
            nonlocal reader
            pubkey = bytes(reader.users()[0].snapshot())[:32]
            reader = None
            gc.collect()
            return pubkey

    class Keys:
        def __iter__(self) -> Any:
            nonlocal reader
            reader.close()
            reader = None
            gc.collect()
            return iter([0, 1])

    reader: Any = sim.open()
    assert reader.get_user(Key()) is None
    reader = sim.open()
    with pytest.raises(driftshm.ReaderClosedError):
        reader.snapshot(perp_markets=Keys())
    reader = sim.open()
    view = reader.get_perp_market(0)

    class Float(float):
        def __float__(self) -> float:
            gc.collect()
            return 5.0

    reader = None
    assert view.ensure_fresh(Float(5)) is view


def test_16_threads_read_everything_at_once(sim: Writer) -> None:
    """Also what is made when it is first asked for: types, nested views, array items."""
    reader: Any = sim.open()
    with sim.open() as another:
        users = [user.pubkey for user in another.users()]
    start = threading.Barrier(16)
    failures: list[BaseException] = []
    seen: list[tuple[int, ...]] = []
    # What each thread got first, when there was none yet: kept, so that no id is used again.
    first: list[list[Any]] = []

    def read(number: int) -> None:
        try:
            dice = random.Random(SEED + number)
            start.wait(WATCHDOG)
            first.append([*(reader.get_user(key) for key in users), *reader.users()])
            ids: dict[int, int] = {}
            for _ in range(300):
                index = dice.randrange(16)
                market = reader.get_perp_market(index)
                assert market.market_index == index
                assert ids.setdefault(index, id(market)) == id(market)
                assert market.amm is market.amm
                user = dice.choice(reader.users())
                assert user.orders[3] is user.orders[3]
                cut = reader.snapshot(perp_markets=[index], users=[user])
                assert cut.users[user.pubkey].authority == user.authority
                assert cut.perp_markets[index].to_dict()["market_index"] == index
            seen.append(tuple(id(reader.get_perp_market(index)) for index in range(16)))
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=read, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(WATCHDOG * 2)
    assert failures == []
    assert len(seen) == 16
    assert len(set(seen)) == 1, "the same object for everybody"
    assert len({tuple(map(id, views)) for views in first}) == 1, "from the first moment on"
    assert first[0][: len(users)] == first[0][len(users) :] == reader.users()


def test_subscriptions_may_be_used_and_closed_by_several_threads(sim: Writer) -> None:
    with sim.open() as reader:
        for _ in range(3):
            subscription = reader.subscribe()
            outcomes: list[object] = []

            def wait(subscription: Any = subscription, outcomes: list[object] = outcomes) -> None:
                try:
                    while True:
                        subscription.wait(WATCHDOG)
                except driftshm.ReaderClosedError as error:
                    outcomes.append(str(error))

            threads = [threading.Thread(target=wait) for _ in range(3)]
            for thread in threads:
                thread.start()
            subscription.close()
            for thread in threads:
                thread.join(WATCHDOG)
            assert outcomes == ["the subscription was closed"] * 3
