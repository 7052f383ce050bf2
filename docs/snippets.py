"""Runs the Python blocks of documents against a live writer.

    DRIFTSHM_DIR=... python docs/snippets.py README.md docs/python.md

A document's blocks share their names, in order. A block may await at its top level. One that is
marked ``python endless`` is stopped after a second, and must have printed something by then; one
that is marked ``python part`` is only a part of a program and is not run.
"""

from __future__ import annotations

import ast
import asyncio
import contextlib
import inspect
import io
import re
import signal
import sys
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

BLOCK = re.compile(r"^```python([ a-z]*)\n(.*?)^```", re.DOTALL | re.MULTILINE)
LOOK_SECONDS = 0.2
WATCHDOG_SECONDS = 30.0


class Enough(BaseException):
    """A block has run for long enough."""


def blocks(path: Path) -> Iterator[tuple[int, str, str]]:
    """The line, the mark and the code of each block."""
    text = path.read_text(encoding="utf-8")
    for match in BLOCK.finditer(text):
        yield text.count("\n", 0, match.start(2)), match.group(1).strip(), match.group(2)


def execute(code: str, path: Path, line: int, names: dict[str, Any]) -> None:
    """Runs a block, with the line numbers of its document."""
    compiled = compile("\n" * line + code, str(path), "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    result = eval(compiled, names)
    if inspect.iscoroutine(result):
        asyncio.run(result)


@contextlib.contextmanager
def stopped(printed: io.StringIO, endless: bool) -> Iterator[None]:
    """Stops an endless block when it has printed something, and every block after a while."""
    deadline = time.monotonic() + WATCHDOG_SECONDS

    def look(_number: int, _frame: object) -> None:
        if time.monotonic() > deadline:
            raise TimeoutError("it does not end" if not endless else "it prints nothing")
        if endless and printed.getvalue():
            raise Enough

    signal.signal(signal.SIGALRM, look)
    signal.setitimer(signal.ITIMER_REAL, LOOK_SECONDS, LOOK_SECONDS)
    try:
        with contextlib.suppress(Enough):
            yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def run(path: Path) -> int:
    """Runs the blocks of a document, and returns how many."""
    names: dict[str, Any] = {"__name__": "__main__"}
    count = 0
    for line, mark, code in blocks(path):
        if mark == "part":
            continue
        if mark not in {"", "endless"}:
            raise ValueError(f"{path}:{line}: unknown mark {mark!r}")
        printed = io.StringIO()
        with stopped(printed, mark == "endless"), contextlib.redirect_stdout(printed):
            execute(code, path, line, names)
        count += 1
    return count


def main() -> int:
    """Returns the exit status."""
    for path in map(Path, sys.argv[1:]):
        try:
            print(f"{path}: {run(path)} blocks run")
        except Exception:
            traceback.print_exc()
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
