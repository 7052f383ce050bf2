"""Starting and stopping real writers, and waiting for things to happen under a watchdog."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import pytest

import driftshm

T = TypeVar("T")

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT.parent / "shared"
BINARY = Path(os.environ.get("DRIFTSHM_BINARY", ROOT / "target" / "release" / "driftshm"))
# Nothing waits longer than this for something that must happen.
WATCHDOG = 30.0


def missing(what: str) -> NoReturn:
    """What a test needs is not there: a failure in CI, a skip elsewhere."""
    if os.environ.get("CI"):
        pytest.fail(f"CI must have {what}")
    pytest.skip(f"needs {what}")


def shared(*path: str) -> Path:
    """A file of the facts and real accounts that tests compare with."""
    found = SHARED.joinpath(*path)
    if not found.exists():
        missing(f"../shared/{'/'.join(path)}")
    return found


def need_tool(name: str) -> str:
    return shutil.which(name) or missing(f"the program {name}")


def need_root() -> None:
    if os.geteuid() != 0:
        missing("root")


def until(what: str, condition: Callable[[], T], timeout: float = WATCHDOG) -> T:
    """Polls until the condition is true, and returns what it gave."""
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout} s: {what}")
        time.sleep(0.002)


def vouched_for(read: Callable[[], object]) -> bool:
    """Whether a guarded read raises nothing."""
    try:
        read()
    except driftshm.StaleError:
        return False
    return True


class Writer:
    """A writer process. Its log goes to ``<dir>.log``."""

    def __init__(
        self, directory: Path, *arguments: str, prefix: Sequence[str] = (), **options: Any
    ) -> None:
        self.dir = directory
        self.arguments = arguments
        # A program that runs the writer, such as strace.
        self.prefix = prefix
        self.options = options
        self.cluster = "test"
        self.log = directory.with_name(directory.name + ".log")
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def spawn(self) -> Writer:
        command = [
            *self.prefix, str(BINARY), "run",
            "--cluster", self.cluster, "--dir", str(self.dir), *self.arguments,
        ]  # fmt: skip
        environment = {k: v for k, v in os.environ.items() if not k.startswith("DRIFTSHM_")}
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment,
                **self.options,
            )  # fmt: skip
        return self

    def start(self) -> Writer:
        """Spawns the writer and waits until its region is live and its feed too."""
        self.spawn()
        until("the writer is live", self._is_live)
        return self

    def _is_live(self) -> bool:
        assert self.process is not None
        if self.process.poll() is not None:
            raise AssertionError(
                f"the writer exited with {self.process.returncode}:\n{self.tail()}"
            )
        try:
            with driftshm.open(self.dir) as reader:
                stats = reader.stats()
                return (
                    reader.writer_alive
                    and stats["state"] == "live"
                    and stats["writer_pid"] == self.pid
                    and stats["feed_state"] == "live"
                )
        except driftshm.OpenFailed:
            return False

    def open(self) -> driftshm.Reader:
        return driftshm.open(self.dir)

    def signal(self, number: int) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def kill(self) -> None:
        """SIGKILL, and the end awaited."""
        self.signal(signal.SIGKILL)
        assert self.process is not None
        self.process.wait(WATCHDOG)

    def stop(self) -> int:
        """SIGTERM, and the end awaited. Returns the exit status."""
        self.signal(signal.SIGTERM)
        assert self.process is not None
        return self.process.wait(WATCHDOG)

    def tail(self) -> str:
        with contextlib.suppress(OSError):
            return self.log.read_text()[-4000:]
        return ""

    def end(self) -> None:
        if self.process is not None and self.process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                self.process.send_signal(signal.SIGCONT)
            self.process.kill()
            self.process.wait(WATCHDOG)

    def __enter__(self) -> Writer:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()


@contextlib.contextmanager
def region_dir() -> Iterator[Path]:
    """A new directory on the file system that regions are meant for."""
    base = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    path = Path(tempfile.mkdtemp(prefix="driftshm-test-", dir=base))
    try:
        yield path / "region.d"
    finally:
        shutil.rmtree(path, ignore_errors=True)


def python(code: str, *arguments: str, **options: Any) -> subprocess.Popen[str]:
    """Runs a Python program beside this one; lines it prints are read from ``stdout``."""
    return subprocess.Popen(
        [sys.executable, "-u", "-c", code, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        **options,
    )


@contextlib.contextmanager
def bot(code: str, *arguments: object, **options: Any) -> Iterator[subprocess.Popen[str]]:
    """As `python`, killed at the end if it still runs."""
    process = python(code, *map(str, arguments), **options)
    try:
        yield process
    finally:
        process.kill()
        process.wait(WATCHDOG)
        if process.stdout is not None:
            process.stdout.close()


def line(process: subprocess.Popen[str], timeout: float = WATCHDOG) -> str:
    """The next line that a program prints; it is killed if none comes in time."""
    assert process.stdout is not None
    watchdog = threading.Timer(timeout, process.kill)
    watchdog.start()
    try:
        text = process.stdout.readline()
    finally:
        watchdog.cancel()
    if not text:
        raise AssertionError(
            f"the program ended ({process.wait(5)}) or said nothing for {timeout} s"
        )
    return text.rstrip("\n")


def cpu_seconds(pid: int) -> float:
    """Processor time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def cpu_ns(pid: int) -> int:
    """The same to the nanosecond, of the threads that it has."""
    threads = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((thread / "schedstat").read_text().split()[0]) for thread in threads)


def open_descriptors(pid: int) -> int:
    return len(os.listdir(f"/proc/{pid}/fd"))


def resident_kib(pid: int, what: str = "RssAnon") -> int:
    """Memory of a process in KiB: by default what is its own, not the region."""
    for text in Path(f"/proc/{pid}/status").read_text().splitlines():
        if text.startswith(what + ":"):
            return int(text.split()[1])
    raise AssertionError(f"no {what} in /proc/{pid}/status")
