"""Whatever is wrong has an exception of its own, which says what to do about it."""

from __future__ import annotations

import asyncio
import inspect
import random
import re
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from children import in_child
from replays import Script, perp, spot
from support import WATCHDOG, Writer, until

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
    ("an index out of range", lambda r: r.get_perp_market(256), driftshm.UnknownMarketError,
     ["no perp_market 256", "indexes are 0 to 255"]),
    ("a huge index", lambda r: r.get_spot_market(1 << 80), driftshm.UnknownMarketError,
     ["no spot_market", "0 to 255"]),
    ("a negative index", lambda r: r.get_perp_market(-1), driftshm.UnknownMarketError,
     ["no perp_market -1", "0 to 255"]),
    ("a symbol that there is not", lambda r: r.get_perp_market("SOLPERP"),
     driftshm.UnknownMarketError, ['no perp_market "SOLPERP"', "SOL-PERP", "BTC-PERP"]),
    ("a spot symbol for a perp market", lambda r: r.get_perp_market("USDC"),
     driftshm.UnknownMarketError, ["USDC", "SOL-PERP"]),
    ("no symbol", lambda r: r.get_spot_market(""), driftshm.UnknownMarketError, ["USDC"]),
    ("an oracle of no market", lambda r: r.get_perp_oracle("DOGE"), driftshm.UnknownMarketError,
     ["DOGE", "there are"]),
    ("a float for a market", lambda r: r.get_perp_market(1.0), TypeError, ["index or symbol", "float"]),
    ("nothing for a market", lambda r: r.get_perp_market(None), TypeError,
     ["index or symbol", "NoneType"]),
    ("a market in a cut that is not there", lambda r: r.snapshot(perp_markets=[0, 77]),
     driftshm.UnknownMarketError, ["no perp_market 77 in the region", "all it is asked for"]),
    ("a user in a cut that is not there", lambda r: r.snapshot(users=[NOBODYS]),
     driftshm.UnknownMarketError, ["no user", NOBODYS]),
    # Keys.
    ("a malformed key", lambda r: r.get_user("not a key"), driftshm.PubkeyError,
     ["not a key", "base58", "32 bytes"]),
    ("a key that is too short", lambda r: r.get_user("8UJgxaiQx5nTrdDgph5FiahMmzduu"),
     driftshm.PubkeyError, ["base58"]),
    ("a key with a letter that base58 has not", lambda r: r.get_user("0" * 44),
     driftshm.PubkeyError, ["base58"]),
    ("too many bytes", lambda r: r.get_user(bytes(33)), driftshm.PubkeyError, ["33 bytes", "32"]),
    ("no bytes", lambda r: r.get_user(b""), driftshm.PubkeyError, ["0 bytes"]),
    ("a number for a key", lambda r: r.get_user(7), driftshm.PubkeyError, ["int", "base58", "__bytes__"]),
    ("no key at all", lambda r: r.get_user(), TypeError, ["pubkey or authority="]),
    ("a key and an authority", lambda r: r.get_user(NOBODYS, authority=NOBODYS), TypeError,
     ["pubkey or authority="]),
    ("a malformed authority", lambda r: r.get_user_stats("x"), driftshm.PubkeyError, ["base58"]),
    ("a sub-account out of range", lambda r: r.get_user(authority=NOBODYS, sub_account_id=70_000),
     OverflowError, []),
    ("a malformed key to watch", lambda r: r.watch("x"), driftshm.PubkeyError, ["base58"]),
    ("a malformed key to derive from", lambda r: driftshm.derive_user_account("x"),
     driftshm.PubkeyError, ["base58"]),
    ("an unknown profile", lambda r: driftshm.derive_state_account(profile="velocity-v9"), TypeError,
     ["velocity-v9", "drift-v2"]),
    # Fields.
    ("an unknown attribute", lambda r: market(r).base_asset_reserve, AttributeError,
     ["PerpMarket", "base_asset_reserve"]),
    ("a typing error in a field", lambda r: driftshm.fields("amm.base_aset_reserve")(market(r)),
     driftshm.FieldError, ["base_aset_reserve", "base_asset_reserve"]),
    ("a field of another struct", lambda r: driftshm.fields("base_asset_reserve")(market(r)),
     driftshm.FieldError, ["base_asset_reserve"]),
    ("an unknown field as a float", lambda r: market(r).float("amm.volume_24h"), driftshm.FieldError,
     ["volume_24h", "volume24h"]),
    ("a struct as a value", lambda r: driftshm.fields("amm")(market(r)), TypeError,
     ["amm", "fields within it"]),
    ("a struct as a float", lambda r: market(r).float("amm"), TypeError, ["amm", "not a number"]),
    ("a key as a float", lambda r: market(r).float("amm.oracle"), TypeError, ["not a number"]),
    ("an array index out of range", lambda r: driftshm.fields("orders[32].price")(r.users()[0]),
     driftshm.FieldError, ["orders", "32"]),
    ("an index of what is no array", lambda r: driftshm.fields("status[0]")(market(r)),
     driftshm.FieldError, ["status"]),
    ("a path without an end", lambda r: driftshm.fields("amm.")(market(r)), driftshm.FieldError, ["amm"]),
    ("an empty path", lambda r: driftshm.fields("")(market(r)), driftshm.FieldError, []),
    ("no paths", lambda r: driftshm.fields(), TypeError, ["at least one path"]),
    ("fields of no view", lambda r: driftshm.fields("status")(r), TypeError, ["a view or a snapshot"]),
    ("an array item that is not there", lambda r: r.users()[0].orders[32], IndexError, ["32 items"]),
    ("an array item before the first", lambda r: r.users()[0].orders[-33], IndexError, ["-33", "32 items"]),
    ("an array item by name", lambda r: r.users()[0].orders["first"], TypeError, []),
    ("setting a field", lambda r: setattr(market(r), "status", 1), AttributeError, []),
    ("deleting a field", lambda r: delattr(market(r).amm, "oracle"), AttributeError, []),
    ("making a view", lambda r: driftshm.View(), TypeError, ["come from a Reader"]),
    ("making a snapshot", lambda r: type(market(r).snapshot())(), TypeError, ["come from a Reader"]),
    # Filters and timeouts.
    ("an empty filter", lambda r: r.subscribe(perp_markets=[]), driftshm.FilterError,
     ["names no account", "never match"]),
    ("several empty filters", lambda r: r.changes(users=[], kinds=[]), driftshm.FilterError,
     ["names no account"]),
    ("an unknown kind", lambda r: r.subscribe(kinds=["perp"]), driftshm.FilterError,
     ['no kind "perp"', "perp_market"]),
    ("a kind that is no list", lambda r: r.subscribe(kinds="user"), TypeError, []),
    ("an unknown market to subscribe to", lambda r: r.changes(perp_markets=["DOGE2"]),
     driftshm.UnknownMarketError, ["DOGE2", "there are"]),
    ("a malformed user to subscribe to", lambda r: r.batches(users="zero"), driftshm.PubkeyError, ["base58"]),
    ("a negative timeout", lambda r: r.subscribe(timeout=-1), driftshm.FilterError,
     ["timeout is -1", "seconds from 0 on"]),
    ("a timeout that is no number", lambda r: r.subscribe(timeout=float("nan")), driftshm.FilterError,
     ["NaN"]),
    ("a negative timeout of a wait", lambda r: r.subscribe().wait(-0.5), driftshm.FilterError,
     ["timeout is -0.5"]),
    ("a negative timeout of a watch", lambda r: r.watch(NOBODYS, timeout=-1), driftshm.FilterError,
     ["timeout is -1"]),
    ("nothing to watch", lambda r: r.watch(), driftshm.FilterError, ["at least one address"]),
    ("an age of nothing", lambda r: r.get_perp_market(0, max_age=0), driftshm.StaleError,
     ["max_age is 0 s", "feed is live"]),
    ("a negative age", lambda r: market(r).ensure_fresh(-1), driftshm.StaleError, ["max_age is -1 s"]),
    ("an age that is no number", lambda r: market(r).snapshot(max_age="1"), TypeError, []),
    ("no loop", lambda r: r.changes(users=NOBODYS).__anext__().send(None), RuntimeError, ["no running event loop"]),
    # Figures.
    ("a funding rate without a price", lambda r: driftshm.funding_rate(1, 0), ArithmeticError,
     ["TWAP", "0"]),
]  # fmt: skip


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


# --------------------------------------------------------------- no writer, or not the right one


def test_no_region(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for path in (directory, directory / "deeper", Path("/no/such/place")):
        with pytest.raises(driftshm.NoRegionError) as raised:
            driftshm.open(path)
        text = str(raised.value)
        assert f"no region at {path}/region" in text
        assert "is the writer running? Start it with `driftshm run`" in text
        assert "DRIFTSHM_DIR" in text
    monkeypatch.delenv("DRIFTSHM_DIR", raising=False)
    with pytest.raises(driftshm.NoRegionError, match=r"/dev/shm/driftshm-\d+/nowhere/region"):
        driftshm.open("nowhere")
    monkeypatch.setenv("DRIFTSHM_DIR", str(directory))
    with pytest.raises(driftshm.NoRegionError, match=str(directory)):
        driftshm.open()


def test_a_path_that_leads_elsewhere(directory: Path, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    with pytest.raises(driftshm.OpenFailed, match="Not a directory") as raised:
        driftshm.open(file)
    assert str(file) in str(raised.value)
    long = tmp_path / ("x" * 300)
    with pytest.raises(driftshm.OpenFailed, match="File name too long"):
        driftshm.open(long)
    for wrong in (7, 1.5, object(), [directory]):
        with pytest.raises(TypeError):
            driftshm.open(wrong)  # type: ignore[arg-type]
    with pytest.raises((ValueError, driftshm.OpenFailed)):
        driftshm.open("/with/a\0zero")


def test_another_cluster(sim: Writer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DRIFTSHM_DIR", str(sim.dir))
    assert driftshm.open("test").cluster == "test"
    assert driftshm.open().cluster == "test", "none was asked for"
    with pytest.raises(driftshm.OtherClusterError) as raised:
        driftshm.open("mainnet")
    text = str(raised.value)
    assert 'is of cluster "test", asked for was "mainnet": check DRIFTSHM_DIR' in text


def test_a_writer_that_was_stopped_or_died_or_hangs(writer: Start) -> None:
    running = writer("--feed", "sim", "--users", "5", "--seed", "7")
    with running.open() as reader:
        view, oracle = reader.get_perp_market(0), reader.get_perp_oracle(0)

        def stale() -> str:
            texts = set()
            for guarded in (
                lambda: reader.get_perp_market(0, max_age=0.2),
                lambda: view.ensure_fresh(0.2),
                lambda: view.snapshot(max_age=0.2),
                lambda: driftshm.fields("status")(view, max_age=0.2),
                lambda: oracle.ensure_fresh(0.2),
                lambda: reader.get_perp_oracle(0, max_age=0.2),
                lambda: reader.get_user(reader.users()[0].pubkey, max_age=0.2),
                lambda: reader.snapshot(perp_markets=[0], max_age=0.2),
                lambda: reader.get_state(max_age=0.2),
            ):
                with pytest.raises(driftshm.StaleError) as raised:
                    guarded()
                text = str(raised.value)
                assert "was last known to be current" in text
                texts.add(re.sub(r"[\d.]+", "#", text.rsplit(": ", 1)[1]))
            assert len(texts) == 1, texts
            return texts.pop()

        assert view.ensure_fresh(WATCHDOG) is view
        running.signal(signal.SIGSTOP)
        until("it hangs", lambda: not reader.writer_alive)
        assert stale() == "no heartbeat of the writer for # s"
        with pytest.raises(driftshm.WriterDeadError, match="does not answer: is it stopped"):
            reader.subscribe(timeout=0.1)
        running.signal(signal.SIGCONT)
        until("it goes on", lambda: reader.writer_alive)
        running.stop()
        until("the last heartbeat is long ago", lambda: view.staleness > 0.2)
        assert stale() == "the writer was stopped"
        assert (reader.writer_alive, reader.feed_state) == (False, "down")
        assert view.mark_price > 0, "what there was can still be read"
        with pytest.raises(driftshm.WriterDeadError, match="no writer listens"):
            reader.changes()
        running.start()
        running.kill()
        until("it is dead", lambda: not reader.writer_alive)
        assert stale() == "no heartbeat of the writer for # s"
        with pytest.raises(driftshm.WriterDeadError, match="start it with `driftshm run`"):
            asyncio.run(reader.wait(view))


def test_an_oracle_that_is_not_there_or_cannot_be_read(writer: Start, script: Script) -> None:
    market, other = perp(0), spot(1)
    script.say(market, other, market.at(market.pubkey))
    with writer(*script.arguments).open() as reader:
        until("the market", lambda: reader.stats()["published"] >= 2)
        assert reader.get_perp_oracle(0) is None
        with pytest.raises(driftshm.OracleInvalidError, match="not in the region yet"):
            _ = reader.get_perp_market(0).oracle_price
        assert reader.get_perp_market(0).market_data()["oracle_price"] is None
        oracle = market.expected["amm"]["oracle"]
        from replays import line

        script.say(line(oracle, b"\x22\xf1\x23\x63\x9d\x7e\xf4\xcd" + bytes(500)))
        view = until("the oracle", lambda: reader.get_perp_oracle(0))
        for use in (
            lambda: view.price,
            lambda: view.snapshot(),
            lambda: reader.get_perp_market(0).oracle_price,
        ):
            with pytest.raises(driftshm.OracleInvalidError, match="cannot be read by the source"):
                use()
        assert view.prices() == {}
        assert len(view.bytes()) == 508
        assert "no price" in repr(view)
        assert reader.stats()["oracle_errors"] > 0


# ------------------------------------------------------------------------------- hostile arguments


class Hostile:
    """An object whose every method raises or lies."""

    def __bytes__(self) -> bytes:
        raise ZeroDivisionError("in __bytes__")

    def __index__(self) -> int:
        return -(1 << 70)

    def __float__(self) -> float:
        return float("nan")

    def __iter__(self) -> Any:
        return iter([self, self])

    def __len__(self) -> int:
        return 1 << 40

    def __fspath__(self) -> str:
        return "\0"

    def __str__(self) -> str:
        raise LookupError("in __str__")

    def __repr__(self) -> str:
        return "Hostile()"

    def __eq__(self, other: object) -> bool:
        raise ArithmeticError("in __eq__")

    def __hash__(self) -> int:
        return -1


class Short:
    def __bytes__(self) -> bytes:
        return b"short"


ALLOWED = (
    driftshm.DriftShmError, TypeError, ValueError, OverflowError, IndexError, AttributeError,
    LookupError, ArithmeticError, TimeoutError, RuntimeError, BufferError, StopAsyncIteration,
)  # fmt: skip
# What would end the test itself, or wait for ever as it is asked to.
LEFT_OUT = {
    "__class__",
    "__init_subclass__",
    "__subclasshook__",
    "__reduce_ex__",
    "__new__",
    "__del__",
    "__exit__",
}


def pool(reader: Any) -> list[Any]:
    view = reader.get_perp_market(0)
    user = reader.users()[0]
    recursive: list[Any] = []
    recursive.append(recursive)
    return [
        None, True, 0, 1, -1, 255, 256, 65_535, 65_536, 1 << 31, -(1 << 31), 1 << 63, -(1 << 63),
        (1 << 64) - 1, 1 << 64, 1 << 200, 0.0, -0.0, 0.001, -1.5, 1e18, 1.7e19, 1e300, 5e-324,
        float("inf"), float("-inf"), float("nan"), 1j, "", "SOL-PERP", "sol-perp", "\0", "\ud800", "🦀",
        "x" * 100_000, "amm", "amm.oracle", "orders[0].price", "orders[99999999999999999999]", "[", "..",
        "a" * 44, NOBODYS, b"", b"\0" * 32, bytes(31), bytearray(32), memoryview(bytes(32)), (), [], {},
        set(), [0, 1], ["SOL-PERP", 1], [None], [[0]], recursive, range(3), range(1 << 40, (1 << 40) + 3),
        iter([0]), (i for i in (0, 1)), {"perp_market": 1}, ["perp_market"], ["dragon"], slice(None),
        slice(0, 1 << 70, -3), slice("a", None, 0), Ellipsis, object(), object, Hostile(), Short(), Hostile,
        reader, view, user, view.amm, user.orders, user.orders[0], view.snapshot(), view.snapshot().amm,
        reader.get_perp_oracle(0), driftshm.fields("status"), driftshm.Reader, driftshm.View, len, lambda: 1,
        Path("/"), Path(), driftshm, ValueError("x"),
    ]  # fmt: skip


def targets(reader: Any) -> dict[str, Callable[..., Any]]:
    """Every public function, method and constructor, under its name."""
    view, user = reader.get_perp_market(0), reader.users()[0]
    subscription = reader.subscribe(kinds=["user"])
    cut = reader.snapshot(perp_markets=[0])
    changes = until("changes", lambda: subscription.drain())
    holders: dict[str, Any] = {
        "driftshm": driftshm, "native": driftshm._driftshm, "reader": reader, "view": view,
        "nested": view.amm, "user": user, "array": user.orders, "snapshot": view.snapshot(),
        "oracle": reader.get_perp_oracle(0), "price": reader.get_perp_oracle(0).snapshot(),
        "subscription": subscription, "cut": cut, "id": cut.id, "meta": view.meta(),
        "getter": driftshm.fields("amm.oracle", "status"), "change": changes[0],
        "rate": view.funding_rate(),
    }  # fmt: skip
    found: dict[str, Callable[..., Any]] = {}
    for name, holder in holders.items():
        for attribute in dir(holder):
            if attribute in LEFT_OUT or (name, attribute) in {
                ("reader", "close"),
                ("subscription", "close"),
            }:
                continue
            if attribute in ("after_fork", "Changes", "Batches"):
                continue  # They take anything for a subscription, and close it.
            try:
                value = getattr(holder, attribute)
            except ALLOWED:
                continue
            if callable(value) and not (
                isinstance(value, type) and issubclass(value, BaseException)
            ):
                found[f"{name}.{attribute}"] = value
    return found


def arguments_of(function: Callable[..., Any], dice: random.Random, values: list[Any]) -> Any:
    """As many as it takes, mostly, and the keywords that it has, mostly."""
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        return [dice.choice(values) for _ in range(dice.choice((0, 1, 1, 2, 3)))], {}
    named = [p.name for p in parameters if p.kind is p.KEYWORD_ONLY]
    most = sum(p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) for p in parameters)
    least = sum(p.default is p.empty and p.kind is not p.VAR_POSITIONAL for p in parameters)
    count = dice.randint(least, max(least, most)) + (dice.random() < 0.05)
    names = dice.sample(named, dice.randint(0, min(2, len(named))))
    return [dice.choice(values) for _ in range(count)], {n: dice.choice(values) for n in names}


def sweep(directory: Path, seed: int, calls: int) -> dict[str, int]:
    """Calls everything with everything; returns how often what came out."""
    dice = random.Random(seed)
    outcomes: dict[str, int] = {}
    with driftshm.open(directory) as reader:
        called, values = targets(reader), pool(reader)
        names = sorted(called)
        for number in range(calls):
            name = names[number % len(names)] if number < 3 * len(names) else dice.choice(names)
            arguments, keywords = arguments_of(called[name], dice, values)
            if name.endswith((".subscribe", ".changes", ".batches", ".watch")):
                timeout = keywords.get("timeout")
                if isinstance(timeout, float | int) and timeout > 1:
                    keywords["timeout"] = 0.01
            if name == "subscription.wait" and (
                not arguments or arguments[0] is None or _long(arguments[0])
            ):
                arguments[:1] = [dice.choice((0, 0.001, -1, 1e-9))]
                keywords.pop("timeout", None)
            try:
                result = called[name](*arguments, **keywords)
                outcome = "returned"
                if hasattr(result, "send") and hasattr(result, "close"):
                    result.close()
                elif result is called["subscription.__enter__"].__self__:  # type: ignore[attr-defined]
                    pass
                elif isinstance(
                    result,
                    driftshm.Subscription | driftshm.Watch | driftshm.Changes | driftshm.Batches,
                ):
                    result.close()
            except ALLOWED as error:
                outcome = type(error).__name__
                assert "panicked" not in str(error), (name, arguments, keywords, error)
                assert "internal error" not in str(error), (name, arguments, keywords, error)
            except BaseException as error:
                raise AssertionError(
                    f"{name}(*{arguments!r:.500}, **{keywords!r:.500}): {type(error).__mro__} {error}"
                ) from error
            outcomes[outcome] = outcomes.get(outcome, 0) + 1
        assert reader.get_perp_market(0, max_age=WATCHDOG).symbol == "SOL-PERP"
        outcomes["targets"] = len(names)
    return outcomes


def _long(value: Any) -> bool:
    return isinstance(value, float | int) and value > 1


def test_no_argument_whatsoever_brings_a_panic_or_a_crash(sim: Writer) -> None:
    total = 0
    for seed in range(SEED, SEED + 2):
        outcomes = in_child(lambda seed=seed: sweep(sim.dir, seed, 15_000))
        assert isinstance(outcomes, dict), f"seed {seed}: {outcomes}"
        assert outcomes["targets"] > 150
        assert outcomes["returned"] > 1_000
        assert outcomes["TypeError"] > 1_000
        total += 15_000
        print(f"seed {seed}: {outcomes}")
    with sim.open() as reader:
        assert reader.writer_alive
        assert reader.stats()["writer_pid"] == sim.pid
    assert total == 30_000
    assert "panicked" not in sim.tail()


@pytest.mark.parametrize("timeout", [1e18, 1.8e19, float("1e10"), 2.0**62])
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
        "Reader": reader, "View": view, "Snapshot": view.snapshot(), "Fields": driftshm.fields("status"),
        "Meta": view.meta(), "Subscription": reader.subscribe(),
    }  # fmt: skip
    instances["Change"] = instances["Subscription"].wait(WATCHDOG)[0]
    instance = instances[name]
    public = [each for each in dir(instance) if not each.startswith("_")]
    assert public
    for attribute in [*public, "something_new"]:
        with pytest.raises((AttributeError, TypeError)):
            setattr(instance, attribute, 1)
