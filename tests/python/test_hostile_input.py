"""Every function called with everything: errors come out, never a panic or a crash."""

from __future__ import annotations

import inspect
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

from children import in_child
from support import WATCHDOG, Writer, until

import driftshm

SEED = 20_240_406
NOBODYS = "11111111111111111111111111111111"


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
    driftshm.DriftShmError,
    TypeError,
    ValueError,
    OverflowError,
    IndexError,
    AttributeError,
    LookupError,
    ArithmeticError,
    TimeoutError,
    RuntimeError,
    BufferError,
    StopAsyncIteration,
)
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
        None,
        True,
        0,
        1,
        -1,
        255,
        256,
        65_535,
        65_536,
        1 << 31,
        -(1 << 31),
        1 << 63,
        -(1 << 63),
        (1 << 64) - 1,
        1 << 64,
        1 << 200,
        0.0,
        -0.0,
        0.001,
        -1.5,
        1e18,
        1.7e19,
        1e300,
        5e-324,
        float("inf"),
        float("-inf"),
        float("nan"),
        1j,
        "",
        "SOL-PERP",
        "sol-perp",
        "\0",
        "\ud800",
        "🦀",
        "x" * 100_000,
        "amm",
        "amm.oracle",
        "orders[0].price",
        "orders[99999999999999999999]",
        "[",
        "..",
        "a" * 44,
        NOBODYS,
        b"",
        b"\0" * 32,
        bytes(31),
        bytearray(32),
        memoryview(bytes(32)),
        (),
        [],
        {},
        set(),
        [0, 1],
        ["SOL-PERP", 1],
        [None],
        [[0]],
        recursive,
        range(3),
        range(1 << 40, (1 << 40) + 3),
        iter([0]),
        (i for i in (0, 1)),
        {"perp_market": 1},
        ["perp_market"],
        ["dragon"],
        slice(None),
        slice(0, 1 << 70, -3),
        slice("a", None, 0),
        Ellipsis,
        object(),
        object,
        Hostile(),
        Short(),
        Hostile,
        reader,
        view,
        user,
        view.amm,
        user.orders,
        user.orders[0],
        view.snapshot(),
        view.snapshot().amm,
        reader.get_perp_oracle(0),
        driftshm.fields("status"),
        driftshm.Reader,
        driftshm.View,
        len,
        lambda: 1,
        Path("/"),
        Path(),
        driftshm,
        ValueError("x"),
    ]


def targets(reader: Any) -> dict[str, Callable[..., Any]]:
    """Every public function, method and constructor, under its name."""
    view, user = reader.get_perp_market(0), reader.users()[0]
    subscription = reader.subscribe(kinds=["user"])
    cut = reader.snapshot(perp_markets=[0])
    changes = until("changes", subscription.drain)
    holders: dict[str, Any] = {
        "driftshm": driftshm,
        "native": driftshm._driftshm,
        "reader": reader,
        "view": view,
        "nested": view.amm,
        "user": user,
        "array": user.orders,
        "snapshot": view.snapshot(),
        "oracle": reader.get_perp_oracle(0),
        "price": reader.get_perp_oracle(0).snapshot(),
        "subscription": subscription,
        "cut": cut,
        "id": cut.id,
        "meta": view.meta(),
        "getter": driftshm.fields("amm.oracle", "status"),
        "change": changes[0],
        "rate": view.funding_rate(),
    }
    found: dict[str, Callable[..., Any]] = {}
    for name, holder in holders.items():
        for attribute in dir(holder):
            if attribute in LEFT_OUT or (name, attribute) in {
                ("reader", "close"),
                ("subscription", "close"),
            }:
                continue
            if attribute in ("Changes", "Batches"):
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


def is_internal(error: BaseException) -> bool:
    return "panicked" in str(error) or "internal error" in str(error)


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
            if name.endswith((".open", ".subscribe", ".changes", ".batches", ".watch")):
                timeout = keywords.get("timeout")
                if isinstance(timeout, float | int) and timeout >= 1:
                    keywords["timeout"] = 0.01
            if name == "subscription.wait" and (
                not arguments or arguments[0] is None or _long(arguments[0])
            ):
                arguments[:1] = [dice.choice((0, 0.001, -1, 1e-9))]
                keywords.pop("timeout", None)
            failure = ""
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
                failure = str(error) if is_internal(error) else ""
            except BaseException as error:
                failure = f"{type(error).__mro__} {error}"
            assert not failure, f"{name}(*{arguments!r:.500}, **{keywords!r:.500}): {failure}"
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
