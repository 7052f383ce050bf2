"""Running the programs in ``bots/``."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from support import WATCHDOG

HERE = Path(__file__).parent
Program = subprocess.Popen[str]


@contextlib.contextmanager
def program(
    name: str, *arguments: object, prefix: Sequence[str] = (), **options: Any
) -> Iterator[Program]:
    """Runs ``bots/<name>.py``; it is told things by lines, and killed at the end."""
    command = [*prefix, sys.executable, "-u", "-m", f"bots.{name}", *map(str, arguments)]
    paths = [str(HERE), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}
    pipe = subprocess.PIPE
    process = subprocess.Popen(
        command, stdin=pipe, stdout=pipe, text=True, env=environment, **options
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        if process.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                process.stdin.close()


def tell(process: Program, what: str) -> None:
    """Sends a line."""
    assert process.stdin is not None
    process.stdin.write(what + "\n")
    process.stdin.flush()


class Reports:
    """What a program reports: a JSON object a line, with ``event`` and ``ns``."""

    def __init__(self, process: Program) -> None:
        self.process = process
        self.events: list[dict[str, Any]] = []
        self.news = threading.Condition()
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        assert self.process.stdout is not None
        for text in self.process.stdout:
            with self.news:
                self.events.append(json.loads(text))
                self.news.notify_all()
        with self.news:
            self.news.notify_all()

    def wait_for(
        self, event: str, since_ns: int, by: str = "ns", timeout: float = WATCHDOG
    ) -> dict[str, Any]:
        """The first such event with a time, in the field named, after that one."""
        deadline = time.monotonic() + timeout
        place = 0
        with self.news:
            while True:
                while place < len(self.events):
                    found = self.events[place]
                    place += 1
                    if found["event"] == event and found[by] > since_ns:
                        return found
                assert self.process.poll() is None, f"{event} awaited: the program has ended"
                left = deadline - time.monotonic()
                assert left > 0, f"no {event} within {timeout} s; last: {self.events[-3:]}"
                self.news.wait(min(left, 0.5))

    def forget(self) -> None:
        """Drops all but the newest event."""
        with self.news:
            del self.events[:-1]


@contextlib.contextmanager
def reporter(name: str, *arguments: object) -> Iterator[Reports]:
    """As `program`, with its reports."""
    with program(name, *arguments) as process:
        yield Reports(process)
