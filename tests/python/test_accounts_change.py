"""Accounts that are closed, opened again, too short, or longer than they were."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from replays import (
    Script,
    key,
    perp,
    user,
)
from support import Writer, until

import driftshm

Start = Callable[..., Writer]


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
            change = until("it is closed", subscription.drain)[0]
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
                view.to_dict,
                lambda: view.orders[0].price,
                view.orders.to_list,
                lambda: driftshm.fields("authority")(view),
                lambda: view.snapshot().authority,
                lambda: view.float("total_deposits"),
            ):
                with pytest.raises(driftshm.AccountClosedError, match=account.pubkey):
                    read()
            assert (before.authority, before.closed) == (key(1 << 40 | 3), False)
            closed = f"user {account.pubkey} was closed on chain"
            with pytest.raises(driftshm.UnknownAccountError, match=closed):
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
        for read in (
            lambda: view.status,
            lambda: view.amm.oracle,
            view.to_dict,
            lambda: view.mark_price,
        ):
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
