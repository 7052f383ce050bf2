"""Arguments that name the wrong kind of thing, or a number beyond what is allowed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from replays import key
from support import WATCHDOG, Writer, region_dir

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
