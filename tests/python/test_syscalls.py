"""Reading makes no system calls."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from programs import program, tell
from support import Writer, line, need_tool, until

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


def assert_none(writer: Callable[..., Writer], place: Path, reads: int, *, anew: bool) -> None:
    """Traces the reads of each kind, perhaps of a region that was lost and made anew meanwhile."""
    target = writer("--feed", "sim", "--rate", "2000", "--users", "20", "--markets", "4")
    trace = place / "trace"
    prefix = [need_tool("strace"), "-f", "-o", str(trace)]
    with program("reads", target.dir, reads, prefix=prefix) as process:
        assert line(process) == "ready"
        if anew:
            (target.dir / "region").unlink()
            until("the region is made anew", (target.dir / "region").exists)
        tell(process, "go")
        assert process.wait(300) == 0
    found = calls_by_kind(trace)
    assert found.pop("control") == {"getppid": 100}, "the trace shows what there is"
    assert len(found) >= 42
    print(f"{reads:,} reads each of {len(found)} kinds: {', '.join(found)}")
    guilty = {kind: dict(calls) for kind, calls in found.items() if calls}
    assert guilty == {}, "if clock_gettime: this machine's clock cannot be read without a call"


def test_a_hundred_thousand_reads_of_each_kind_make_no_system_call(
    writer: Callable[..., Writer], tmp_path: Path
) -> None:
    assert_none(writer, tmp_path, READS, anew=False)


def test_nor_do_reads_by_a_reader_that_has_followed_to_another_region(
    writer: Callable[..., Writer], tmp_path: Path
) -> None:
    assert_none(writer, tmp_path, READS // 10, anew=True)
