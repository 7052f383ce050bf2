"""Calls have a usual form that goes past PyO3, and any other form that does not: they are alike."""

from __future__ import annotations

import copy
import gc
import pickle
import sys

import pytest
from support import Writer

import driftshm

PATHS = ("market_index", "amm.base_asset_reserve", "status", "name", "amm.oracle")


def test_every_form_of_a_call_gives_the_same(sim: Writer) -> None:
    with sim.open() as reader:
        market = reader.get_perp_market(0)
        assert market is not None
        for again in (
            reader.get_perp_market(0),
            reader.get_perp_market(0, max_age=60.0),
            reader.get_perp_market(0, max_age=60),
            reader.get_perp_market(0, max_age=None),
            reader.get_perp_market(index_or_symbol=0),
            reader.get_perp_market(False),
            reader.get_perp_market(market.symbol, max_age=60.0),
        ):
            assert again is market
        user = reader.users()[0]
        assert reader.get_user(user.pubkey) is user
        assert reader.get_user(pubkey=user.pubkey, max_age=60.0) is user
        assert reader.get_user(user) is user
        get = driftshm.fields(*PATHS)
        snapshot = market.snapshot(max_age=60.0)
        assert get(snapshot)[0] == 0 == get(market)[0]
        assert get(market, max_age=60) == get.__call__(market)
        assert get(market)[3:] == get(snapshot)[3:]


@pytest.mark.parametrize("index", [-1, 10**30, 256, 2**63])
def test_an_index_that_is_none_is_refused(sim: Writer, index: int) -> None:
    with sim.open() as reader:
        for _ in range(2):
            with pytest.raises(driftshm.UnknownMarketError):
                reader.get_perp_market(index)


def test_wrong_arguments_are_refused_as_ever(sim: Writer) -> None:
    with sim.open() as reader:
        market = reader.get_perp_market(0)
        get = driftshm.fields("market_index")
        for call in (
            lambda: reader.get_perp_market(),
            lambda: reader.get_perp_market(0, 1),
            lambda: reader.get_perp_market(0, max_age="1"),
            lambda: reader.get_perp_market(0, age=1.0),
            lambda: market.snapshot(1.0),
            lambda: market.snapshot(age=1.0),
            lambda: get(),
            lambda: get(market, market),
            lambda: get(market, age=1.0),
            lambda: get(0),
            lambda: type(get)(),
            lambda: type(market)(),
            lambda: type(market.snapshot())(),
            lambda: object.__new__(type(market)),
            lambda: copy.copy(market),
        ):
            for _ in range(2):
                with pytest.raises(TypeError):
                    call()
    with pytest.raises(driftshm.ReaderClosedError):
        reader.get_perp_market(0)


def test_views_and_snapshots_end_with_their_last_reference(sim: Writer) -> None:
    with sim.open() as reader:
        market = reader.get_perp_market(0)
        kind = type(market.snapshot())
        before = sys.getrefcount(kind)
        for _ in range(100):
            snapshot = market.snapshot()
            child = snapshot.amm
            assert snapshot.amm is child
            assert pickle.loads(pickle.dumps(snapshot)) == snapshot
            del snapshot
            assert child.base_asset_reserve > 0
        gc.collect()
        assert sys.getrefcount(kind) <= before + 1
