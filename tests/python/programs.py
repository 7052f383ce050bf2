"""Running the programs in ``bots/``."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
Program = subprocess.Popen[str]


@contextlib.contextmanager
def program(name: str, *arguments: object, **options: Any) -> Iterator[Program]:
    """Runs ``bots/<name>.py``; it is told things by lines, and killed at the end."""
    command = [sys.executable, "-u", "-m", f"bots.{name}", *map(str, arguments)]
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
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                with contextlib.suppress(BrokenPipeError):
                    stream.close()


def tell(process: Program, what: str) -> None:
    """Sends a line."""
    assert process.stdin is not None
    process.stdin.write(what + "\n")
    process.stdin.flush()
