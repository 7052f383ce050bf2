"""Copies of one version: snapshots, consistent cuts, numpy arrays."""

from __future__ import annotations

import copy
import json
import pickle
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from replays import (
    Publishing,
    from_base58,
    real,
)
from support import Writer, missing, until

import driftshm
from driftshm import drift_v2

Start = Callable[..., Writer]


def test_a_snapshot_stays_as_it_is(publishing: Publishing, reader: driftshm.Reader) -> None:
    view = reader.get_user_stats(publishing.authorities[0])
    first, same = view.snapshot(), view.snapshot()
    publishing.say(publishing.keys[0])
    until("a new version", lambda: view.version == 2)
    second = view.snapshot()
    assert first == same
    assert hash(first) == hash(same)
    assert first != second
    assert first != view
    assert first != 7
    assert (first.fees.total_fee_paid, second.fees.total_fee_paid) == (1, 2)
    assert (first.version, second.version, first.age > second.age) == (1, 2, True)
    assert first.fees == same.fees
    assert first.fees != second.fees
    assert {first: "a", second: "b"}[same] == "a"
    assert view.fees.snapshot() == second.fees
    other = reader.get_user_stats(publishing.authorities[1]).snapshot()
    assert first != other
    assert isinstance(first, drift_v2.UserStatsSnapshot)
    assert isinstance(first, driftshm.Snapshot)
    assert isinstance(view, drift_v2.UserStats)
    assert "UserStats snapshot" in repr(first)


def test_a_snapshot_is_a_read_only_buffer_of_the_account_as_on_chain(
    accounts: driftshm.Reader,
) -> None:
    account = real("User")[0]
    snapshot = accounts.get_user(account.pubkey).snapshot()
    memory = memoryview(snapshot)
    assert bytes(memory) == bytes(snapshot) == snapshot.bytes() == account.data
    assert (memory.readonly, memory.nbytes, memory.itemsize) == (True, 4376, 1)
    assert bytes(memoryview(snapshot.orders[1])) == account.data[8 + 1184 + 96 : 8 + 1184 + 192]
    with pytest.raises(TypeError):
        memory[0] = 1
    with pytest.raises(TypeError):
        memoryview(accounts.get_user(account.pubkey))
    for name in ("authority", "orders", "slot", "new"):
        with pytest.raises(AttributeError):
            setattr(snapshot, name, 1)


UNPICKLE = """
import pickle, sys, json
snapshots, cut = pickle.load(sys.stdin.buffer)
from driftshm import drift_v2
print(json.dumps([
    [type(s).__name__, s.pubkey, s.slot, s.version, s.bytes().hex(),
     s == pickle.loads(pickle.dumps(s))] for s in snapshots
]))
print(json.dumps([cut.market_index, cut.symbol, cut.mark_price]))
"""


def test_snapshots_are_pickled_to_processes_that_have_no_writer(accounts: driftshm.Reader) -> None:
    views = [accounts.perp_markets()[0], accounts.spot_markets()[0], accounts.users()[0]]
    snapshots = [view.snapshot() for view in views]
    snapshots += [snapshots[0].amm, snapshots[2].orders[3], views[0].amm.fee_pool.snapshot()]
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
        assert pickle.loads(pickle.dumps(snapshots, protocol)) == snapshots
    run = subprocess.run(
        [sys.executable, "-c", UNPICKLE],
        input=pickle.dumps((snapshots, snapshots[0])),
        capture_output=True,
        check=True,
    )
    first, second = map(json.loads, run.stdout.decode().splitlines())
    expected = [
        [type(s).__name__, s.pubkey, s.slot, s.version, s.bytes().hex(), True] for s in snapshots
    ]
    assert first == expected
    assert second == [views[0].market_index, views[0].symbol, views[0].mark_price]
    with pytest.raises(TypeError, match="pickle"):
        pickle.dumps(views[0])


def test_prices_and_cuts_are_pickled_and_copied_as_snapshots_are(sim: Writer) -> None:
    with sim.open() as reader:
        price = reader.get_perp_oracle(0).snapshot()
        wanted: dict[str, Any] = {
            "perp_markets": [0, 1],
            "perp_oracles": [0],
            "spot_oracles": [0],
            "users": reader.users()[0],
            "state": True,
        }
        cut, without_state = reader.snapshot(**wanted), reader.snapshot(perp_markets=0)
    for again in (pickle.loads(pickle.dumps(price)), copy.deepcopy(price)):
        assert again == price
        assert hash(again) == hash(price)
        assert (again.source, type(again.source)) == (price.source, drift_v2.OracleSource)
        assert again.price_float == price.price_float
    assert price != cut.spot_oracles[0]
    assert price != 7
    again = pickle.loads(pickle.dumps(cut))
    assert (again.id, hash(again.id)) == (cut.id, hash(cut.id))
    for name in ("perp_markets", "spot_markets", "perp_oracles", "spot_oracles", "users", "state"):
        assert getattr(again, name) == getattr(cut, name), name
    assert copy.copy(without_state).state is None


def test_a_cut_has_an_id_that_stands_for_its_bytes(sim: Writer) -> None:
    with sim.open() as reader, sim.open() as another:
        holder = reader.users()[0]
        wanted: dict[str, Any] = {
            "perp_markets": ["SOL-PERP", 3],
            "spot_markets": 0,
            "perp_oracles": [0],
            "spot_oracles": ["SOL"],
            "users": [holder, reader.users()[1].pubkey],
            "user_stats": holder.authority,
            "state": True,
        }
        cut = reader.snapshot(**wanted)
        assert list(cut.perp_markets) == [0, 3]
        assert list(cut.spot_markets) == [0]
        assert list(cut.perp_oracles) == [0]
        assert list(cut.spot_oracles) == [1]
        assert list(cut.users) == [holder.pubkey, reader.users()[1].pubkey]
        assert [stats.authority for stats in cut.user_stats.values()] == [holder.authority]
        assert cut.state.slot > 0
        everything = [*cut.perp_markets.values(), *cut.spot_markets.values()]
        assert cut.id.generation == reader.generation
        assert cut.id.versions[:3] == [each.version for each in everything]
        assert len(cut.id.versions) == 9
        assert cut.id.min_slot <= min(each.slot for each in everything)
        assert cut.id.max_slot >= max(each.slot for each in everything)
        assert cut.perp_oracles[0].price > 0

        def meet() -> Any:
            ours = reader.snapshot(perp_markets=[0, 1], users=[holder])
            theirs = another.snapshot(perp_markets=[0, 1], users=[holder])
            return (ours, theirs) if ours.id == theirs.id else None

        ours, theirs = until("two readers meet", meet)
        assert hash(ours.id) == hash(theirs.id)
        assert ours.perp_markets == theirs.perp_markets
        assert ours.users == theirs.users
        later = until("a later one", lambda: _other(reader, ours.id))
        assert later.id != ours.id
        assert reader.snapshot().id.versions == []


def _other(reader: driftshm.Reader, known: Any) -> Any:
    cut = reader.snapshot(perp_markets=[0, 1], users=reader.users()[:1])
    return cut if cut.id != known else None


def test_arrays_have_every_field_of_every_account(accounts: driftshm.Reader) -> None:
    try:
        import numpy as np
    except ImportError:
        missing("numpy")
    for array, views in (
        (accounts.perp_markets_array(), accounts.perp_markets()),
        (accounts.spot_markets_array(), accounts.spot_markets()),
        (accounts.users_array(), accounts.users()),
    ):
        assert len(array) == len(views)
        for row, view in zip(array, views, strict=True):
            assert (row["_version"], row["_slot"]) == (view.version, view.slot)
            assert bytes(row["_pubkey"]) == from_base58(view.pubkey)
            for name, value in view.to_dict().items():
                assert same(row[name], value), (view, name)
    markets = accounts.perp_markets_array()
    assert markets.dtype["amm"]["volume24h"] == np.dtype("<u8")
    assert markets["amm"]["volume24h"].sum() == sum(
        m.amm.volume24h for m in accounts.perp_markets()
    )
    assert markets["amm"]["last_funding_rate"].dtype == np.dtype("<i8")
    assert accounts.perp_markets_array().dtype is markets.dtype
    before = markets.copy()
    accounts.close()
    assert (markets == before).all()


def test_a_row_of_users_leads_to_its_account(sim: Writer) -> None:
    pytest.importorskip("numpy")
    with sim.open() as reader:
        rows = reader.users_array()
        assert rows["_pubkey"].dtype.itemsize == 32
        found = {reader.get_user(bytes(row["_pubkey"])) for row in rows}
        assert found == {*reader.users()}
        assert len(found) == 20


def test_numbers_of_128_bits_are_put_together_as_the_docs_say(accounts: driftshm.Reader) -> None:
    pytest.importorskip("numpy")
    spots, perps = accounts.spot_markets_array(), accounts.perp_markets_array()
    for column, values in (
        (spots["deposit_balance"], [m.deposit_balance for m in accounts.spot_markets()]),
        (
            perps["amm"]["base_asset_amount_with_amm"],
            [m.amm.base_asset_amount_with_amm for m in accounts.perp_markets()],
        ),
    ):
        exact = column["lo"].astype(object) + (column["hi"].astype(object) << 64)
        assert [*exact] == values
        assert [*(column["lo"] + column["hi"] * 2.0**64)] == pytest.approx(values)
    assert any(m.amm.base_asset_amount_with_amm < 0 for m in accounts.perp_markets())


def test_an_array_of_nothing_has_no_rows(publishing: Publishing, reader: driftshm.Reader) -> None:
    """Nor is anything asked of where Python keeps what has no bytes, which need not be aligned."""
    pytest.importorskip("numpy")
    assert publishing.keys
    users = reader.users_array()
    assert len(users) == len(reader.perp_markets_array()) == 0
    assert users.dtype["authority"].itemsize == 32


def same(cell: Any, value: Any) -> bool:
    if isinstance(value, dict):
        return all(same(cell[name], inner) for name, inner in value.items())
    if isinstance(value, list):
        return all(same(one, inner) for one, inner in zip(cell, value, strict=True))
    if isinstance(value, bytes):
        return bool(bytes(cell) == value)
    if isinstance(value, str):
        return bool(bytes(cell) == from_base58(value))
    if getattr(cell.dtype, "names", None):
        return (int(cell["hi"]) << 64) + int(cell["lo"]) == value
    return bool(cell == value)
