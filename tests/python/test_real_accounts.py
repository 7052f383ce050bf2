"""Real mainnet accounts and oracles, through the real writer, against an independent decoder."""

from __future__ import annotations

import contextlib
import enum
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from bots.keys import base58, from_base58
from facts import (
    Account,
    field,
    fields,
    invented_key,
    layout,
    lines,
    patched,
    real_accounts,
    write_replay,
)
from support import Writer, region_dir, shared, until

import driftshm

KINDS = ("PerpMarket", "SpotMarket", "User")


class Served:
    """A writer that replays a file, and a reader of what it published."""

    def __init__(self, reader: driftshm.Reader, cases: list[Case] | None = None) -> None:
        # Fields are looked up by name here, and what is missing shall fail: types would not help.
        self.reader: Any = reader
        self.cases = cases or []

    def view(self, account: Account) -> Any:
        """The view of a real account, found as bots find it."""
        if account["kind"] == "User":
            return self.reader.get_user(account["pubkey"])
        get = getattr(self.reader, {"PerpMarket": "get_perp_market"}.get(
            account["kind"], "get_spot_market"
        ))  # fmt: skip
        return get(account["expected"]["market_index"])


@contextlib.contextmanager
def replayed(file: Path) -> Iterator[driftshm.Reader]:
    """A reader of what a writer publishes that replays the file."""
    with region_dir() as directory:
        with Writer(directory, "--feed", "replay", "--replay", str(file)) as writer:
            with writer.start().open() as reader:
                yield reader


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    """The file of real accounts, as it is, replayed to its last line."""
    file = shared("drift", "accounts.jsonl")
    with replayed(file) as reader:
        served = Served(reader)
        last = lines("accounts.jsonl")[-1]
        until("the last line is published", lambda: served.view(last) is not None)
        yield served


def plain(value: Any) -> Any:
    """A leaf as the independent decoder writes it."""
    if isinstance(value, enum.Enum):
        return value.name
    if isinstance(value, bytes):
        return list(value)
    return value


def walk(account: Any, expected: Any, path: str) -> Iterator[tuple[str, Any, Any]]:
    """Every leaf of a view or snapshot, by attributes and indexes, beside what it should be."""
    if isinstance(expected, dict):
        for name, value in expected.items():
            yield from walk(getattr(account, name), value, f"{path}.{name}")
    elif isinstance(expected, list) and not isinstance(account, bytes):
        assert len(account) == len(expected), path
        for place, value in enumerate(expected):
            yield from walk(account[place], value, f"{path}[{place}]")
    else:
        yield path, plain(account), expected


def undo_enums(value: Any) -> Any:
    """What `to_dict` gives, as the independent decoder writes it."""
    if isinstance(value, dict):
        return {name: undo_enums(each) for name, each in value.items()}
    if isinstance(value, list):
        return [undo_enums(each) for each in value]
    return plain(value)


def check_walk(account: Any, expected: Account, what: str) -> int:
    count = 0
    for path, found, wanted in walk(account, expected, what):
        assert found == wanted and isinstance(found, bool) == isinstance(wanted, bool), path
        count += 1
    return count


def test_every_kind_of_real_account_is_there(served: Served) -> None:
    kinds = {kind: len(real_accounts(kind)) for kind in KINDS}
    assert kinds == {"PerpMarket": 8, "SpotMarket": 3, "User": 30}
    records = served.reader.stats()["records"]
    assert [records[kind] for kind in ("perp_market", "spot_market", "user")] == [8, 3, 30]
    assert served.reader.stats()["layout_mismatch"] == 0


@pytest.mark.parametrize("kind", KINDS)
def test_every_field_read_as_an_attribute_is_as_expected(served: Served, kind: str) -> None:
    leaves = 0
    for account in real_accounts(kind):
        view, expected = served.view(account), account["expected"]
        leaves += check_walk(view, expected, account["pubkey"])
        assert type(view).__name__ == kind
    assert leaves > 200
    print(f"{kind}: {leaves} fields compared")


@pytest.mark.parametrize("kind", KINDS)
def test_the_expected_fields_are_all_there_are(served: Served, kind: str) -> None:
    names = {each["name"] for each in fields(kind)}
    for account in real_accounts(kind):
        assert set(account["expected"]) == names
        assert set(served.view(account).to_dict()) == names


@pytest.mark.parametrize("kind", KINDS)
def test_dicts_of_views_and_snapshots_are_as_expected(served: Served, kind: str) -> None:
    for account in real_accounts(kind):
        view = served.view(account)
        assert undo_enums(view.to_dict()) == account["expected"]
        assert undo_enums(view.snapshot().to_dict()) == account["expected"]


@pytest.mark.parametrize("kind", KINDS)
def test_every_field_of_a_snapshot_and_of_its_pickle_is_as_expected(
    served: Served, kind: str
) -> None:
    for account in real_accounts(kind):
        snapshot = served.view(account).snapshot()
        again = pickle.loads(pickle.dumps(snapshot))
        assert check_walk(snapshot, account["expected"], "snapshot") > 50
        assert check_walk(again, account["expected"], "pickled") > 50
        assert again == snapshot


@pytest.mark.parametrize("kind", KINDS)
def test_every_scalar_field_through_a_compiled_getter_is_as_expected(
    served: Served, kind: str
) -> None:
    for account in real_accounts(kind):
        view = served.view(account)
        leaves = [
            (path.removeprefix("."), wanted)
            for path, _, wanted in walk(view, account["expected"], "")
        ]
        getter = driftshm.fields(*(path for path, _ in leaves))
        wanted = [each for _, each in leaves]
        assert [plain(value) for value in getter(view)] == wanted
        assert [plain(value) for value in getter(view.snapshot())] == wanted


@pytest.mark.parametrize("kind", KINDS)
def test_bytes_are_the_account_as_on_chain(served: Served, kind: str) -> None:
    for account in real_accounts(kind):
        view = served.view(account)
        assert view.bytes() == account["raw"]
        snapshot = view.snapshot()
        assert snapshot.bytes() == account["raw"]
        assert bytes(memoryview(snapshot)) == account["raw"]
        assert view.pubkey == snapshot.pubkey == account["pubkey"]


def test_the_bytes_of_a_nested_struct_are_its_part_of_the_account(served: Served) -> None:
    offset, _ = field("PerpMarket", "amm")
    size = layout()["structs"]["AMM"]["size"]
    for account in real_accounts("PerpMarket"):
        amm = served.view(account).amm
        assert amm.bytes() == account["raw"][offset : offset + size]
        assert bytes(memoryview(amm.snapshot())) == amm.bytes()


def from_numpy(row: Any, kind: str, known: dict[str, Any] | None = None) -> Any:
    """A numpy value as the independent decoder writes it."""
    if kind in layout()["structs"]:
        return {
            each["name"]: from_numpy(row[each["name"]], each["type"], each)
            if "count" not in each or each["type"] == "u8"
            else [from_numpy(item, each["type"]) for item in row[each["name"]]]
            for each in fields(kind)
        }
    if kind in layout()["enums"]:
        return layout()["enums"][kind][int(row)]
    if kind in ("u128", "i128"):
        return int(row["hi"]) * 2**64 + int(row["lo"])
    if kind == "publicKey":
        return base58(row.tobytes())
    if known and "count" in known:
        return list(row.tobytes())
    return bool(row) if kind == "bool" else int(row)


@pytest.mark.parametrize("kind", KINDS)
def test_rows_of_numpy_arrays_are_as_expected(served: Served, kind: str) -> None:
    pytest.importorskip("numpy")
    reader = served.reader
    array = {
        "PerpMarket": reader.perp_markets_array,
        "SpotMarket": reader.spot_markets_array,
        "User": reader.users_array,
    }[kind]()
    accounts = real_accounts(kind)
    assert len(array) == len(accounts)
    found = [from_numpy(row, kind) for row in array]
    for account in accounts:
        assert account["expected"] in found, account["pubkey"]
        row = array[found.index(account["expected"])]
        view = served.view(account)
        assert (int(row["_slot"]), int(row["_version"])) == (view.slot, view.version)


def test_markets_are_found_by_index_and_by_symbol(served: Served) -> None:
    for kind, get in [
        ("PerpMarket", served.reader.get_perp_market),
        ("SpotMarket", served.reader.get_spot_market),
    ]:
        for account in real_accounts(kind):
            expected = account["expected"]
            view = get(expected["market_index"])
            symbol = bytes(expected["name"]).decode().strip()
            assert view.symbol == symbol
            assert get(symbol) is view
            assert get(symbol.lower()) is view


def test_users_are_found_by_pubkey_in_any_form(served: Served) -> None:
    class Solders:
        def __init__(self, raw: bytes) -> None:
            self.raw = raw

        def __bytes__(self) -> bytes:
            return self.raw

    for account in real_accounts("User"):
        raw = from_base58(account["pubkey"])
        view = served.reader.get_user(account["pubkey"])
        assert view.pubkey == account["pubkey"]
        assert view.bytes() == account["raw"]
        assert served.reader.get_user(raw) is view
        assert served.reader.get_user(Solders(raw)) is view


def test_users_are_found_by_authority_and_sub_account(served: Served) -> None:
    for account in real_accounts("User"):
        authority, sub = (account["expected"][name] for name in ("authority", "sub_account_id"))
        view = served.reader.get_user(authority=authority, sub_account_id=sub)
        assert view is served.reader.get_user(account["pubkey"])
        assert served.reader.get_user(authority=authority, sub_account_id=sub + 500) is None


def test_derived_addresses_are_those_of_the_real_accounts() -> None:
    for account in real_accounts():
        expected, kind = account["expected"], account["kind"]
        derived = {
            "PerpMarket": lambda e: driftshm.derive_perp_market_account(e["market_index"]),
            "SpotMarket": lambda e: driftshm.derive_spot_market_account(e["market_index"]),
            "User": lambda e: driftshm.derive_user_account(e["authority"], e["sub_account_id"]),
        }[kind](expected)
        assert derived == account["pubkey"]
    # Well known: the program's state account on mainnet.
    assert driftshm.derive_state_account() == "5zpq7DvB6UdFFvpmBPspGPNfUGoBRRCE2HHg5u3gxcsN"


def test_of_an_account_that_comes_twice_the_last_line_counts(served: Served) -> None:
    earlier: dict[str, Account] = {}
    twice = []
    for line in lines("accounts.jsonl"):
        if line["pubkey"] in earlier:
            twice.append((earlier[line["pubkey"]], line))
        earlier[line["pubkey"]] = line
    assert twice
    for first, last in twice:
        assert first["raw"] != last["raw"]
        if last is earlier[last["pubkey"]]:
            assert served.view(last).bytes() == last["raw"]


# ------------------------------------------------------------------------------------ oracles


class Case:
    """One oracle account read by one source: the markets that do so, and what they must see."""

    def __init__(self, index: int, oracle: str, source: str, expected: Account | None) -> None:
        self.index = index
        self.oracle = oracle
        self.source = source
        # `None`: the source does not fit the account.
        self.expected = expected
        self.name = f"CASE{index}"

    def markets(self) -> list[tuple[str, bytes]]:
        """A perp market and a spot market, real ones but for what is patched."""
        name = self.name.ljust(32).encode()
        perp = patched("PerpMarket", real_accounts("PerpMarket")[0]["raw"], {
            "pubkey": driftshm.derive_perp_market_account(self.index),
            "market_index": self.index,
            "name": name,
            "amm.oracle": self.oracle,
            "amm.oracle_source": self.source,
        })  # fmt: skip
        spot = patched("SpotMarket", real_accounts("SpotMarket")[0]["raw"], {
            "pubkey": driftshm.derive_spot_market_account(self.index),
            "market_index": self.index,
            "name": name,
            "oracle": self.oracle,
            "oracle_source": self.source,
        })  # fmt: skip
        return [
            (driftshm.derive_perp_market_account(self.index), perp),
            (driftshm.derive_spot_market_account(self.index), spot),
        ]


def pull_offsets(data: bytes) -> tuple[int, int, int]:
    """Where a PriceUpdateV2 has its price, confidence and exponent."""
    # Behind the verification level: one byte if it is full, two if it is partial.
    price = 40 + {1: 1, 0: 2}[data[40]] + 32
    return price, price + 8, price + 16


def oracle_cases() -> tuple[list[tuple[str, bytes]], list[Case]]:
    """Every oracle with every source that has an expectation; a coarse one besides."""
    oracles: list[tuple[str, bytes]] = []
    cases: list[Case] = []
    for number, line in enumerate(lines("oracles.jsonl")):
        key = invented_key(number)
        oracles.append((key, line["raw"]))
        for source, expected in (line["expected"] or {line["family"]: {}}).items():
            cases.append(Case(len(cases), key, source, expected))
    # With a precision of 1e3 the price can be read as it is, but not for a thousand units.
    first = lines("oracles.jsonl")[0]["raw"]
    at_price, at_confidence, at_exponent = pull_offsets(first)
    coarse = bytearray(first)
    coarse[at_exponent : at_exponent + 4] = (-3).to_bytes(4, "little", signed=True)
    key = invented_key(999)
    oracles.append((key, bytes(coarse)))
    price = int.from_bytes(first[at_price : at_price + 8], "little", signed=True)
    confidence = int.from_bytes(first[at_confidence : at_confidence + 8], "little")
    thousandfold = {"price": price * 1000, "confidence": confidence * 1000}
    cases.append(Case(len(cases), key, "PythPull", thousandfold))
    cases.append(Case(len(cases), key, "Pyth1KPull", None))
    cases.append(Case(len(cases), key, "Pyth1MPull", None))
    return oracles, cases


@pytest.fixture(scope="module")
def oracles(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Half of the oracles come before the markets that name them, half after."""
    accounts, cases = oracle_cases()
    markets = [market for case in cases for market in case.markets()]
    order = accounts[::2] + markets + accounts[1::2]
    # Nothing waits for anything behind the last line.
    order.append((real_accounts("User")[0]["pubkey"], real_accounts("User")[0]["raw"]))
    file = write_replay(tmp_path_factory.mktemp("oracles") / "oracles.jsonl", order)
    with replayed(file) as reader:
        until("the last line is published", lambda: len(reader.users()) == 1)
        yield Served(reader, cases)


def oracle_views(served: Served, case: Case) -> list[tuple[Any, Any]]:
    """The market and its oracle, for a perp and a spot market, by index and by symbol."""
    reader = served.reader
    found = []
    for key in (case.index, case.name):
        found.append((reader.get_perp_market(key), reader.get_perp_oracle(key)))
        found.append((reader.get_spot_market(key), reader.get_spot_oracle(key)))
    return found


def compare(found: Any, expected: Account, case: Case) -> None:
    for name in ("price", "confidence", "published_slot", "has_sufficient_number_of_data_points"):
        if name in expected:
            assert getattr(found, name) == expected[name], (case.source, name)
    # Where only the moment of the reading is known, the price is not from later.
    assert found.published_slot <= expected.get("clock_slot", 2**63)
    assert found.source.name == case.source


def readable(cases: list[Case]) -> list[tuple[Case, Account]]:
    return [(case, case.expected) for case in cases if case.expected is not None]


def test_every_price_is_as_the_program_computes_it(oracles: Served) -> None:
    known = 0
    for case, expected in readable(oracles.cases):
        for market, oracle in oracle_views(oracles, case):
            assert oracle.pubkey == case.oracle
            compare(oracle, expected, case)
            compare(oracle.snapshot(), expected, case)
            assert market.oracle_price == oracle.price
            assert market.oracle_price_float == oracle.price / 1e6 == oracle.price_float
        known += "price" in expected
    assert known == 5 * 4 + 1 + 1
    print(f"{known} prices of {len(lines('oracles.jsonl'))} oracles, by perp and by spot markets")


def test_prices_in_a_cut_are_the_same(oracles: Served) -> None:
    good = readable(oracles.cases)
    indexes = [case.index for case, _ in good]
    cut = oracles.reader.snapshot(
        perp_markets=indexes, perp_oracles=indexes, spot_oracles=[case.name for case, _ in good]
    )
    for case, expected in good:
        compare(cut.perp_oracles[case.index], expected, case)
        compare(cut.spot_oracles[case.index], expected, case)
        assert cut.perp_markets[case.index].amm.oracle == case.oracle


def test_an_oracle_read_by_several_sources_has_all_of_their_prices(
    oracles: Served,
) -> None:
    for case in oracles.cases:
        oracle = oracles.reader.get_perp_oracle(case.index)
        siblings = [other for other in oracles.cases if other.oracle == case.oracle]
        prices = {source.name: data for source, data in oracle.prices().items()}
        good = readable(siblings)
        assert set(prices) == {each.source for each, _ in good}
        for each, expected in good:
            compare(prices[each.source], expected, each)


def test_a_source_that_does_not_fit_is_an_error_and_never_a_price(
    oracles: Served,
) -> None:
    unfit = [case for case in oracles.cases if case.expected is None]
    assert len(unfit) >= 2
    for case in unfit:
        for market, oracle in oracle_views(oracles, case):
            for what in (oracle, market):
                for name in ("price", "confidence", "oracle_price", "oracle_price_float"):
                    if hasattr(type(what), name):
                        with pytest.raises(driftshm.OracleInvalidError, match=case.oracle):
                            getattr(what, name)
            with pytest.raises(driftshm.OracleInvalidError, match=case.oracle):
                oracle.snapshot()
        with pytest.raises(driftshm.OracleInvalidError, match=case.oracle):
            oracles.reader.snapshot(perp_oracles=[case.index])
    assert oracles.reader.stats()["oracle_errors"] >= len(unfit)


def test_oracle_accounts_keep_their_bytes(oracles: Served) -> None:
    accounts = dict(oracle_cases()[0])
    for case in oracles.cases:
        assert oracles.reader.get_perp_oracle(case.index).bytes() == accounts[case.oracle]


def test_the_quote_asset_needs_no_account(tmp_path: Path) -> None:
    case = Case(0, "11111111111111111111111111111111", "QuoteAsset", None)
    with replayed(write_replay(tmp_path / "quote.jsonl", case.markets())) as opened:
        reader = Served(opened).reader
        until("both markets are there", lambda: reader.get_spot_market(0))
        oracle = reader.get_spot_oracle(0)
        assert (oracle.price, oracle.confidence) == (1_000_000, 1)
        assert reader.get_perp_market(0).oracle_price == 1_000_000
