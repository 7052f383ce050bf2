"""Figure 13: from a message of a live feed to a reader.

A local cluster streams 1,000 account updates a second over its WebSocket. Ours is the time from
the message's receipt by the writer until it is published, which is when any reader can see it; the
versions themselves say both. driftpy's is the time from the bytes' receipt by asyncio until its
subscriber has the decoded account. Both follow the same perp markets at commitment `processed`, by
turns, so that neither takes the other's processor time.
"""

from statistics import median

from harness.bench import Bench
from harness.programs import BenchError, Child, Cluster, Writer
from harness.result import FASTER, Figure, Row, at_least, at_most, nanoseconds
from harness.spread import Spread, quantile

STREAMS = {"ws": "WebSocket", "grpc": "Yellowstone gRPC"}


def run(bench: Bench) -> Figure:
    figure = Figure()
    rounds, seconds = bench.pick(6, 1), bench.pick(3, 1)
    what = "message received → visible to a reader, p50"
    cluster = Cluster("--markets", "100", "--users", "100", "--rate", "1000")
    with cluster:
        ours = {stream: follow(cluster, stream, rounds, seconds) for stream in STREAMS}
        theirs = driftpy(cluster, rounds, seconds)
    for stream, name in STREAMS.items():
        p50 = [median(each) / 1e3 for each in ours[stream]]
        every = [took for each in ours[stream] for took in each]
        figure.rows.append(
            Row(
                f"{what}, {name}",
                "",
                at_most(150, "µs"),
                Spread.of(p50),
                ours=f"p99 {nanoseconds(quantile(every, 0.99))}, {len(every):,} messages",
            )
        )
    limit = at_least(10, FASTER)
    if isinstance(theirs, str):
        figure.rows.append(Row(what, "driftpy's own subscriber", limit, missing=theirs))
    else:
        us, them = ([median(each) for each in rounds] for rounds in (ours["ws"], theirs))
        figure.rows.append(
            Row(
                what,
                "driftpy's own subscriber",
                limit,
                Spread.of([other / one for one, other in zip(us, them, strict=True)]),
                ours=nanoseconds(median(us)),
                theirs=nanoseconds(median(them)),
            )
        )
    figure.raw = {"ours": ours, "theirs": theirs}
    return figure


def follow(cluster: Cluster, stream: str, rounds: int, seconds: int) -> list[list[int]]:
    feed = [
        "--rpc-url", cluster.urls["rpc_url"], f"--{stream}-url", cluster.urls[f"{stream}_url"],
        "--users", "all", "--commitment", "processed",
    ]  # fmt: skip
    with Writer(feed=feed) as writer, Child("live_bot", str(writer.dir)) as bot:
        told = [bot.ask(seconds) for _ in range(rounds)]
    if not all(told):
        raise BenchError(f"nothing came over {stream}")
    return told


def driftpy(cluster: Cluster, rounds: int, seconds: int) -> list[list[int]] | str:
    try:
        import driftpy as _  # noqa: F401
    except ImportError as error:
        return str(error)
    import driftshm

    markets = [driftshm.derive_perp_market_account(index) for index in range(100)]
    with Child("driftpy_subscriber", cluster.urls["rpc_url"], *markets) as peer:
        told = [peer.ask(seconds) for _ in range(rounds)]
    return told if all(told) else "its subscriber brought nothing"
