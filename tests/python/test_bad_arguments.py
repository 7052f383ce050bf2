"""Arguments that name the wrong kind of thing, or a number beyond what is allowed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from replays import Script, key
from support import WATCHDOG, Writer, region_dir, until

import driftshm


@pytest.fixture(scope="module")
def reader() -> Iterator[Any]:
    """A reader of a live writer, the same for all tests that change nothing."""
    with region_dir() as directory:
        flags = ("--feed", "sim", "--rate", "200", "--users", "10", "--markets", "8", "--seed", "7")
        with Writer(directory, *flags).start() as writer, writer.open() as opened:
            yield opened


NO_VIEWS: list[Callable[[Any], Any]] = [
    lambda r: r.get_perp_market(0).snapshot(),
    lambda r: r.get_perp_oracle(0).snapshot(),
    lambda r: "SOL-PERP",
    lambda r: 0,
    lambda r: None,
    lambda r: r,
]


@pytest.mark.parametrize("given", NO_VIEWS)
def test_only_a_view_can_be_waited_for(reader: Any, given: Callable[[Any], Any]) -> None:
    """Of a snapshot there is never a newer version: it would be waited for in vain."""
    what = given(reader)
    with pytest.raises(TypeError, match=rf"wait\(\) takes a view.*not {type(what).__name__}"):
        reader.wait(what)


def test_every_kind_of_view_can_be_waited_for(reader: Any) -> None:
    async def wait(view: Any) -> None:
        known = view.version
        assert await reader.wait(view, timeout=WATCHDOG) > known

    market = reader.get_perp_market(0)
    for view in (market, market.amm, reader.get_perp_oracle(0), reader.users()[0]):
        asyncio.run(wait(view))


@pytest.mark.parametrize(
    ("arguments", "error", "word"),
    [
        ({"timeout": -1}, driftshm.FilterError, "timeout is -1"),
        ({"timeout": float("nan")}, driftshm.FilterError, "timeout is NaN"),
        ({"newer_than": -1}, driftshm.ArgumentError, "newer_than is -1"),
        ({"newer_than": 1.5}, TypeError, "newer_than is a whole number, not float"),
    ],
)
def test_a_wait_finds_wrong_numbers_at_the_call(
    reader: Any, arguments: dict[str, Any], error: type[Exception], word: str
) -> None:
    with pytest.raises(error, match=word):
        reader.wait(reader.get_perp_market(0), **arguments)


OF_ANOTHER_KIND: dict[str, Callable[[Any], object]] = {
    "a market as a user": lambda r: r.get_user(r.get_perp_market(0)),
    "an oracle as a user": lambda r: r.get_user(r.get_perp_oracle(0)),
    "a market among users": lambda r: r.subscribe(users=[r.get_perp_market(0)]),
    "a market as all users": lambda r: r.changes(users=r.get_perp_market(0)),
    "an oracle among users": lambda r: r.batches(users=[r.get_perp_oracle(0)]),
    "a user as user stats": lambda r: r.subscribe(user_stats=[r.users()[0]]),
    "an oracle as user stats": lambda r: r.subscribe(user_stats=r.get_perp_oracle(0)),
    "a market as an oracle": lambda r: r.subscribe(oracles=[r.get_perp_market(0)]),
    "a market as a user of a cut": lambda r: r.snapshot(users=[r.get_perp_market(0)]),
}


@pytest.mark.parametrize("act", OF_ANOTHER_KIND.values(), ids=OF_ANOTHER_KIND)
def test_a_view_of_another_kind_is_refused(reader: Any, act: Callable[[Any], object]) -> None:
    with pytest.raises(TypeError, match=r"a view of kind .* names no account of kind"):
        act(reader)


def test_a_view_of_the_right_kind_names_its_account(reader: Any) -> None:
    holder = reader.users()[0]
    stats, oracle = reader.get_user_stats(holder.authority), reader.get_perp_oracle(0)
    assert reader.get_user(holder) is reader.get_user(holder.orders[0]) is holder
    assert [*reader.snapshot(users=holder).users] == [holder.pubkey]
    for name, view in (("users", holder), ("user_stats", stats), ("oracles", oracle)):
        reader.subscribe(**{name: [view]}).close()


def test_no_cut_has_another_account_in_place_of_a_user(reader: Any) -> None:
    address = reader.get_perp_market(0).pubkey
    with pytest.raises(driftshm.UnknownAccountError, match=f"no user {address}"):
        reader.snapshot(users=[address])


@pytest.mark.parametrize("number", [0, 1])
def test_a_sub_account_goes_with_an_authority_only(reader: Any, number: int) -> None:
    holder = reader.users()[0]
    for named in (holder.pubkey, holder.authority, holder):
        with pytest.raises(TypeError, match="sub_account_id= with authority= only"):
            reader.get_user(named, sub_account_id=number)
    assert reader.get_user(authority=holder.authority, sub_account_id=holder.sub_account_id)
    assert reader.get_user(authority=key(1), sub_account_id=number) is None


OUT_OF_RANGE: dict[str, Callable[[Any, int], object]] = {
    "sub_account_id of a user": lambda r, n: r.get_user(authority=key(1), sub_account_id=n),
    "sub_account_id of an address": lambda _, n: driftshm.derive_user_account(key(1), n),
    "market_index of a perp": lambda _, n: driftshm.derive_perp_market_account(n),
    "market_index of a spot": lambda _, n: driftshm.derive_spot_market_account(n),
}


@pytest.mark.parametrize("act", OUT_OF_RANGE.items(), ids=lambda item: item[0])
@pytest.mark.parametrize("number", [-1, 65_536, 1 << 70])
def test_a_number_out_of_range_is_named_with_what_is_allowed(
    reader: Any, act: tuple[str, Callable[[Any, int], object]], number: int
) -> None:
    argument = act[0].split()[0]
    with pytest.raises(driftshm.ArgumentError) as raised:
        act[1](reader, number)
    assert str(raised.value) == f"{argument} is {number}: allowed are 0 to 65535"


def test_the_last_sub_account_has_an_address() -> None:
    addresses = {driftshm.derive_user_account(key(1), number) for number in (0, 65_535)}
    assert len(addresses) == 2
    assert driftshm.derive_user_account(key(1)) in addresses


@pytest.mark.parametrize("age", [-1, -0.001, float("-inf"), float("nan")])
def test_an_age_that_nothing_could_have_is_not_called_staleness(reader: Any, age: float) -> None:
    holder, address = reader.users()[0], key(1)
    for read in (
        lambda: reader.get_perp_market(0, max_age=age),
        lambda: reader.get_user(holder.pubkey, max_age=age),
        lambda: reader.get_user(address, max_age=age),
        lambda: reader.get_perp_oracle(0, max_age=age),
        lambda: reader.snapshot(perp_markets=0, max_age=age),
        lambda: driftshm.fields("authority")(holder, max_age=age),
        lambda: holder.snapshot(max_age=age),
    ):
        with pytest.raises(
            driftshm.ArgumentError, match=r"max_age is .*: allowed are seconds from"
        ):
            read()


def test_kinds_may_be_one_or_several_in_whatever_holds_them(reader: Any) -> None:
    for kinds in ("perp_market", ["perp_market"], {"perp_market"}, iter(["perp_market"])):
        with reader.subscribe(kinds=kinds) as changes:
            assert {change.kind for change in changes.wait(WATCHDOG)} == {"perp_market"}


def test_no_time_at_all_does_not_blame_the_writer(reader: Any) -> None:
    with pytest.raises(driftshm.WriterDeadError, match="or was the time too short"):
        reader.subscribe(timeout=0)


def test_a_region_may_be_waited_for_without_end(reader: Any) -> None:
    with driftshm.open(reader.directory, timeout=float("inf")) as other:
        assert other.feed_state == "live"


@pytest.mark.parametrize("name", ["mark_price", "oracle_price_float", "symbol", "slot", "age"])
def test_a_figure_asked_for_as_a_field_is_not_called_unknown(reader: Any, name: str) -> None:
    market = reader.get_perp_market(0)
    for read in (lambda: driftshm.fields(name)(market), lambda: market.float(name)):
        with pytest.raises(driftshm.FieldError, match=rf"as an attribute, view\.{name}$"):
            read()
    assert getattr(market, name)
    with pytest.raises(driftshm.FieldError, match="AMM has no field"):
        driftshm.fields(f"amm.{name}")(market)
    if name.endswith("_price"):
        with pytest.raises(driftshm.FieldError, match="User has no field"):
            driftshm.fields(name)(reader.users()[0])


def test_a_symbol_before_there_are_markets_says_how_to_wait_for_them(
    writer: Callable[..., Writer], script: Script
) -> None:
    starting = writer(*script.arguments, start=False).spawn()
    until("there is a region", lambda: starting.dir.joinpath("region").exists())
    with starting.open() as empty:
        until("its feed has begun", lambda: empty.feed_state == "syncing")
        with pytest.raises(driftshm.UnknownMarketError) as raised:
            empty.get_perp_market("SOL-PERP")
        assert "none yet, and the writer's feed is syncing " in str(raised.value)
        assert "open(timeout=30)" in str(raised.value)
