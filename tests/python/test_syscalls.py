"""Reading makes no system calls."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
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


def trace(
    writer: Callable[..., Writer], place: Path, reads: int, then: Callable[[Writer], object]
) -> dict[str, Counter[str]]:
    """Traces the reads of each kind, after something was done to the writer."""
    target = writer("--feed", "sim", "--rate", "2000", "--users", "20", "--markets", "4")
    trace = place / "trace"
    prefix = [need_tool("strace"), "-f", "-o", str(trace)]
    with program("reads", target.dir, reads, prefix=prefix) as process:
        assert line(process) == "ready"
        then(target)
        tell(process, "go")
        assert process.wait(300) == 0
    found = calls_by_kind(trace)
    assert found.pop("control") == {"getppid": 100}, "the trace shows what there is"
    assert len(found) >= 42
    return found


def assert_none(found: dict[str, Counter[str]], reads: int) -> None:
    print(f"{reads:,} reads each of {len(found)} kinds: {', '.join(found)}")
    guilty = {kind: dict(calls) for kind, calls in found.items() if calls}
    assert guilty == {}, "if clock_gettime: this machine's clock cannot be read without a call"


def test_a_hundred_thousand_reads_of_each_kind_make_no_system_call(
    writer: Callable[..., Writer], tmp_path: Path
) -> None:
    assert_none(trace(writer, tmp_path, READS, lambda _: None), READS)


def test_nor_do_reads_by_a_reader_that_has_followed_to_another_region(
    writer: Callable[..., Writer], tmp_path: Path
) -> None:
    def lose(target: Writer) -> None:
        (target.dir / "region").unlink()
        until("the region is made anew", (target.dir / "region").exists)

    assert_none(trace(writer, tmp_path, READS // 10, lose), READS // 10)


# They ask whether there is a writer, and look for one each time.
ASK = {"writer_alive", "generation", "feed_state", "current slot"}


@pytest.mark.parametrize("end", [Writer.stop, Writer.kill])
def test_without_a_writer_reads_look_for_another_region_ten_times_a_second_at_most(
    writer: Callable[..., Writer], tmp_path: Path, end: Callable[[Writer], object]
) -> None:
    reads = READS // 10
    began = time.monotonic()
    found = trace(writer, tmp_path, reads, end)
    calls = sum((found[kind] for kind in found.keys() - ASK), Counter[str]())
    print(f"{reads:,} reads each of {len(found)} kinds: {dict(calls)}")
    assert calls.keys() <= {"stat", "statx", "newfstatat"}
    assert calls.total() <= 10 * (time.monotonic() - began)
