"""Figure 3: four fields of one version.

`fields(…)(m)` against what a user would pick instead, each with the same 1,216 bytes and a
publisher in another process that stores them anew 1,000 times a second. The peers' struct skips
the upper halves of the 128-bit numbers, which is in their favour. All of them must give the
numbers that we do. Besides: the least that a call costs which makes four ints and a tuple, and
shared memory without any check that the four are of one version.
"""

import contextlib
import struct
from importlib import import_module

from driftshm_floors import Floor
from harness.bench import Bench
from harness.programs import Child, directory
from harness.result import FASTER, Figure, Limit, Row, Side, at_least
from harness.timing import Contender, statement
from peers import pipe_peer

import driftshm

PATHS = (
    "amm.historical_oracle_data.last_oracle_price",
    "amm.base_asset_reserve",
    "amm.quote_asset_reserve",
    "amm.last_funding_rate",
)
# The same in the account's bytes, without the upper halves of those that have 128 bits.
FOUR = struct.Struct("<72x q 96x Q 8x Q 280x q")
FLOOR = "PyO3 method: a tuple of four constant u64"
PEERS: dict[str, tuple[Limit | None, Side]] = {
    "lmdb_peer": (at_least(8, FASTER), "peer"),
    "iceoryx2_peer": (at_least(12, FASTER), "peer"),
    "redis_peer": (None, "peer"),
    "shared_memory_peer": (None, "no consistency"),
}


def run(bench: Bench) -> Figure:
    market = bench.reader.get_perp_market(0)
    assert market is not None
    snapshot = market.snapshot()
    get_four = driftshm.fields(*PATHS)
    expected = get_four(snapshot)
    assert FOUR.unpack_from(snapshot.bytes()) == expected

    figure = Figure()
    ours = statement("ours", "values = get_four(m)", {"get_four": get_four, "m": market})
    limits: dict[str, tuple[Limit | None, Side]] = {}
    contenders: list[Contender] = [ours]
    with contextlib.ExitStack() as stack:
        place = stack.enter_context(directory())
        (place / "payload").write_bytes(snapshot.bytes())
        publisher = stack.enter_context(Child("peer_publisher", str(place), *PEERS))
        for module, (limit, side) in PEERS.items():
            peer = import_module(f"peers.{module}")
            if publisher.ready[module] is not None:
                missing = publisher.ready[module]
                figure.rows.append(Row("four fields", peer.NAME, limit, missing=missing))
                continue
            code, names = peer.reading(place, FOUR)
            scope = dict(names)
            exec(code, scope)
            assert scope["values"] == expected, f"{peer.NAME} gives {scope['values']}"
            contenders.append(statement(peer.NAME, code, names))
            limits[peer.NAME] = (limit, side)
        names = {"floor": Floor(None), "m": market}
        contenders.append(statement(FLOOR, "values = floor.four(m)", names))
        limits[FLOOR] = (None, "floor")
        contenders.append(pipe_peer.contender(expected))
        limits[pipe_peer.NAME] = (None, "peer")
        taken = bench.take_turns(*contenders)
    figure.raw = dict(taken)
    figure.bar("four fields of one version", "fields(…)(m)", taken["ours"], "driftshm")
    for name, (limit, side) in limits.items():
        figure.compare(
            "four fields, `fields(…)(m)`",
            name,
            limit,
            ours=taken["ours"],
            theirs=taken[name],
        )
        label = f"floor: {name}" if side == "floor" else name
        figure.bar("four fields of one version", label, taken[name], side)
    return figure
