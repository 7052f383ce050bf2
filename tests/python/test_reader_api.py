"""What a reader gives: live views that are always the same, arrays, and freshness."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from replays import (
    Publishing,
    Script,
    from_base58,
    key,
    perp,
    place,
    real,
)
from support import WATCHDOG, Writer, until, vouched_for

import driftshm
from driftshm import drift_v2

Start = Callable[..., Writer]
# Of a feed that lives, where no feed could be quick enough.
TWO_WORDS = r"feed is live, and was last heard of 0\.\d s ago: max_age is shorter than the time"


class Third:
    """A number of somebody else's, as numpy's are."""

    def __index__(self) -> int:
        return 2


def test_whatever_python_takes_for_an_index_names_a_market(sim: Writer) -> None:
    with sim.open() as reader:
        market, spot = reader.get_perp_market(2), reader.get_spot_market(2)
        assert reader.get_perp_market(Third()) is market
        assert reader.get_perp_market(Third(), max_age=WATCHDOG) is market
        assert reader.get_spot_market(Third()) is spot
        assert reader.get_perp_oracle(Third()).pubkey == reader.get_perp_oracle(2).pubkey
        cut = reader.snapshot(perp_markets=Third(), spot_markets=[Third()], perp_oracles=Third())
        assert [*cut.perp_markets] == [*cut.spot_markets] == [*cut.perp_oracles] == [2]
        with reader.subscribe(perp_markets=Third(), spot_markets=(0, Third())) as subscription:
            assert subscription.wait(WATCHDOG)
        for no_index in (2.0, b"2", None):
            with pytest.raises(TypeError, match="is named by index or symbol, not"):
                reader.get_perp_market(no_index)  # type: ignore[arg-type]


def test_the_numbers_of_numpy_name_markets(sim: Writer) -> None:
    np: Any = pytest.importorskip("numpy")
    with sim.open() as reader:
        rows = reader.perp_markets_array()
        for row in rows:
            assert reader.get_perp_market(row["market_index"]).market_index == row["market_index"]
        assert [*reader.snapshot(perp_markets=rows["market_index"]).perp_markets] == [*range(16)]
        assert [*reader.snapshot(perp_markets=rows["market_index"][:1]).perp_markets] == [0]
        with reader.subscribe(perp_markets=rows["market_index"][3]) as subscription:
            assert all(change.key == 3 for change in subscription.wait(WATCHDOG))
        with pytest.raises(driftshm.UnknownMarketError, match="indexes are 0 to"):
            reader.get_perp_market(np.uint16(60_000))
        with pytest.raises(driftshm.UnknownMarketError):
            reader.get_perp_market(np.int64(-1))


def test_a_view_is_always_the_same_object(sim: Writer) -> None:
    with sim.open() as reader:
        view, holder = reader.get_perp_market(0), reader.users()[2]
        assert reader.get_perp_market("SOL-PERP") is view
        assert reader.get_perp_market("sol-perp") is view
        assert reader.get_perp_market(view) is view
        assert reader.perp_markets()[0] is view
        assert (
            reader.get_spot_market("USDC") is reader.spot_markets()[0] is reader.get_spot_market(0)
        )
        assert reader.get_user(holder.pubkey) is holder
        assert reader.get_user(holder) is holder
        assert (
            reader.get_user(authority=holder.authority, sub_account_id=holder.sub_account_id)
            is holder
        )
        assert (
            reader.get_user(driftshm.derive_user_account(holder.authority, holder.sub_account_id))
            is holder
        )
        assert reader.get_state() is reader.get_state()
        assert reader.get_user_stats(holder.authority) is reader.get_user_stats(holder.authority)
        assert view.amm is view.amm
        assert holder.orders is holder.orders
        assert holder.orders[5] is holder.orders[5] is holder.orders[-27]
        with reader.subscribe(perp_markets=[0]) as subscription:
            assert subscription.wait(WATCHDOG)[0].view is view


def test_pubkeys_are_text_bytes_or_anything_that_has_bytes(sim: Writer) -> None:
    class Solders:
        def __init__(self, text: str) -> None:
            self.raw = from_base58(text)

        def __bytes__(self) -> bytes:
            return self.raw

    with sim.open() as reader:
        holder = reader.users()[1]
        raw = from_base58(holder.pubkey)
        assert len(raw) == 32
        assert reader.get_user(raw) is reader.get_user(Solders(holder.pubkey)) is holder
        with reader.subscribe(users=[raw, Solders(holder.pubkey), holder]) as subscription:
            until(
                "it changes", lambda: any(c.pubkey == holder.pubkey for c in subscription.drain())
            )
        # One key by itself: on Python 3.10 `bytes` has no __bytes__.
        assert reader.snapshot(users=raw).users.keys() == {holder.pubkey}
        authority = from_base58(holder.authority)
        assert len(reader.snapshot(user_stats=authority).user_stats) == 1
        with reader.subscribe(users=raw, oracles=raw, user_stats=authority) as subscription:
            until("it changes", subscription.drain)


def test_what_is_not_there_is_none(sim: Writer) -> None:
    with sim.open() as reader:
        assert reader.get_perp_market(255) is None
        assert reader.get_spot_market(200) is None
        assert reader.get_perp_oracle(255) is None
        assert reader.get_user(key(1)) is None
        assert reader.get_user(reader.get_perp_market(0).pubkey) is None, "not a user"
        assert reader.get_user(authority=key(1)) is None
        assert reader.get_user_stats(key(1)) is None
        until(
            "the feed's first word", lambda: vouched_for(lambda: reader.get_user(key(1), max_age=1))
        )
        assert reader.get_perp_market(255, max_age=WATCHDOG) is None
        with pytest.raises(driftshm.StaleError, match=TWO_WORDS):
            reader.get_perp_market(255, max_age=0)


def test_an_oracle_is_found_by_its_address(sim: Writer) -> None:
    with sim.open() as reader:
        of_market = reader.get_perp_oracle(0)
        found = reader.get_oracle(of_market.pubkey)
        assert found.pubkey == of_market.pubkey
        assert found.source == of_market.source
        assert found.price > 0
        assert reader.get_oracle(of_market) is reader.get_oracle(from_base58(found.pubkey)) is found
        assert reader.get_oracle(found.pubkey, max_age=WATCHDOG) is found
        assert reader.get_oracle(key(1)) is None
        assert reader.get_oracle(reader.users()[0].pubkey) is None, "not an oracle"
        with reader.subscribe(oracles=[found]) as subscription:
            assert subscription.wait(WATCHDOG)[0].view is found
        with pytest.raises(driftshm.StaleError, match=f"account {found.pubkey}"):
            reader.get_oracle(found.pubkey, max_age=0)
        with pytest.raises(TypeError, match="a view of kind perp_market"):
            reader.get_oracle(reader.get_perp_market(0))


def test_an_oracle_has_a_commitment_as_every_account_has(sim: Writer) -> None:
    with sim.open() as reader:
        oracle = reader.get_perp_oracle(0)
        assert oracle.commitment in {"confirmed", "processed"}
        assert reader.get_oracle(oracle).commitment in {"confirmed", "processed"}


def test_a_view_shows_each_new_version_at_once(writer: Start, script: Script) -> None:
    market = perp(0)
    script.say(market)
    with writer(*script.arguments).open() as reader:
        view = until("it is there", lambda: reader.get_perp_market(0))
        amm = place("PerpMarket", "amm")[0]
        nested, pool, getter = (
            view.amm,
            view.amm.fee_pool,
            driftshm.fields("amm.volume24h", "status"),
        )
        for number in range(1, 50):
            changed = (
                market.set("amm.volume24h", number)
                .set("amm.fee_pool.scaled_balance", number << 70)
                .set("status", number % 9)
                .set("expiry_ts", -number)
            )
            script.say(changed.line(slot=10_000 + number, write_version=number, lamports=number))
            until("the version", lambda number=number: view.version == number + 1)
            assert (nested.volume24h, pool.scaled_balance) == (number, number << 70)
            assert getter(view) == (number, drift_v2.MarketStatus(number % 9))
            assert (view.status, view.expiry_ts) == (number % 9, -number)
            assert (view.slot, view.write_version) == (10_000 + number, number)
            assert view.bytes() == changed.data
            assert nested.bytes() == changed.data[amm : amm + 936]
            meta = view.meta()
            assert (meta.version, meta.slot, meta.write_version, meta.lamports) == (
                number + 1,
                10_000 + number,
                number,
                number,
            )
            assert meta.data_len == 1216
            assert not (meta.closed or meta.layout_mismatch or meta.truncated)
            assert meta.received_ns <= meta.publish_ns <= time.monotonic_ns()
            assert 0 <= view.age < WATCHDOG
        assert until("the slot", lambda: reader.slot >= 10_049)


def test_arrays_are_sequences(accounts: driftshm.Reader) -> None:
    holder = accounts.get_user(real("User")[0].pubkey)
    orders = holder.orders
    assert len(orders) == 32
    assert [order.order_id for order in orders] == [orders[i].order_id for i in range(32)]
    assert orders[-1] is orders[31]
    assert orders[2:5] == [orders[2], orders[3], orders[4]]
    assert orders[::-10] == [orders[31], orders[21], orders[11], orders[1]]
    assert orders[40:] == []
    assert orders[1 :: sys.maxsize] == [orders[1]]
    assert orders[:: -sys.maxsize] == [orders[31]]
    assert orders[1] in list(orders)
    assert orders.to_list() == holder.to_dict()["orders"]
    assert orders[3].to_dict() == orders.to_list()[3]
    assert [position.market_index for position in reversed(holder.perp_positions[:3])] == [
        holder.perp_positions[index].market_index for index in (2, 1, 0)
    ]
    for wrong in (32, -33):
        with pytest.raises(IndexError, match="32 items"):
            orders[wrong]


def test_every_way_to_read_gives_the_same(accounts: driftshm.Reader) -> None:
    views = [*accounts.perp_markets(), *accounts.spot_markets(), *accounts.users()]
    assert len(views) == len(real("PerpMarket") + real("SpotMarket") + real("User"))
    for view in views:
        dictionary, snapshot = view.to_dict(), view.snapshot()
        assert snapshot.to_dict() == dictionary
        for path, value in leaves(dictionary):
            attribute: Any = view
            for step in path:
                attribute = attribute[step] if isinstance(step, int) else getattr(attribute, step)
            text = "".join(f"[{s}]" if isinstance(s, int) else f".{s}" for s in path).lstrip(".")
            assert attribute == value, text
            assert driftshm.fields(text)(view) == driftshm.fields(text)(snapshot) == (value,)


def leaves(tree: Any, path: tuple[Any, ...] = ()) -> Any:
    """A few elements of each array, everything else whole."""
    if isinstance(tree, dict):
        for name, value in tree.items():
            yield from leaves(value, (*path, name))
    elif isinstance(tree, list):
        for index in {0, len(tree) // 2, len(tree) - 1}:
            yield from leaves(tree[index], (*path, index))
    else:
        yield path, tree


def test_what_does_not_change_on_chain_is_not_stale_while_the_feed_lives(
    publishing: Publishing, reader: driftshm.Reader
) -> None:
    view = reader.get_user_stats(publishing.authorities[0])
    until("it is old", lambda: view.age > 1.2)
    for _ in range(20):
        until("it is fresh", lambda: view.staleness < 0.5)
        until("it is vouched for", lambda: vouched_for(lambda: view.ensure_fresh(0.5)))
        get = lambda: reader.get_user_stats(publishing.authorities[0], max_age=0.5)  # noqa: E731
        until("it is got", lambda: vouched_for(get))
        assert view.ensure_fresh(WATCHDOG) is view
        assert reader.get_user_stats(publishing.authorities[0], max_age=WATCHDOG) is view
        time.sleep(0.01)
    assert view.version == 1
    assert view.age > 1.2
    with pytest.raises(driftshm.StaleError, match=TWO_WORDS):
        view.ensure_fresh(0)


def test_free_threading_and_subinterpreters_are_declared(tmp_path: Path) -> None:
    """With the global lock, what can be seen of it is that nothing complains."""
    code = "import driftshm; print(driftshm.__version__)"
    run = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", "-c", code],
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout.strip() == driftshm.__version__
    assert run.stderr == ""
    if hasattr(sys, "_is_gil_enabled") and "free-threading" in sys.version:
        assert not sys._is_gil_enabled()
