"""Reading makes no system calls."""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from programs import program
from support import Writer, need_tool

READS = 100_000


def calls_by_kind(trace: Path) -> dict[str, Counter[str]]:
    """The system calls between the two marks of each kind of read."""
    found: dict[str, Counter[str]] = {}
    kind: str | None = None
    for text in trace.read_text(errors="replace").splitlines():
        mark = re.search(r'"/driftshm-mark/(begin|end) ([^"]+)"', text)
        if mark is not None:
            kind = mark[2] if mark[1] == "begin" else None
            found.setdefault(mark[2], Counter())
        elif kind is not None:
            call = re.match(r"\d+ +(?:<\.\.\. )?(\w+)", text)
            found[kind][call[1] if call else text] += 1
    return found


def test_a_hundred_thousand_reads_of_each_kind_make_no_system_call(
    writer: Callable[..., Writer], tmp_path: Path
) -> None:
    strace = need_tool("strace")
    target = writer("--feed", "sim", "--rate", "2000", "--users", "20", "--markets", "4")
    trace = tmp_path / "trace"
    with program(
        "reads", target.dir, READS, prefix=[strace, "-f", "-o", str(trace)]
    ) as process:
        assert process.wait(300) == 0
    found = calls_by_kind(trace)
    control = found.pop("control")
    assert control == {"getppid": 100}, "the trace would show them"
    assert len(found) >= 35
    print(f"{READS:,} reads each of {len(found)} kinds: {', '.join(found)}")
    guilty = {kind: dict(calls) for kind, calls in found.items() if calls}
    assert guilty == {}, f"on {sys.platform}, with a clock that needs no system call?"
