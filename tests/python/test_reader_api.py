"""What a reader gives: live views, compiled getters, snapshots, cuts, figures, freshness."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from replays import Account, Publishing, Recording, Script, blank, key, line, perp, real, spot, user
from support import WATCHDOG, Writer, missing, shared, until

import driftshm
from driftshm import drift_v2

Start = Callable[..., Writer]


@pytest.fixture
def accounts(writer: Start, directory: Path) -> driftshm.Reader:
    """All real markets and users, and nothing changes."""
    every = [*real("PerpMarket"), *real("SpotMarket"), *real("User"), blank("State", STATE)]
    recording = Recording(directory.with_name("recording"), *(each.line() for each in every))
    reader = writer(*recording.arguments).open()
    until("all are there", lambda: reader.stats()["published"] == len(every))
    return reader


STATE = driftshm.derive_state_account()


# ------------------------------------------------------------------------------------- views


def test_a_view_is_always_the_same_object(sim: Writer) -> None:
    with sim.open() as reader:
        view, holder = reader.get_perp_market(0), reader.users()[2]
        assert reader.get_perp_market("SOL-PERP") is view
        assert reader.get_perp_market("sol-perp") is view
        assert reader.get_perp_market(view) is view
        assert reader.perp_markets()[0] is view
        assert reader.get_spot_market("USDC") is reader.spot_markets()[0] is reader.get_spot_market(0)
        assert reader.get_user(holder.pubkey) is holder
        assert reader.get_user(holder) is holder
        assert reader.get_user(authority=holder.authority, sub_account_id=holder.sub_account_id) is holder
        assert reader.get_user(driftshm.derive_user_account(holder.authority, holder.sub_account_id)) is holder
        assert reader.get_state() is reader.get_state()
        assert reader.get_user_stats(holder.authority) is reader.get_user_stats(holder.authority)
        assert view.amm is view.amm
        assert holder.orders is holder.orders
        assert holder.orders[5] is holder.orders[5] is holder.orders[-27]
        with reader.subscribe(perp_markets=[0]) as subscription:
            assert subscription.wait(WATCHDOG)[0].view is view


def test_pubkeys_are_text_bytes_or_anything_that_has_bytes(sim: Writer) -> None:
    from replays import from_base58

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
            until("it changes", lambda: any(c.pubkey == holder.pubkey for c in subscription.drain()))
        assert reader.snapshot(users=raw).users.keys() == {holder.pubkey}


def test_what_is_not_there_is_none(sim: Writer) -> None:
    with sim.open() as reader:
        assert reader.get_perp_market(255) is None
        assert reader.get_spot_market(200) is None
        assert reader.get_perp_oracle(255) is None
        assert reader.get_user(key(1)) is None
        assert reader.get_user(reader.get_perp_market(0).pubkey) is None, "not a user"
        assert reader.get_user(authority=key(1)) is None
        assert reader.get_user_stats(key(1)) is None
        assert reader.get_perp_market(255, max_age=0) is None


def test_a_view_shows_each_new_version_at_once(writer: Start, script: Script) -> None:
    market = perp(0)
    script.say(market)
    with writer(*script.arguments).open() as reader:
        view = until("it is there", lambda: reader.get_perp_market(0))
        nested, pool, getter = view.amm, view.amm.fee_pool, driftshm.fields("amm.volume24h", "status")
        for number in range(1, 50):
            changed = (
                market.set("amm.volume24h", number).set("amm.fee_pool.scaled_balance", number << 70)
                .set("status", number % 9).set("expiry_ts", -number)
            )  # fmt: skip
            script.say(changed.line(slot=10_000 + number, write_version=number, lamports=number))
            until("the version", lambda number=number: view.version == number + 1)
            assert (nested.volume24h, pool.scaled_balance) == (number, number << 70)
            assert getter(view) == (number, drift_v2.MarketStatus(number % 9))
            assert (view.status, view.expiry_ts) == (number % 9, -number)
            assert (view.slot, view.write_version) == (10_000 + number, number)
            assert view.bytes() == changed.data
            assert nested.bytes() == changed.data[8 : 8 + 936]
            meta = view.meta()
            assert (meta.version, meta.slot, meta.write_version, meta.lamports) == (
                number + 1, 10_000 + number, number, number,
            )  # fmt: skip
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


# ------------------------------------------------------------------- closed, short and long accounts


def test_a_closed_account_reads_as_closed_until_it_is_opened_again(
    writer: Start, script: Script
) -> None:
    account = user(3)
    script.say(account, user(4))
    with writer(*script.arguments).open() as reader:
        until("both are there", lambda: len(reader.users()) == 2)
        view, before = reader.get_user(account.pubkey), reader.get_user(account.pubkey).snapshot()
        with reader.subscribe(users=[view]) as subscription:
            script.say(account.closed())
            change = until("it is closed", lambda: subscription.drain())[0]
            assert (change.version, change.view) == (2, view)
            assert view.closed
            assert (view.version, view.pubkey) == (2, account.pubkey)
            assert view.meta().closed
            assert view.snapshot().closed
            assert view.bytes() == b""
            assert "closed" in repr(view)
            assert reader.get_user(account.pubkey) is None
            assert [each.pubkey for each in reader.users()] == [user(4).pubkey]
            for read in (
                lambda: view.authority,
                lambda: view.to_dict(),
                lambda: view.orders[0].price,
                lambda: view.orders.to_list(),
                lambda: driftshm.fields("authority")(view),
                lambda: view.snapshot().authority,
                lambda: view.float("total_deposits"),
            ):
                with pytest.raises(driftshm.AccountClosedError, match=account.pubkey):
                    read()
            assert (before.authority, before.closed) == (account.expected["authority"] and key(1 << 40 | 3), False)
            with pytest.raises(driftshm.UnknownMarketError):
                reader.snapshot(users=[account.pubkey])

            script.say(account.closed(slot=1), account.line(slot=1))
            script.say(account.set("total_deposits", 77))
            until("it is open again", lambda: not view.closed)
            assert (view.version, view.total_deposits) == (3, 77)
            assert reader.get_user(account.pubkey) is view
            assert reader.stats()["stale"] == 2
        assert reader.stats()["closed"] == 1


def test_a_closed_market_is_gone_from_lists_and_names(writer: Start, script: Script) -> None:
    script.say(perp(0), perp(1))
    with writer(*script.arguments).open() as reader:
        until("both are there", lambda: len(reader.perp_markets()) == 2)
        view = reader.get_perp_market("BTC-PERP")
        script.say(perp(1).closed())
        until("it is closed", lambda: view.closed)
        assert reader.get_perp_market(1) is None
        assert [market.symbol for market in reader.perp_markets()] == ["SOL-PERP"]
        with pytest.raises(driftshm.UnknownMarketError, match="SOL-PERP"):
            reader.get_perp_market("BTC-PERP")
        with pytest.raises(driftshm.AccountClosedError):
            _ = view.mark_price


@pytest.mark.parametrize("length", [8, 9, 500, 1215])
def test_an_account_that_is_too_short_can_be_read_as_bytes_only(
    writer: Start, script: Script, length: int
) -> None:
    script.say(perp(0), perp(1))
    with writer(*script.arguments).open() as reader:
        until("both are there", lambda: len(reader.perp_markets()) == 2)
        view = reader.get_perp_market(0)
        short = perp(0).resized(length)
        script.say(short)
        until("it is short", lambda: view.version == 2)
        assert view.meta().layout_mismatch
        assert view.meta().data_len == length
        assert view.bytes() == view.snapshot().bytes() == short.data
        for read in (lambda: view.status, lambda: view.amm.oracle, view.to_dict, lambda: view.mark_price):
            with pytest.raises(driftshm.LayoutMismatchError, match=rf"{length} bytes.*bytes\(\)"):
                read()
        assert not view.closed
        assert reader.stats()["layout_mismatch"] == 1
        assert len(reader.perp_markets_array()) == 1, "rows are of what can be read"
        script.say(perp(0))
        until("it is whole again", lambda: view.version == 3)
        assert view.symbol == "SOL-PERP"


@pytest.mark.parametrize("more", [1, 64, 512])
def test_an_account_that_has_grown_is_read_by_its_known_part_and_its_tail_as_bytes(
    writer: Start, script: Script, more: int
) -> None:
    grown = perp(0).resized(1216 + more)
    script.say(grown, perp(1))
    with writer(*script.arguments).open() as reader:
        until("both are there", lambda: len(reader.perp_markets()) == 2)
        view = reader.get_perp_market("SOL-PERP")
        assert view.to_dict() == reader.get_perp_market(0).snapshot().to_dict()
        assert view.amm.oracle == perp(0).expected["amm"]["oracle"]
        assert view.bytes() == bytes(view.snapshot()) == grown.data
        assert not (view.meta().truncated or view.meta().layout_mismatch)
        assert len(reader.perp_markets_array()) == 2


def test_an_account_that_has_outgrown_its_record_is_cut_and_says_so(
    writer: Start, script: Script
) -> None:
    grown = perp(0).resized(1216 + 600)
    script.say(grown)
    with writer(*script.arguments).open() as reader:
        view = until("it is there", lambda: reader.get_perp_market(0))
        assert view.meta().truncated
        assert view.meta().data_len == 1216 + 600
        assert view.symbol == "SOL-PERP"
        assert grown.data.startswith(view.bytes())
        assert len(view.bytes()) >= 1216 + 512
        assert reader.stats()["truncated"] == 1


# ------------------------------------------------------------------------------ snapshots and cuts


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
    [type(s).__name__, s.pubkey, s.slot, s.version, s.bytes().hex(), s == pickle.loads(pickle.dumps(s))]
    for s in snapshots
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
        [sys.executable, "-c", UNPICKLE], input=pickle.dumps((snapshots, snapshots[0])),
        capture_output=True, check=True,
    )  # fmt: skip
    first, second = map(json.loads, run.stdout.decode().splitlines())
    expected = [
        [type(s).__name__, s.pubkey, s.slot, s.version, s.bytes().hex(), True] for s in snapshots
    ]
    assert first == expected
    assert second == [views[0].market_index, views[0].symbol, views[0].mark_price]
    with pytest.raises(TypeError, match="pickle"):
        pickle.dumps(views[0])


def test_a_cut_has_an_id_that_stands_for_its_bytes(sim: Writer) -> None:
    with sim.open() as reader, sim.open() as another:
        holder = reader.users()[0]
        wanted: dict[str, Any] = {
            "perp_markets": ["SOL-PERP", 3], "spot_markets": 0, "perp_oracles": [0],
            "spot_oracles": ["SOL"], "users": [holder, reader.users()[1].pubkey],
            "user_stats": holder.authority, "state": True,
        }  # fmt: skip
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


# ---------------------------------------------------------------------------------------- numpy


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
            for name, value in view.to_dict().items():
                assert same(row[name], value), (view, name)
    markets = accounts.perp_markets_array()
    assert markets.dtype["amm"]["volume24h"] == np.dtype("<u8")
    assert markets["amm"]["volume24h"].sum() == sum(m.amm.volume24h for m in accounts.perp_markets())
    assert markets["amm"]["last_funding_rate"].dtype == np.dtype("<i8")
    assert accounts.perp_markets_array().dtype is markets.dtype
    before = markets.copy()
    accounts.close()
    assert (markets == before).all()


def same(cell: Any, value: Any) -> bool:
    if isinstance(value, dict):
        return all(same(cell[name], inner) for name, inner in value.items())
    if isinstance(value, list):
        return all(same(one, inner) for one, inner in zip(cell, value, strict=True))
    if isinstance(value, bytes):
        return bool(bytes(cell) == value)
    if isinstance(value, str):
        from replays import from_base58

        return bool(bytes(cell) == from_base58(value))
    if getattr(cell.dtype, "names", None):
        return (int(cell["hi"]) << 64) + int(cell["lo"]) == value
    return bool(cell == value)


# ---------------------------------------------------------------------------------------- figures


def test_figures_are_the_programs_formulas(accounts: driftshm.Reader) -> None:
    for view in accounts.perp_markets():
        market, amm = view.to_dict(), view.to_dict()["amm"]
        price = amm["quote_asset_reserve"] * amm["peg_multiplier"] // amm["base_asset_reserve"]
        interest = max(abs(amm["base_asset_amount_long"]), abs(amm["base_asset_amount_short"]))
        name = bytes(market["name"]).decode().strip(" \0")
        assert (view.mark_price, view.open_interest, view.symbol) == (price, interest, name)
        assert view.mark_price_float == price / 1e6
        assert view.open_interest_float == interest / 1e9
        rate, twap = amm["last_funding_rate"], amm["last_funding_oracle_twap"]
        if twap > 0:
            hourly = float(Fraction(rate, 10**9) / Fraction(twap, 10**6))
            found = view.funding_rate()
            assert found.hourly == pytest.approx(hourly, rel=1e-12)
            assert found.eight_hour == pytest.approx(hourly * 8, rel=1e-12)
            assert found.annual == pytest.approx(hourly * 24 * 365, rel=1e-12)
            again = driftshm.funding_rate(rate, twap)
            assert (again.hourly, again.annual) == (found.hourly, found.annual)
        else:
            with pytest.raises(ArithmeticError):
                view.funding_rate()
        data = view.market_data()
        assert (data["market_index"], data["symbol"]) == (market["market_index"], name)
        assert (data["mark_price"], data["open_interest"]) == (price / 1e6, interest / 1e9)
        assert (data["volume_24h"], data["slot"]) == (amm["volume24h"] / 1e6, view.slot)
        snapshot = view.snapshot()
        assert (snapshot.mark_price, snapshot.symbol, snapshot.open_interest) == (price, name, interest)
    for view in accounts.spot_markets():
        market = view.to_dict()
        divisor = 10 ** (19 - market["decimals"])
        deposits = market["deposit_balance"] * market["cumulative_deposit_interest"]
        borrows = market["borrow_balance"] * market["cumulative_borrow_interest"]
        assert view.deposit_token_amount == deposits // divisor
        assert view.borrow_token_amount == -(-borrows // divisor)
        scale = 10 ** market["decimals"]
        assert view.deposit_token_amount_float == view.deposit_token_amount / scale
        assert view.borrow_token_amount_float == view.borrow_token_amount / scale


@pytest.mark.parametrize(
    ("path", "decimals"),
    [("amm.base_asset_reserve", 9), ("amm.peg_multiplier", 6), ("amm.last_funding_rate", 9),
     ("amm.historical_oracle_data.last_oracle_price", 6), ("amm.volume24h", 6)],
)  # fmt: skip
def test_floats_are_scaled_by_the_fields_unit(
    accounts: driftshm.Reader, path: str, decimals: int
) -> None:
    view = accounts.get_perp_market(0)
    (value,) = driftshm.fields(path)(view)
    assert view.float(path) == view.snapshot().float(path) == value / 10**decimals
    head, _, last = path.rpartition(".")
    assert getattr(view, head).float(last) == value / 10**decimals if head == "amm" else True


def test_a_market_without_reserves_has_no_price(writer: Start, script: Script) -> None:
    script.say(perp(0).set("amm.base_asset_reserve", 0))
    with writer(*script.arguments).open() as reader:
        view = until("it is there", lambda: reader.get_perp_market(0))
        with pytest.raises(ArithmeticError, match="empty"):
            _ = view.mark_price
        assert view.market_data()["mark_price"] is None


def test_enums_are_int_enums_of_the_profile(accounts: driftshm.Reader) -> None:
    view = accounts.get_perp_market(0)
    assert view.status is drift_v2.MarketStatus.Active
    assert view.contract_type is drift_v2.ContractType.Perpetual
    assert view.amm.oracle_source is drift_v2.OracleSource.PythLazer
    assert view.status == 1
    assert accounts.users()[0].orders[0].market_type in drift_v2.MarketType
    names = json.loads(shared("drift", "layout.json").read_text())["enums"]
    for name, variants in names.items():
        enum = getattr(drift_v2, name)
        assert [member.name for member in enum] == variants
        assert [member.value for member in enum] == list(range(len(variants)))


def test_a_variant_that_the_profile_does_not_know_is_its_number(writer: Start, script: Script) -> None:
    script.say(perp(0).set("status", 200))
    with writer(*script.arguments).open() as reader:
        view = until("it is there", lambda: reader.get_perp_market(0))
        assert view.status == 200
        assert type(view.status) is int
        assert view.snapshot().to_dict()["status"] == 200


# ---------------------------------------------------------------------------------------- oracles


def oracle_lines() -> list[dict[str, Any]]:
    text = shared("drift", "oracles.jsonl").read_text()
    return [json.loads(each) for each in text.splitlines()]


def with_oracle(market: Account, family: str, oracle: str) -> Account:
    from replays import layout

    number = layout()["enums"]["OracleSource"].index(family)
    prefix = "amm." if market.kind == "PerpMarket" else ""
    return market.set(f"{prefix}oracle", oracle).set(f"{prefix}oracle_source", number)


def test_an_oracle_is_read_by_the_source_that_its_market_names(writer: Start, script: Script) -> None:
    import base64

    given = oracle_lines()[0]
    data, address = base64.b64decode(given["data"]), key(9)
    script.say(
        with_oracle(perp(0), "Pyth1KPull", address), with_oracle(spot(0), "PythStableCoinPull", address),
        line(address, data, slot=308_552_330),
    )  # fmt: skip
    with writer(*script.arguments).open() as reader:
        view = until("the oracle", lambda: reader.get_perp_oracle(0))
        other = until("the other", lambda: reader.get_spot_oracle("USDC"))
        for found, family in ((view, "Pyth1KPull"), (other, "PythStableCoinPull")):
            expected = given["expected"][family]
            assert (found.price, found.confidence) == (expected["price"], expected["confidence"])
            assert found.published_slot == expected["published_slot"]
            assert found.source is drift_v2.OracleSource[family]
            assert found.price_float == expected["price"] / 1e6
            assert found.confidence_float == expected["confidence"] / 1e6
            assert found.has_sufficient_number_of_data_points is True
            assert found.delay == reader.slot - expected["published_slot"]
            assert (found.pubkey, found.bytes(), found.version) == (address, data, view.version)
            copy = found.snapshot()
            assert (copy.price, copy.confidence, copy.source) == (found.price, found.confidence, found.source)
        assert reader.get_perp_market(0).oracle_price == view.price
        assert reader.get_spot_market(0).oracle_price_float == other.price_float
        assert {source.name for source in view.prices()} == {"Pyth1KPull", "PythStableCoinPull"}
        assert not hasattr(reader.get_perp_market(0).snapshot(), "oracle_price")
        cut = reader.snapshot(perp_oracles=[0], spot_oracles=["USDC"])
        assert cut.perp_oracles[0].price == view.price
        assert cut.spot_oracles[0].price == other.price
        with reader.subscribe(oracles=[address]) as subscription:
            script.say(line(address, data[:-1] + bytes([data[-1] ^ 1])))
            change = subscription.wait(WATCHDOG)[0]
            assert (change.kind, change.key) == ("oracle", address)
            assert change.view.prices().keys() == view.prices().keys()


def test_a_view_of_a_markets_oracle_follows_the_market_to_another_oracle(
    writer: Start, script: Script
) -> None:
    import base64

    first, second = oracle_lines()[0], oracle_lines()[2]
    lines = [line(key(9 + i), base64.b64decode(o["data"])) for i, o in enumerate((first, second))]
    script.say(with_oracle(perp(0), "PythPull", key(9)), *lines)
    with writer(*script.arguments).open() as reader:
        view = until("the oracle", lambda: reader.get_perp_oracle(0))
        assert (view.pubkey, view.price) == (key(9), first["expected"]["PythPull"]["price"])
        script.say(with_oracle(perp(0), "PythPull", key(10)))
        until("the other oracle", lambda: view.pubkey == key(10))
        until("its price", lambda: _price(view) == second["expected"]["PythPull"]["price"])
        assert reader.get_perp_market(0).oracle_price == view.price


def _price(view: Any) -> int | None:
    try:
        price: int = view.price
    except driftshm.OracleInvalidError:
        return None
    return price


# ---------------------------------------------------------------------------------------- freshness


def test_what_does_not_change_on_chain_is_not_stale_while_the_feed_lives(
    publishing: Publishing, reader: driftshm.Reader
) -> None:
    view = reader.get_user_stats(publishing.authorities[0])
    until("it is old", lambda: view.age > 1.2)
    for _ in range(20):
        assert view.staleness < 0.5
        assert view.ensure_fresh(0.5) is view
        assert reader.get_user_stats(publishing.authorities[0], max_age=0.5) is view
        time.sleep(0.01)
    assert view.version == 1
    assert view.age > 1.2


def test_free_threading_and_subinterpreters_are_declared(tmp_path: Path) -> None:
    """With the global lock, what can be seen of it is that nothing complains."""
    code = "import warnings; warnings.simplefilter('error'); import driftshm; print(driftshm.__version__)"
    run = subprocess.run([sys.executable, "-X", "dev", "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == driftshm.__version__
    assert run.stderr == ""
    if hasattr(sys, "_is_gil_enabled") and "free-threading" in sys.version:
        assert not sys._is_gil_enabled()
