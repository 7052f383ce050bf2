"""The second profile that comes with driftshm: a program whose fields moved and accounts grow.

No account of it was ever seen, so accounts are laid out here by the offsets of
``../shared/velocity/layout.json``, not by the profile.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from replays import Recording, Script, from_base58, key, line
from support import WATCHDOG, Writer, shared, until

import driftshm
from driftshm import velocity

Start = Callable[..., Writer]

FLAGS = ("--profile", "velocity")
OLD_PERP, PERP, OLD_SPOT, SPOT, USER = 1304, 1560, 808, 1064, 4496
PYTH = "FsJ3A3u2vn5cTVofAjvy6y5kwABJAqYWpe4975bi2epH"


@functools.cache
def layout() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(shared("velocity", "layout.json").read_text())
    return loaded


def place(kind: str, path: str) -> tuple[int, int, str]:
    """Offset in the account, size and type of a field."""
    offset, here, size, stride = 8, kind, 0, 0
    for name, index in re.findall(r"([a-z_0-9]+)|\[(\d+)\]", path):
        if index:
            offset, size = offset + int(index) * stride, stride
            continue
        fields = layout()["structs"][here]["fields"]
        field = next(field for field in fields if field["name"] == name)
        offset += field["offset"]
        here, size, stride = field["type"], field["size"], field.get("stride", 0)
    return offset, size, here


def account(kind: str, size: int, values: dict[str, int | str]) -> bytes:
    """An account of zeros but for its discriminator and these fields."""
    data = bytearray(size)
    data[:8] = bytes.fromhex(layout()["accounts"][kind]["discriminator"])
    for path, value in values.items():
        offset, length, ty = place(kind, path)
        if ty == "publicKey":
            raw = from_base58(str(value))
        elif isinstance(value, str):
            raw = value.encode().ljust(length)
        else:
            raw = value.to_bytes(length, "little", signed=ty.startswith("i"))
        data[offset : offset + length] = raw
    return bytes(data)


def source(name: str) -> int:
    variants: list[str] = layout()["enums"]["OracleSource"]
    return variants.index(name)


ORACLE = key(21)


def perp(
    index: int, size: int = PERP, oracle_source: str = "PythLazer", **more: int | str
) -> bytes:
    values: dict[str, int | str] = {
        "pubkey": driftshm.derive_perp_market_account(index, profile="velocity"),
        "market_index": index, "name": f"M{index}-PERP", "status": 1,
        "oracle": ORACLE, "oracle_source": source(oracle_source),
        "amm.base_asset_reserve": 2_000_000_000, "amm.quote_asset_reserve": 3_000_000_000,
        "amm.peg_multiplier": 100_082_304,
        "base_asset_amount_long": 5_000_000_000, "base_asset_amount_short": -7_000_000_000,
        "last_funding_rate": 10_000_000, "market_stats.last_funding_oracle_twap": 100_000_000,
        "market_stats.volume_24h": 12_000_000, "order_tick_size": 100,
    }  # fmt: skip
    return account("PerpMarket", size, values | more)


def perp_line(index: int, size: int = PERP, **more: Any) -> str:
    address = driftshm.derive_perp_market_account(index, profile="velocity")
    return line(address, perp(index, size, **more), owner=program())


def program() -> str:
    return str(layout()["program"])


def lazer(price: int) -> str:
    values: dict[str, int | str] = {
        "price": price, "exponent": -8, "conf": 10_000, "posted_slot": 99, "publish_time": 1,
    }  # fmt: skip
    return line(ORACLE, account("PythLazerOracle", 48, values), owner=program(), slot=100)


@pytest.fixture
def simulated(writer: Start) -> Iterator[driftshm.Reader]:
    options = ("--feed", "sim", "--rate", "500", "--users", "20", "--seed", "7")
    with writer(*options, *FLAGS).open() as reader:
        until("all are there", lambda: len(reader.users()) == 20 and reader.get_state())
        yield reader


def test_a_simulated_program_is_read_with_its_own_types(simulated: driftshm.Reader) -> None:
    reader = simulated
    assert reader.profile == "velocity"
    markets: list[Any] = list(reader.perp_markets())
    assert len(markets) >= 4
    for market in markets:
        assert type(market) is velocity.PerpMarket
        index = market.market_index
        assert market.pubkey == driftshm.derive_perp_market_account(index, profile="velocity")
        assert market.status is velocity.MarketStatus.Active
        same: Any = reader.get_perp_market(market.symbol)
        assert same is market
        assert (market.bytes()[:8], len(market.bytes())) == (
            bytes.fromhex(layout()["accounts"]["PerpMarket"]["discriminator"]), PERP,
        )  # fmt: skip
        oracle: Any = reader.get_perp_oracle(index)
        assert oracle.price > 0
        assert oracle.source == market.oracle_source
        assert oracle.pubkey == market.oracle
    state: Any = reader.get_state()
    assert type(state) is velocity.State
    user: Any = reader.users()[0]
    assert type(user) is velocity.User
    assert (len(user.orders), len(user.perp_positions), len(user.bytes())) == (32, 8, USER)
    address = driftshm.derive_user_account(user.authority, user.sub_account_id, profile="velocity")
    assert address == user.pubkey


def test_figures_are_found_where_the_fields_moved(simulated: driftshm.Reader) -> None:
    markets: list[Any] = list(simulated.perp_markets())
    for live in markets:
        snapshot = live.snapshot()
        amm, stats = snapshot.amm, snapshot.market_stats
        price = amm.quote_asset_reserve * amm.peg_multiplier // amm.base_asset_reserve
        assert snapshot.mark_price == price
        assert abs(price - stats.historical_oracle_data.last_oracle_price) <= price // 100
        sides = abs(snapshot.base_asset_amount_long), abs(snapshot.base_asset_amount_short)
        assert snapshot.open_interest == max(sides)
        hourly = Fraction(snapshot.last_funding_rate, 1000) / stats.last_funding_oracle_twap
        assert snapshot.funding_rate().hourly == pytest.approx(float(hourly), rel=1e-12)
        data = snapshot.market_data()
        assert data["symbol"] == live.symbol
        assert data["volume_24h"] == stats.volume_24h / 1e6
        assert live.oracle_price > 0
    assert any(market.open_interest > 0 for market in markets)


def test_every_field_is_where_the_facts_have_it(writer: Start, directory: Path) -> None:
    """Bytes that are all different are read back, field by field, at the facts' offsets."""
    accounts = {kind: account(kind, known["data_len"], {}) for kind, known in kinds()}
    filled = {}
    for kind, blank in accounts.items():
        data = bytearray(blank[:8] + bytes((7 * i + 3) % 256 for i in range(8, len(blank))))
        if "Market" in kind:
            offset, size, _ = place(kind, "market_index")
            data[offset : offset + size] = (3).to_bytes(size, "little")
        filled[kind] = bytes(data)
    lines = [line(key(50 + i), data, owner=program()) for i, data in enumerate(filled.values())]
    recording = Recording(directory.with_name("recording"), *lines)
    with writer(*recording.arguments, *FLAGS).open() as reader:
        until("all are there", lambda: reader.stats()["published"] >= len(filled))
        found: dict[str, Any] = {
            "PerpMarket": reader.get_perp_market(3),
            "SpotMarket": reader.get_spot_market(3),
            "User": reader.get_user(key(50 + list(filled).index("User"))),
            "State": reader.get_state(),
        }
        checked = 0
        for kind, view in found.items():
            whole = filled[kind]
            assert view.bytes() == whole
            for path, offset, size, ty in leaves(kind):
                value = functools.reduce(
                    lambda at, step: at[int(step[1:-1])] if step[0] == "[" else getattr(at, step),
                    re.findall(r"[a-z_0-9]+|\[\d+\]", path), view,
                )  # fmt: skip
                raw = whole[offset : offset + size]
                expected = int.from_bytes(raw, "little", signed=ty.startswith("i"))
                assert value == expected, f"{kind}.{path}"
                checked += 1
        assert checked > 1000


def kinds() -> Iterator[tuple[str, dict[str, int]]]:
    """The accounts of which there is a getter."""
    for kind in ("PerpMarket", "SpotMarket", "User", "State"):
        yield kind, layout()["accounts"][kind]


def leaves(kind: str) -> Iterator[tuple[str, int, int, str]]:
    """Every integer of an account, with its place."""

    def within(struct: str, path: str, start: int) -> Iterator[tuple[str, int, int, str]]:
        for field in layout()["structs"][struct]["fields"]:
            name, ty = f"{path}{field['name']}", field["type"]
            count, stride = field.get("count"), field.get("stride", field["size"])
            if count is not None and ty == "u8":
                continue
            for index in range(count or 1):
                here = name if count is None else f"{name}[{index}]"
                offset = start + field["offset"] + index * stride
                if ty in layout()["structs"]:
                    yield from within(ty, f"{here}.", offset)
                elif re.fullmatch(r"[ui]\d+", ty):
                    yield here, offset, stride, ty

    yield from within(kind, "", 8)


def test_markets_of_several_lengths_live_side_by_side(writer: Start, directory: Path) -> None:
    sizes = [OLD_PERP, OLD_PERP + 64, PERP, PERP + 64, PERP + 512, OLD_PERP - 1]
    spots = [OLD_SPOT, SPOT, SPOT + 512]
    lines = [lazer(15_012_345_678), *(perp_line(i, size) for i, size in enumerate(sizes))]
    for index, size in enumerate(spots):
        address = driftshm.derive_spot_market_account(index, profile="velocity")
        values: dict[str, int | str] = {"market_index": index, "name": f"S{index}", "decimals": 6}
        spot = account("SpotMarket", size, values)
        lines.append(line(address, spot, owner=program()))
    recording = Recording(directory.with_name("recording"), *lines)
    with writer(*recording.arguments, *FLAGS).open() as reader:
        until("all are there", lambda: reader.stats()["published"] >= len(lines))
        for index, size in enumerate(sizes[:-1]):
            market: Any = reader.get_perp_market(index)
            assert market.meta().data_len == size
            assert not market.meta().layout_mismatch
            assert market.bytes() == bytes(market.snapshot()) == perp(index, size)
            assert (market.symbol, market.order_tick_size) == (f"M{index}-PERP", 100)
            assert (market.mark_price, market.open_interest) == (150_123_456, 7_000_000_000)
            assert market.funding_rate().hourly == pytest.approx(0.0001, rel=1e-12)
            assert (market.oracle_price, market.oracle_price_float) == (150_123_456, 150.123456)
        short: Any = reader.get_perp_market(len(sizes) - 1)
        assert short.meta().layout_mismatch
        assert len(short.bytes()) == OLD_PERP - 1
        with pytest.raises(driftshm.LayoutMismatchError, match="1303 bytes"):
            _ = short.order_tick_size
        for index, size in enumerate(spots):
            view: Any = reader.get_spot_market(index)
            assert (view.symbol, view.decimals, view.meta().data_len) == (f"S{index}", 6, size)


def test_a_market_that_grows_while_it_is_read_keeps_its_view(writer: Start, script: Script) -> None:
    script.say(lazer(1), perp_line(0, OLD_PERP))
    with writer(*script.arguments, *FLAGS).open() as reader:
        market: Any = until("it is there", lambda: reader.get_perp_market(0))
        with reader.subscribe(perp_markets=[0]) as subscription:
            for size in (OLD_PERP + 64, PERP, PERP + 512):
                script.say(perp_line(0, size, last_funding_rate=size))
                assert subscription.wait(WATCHDOG)[0].view is market
                assert (market.meta().data_len, market.last_funding_rate) == (size, size)


def test_a_user_of_an_unknown_length_is_bytes_only(writer: Start, directory: Path) -> None:
    users = {key(31): USER, key(32): 4560, key(33): USER - 8}
    lines = [
        line(address, account("User", size, {"authority": address}), owner=program())
        for address, size in users.items()
    ]
    recording = Recording(directory.with_name("recording"), *lines)
    with writer(*recording.arguments, *FLAGS).open() as reader:
        until("all are there", lambda: reader.stats()["published"] == 3)
        known: Any = reader.get_user(key(31))
        assert known.authority == key(31)
        for address in (key(32), key(33)):
            other: Any = reader.get_user(address)
            assert other.meta().layout_mismatch
            assert len(other.bytes()) == users[address]
            with pytest.raises(driftshm.LayoutMismatchError):
                _ = other.authority


@pytest.mark.parametrize("name", ["PythPull", "Pyth1MPull", "DeprecatedSwitchboard"])
def test_an_oracle_source_that_the_program_rejects_has_no_price(
    writer: Start, directory: Path, name: str
) -> None:
    oracles = [json.loads(each) for each in shared("drift", "oracles.jsonl").open()]
    pull = next(each["data"] for each in oracles if "PythPull" in each["expected"])
    oracle = json.dumps({"pubkey": ORACLE, "data": pull})
    recording = Recording(
        directory.with_name("recording"), perp_line(0, oracle_source=name), oracle
    )
    with writer(*recording.arguments, *FLAGS).open() as reader:
        market: Any = until("it is there", lambda: reader.get_perp_market(0))
        until("the oracle too", lambda: reader.stats()["records"]["oracle"] == 1)
        until("it was looked at", lambda: reader.stats()["oracle_errors"] > 0)
        assert market.oracle_source.name == name
        with pytest.raises(driftshm.OracleInvalidError):
            _ = market.oracle_price
        assert market.market_data()["oracle_price"] is None
