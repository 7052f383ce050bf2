"""Whatever is wrong has an exception of its own, which says what to do about it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from support import WATCHDOG, Writer

import driftshm

SEED = 20_240_406
NOBODYS = "11111111111111111111111111111111"

Start = Callable[..., Writer]


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[driftshm.Reader]:
    """A reader of a live writer, the same for all tests that change nothing."""
    from support import region_dir

    with region_dir() as directory:
        flags = ("--feed", "sim", "--rate", "200", "--users", "10", "--markets", "8", "--seed", "7")
        with Writer(directory, *flags).start() as writer, writer.open() as opened:
            yield opened


def market(reader: driftshm.Reader) -> Any:
    return reader.get_perp_market(0)


async def first_of(changes: Any) -> Any:
    return await changes.__anext__()


BAD: list[tuple[str, Callable[[Any], object], type[Exception], list[str]]] = [
    # Markets.
    (
        "an index out of range",
        lambda r: r.get_perp_market(256),
        driftshm.UnknownMarketError,
        ["no perp_market 256", "indexes are 0 to 255"],
    ),
    (
        "a huge index",
        lambda r: r.get_spot_market(1 << 80),
        driftshm.UnknownMarketError,
        ["no spot_market", "0 to 255"],
    ),
    (
        "a negative index",
        lambda r: r.get_perp_market(-1),
        driftshm.UnknownMarketError,
        ["no perp_market -1", "0 to 255"],
    ),
    (
        "a symbol that there is not",
        lambda r: r.get_perp_market("SOLPERP"),
        driftshm.UnknownMarketError,
        ['no perp_market "SOLPERP"', "SOL-PERP", "BTC-PERP"],
    ),
    (
        "a spot symbol for a perp market",
        lambda r: r.get_perp_market("USDC"),
        driftshm.UnknownMarketError,
        ["USDC", "SOL-PERP"],
    ),
    ("no symbol", lambda r: r.get_spot_market(""), driftshm.UnknownMarketError, ["USDC"]),
    (
        "an oracle of no market",
        lambda r: r.get_perp_oracle("DOGE"),
        driftshm.UnknownMarketError,
        ["DOGE", "there are"],
    ),
    (
        "a float for a market",
        lambda r: r.get_perp_market(1.0),
        TypeError,
        ["index or symbol", "float"],
    ),
    (
        "nothing for a market",
        lambda r: r.get_perp_market(None),
        TypeError,
        ["index or symbol", "NoneType"],
    ),
    (
        "a market in a cut that is not there",
        lambda r: r.snapshot(perp_markets=[0, 77]),
        driftshm.UnknownMarketError,
        ["no perp_market 77 in the region", "all it is asked for"],
    ),
    (
        "a user in a cut that is not there",
        lambda r: r.snapshot(users=[NOBODYS]),
        driftshm.UnknownAccountError,
        [f"no user {NOBODYS} in the region", "reader.watch", "--user", "before a cut"],
    ),
    (
        "user stats in a cut that are not there",
        lambda r: r.snapshot(user_stats=[NOBODYS]),
        driftshm.UnknownAccountError,
        ["no user stats account", f"(of {NOBODYS})", "reader.watch", "--authority"],
    ),
    # Keys.
    (
        "a malformed key",
        lambda r: r.get_user("not a key"),
        driftshm.PubkeyError,
        ["not a key", "base58", "32 bytes"],
    ),
    (
        "a key that is too short",
        lambda r: r.get_user("8UJgxaiQx5nTrdDgph5FiahMmzduu"),
        driftshm.PubkeyError,
        ["base58"],
    ),
    (
        "a key with a letter that base58 has not",
        lambda r: r.get_user("0" * 44),
        driftshm.PubkeyError,
        ["base58"],
    ),
    ("too many bytes", lambda r: r.get_user(bytes(33)), driftshm.PubkeyError, ["33 bytes", "32"]),
    ("no bytes", lambda r: r.get_user(b""), driftshm.PubkeyError, ["0 bytes"]),
    (
        "a number for a key",
        lambda r: r.get_user(7),
        driftshm.PubkeyError,
        ["int", "base58", "__bytes__"],
    ),
    ("no key at all", lambda r: r.get_user(), TypeError, ["pubkey or authority="]),
    (
        "a key and an authority",
        lambda r: r.get_user(NOBODYS, authority=NOBODYS),
        TypeError,
        ["pubkey or authority="],
    ),
    ("a malformed authority", lambda r: r.get_user_stats("x"), driftshm.PubkeyError, ["base58"]),
    (
        "a sub-account out of range",
        lambda r: r.get_user(authority=NOBODYS, sub_account_id=70_000),
        driftshm.ArgumentError,
        ["sub_account_id is 70000", "0 to 65535"],
    ),
    ("a malformed key to watch", lambda r: r.watch("x"), driftshm.PubkeyError, ["base58"]),
    (
        "a malformed key to derive from",
        lambda r: driftshm.derive_user_account("x"),
        driftshm.PubkeyError,
        ["base58"],
    ),
    (
        "an unknown profile",
        lambda r: driftshm.derive_state_account(profile="velocity-v9"),
        TypeError,
        ["velocity-v9", "drift-v2"],
    ),
    # Fields.
    (
        "an unknown attribute",
        lambda r: market(r).base_asset_reserve,
        AttributeError,
        ["PerpMarket", "base_asset_reserve"],
    ),
    (
        "a typing error in a field",
        lambda r: driftshm.fields("amm.base_aset_reserve")(market(r)),
        driftshm.FieldError,
        ["base_aset_reserve", "base_asset_reserve"],
    ),
    (
        "a field of another struct",
        lambda r: driftshm.fields("base_asset_reserve")(market(r)),
        driftshm.FieldError,
        ["base_asset_reserve"],
    ),
    (
        "an unknown field as a float",
        lambda r: market(r).float("amm.volume_24h"),
        driftshm.FieldError,
        ["volume_24h", "volume24h"],
    ),
    (
        "a struct as a value",
        lambda r: driftshm.fields("amm")(market(r)),
        TypeError,
        ["amm", "fields within it"],
    ),
    ("a struct as a float", lambda r: market(r).float("amm"), TypeError, ["amm", "not a number"]),
    ("a key as a float", lambda r: market(r).float("amm.oracle"), TypeError, ["not a number"]),
    (
        "an array index out of range",
        lambda r: driftshm.fields("orders[32].price")(r.users()[0]),
        driftshm.FieldError,
        ["orders", "32"],
    ),
    (
        "an index of what is no array",
        lambda r: driftshm.fields("status[0]")(market(r)),
        driftshm.FieldError,
        ["status"],
    ),
    (
        "a path without an end",
        lambda r: driftshm.fields("amm.")(market(r)),
        driftshm.FieldError,
        ["amm"],
    ),
    ("an empty path", lambda r: driftshm.fields("")(market(r)), driftshm.FieldError, []),
    ("no paths", lambda _: driftshm.fields(), TypeError, ["at least one path"]),
    (
        "fields of no view",
        lambda r: driftshm.fields("status")(r),
        TypeError,
        ["a view or a snapshot"],
    ),
    (
        "an array item that is not there",
        lambda r: r.users()[0].orders[32],
        IndexError,
        ["32 items"],
    ),
    (
        "an array item before the first",
        lambda r: r.users()[0].orders[-33],
        IndexError,
        ["-33", "32 items"],
    ),
    ("an array item by name", lambda r: r.users()[0].orders["first"], TypeError, []),
    ("setting a field", lambda r: setattr(market(r), "status", 1), AttributeError, []),
    ("deleting a field", lambda r: delattr(market(r).amm, "oracle"), AttributeError, []),
    ("making a view", lambda _: driftshm.View(), TypeError, ["come from a Reader"]),
    (
        "making a snapshot",
        lambda r: type(market(r).snapshot())(),
        TypeError,
        ["come from a Reader"],
    ),
    # Filters and timeouts.
    (
        "an empty filter",
        lambda r: r.subscribe(perp_markets=[]),
        driftshm.FilterError,
        ["names no account", "never match"],
    ),
    (
        "several empty filters",
        lambda r: r.changes(users=[], kinds=[]),
        driftshm.FilterError,
        ["names no account"],
    ),
    (
        "an unknown kind",
        lambda r: r.subscribe(kinds=["perp"]),
        driftshm.FilterError,
        ['no kind "perp"', "perp_market"],
    ),
    ("a number for a kind", lambda r: r.subscribe(kinds=[3]), TypeError, ["by text", "int"]),
    (
        "an unknown market to subscribe to",
        lambda r: r.changes(perp_markets=["DOGE2"]),
        driftshm.UnknownMarketError,
        ["DOGE2", "there are"],
    ),
    (
        "a malformed user to subscribe to",
        lambda r: r.batches(users="zero"),
        driftshm.PubkeyError,
        ["base58"],
    ),
    (
        "a negative timeout",
        lambda r: r.subscribe(timeout=-1),
        driftshm.FilterError,
        ["timeout is -1", "seconds from 0 on"],
    ),
    (
        "a timeout that is no number",
        lambda r: r.subscribe(timeout=float("nan")),
        driftshm.FilterError,
        ["NaN"],
    ),
    (
        "a negative timeout of a wait",
        lambda r: r.subscribe().wait(-0.5),
        driftshm.FilterError,
        ["timeout is -0.5"],
    ),
    (
        "a negative timeout of a watch",
        lambda r: r.watch(NOBODYS, timeout=-1),
        driftshm.FilterError,
        ["timeout is -1"],
    ),
    ("nothing to watch", lambda r: r.watch(), driftshm.FilterError, ["at least one address"]),
    (
        "an age of nothing",
        lambda r: r.get_perp_market(0, max_age=0),
        driftshm.StaleError,
        ["max_age is 0 s", "feed is live"],
    ),
    (
        "a negative age",
        lambda r: market(r).ensure_fresh(-1),
        driftshm.ArgumentError,
        ["max_age is -1", "seconds from 0 on"],
    ),
    ("an age that is no number", lambda r: market(r).snapshot(max_age="1"), TypeError, []),
    (
        "no loop",
        lambda r: r.changes(users=NOBODYS).__anext__().send(None),
        RuntimeError,
        ["no running event loop"],
    ),
    # Figures.
    (
        "a funding rate without a price",
        lambda r: driftshm.funding_rate(1, 0),
        driftshm.NoFigureError,
        ["TWAP", "is 0", "no funding rate"],
    ),
]


@pytest.mark.parametrize(("act", "error", "words"), [pytest.param(*c[1:], id=c[0]) for c in BAD])
def test_wrong_input_is_an_error_that_says_what_is_right(
    reader: driftshm.Reader, act: Callable[[Any], object], error: type[Exception], words: list[str]
) -> None:
    with pytest.raises(error) as raised:
        act(reader)
    text = str(raised.value)
    assert text
    for word in words:
        assert word in text, text
    if error.__module__ == "driftshm":
        assert type(raised.value) is error
        assert isinstance(raised.value, driftshm.DriftShmError)


def test_errors_are_also_what_python_calls_them() -> None:
    assert issubclass(driftshm.FieldError, AttributeError)
    assert issubclass(driftshm.UnknownMarketError, LookupError)
    assert issubclass(driftshm.UnknownAccountError, LookupError)
    assert issubclass(driftshm.NoFigureError, ArithmeticError)
    assert issubclass(driftshm.ArgumentError, ValueError)
    assert issubclass(driftshm.PubkeyError, ValueError)
    assert issubclass(driftshm.FilterError, ValueError)
    own = [
        each
        for each in vars(driftshm).values()
        if isinstance(each, type) and issubclass(each, Exception)
    ]
    assert len(own) >= 22
    for each in own:
        assert issubclass(each, driftshm.DriftShmError)
        assert each.__module__ == "driftshm"
        assert each.__doc__
        assert getattr(driftshm, each.__name__) is each
        assert each.__name__ in driftshm.__all__


@pytest.mark.parametrize("timeout", [1e18, 1e30, float("1e10"), 2.0**62, float("inf")])
def test_a_timeout_of_ages_is_as_good_as_none(sim: Writer, timeout: float) -> None:
    with sim.open() as reader, reader.subscribe(timeout=timeout) as subscription:
        assert subscription.wait(timeout)
        with reader.watch(reader.users()[0], timeout=timeout):
            pass


@pytest.mark.parametrize(
    "name", ["Reader", "View", "Snapshot", "Subscription", "Fields", "Change", "Meta"]
)
def test_objects_are_frozen(reader: driftshm.Reader, name: str) -> None:
    view = reader.get_perp_market(0)
    instances: dict[str, Any] = {
        "Reader": reader,
        "View": view,
        "Snapshot": view.snapshot(),
        "Fields": driftshm.fields("status"),
        "Meta": view.meta(),
        "Subscription": reader.subscribe(),
    }
    instances["Change"] = instances["Subscription"].wait(WATCHDOG)[0]
    instance = instances[name]
    public = [each for each in dir(instance) if not each.startswith("_")]
    assert public
    for attribute in [*public, "something_new"]:
        with pytest.raises((AttributeError, TypeError)):
            setattr(instance, attribute, 1)
