"""Figure 4: a copy of a whole account.

`m.snapshot()` and `u.snapshot()` against `bytes(n)`, which allocates an object of that size and
clears it; and against what a bot does who gets the account over the network: driftpy's decode of
the same bytes (for markets the decoder of its Anchor client, for users its own faster one).
"""

from typing import Any

from harness.bench import Bench
from harness.result import FASTER, Figure, Row, at_least, at_most
from harness.timing import statement
from peers import driftpy_peer

import driftshm


def run(bench: Bench) -> Figure:
    figure = Figure()
    market = bench.reader.get_perp_market(0)
    user = max(bench.reader.users()[:200], key=positions)
    assert market is not None
    for kind, view, faster in (("PerpMarket", market, 1000), ("User", user, 50)):
        measure(bench, figure, kind, view, faster)
    return figure


def positions(user: Any) -> int:
    """How much a user has: decoders skip what is empty."""
    return sum(position.base_asset_amount != 0 for position in user.perp_positions)


def measure(bench: Bench, figure: Figure, kind: str, view: driftshm.View, faster: int) -> None:
    what = f"snapshot of a {kind}"
    account = view.snapshot().bytes()
    taken = bench.take_turns(
        statement("ours", "view.snapshot()", {"view": view}),
        statement("floor", "bytes(size)", {"bytes": bytes, "size": len(account)}),
    )
    figure.raw[what] = taken
    figure.compare(
        what, f"`bytes({len(account)})`", at_most(1.6), ours=taken["ours"], theirs=taken["floor"]
    )
    figure.bar("a whole account", what, taken["ours"], "driftshm")
    figure.bar("a whole account", f"floor: bytes({len(account)})", taken["floor"], "floor")

    against, limit = "driftpy, decode", at_least(faster, FASTER)
    decode = driftpy_peer.decoder(kind)
    if isinstance(decode, str):
        figure.rows.append(Row(what, against, limit, missing=decode))
        return
    decode(account)
    taken = bench.take_turns(
        statement("ours", "view.snapshot()", {"view": view}),
        statement("driftpy", "decode(a)", {"decode": decode, "a": account}, unrolled=1),
        rounds=100,
    )
    figure.raw[f"{what}, driftpy"] = taken
    figure.compare(what, against, limit, ours=taken["ours"], theirs=taken["driftpy"])
    figure.bar("a whole account", f"driftpy, decode of a {kind}", taken["driftpy"], "peer")
