"""Recording what feeds bring, and replaying it to the same bots."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support import BINARY, WATCHDOG, Writer, need_tool, until

import driftshm

Start = Callable[..., Writer]

SIM = ("--feed", "sim", "--rate", "2000", "--users", "40", "--seed", "11", "--cold-users", "0")
JOURNAL = ("--journal", "262144")


def replay(path: Path, *more: str) -> tuple[str, ...]:
    return ("--feed", "replay", "--replay", str(path), "--speed", "max", *JOURNAL, *more)


def bot(reader: driftshm.Reader) -> dict[str, tuple[Any, ...]]:
    """What a bot sees of every account: it knows of no recording."""
    views: list[Any] = [*reader.perp_markets(), *reader.spot_markets(), *reader.users()]
    views += [reader.get_perp_oracle(index) for index in range(len(reader.perp_markets()))]
    seen = {}
    for view in (*views, reader.get_state()):
        copy = view.snapshot() if not isinstance(view, driftshm.OracleView) else view
        seen[view.pubkey] = (view.version, view.slot, view.write_version, bytes(copy.bytes()))
    return seen


def published(reader: driftshm.Reader) -> int:
    count: int = reader.stats()["published"]
    return count


@pytest.fixture
def recording(directory: Path) -> Path:
    return directory.with_name("recording")


class Recorder:
    """``driftshm record`` beside a writer."""

    def __init__(self, path: Path, writer: Writer) -> None:
        command = [str(BINARY), "record", str(path), "--dir", str(writer.dir)]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        assert self.process.stderr is not None
        assert "Ctrl-C ends it" in self.process.stderr.readline()

    def stop(self) -> str:
        """Ctrl-C; what it has to say."""
        self.process.send_signal(signal.SIGINT)
        _, said = self.process.communicate(timeout=WATCHDOG)
        assert self.process.returncode == 0, said
        return said

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate(timeout=WATCHDOG)


@pytest.fixture
def record(recording: Path) -> Iterator[Callable[[Writer], Recorder]]:
    made: list[Recorder] = []

    def start(writer: Writer) -> Recorder:
        made.append(Recorder(recording, writer))
        return made[-1]

    yield start
    for each in made:
        if each.process.poll() is None:
            each.kill()


def test_a_session_is_replayed_twice_to_the_same_regions(
    writer: Start, directory: Path, recording: Path, record_property: Callable[[str, Any], None]
) -> None:
    running = writer(*SIM, *JOURNAL, "--record", str(recording))
    with running.open() as reader:
        until("much is published", lambda: published(reader) > 6_000)
        assert running.stop() == 0
        count, original = published(reader), bot(reader)
        assert reader.stats()["conflated"] == 0
    assert len(original) > 40 + 16
    seen = []
    for number in range(2):
        again = writer(*replay(recording), path=directory.with_name(f"replay{number}.d"))
        with again.open() as reader:
            until("all is published", lambda: published(reader) == count)
            seen.append(bot(reader))
            assert reader.feed_state == "live"
            assert reader.stats()["bad_input"] == 0
            again.stop()
            assert published(reader) == count, "and nothing else"
    assert seen[0] == seen[1] == original
    size = recording.stat().st_size
    record_property("recording", f"{count} versions in {size} bytes")
    print(f"{count} versions in a recording of {size} bytes")


def test_a_running_writer_is_recorded_without_being_restarted(
    writer: Start, directory: Path, recording: Path, record: Callable[[Writer], Recorder]
) -> None:
    running = writer(*SIM)
    with running.open() as reader:
        until("something is published", lambda: published(reader) > 500)
        generation = reader.generation
        recorder = record(running)
        before = published(reader)
        until("much more is", lambda: published(reader) > before + 3_000)
        said = recorder.stop()
        assert re.search(r"recorded \d+ bytes", said)
        assert reader.writer_alive
        assert reader.generation == generation
        sim = bot(reader)
    again = writer(*replay(recording), path=directory.with_name("replay.d"))
    with again.open() as reader:
        # Every account is there, also those that did not change meanwhile.
        until("all accounts", lambda: bot(reader).keys() == sim.keys())
        until("what came later, too", lambda: published(reader) > 3_000)
        assert reader.stats()["bad_input"] == 0
        market: Any = reader.get_perp_market("SOL-PERP")
        assert market.oracle_price > 0
        assert market.mark_price > 0


def test_a_recorder_that_is_killed_leaves_what_was_recorded_until_then(
    writer: Start, directory: Path, recording: Path, record: Callable[[Writer], Recorder]
) -> None:
    running = writer(*SIM)
    with running.open() as reader:
        recorder = record(running)
        until("some blocks", lambda: recording.read_bytes().count(b"DRIFTBLK") > 3)
        recorder.kill()
        until("the writer goes on", lambda: published(reader) > 2_000)
        assert reader.writer_alive
    for cut in (0, 1, 1000):
        short = directory.with_name(f"short{cut}")
        whole = recording.read_bytes()
        short.write_bytes(whole[: len(whole) - cut])
        again = writer(*replay(short), path=directory.with_name(f"replay{cut}.d"))
        with again.open() as reader:
            until("users", lambda: len(reader.users()) == 40)
            until("it says why it ends", lambda: "recorder was killed" in again.tail())
            assert reader.stats()["bad_input"] == 0


def test_a_writer_that_is_killed_leaves_a_recording_that_the_next_one_adds_to(
    writer: Start, directory: Path, recording: Path
) -> None:
    running = writer(*SIM, "--record", str(recording))
    until("a block", lambda: recording.stat().st_size > 10_000)
    running.kill()
    first = recording.stat().st_size
    running.start()
    until("another session", lambda: recording.stat().st_size > first + 10_000)
    running.stop()
    again = writer(*replay(recording), path=directory.with_name("replay.d"))
    with running.open() as reader, again.open() as replayed:
        until("all accounts", lambda: bot(reader).keys() == bot(replayed).keys())
        until("as they are", lambda: _contents(bot(replayed)) == _contents(bot(reader)))
    until("two sessions", lambda: again.tail().count("a recorded session") == 2)


def _contents(seen: dict[str, tuple[Any, ...]]) -> dict[str, tuple[Any, ...]]:
    """Without versions: a writer that starts again goes on counting, a replay begins."""
    return {pubkey: stamp[1:] for pubkey, stamp in seen.items()}


def test_a_recorder_follows_a_writer_that_is_started_again(
    writer: Start, recording: Path, record: Callable[[Writer], Recorder]
) -> None:
    running = writer(*SIM)
    recorder = record(running)
    until("a block", lambda: recording.exists() and recording.stat().st_size > 10_000)
    running.stop()
    before = recording.stat().st_size
    running.start()
    until("more", lambda: recording.stat().st_size > before + 10_000)
    assert "a writer is there again" in recorder.stop()


def test_damage_is_passed_over_and_told(writer: Start, directory: Path, recording: Path) -> None:
    running = writer(*SIM, "--record", str(recording))
    until("some blocks", lambda: recording.read_bytes().count(b"DRIFTBLK") > 4)
    running.stop()
    data = bytearray(recording.read_bytes())
    blocks = [match.start() - 8 for match in re.finditer(b"DRIFTBLK", data)]
    data[blocks[2] + 100] ^= 0xFF
    recording.write_bytes(data)
    again = writer(*replay(recording), path=directory.with_name("replay.d"))
    with again.open() as reader:
        until("it was noticed", lambda: reader.stats()["bad_input"] == 2)
        until("what is behind it", lambda: published(reader) > 1_000)
    until("it is said", lambda: f"the block at byte {blocks[2]} is damaged" in again.tail())
    missing = rf"\d+ items before byte {blocks[3]} are missing"
    until("and what is missing", lambda: re.search(missing, again.tail()))


def test_a_recording_is_checked_by_zstd_itself(writer: Start, recording: Path) -> None:
    zstd = need_tool("zstd")
    running = writer(*SIM, "--record", str(recording))
    until("some blocks", lambda: recording.stat().st_size > 10_000)
    running.stop()
    subprocess.run([zstd, "--test", "--quiet", str(recording)], check=True, timeout=WATCHDOG)


@pytest.mark.parametrize("content", [b"precious\n", b"\x28\xb5\x2f\xfd junk"])
def test_what_is_no_recording_is_not_written_to(
    writer: Start, sim: Writer, directory: Path, recording: Path, content: bytes
) -> None:
    recording.write_bytes(content)
    command = [str(BINARY), "record", str(recording), "--dir", str(sim.dir)]
    run = subprocess.run(command, capture_output=True, text=True, timeout=WATCHDOG, check=False)
    assert run.returncode != 0
    assert "something else in it already" in run.stderr
    refused = writer(
        *SIM, "--record", str(recording), start=False, path=directory.with_name("refused.d")
    )
    refused.spawn()
    assert refused.process is not None
    assert refused.process.wait(WATCHDOG) == 2
    assert recording.read_bytes() == content


def test_the_pace_of_a_recording_is_kept(writer: Start, directory: Path, recording: Path) -> None:
    running = writer(*SIM, "--record", str(recording))
    with running.open() as reader:
        until("two seconds of it", lambda: published(reader) > 4_000)
    running.stop()
    arguments = ("--feed", "replay", "--replay", str(recording), "--speed", "1")
    again = writer(*arguments, path=directory.with_name("replay.d"))
    with again.open() as reader:
        first = until("it begins", lambda: published(reader))
        assert first < 3_000, "not all at once"
        until("it goes on", lambda: published(reader) > first + 500)


def test_recordings_are_limited_in_number(sim: Writer, directory: Path) -> None:
    recorders = [Recorder(directory.with_name(f"recording{n}"), sim) for n in range(4)]
    path = directory.with_name("one-too-many")
    command = [str(BINARY), "record", str(path), "--dir", str(sim.dir)]
    run = subprocess.run(command, capture_output=True, text=True, timeout=WATCHDOG, check=False)
    assert "as many recordings" in run.stderr
    # One that is stopped does not hold up the writer, nor its end.
    os.kill(recorders[0].process.pid, signal.SIGSTOP)
    with sim.open() as reader:
        before = published(reader)
        until("the writer goes on", lambda: published(reader) > before + 500)
    assert sim.stop() == 0
    os.kill(recorders[0].process.pid, signal.SIGCONT)
    for recorder in recorders:
        recorder.kill()
