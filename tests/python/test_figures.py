"""Derived figures, enums, and oracle prices."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import pytest
from replays import (
    Account,
    Script,
    key,
    layout,
    line,
    perp,
    spot,
)
from support import WATCHDOG, Writer, shared, until

import driftshm
from driftshm import drift_v2

Start = Callable[..., Writer]


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
        assert (snapshot.mark_price, snapshot.symbol, snapshot.open_interest) == (
            price,
            name,
            interest,
        )
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
    [
        ("amm.base_asset_reserve", 9),
        ("amm.peg_multiplier", 6),
        ("amm.last_funding_rate", 9),
        ("amm.historical_oracle_data.last_oracle_price", 6),
        ("amm.volume24h", 6),
    ],
)
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
        for use in (lambda: view.mark_price, lambda: view.snapshot().mark_price_float):
            with pytest.raises(driftshm.NoFigureError, match="base reserve is 0") as raised:
                use()
            assert f"{view.symbol} ({view.pubkey})" in str(raised.value)
            assert isinstance(raised.value, ArithmeticError)
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


def test_a_variant_that_the_profile_does_not_know_is_its_number(
    writer: Start, script: Script
) -> None:
    script.say(perp(0).set("status", 200))
    with writer(*script.arguments).open() as reader:
        view = until("it is there", lambda: reader.get_perp_market(0))
        assert view.status == 200
        assert type(view.status) is int
        assert view.snapshot().to_dict()["status"] == 200


def oracle_lines() -> list[dict[str, Any]]:
    text = shared("drift", "oracles.jsonl").read_text()
    return [json.loads(each) for each in text.splitlines()]


def with_oracle(market: Account, family: str, oracle: str) -> Account:
    number = layout()["enums"]["OracleSource"].index(family)
    prefix = "amm." if market.kind == "PerpMarket" else ""
    return market.set(f"{prefix}oracle", oracle).set(f"{prefix}oracle_source", number)


def test_an_oracle_is_read_by_the_source_that_its_market_names(
    writer: Start, script: Script
) -> None:
    given = oracle_lines()[0]
    data, address = base64.b64decode(given["data"]), key(9)
    script.say(
        with_oracle(perp(0), "Pyth1KPull", address),
        with_oracle(spot(0), "PythStableCoinPull", address),
        line(address, data, slot=308_552_330),
    )
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
            assert (copy.price, copy.confidence, copy.source) == (
                found.price,
                found.confidence,
                found.source,
            )
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
