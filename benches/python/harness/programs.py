"""The programs that are measured, and a directory to run them in."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import driftshm

ROOT = Path(__file__).resolve().parents[3]
PYTHON = ROOT / "benches" / "python"
BINARY = Path(os.environ.get("DRIFTSHM_BINARY", ROOT / "target" / "release" / "driftshm"))
# The Rust side of the benches.
TOOL = Path(os.environ.get("DRIFTSHM_BENCH_BINARY", BINARY.with_name("driftshm-bench")))
# A local cluster that speaks Solana's protocols.
CLUSTER = Path(os.environ.get("DRIFTSHM_CLUSTER_BINARY", BINARY.with_name("driftshm-cluster")))
SIM = ("--feed", "sim", "--seed", "1")
# Nothing waits longer than this for something that must happen.
WATCHDOG = 60.0


class BenchError(Exception):
    """A program that is measured did not do what it should."""


def until(what: str, condition: Callable[[], object]) -> None:
    """Looks until it is so; nothing of this takes long."""
    deadline = time.monotonic() + WATCHDOG
    while not condition():
        if time.monotonic() > deadline:
            raise BenchError(f"not within {WATCHDOG:.0f} s: {what}")


def environment() -> dict[str, str]:
    return {k: v for k, v in os.environ.items() if not k.startswith("DRIFTSHM_")}


@contextlib.contextmanager
def directory() -> Iterator[Path]:
    """A new directory on the file system that regions are meant for."""
    base = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    path = Path(tempfile.mkdtemp(prefix="driftshm-bench-", dir=base))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


class Writer:
    """A writer on the simulated feed, or on another, in a directory of its own; use it with
    ``with``."""

    def __init__(self, *arguments: str, feed: Sequence[str] = SIM) -> None:
        self.arguments = (*feed, *arguments)
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Writer:
        base = self._stack.enter_context(directory())
        self.dir = base / "region.d"
        self.log = base / "log"
        command = [
            str(BINARY), "run", "--cluster", "bench", "--dir", str(self.dir),
            *self.arguments,
        ]  # fmt: skip
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment()
            )
        self._stack.callback(self._end)
        deadline = time.monotonic() + WATCHDOG
        try:
            while not self._is_live():
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise BenchError(f"the writer did not start:\n{self.log.read_text()[-2000:]}")
                time.sleep(0.005)
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _is_live(self) -> bool:
        try:
            with driftshm.open(self.dir) as reader:
                stats = reader.stats()
                return reader.writer_alive and stats["feed_state"] == "live"
        except driftshm.OpenFailed:
            return False

    def _end(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGCONT)
            self.process.kill()
        self.process.wait(WATCHDOG)

    def open(self) -> driftshm.Reader:
        return driftshm.open(self.dir)

    def suspend(self) -> None:
        """SIGSTOP, and the stop awaited."""
        self.process.send_signal(signal.SIGSTOP)
        stat = Path(f"/proc/{self.process.pid}/stat")
        until("SIGSTOP stops", lambda: stat.read_text().rsplit(")", 1)[1].split()[0] == "T")

    def resume(self) -> None:
        self.process.send_signal(signal.SIGCONT)


class Cluster:
    """A local cluster with simulated accounts; use it with ``with``."""

    def __init__(self, *arguments: str) -> None:
        self.arguments = arguments

    def __enter__(self) -> Cluster:
        # Where the port of RPC is known, clients take the next one for pubsub.
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        ports = ["--rpc-port", str(port), "--ws-port", str(port + 1)]
        self.process = subprocess.Popen(
            [str(CLUSTER), *ports, *self.arguments], stdout=subprocess.PIPE, env=environment()
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise BenchError("the cluster did not start")
        self.urls: dict[str, str] = json.loads(line)
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait(WATCHDOG)
        assert self.process.stdout is not None
        self.process.stdout.close()


class Child:
    """A Python program of ``children/``: takes orders on its stdin, a line each, and answers each
    with a line of JSON. Its first line says that it is ready."""

    def __init__(self, module: str, *arguments: str, pass_fds: tuple[int, ...] = ()) -> None:
        self.name = module
        self.process = subprocess.Popen(
            [sys.executable, "-m", f"children.{module}", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=PYTHON,
            env=environment(),
            pass_fds=pass_fds,
        )

    def __enter__(self) -> Child:
        self.ready = self.answer()
        return self

    def __exit__(self, *_: object) -> None:
        """Its stdin ends, and so should it: it may have programs of its own to end."""
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(WATCHDOG)

    def order(self, *words: object) -> None:
        assert self.process.stdin is not None
        print(*words, file=self.process.stdin, flush=True)

    def answer(self) -> Any:
        assert self.process.stdout is not None
        watchdog = threading.Timer(WATCHDOG, self.process.kill)
        watchdog.start()
        try:
            line = self.process.stdout.readline()
        finally:
            watchdog.cancel()
        if not line:
            raise BenchError(f"children/{self.name}.py ended or said nothing for {WATCHDOG:.0f} s")
        return json.loads(line)

    def ask(self, *words: object) -> Any:
        self.order(*words)
        return self.answer()


def tool(*arguments: object) -> list[Any]:
    """Runs the Rust side, and returns what its lines say."""
    command = [str(TOOL), *map(str, arguments)]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=10 * WATCHDOG, check=False
    )
    if done.returncode != 0:
        raise BenchError(f"{' '.join(command)} failed:\n{done.stderr[-2000:]}")
    return [json.loads(line) for line in done.stdout.splitlines()]
