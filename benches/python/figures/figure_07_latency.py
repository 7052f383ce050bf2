"""Figure 7: from publish to the awaiting coroutine, in another process.

Ours: a writer that publishes one market 1,000 times a second, and a bot in `async for change in
reader.changes(…)`; the time is from the change's `publish_ns`, which the writer takes before it
writes the record, to the coroutine's next line. The floor: a bare program (`driftshm-bench
cadence`) that stores the time in shared memory and writes an eventfd at the same pace, and a
coroutine that awaits a future which the eventfd's callback resolves. Only one of the two
publishers runs at a time: ours is suspended (SIGSTOP) while the floor is measured.
"""

import contextlib
import os
import subprocess
import time

from harness.bench import Bench
from harness.programs import TOOL, Child, Writer, directory, environment
from harness.result import Figure, Row, at_most, nanoseconds
from harness.spread import Spread, quantile

PERIOD_US = 1000
# A writer that was suspended makes up for a quarter of a second at most, which is not measured.
CATCH_UP = 0.35


def run(bench: Bench) -> Figure:
    rounds, samples = bench.pick(12, 2), bench.pick(1000, 100)
    taken: dict[str, list[list[int]]] = {"changes": [], "eventfd": []}
    with contextlib.ExitStack() as stack:
        place = stack.enter_context(directory())
        page = place / "page"
        page.write_bytes(bytes(4096))
        eventfd = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        stack.callback(os.close, eventfd)
        publisher = subprocess.Popen(
            [TOOL, "cadence", page, str(PERIOD_US)],
            stdin=subprocess.PIPE,
            stdout=eventfd,
            env=environment(),
            text=True,
        )
        stack.callback(publisher.wait)
        stack.callback(publisher.kill)
        assert publisher.stdin is not None
        stack.enter_context(publisher.stdin)
        writer = stack.enter_context(Writer("--rate", "1000", "--focus-market", "0"))
        ours = stack.enter_context(Child("latency", "changes", str(writer.dir)))
        floor = stack.enter_context(
            Child("latency", "eventfd", str(eventfd), str(page), pass_fds=(eventfd,))
        )
        for _ in range(rounds):
            time.sleep(CATCH_UP)
            taken["changes"].append(ours.ask(samples))
            writer.suspend()
            print("begin", file=publisher.stdin, flush=True)
            taken["eventfd"].append(floor.ask(samples))
            print("end", file=publisher.stdin, flush=True)
            writer.resume()

    figure = Figure(raw=dict(taken))
    for name, at, limit in (("p50", 0.5, 1.4), ("p99", 0.99, 2)):
        of = {who: [quantile(each, at) for each in each_round] for who, each_round in taken.items()}
        figure.rows.append(
            Row(
                f"publish → awaiting coroutine, {name}",
                f"bare eventfd → future, {name}",
                at_most(limit),
                Spread.ratio(of["changes"], of["eventfd"]),
                ours=nanoseconds(quantile(of["changes"], 0.5)),
                theirs=nanoseconds(quantile(of["eventfd"], 0.5)),
            )
        )
    return figure
