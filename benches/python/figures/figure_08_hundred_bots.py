"""Figure 8: 100 subscribed bots, and updates for one of them.

Whether the others sleep: a writer whose updates are all of one market, 100 subscriptions, and a
look at the eventfds of the other 99 and at the writer's own count of wake-ups. What a change
costs the publisher (`driftshm-bench notify`): its thread's processor time per update, with one
subscriber and with a hundred in turn, the one concerned woken once a batch in both.
"""

from harness.bench import Bench
from harness.programs import Child, Writer, tool
from harness.result import Figure, Row, absolute, at_most
from harness.spread import Spread

OTHERS = 99


def run(bench: Bench) -> Figure:
    figure = Figure()
    with (
        Writer("--rate", "1000", "--focus-market", "0", "--markets", "100") as writer,
        Child("hundred_bots", str(writer.dir), str(OTHERS)) as bots,
    ):
        told = bots.ask(bench.pick(5, 1))
    figure.raw["bots"] = told
    figure.rows.append(
        Row(
            "wake-ups of 99 bots that the updates do not concern",
            "",
            at_most(0, ""),
            Spread.exactly(told["in_vain"]),
            ours=f"the one concerned: {told['woken']} wake-ups, {told['changes']} changes",
        )
    )
    # The last wake-up of the measured time may still be on its way.
    if told["by_writer"] > told["woken"] + 1:
        figure.notes.append(
            f"the writer counted {told['by_writer']} wake-ups, the bot {told['woken']}"
        )
    (measured,) = tool("notify", bench.pick(30, 2), bench.pick(8, 1))
    one, hundred = measured["ns"]["one"], measured["ns"]["hundred"]
    figure.raw["cost"] = measured
    assert measured["woken_in_vain"] == 0
    figure.rows.append(
        Row(
            "publisher's processor time per update, 100 subscribers",
            "1 subscriber",
            at_most(1.15),
            Spread.ratio(hundred, one),
            ours=absolute(hundred),
            theirs=absolute(one),
        )
    )
    return figure
