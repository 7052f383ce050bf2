"""``make demo``: a writer on the simulated feed and two bots that await its changes.

The writer and each bot are processes of their own; what they print scrolls by with a label. After
DEMO_SECONDS (10), or at Ctrl-C, the bots end, then the writer, and nothing is left behind.
"""

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
from pathlib import Path
from typing import NoReturn

import driftshm

EXAMPLES = Path(__file__).resolve().parent
BINARY = Path(
    os.environ.get("DRIFTSHM_BINARY", EXAMPLES.parent / "target" / "release" / "driftshm")
)
# A small region: it fits a container's /dev/shm of 64 MiB several times.
WRITER = (
    "run --cluster demo --feed sim --markets 20 --users 300 --rate 2000 --log-level warn "
    "--max-users 512 --max-user-stats 512 --max-oracles 64"
)
BOTS = {
    "prices": ["watch_prices", "--every", "0.5", "--markets", "SOL-PERP", "BTC-PERP", "ETH-PERP"],
    "funding": ["funding_table", "--every", "3", "--rows", "5"],
}
COLOURS = {"demo": 1, "writer": 2, "prices": 36, "funding": 33}
# Nothing that must happen takes longer.
PATIENCE = 30.0


class DemoError(Exception):
    """The demo cannot go on."""


def say(label: str, text: str) -> None:
    """Prints a labelled line, in one piece."""
    head = f"{label:>8} │"
    if sys.stdout.isatty() and "NO_COLOR" not in os.environ:
        head = f"\x1b[{COLOURS[label]}m{head}\x1b[0m"
    sys.stdout.write(f"{head} {text}\n")
    sys.stdout.flush()


class Process:
    """A process whose lines are printed with its label. Ctrl-C does not reach it."""

    def __init__(self, label: str, command: list[str]) -> None:
        self.label = label
        environment = {k: v for k, v in os.environ.items() if not k.startswith("DRIFTSHM_")}
        self.popen = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=environment,
            text=True,
            start_new_session=True,
        )
        self.printer = threading.Thread(target=self._print, daemon=True)
        self.printer.start()

    def _print(self) -> None:
        assert self.popen.stdout is not None
        for line in self.popen.stdout:
            say(self.label, line.rstrip("\n"))

    def stop(self) -> None:
        """Asks it to end, and raises if it does not, or not well."""
        if self.popen.poll() is None:
            is_writer = self.label == "writer"
            self.popen.send_signal(signal.SIGTERM if is_writer else signal.SIGINT)
        try:
            status = self.popen.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            raise DemoError(f"{self.label} does not end") from None
        self.printer.join(PATIENCE)
        if status != 0:
            raise DemoError(f"{self.label} ended with status {status}")

    def end(self) -> None:
        """Whatever happened: it does not outlive the demo."""
        if self.popen.poll() is None:
            self.popen.kill()
            self.popen.wait()


def place() -> Path:
    """A new directory, in memory if there is room."""
    memory = Path("/dev/shm")
    room = os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > 48 << 20
    return Path(tempfile.mkdtemp(prefix="driftshm-demo-", dir=memory if room else None))


def wait_until_live(writer: Process, directory: Path) -> driftshm.Reader:
    """The reader of a region whose feed is live."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if writer.popen.poll() is not None:
            raise DemoError("the writer did not start: see above")
        try:
            reader = driftshm.open(directory)
        except (driftshm.NoRegionError, driftshm.RegionNotReadyError):
            time.sleep(0.01)
            continue
        if reader.feed_state == "live":
            return reader
        time.sleep(0.01)
    raise DemoError(f"the writer is not live after {PATIENCE:.0f} s")


def run(directory: Path, seconds: float, processes: list[Process]) -> None:
    """Starts the writer and then the bots, and lets them run."""
    started = time.monotonic()
    writer = Process("writer", [str(BINARY), *WRITER.split(), "--dir", str(directory)])
    processes.append(writer)
    reader = wait_until_live(writer, directory)
    took = (time.monotonic() - started) * 1e3
    markets, users = len(reader.perp_markets()), len(reader.users())
    say("demo", f"the writer is live after {took:.0f} ms: {markets} perp markets, {users} users")
    for label, (example, *arguments) in BOTS.items():
        main = str(EXAMPLES / example / "main.py")
        bot = Process(label, [sys.executable, "-u", main, str(directory), *arguments])
        processes.append(bot)
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        for process in processes:
            if process.popen.poll() is not None:
                raise DemoError(f"{process.label} ended before its time")
        time.sleep(min(left, 0.1))
    stats = reader.stats()
    say("demo", f"{stats['published']:,} versions published, bots woken {stats['wakeups']:,} times")


def ignore_signals() -> None:
    """Nothing may come between any more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)


def interrupt(_number: int, _frame: object) -> NoReturn:
    """SIGTERM ends the demo as Ctrl-C does."""
    raise KeyboardInterrupt


def main() -> int:
    """Returns the exit status."""
    # SIGINT too: where it is ignored (a shell's background job), the bots would ignore it as well.
    signal.signal(signal.SIGINT, interrupt)
    signal.signal(signal.SIGTERM, interrupt)
    processes: list[Process] = []
    directory = place()
    try:
        run(directory, float(os.environ.get("DEMO_SECONDS", "10")), processes)
        ignore_signals()
        # The bots first; the writer was started before them.
        for process in reversed(processes):
            process.stop()
        say("demo", "all stopped")
        return 0
    except KeyboardInterrupt:
        ignore_signals()
        say("demo", "interrupted: stopping")
        for process in reversed(processes):
            # A bot that was just starting ends with another status.
            with contextlib.suppress(DemoError):
                process.stop()
        return 130
    except (DemoError, driftshm.DriftShmError, OSError) as error:
        say("demo", f"failed: {error}")
        return 1
    finally:
        ignore_signals()
        for process in reversed(processes):
            process.end()
        shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
