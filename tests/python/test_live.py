"""What a bot sees of the real chain: the writer follows a local cluster over its own protocols."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest
from cluster import Cluster
from support import Writer, until, vouched_for

import driftshm

# Slots are eight times as fast as on chain.
TICK_S = 0.05


class Ticking:
    """Slots that go by while the test looks elsewhere."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)

    def run(self) -> None:
        while not self.ended.wait(TICK_S):
            self.cluster.advance()

    def __enter__(self) -> Ticking:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.ended.set()
        self.thread.join()


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    made = Cluster("--markets", "3", "--spot-markets", "2", "--users", "4")
    yield made
    made.end()


def changed(data: bytes) -> bytes:
    """The same account with another last byte: padding, as far as the profile knows."""
    return data[:-1] + bytes([data[-1] ^ 0xFF])


@pytest.mark.parametrize("stream", ["ws", "grpc"])
def test_a_bot_reads_and_awaits_the_chain(
    stream: str, writer: Callable[..., Writer], cluster: Cluster
) -> None:
    with Ticking(cluster), writer(*cluster.flags(stream)).open() as reader:
        market = reader.get_perp_market(0)
        assert market is not None
        assert market.commitment == "confirmed"
        before = cluster.data(market.pubkey)
        assert market.bytes() == before
        subscription = reader.subscribe(perp_markets=[0])
        cluster.write(market.pubkey, changed(before))
        changes = until("the change comes", lambda: subscription.wait(timeout=1.0))
        assert changes[-1].key == 0
        assert market.bytes() == changed(before)
        oracle = reader.get_perp_oracle(0)
        assert oracle is not None
        assert oracle.bytes() == cluster.data(oracle.pubkey)
        subscription.close()


def test_an_account_is_followed_while_a_bot_watches_it(
    writer: Callable[..., Writer], cluster: Cluster
) -> None:
    user = next(
        account["pubkey"]
        for account in cluster.ask("GET", "/accounts")
        if len(cluster.data(account["pubkey"])) == 4376
    )
    with Ticking(cluster), writer(*cluster.flags("ws")).open() as reader:
        assert reader.get_user(user) is None
        with reader.watch(user):
            view = until("it is brought", lambda: reader.get_user(user))
            cluster.write(user, changed(cluster.data(user)))
            until("its change, too", lambda: view.bytes() == cluster.data(user))


@pytest.mark.parametrize("stream", ["ws", "grpc"])
def test_what_an_orphaned_slot_brought_is_taken_back_and_bots_hear_of_it(
    stream: str, writer: Callable[..., Writer], cluster: Cluster
) -> None:
    with Ticking(cluster):
        live = writer(*cluster.flags(stream), "--commitment", "processed")
    with live.open() as reader:
        market = reader.get_perp_market(1)
        assert market is not None
        before = cluster.data(market.pubkey)
        subscription = reader.subscribe(perp_markets=[1], conflate=False)
        cluster.write(market.pubkey, changed(before))
        until("it is there at once", lambda: market.bytes() == changed(before))
        assert market.commitment == "processed"
        version = market.version
        cluster.fault("orphan", slots=1, announce=True)
        with Ticking(cluster):
            until("it is taken back", lambda: market.bytes() == before)
            assert market.version == version + 1
            assert reader.stats()["rolled_back"] == 1
            until("that is confirmed", lambda: market.commitment == "confirmed")
        versions = [change.version for change in subscription.drain()]
        assert versions == [version, version + 1]
        subscription.close()


@pytest.mark.parametrize("stream", ["ws", "grpc"])
def test_a_stream_that_stands_still_makes_guarded_reads_raise_until_it_moves_on(
    stream: str, writer: Callable[..., Writer], cluster: Cluster
) -> None:
    with Ticking(cluster), writer(*cluster.flags(stream)).open() as reader:
        market = reader.get_perp_market(0)
        assert market is not None
        until("it is fresh", lambda: vouched_for(lambda: market.ensure_fresh(1.0)))
        cluster.fault("silence", on=[stream])
        until("it is known", lambda: reader.feed_state != "live")
        until("the last word is old", lambda: market.staleness > 1.0)
        with pytest.raises(driftshm.StaleError):
            market.ensure_fresh(1.0)
        assert market.bytes(), "unguarded, the last state stays"
        cluster.write(market.pubkey, changed(cluster.data(market.pubkey)))
        cluster.heal()
        until("it is live again", lambda: vouched_for(lambda: market.ensure_fresh(1.0)))
        # That is confirmed a slot later.
        until("it has the change", lambda: market.bytes() == cluster.data(market.pubkey))
