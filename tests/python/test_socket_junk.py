"""The control socket: stale, taken by others, pestered, and short of descriptors."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import resource
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from children import NOBODY, in_child
from loops import changes_of
from replays import Publishing
from support import WATCHDOG, Writer, need_root, open_descriptors, resident_kib, until

import driftshm

SEED = 20_240_405
SIM = ("--feed", "sim", "--users", "10", "--markets", "8", "--seed", "7")

Start = Callable[..., Writer]


def connect(directory: Path) -> socket.socket:
    made = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    made.connect(str(directory / "control.sock"))
    made.settimeout(WATCHDOG)
    return made


def hello(directory: Path) -> socket.socket:
    """A connection that is past the greeting."""
    made = connect(directory)
    made.send(json.dumps({"op": "hello", "abi": driftshm.ABI_VERSION, "version": "x"}).encode())
    assert json.loads(made.recv(1 << 16))["re"] == "hello"
    return made


def answers(made: socket.socket) -> list[dict[str, Any]]:
    """All that comes until the writer closes."""
    found = []
    with contextlib.suppress(ConnectionResetError):
        while text := made.recv(1 << 17):
            found.append(json.loads(text))
    return found


# ---------------------------------------------------------------- a socket that is not the writer's


def test_a_stale_socket_is_a_dead_writer_until_the_next_one_replaces_it(sim: Writer) -> None:
    with sim.open() as reader:
        with reader.subscribe() as subscription:
            sim.kill()
            assert (sim.dir / "control.sock").exists()
            with pytest.raises(driftshm.WriterDeadError) as raised:
                reader.subscribe()
            assert "no writer listens on" in str(raised.value)
            assert "start it with `driftshm run`" in str(raised.value)
            with pytest.raises(driftshm.WriterDeadError):
                reader.watch(reader.users()[0])
            sim.start()
            assert subscription.wait(WATCHDOG), "it came back by itself"
        with reader.subscribe() as new:
            assert new.wait(WATCHDOG)


def test_a_file_at_the_sockets_place_is_a_dead_writer_and_replaced_by_the_next(sim: Writer) -> None:
    with sim.open() as reader:
        sim.kill()
        (sim.dir / "control.sock").unlink()
        (sim.dir / "control.sock").write_text("no socket")
        with pytest.raises(driftshm.WriterDeadError, match="driftshm run"):
            reader.subscribe()
        sim.start()
        with reader.subscribe() as subscription:
            assert subscription.wait(WATCHDOG)


@contextlib.contextmanager
def impostor(directory: Path, answer: Callable[[socket.socket], None]) -> Iterator[None]:
    """Somebody else who listens at the control socket's place."""
    path = directory / "control.sock"
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    listener.bind(str(path))
    listener.listen(16)

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                threading.Thread(target=one, args=(connection,), daemon=True).start()

    def one(connection: socket.socket) -> None:
        with contextlib.suppress(OSError), connection:
            answer(connection)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(WATCHDOG)


def says(*texts: bytes, fds: int = 0) -> Callable[[socket.socket], None]:
    def answer(connection: socket.socket) -> None:
        for text in texts:
            connection.recv(1 << 16)
            if fds and b"subscribed" in text:
                socket.send_fds(connection, [text], [0] * fds)
            else:
                connection.send(text)
        connection.recv(1)

    return answer


GREETING = json.dumps(
    {"re": "hello", "abi": driftshm.ABI_VERSION, "version": "9.9", "generation": 1}
).encode()
SUBSCRIBED = b'{"re": "subscribed", "id": 1}'
WITHOUT_ANSWER = ("does not answer: is it stopped", "closed the connection without an answer")


@pytest.mark.parametrize(
    ("answer", "error", "words"),
    [
        (
            lambda connection: connection.recv(1 << 16) and connection.recv(1),
            driftshm.WriterDeadError,
            WITHOUT_ANSWER[0],
        ),
        (lambda connection: None, driftshm.ConnectionFailed, WITHOUT_ANSWER[1]),
        (says(b"hello?"), driftshm.ConnectionFailed, "broke the protocol"),
        (says(b"\xff\x00\xfe"), driftshm.ConnectionFailed, "broke the protocol"),
        (says(b'{"re": "status"}'), driftshm.ConnectionFailed, "broke the protocol"),
        (
            says(b'{"re": "hello", "abi": 77, "version": "9.9", "generation": 1}'),
            driftshm.IncompatibleWriterError,
            "writer 9.9 has format 77",
        ),
        (
            says(b'{"re":"error","code":"incompatible","message":"too old"}'),
            driftshm.IncompatibleWriterError,
            "too old",
        ),
        (says(GREETING, SUBSCRIBED), driftshm.DescriptorLimitError, "did not arrive"),
        (says(GREETING, SUBSCRIBED, fds=1), driftshm.DescriptorLimitError, "did not arrive"),
        (says(GREETING, SUBSCRIBED, fds=2), driftshm.ConnectionFailed, "page"),
        (
            says(GREETING, SUBSCRIBED, fds=3),
            driftshm.ConnectionFailed,
            "3 descriptors instead of 2",
        ),
        (
            says(GREETING, b'{"re":"error","code":"too_many","message":"no more"}'),
            driftshm.ConnectionRefusedByWriterError,
            "no more",
        ),
        (
            says(b'{"re":"error","code":"not_allowed","message":"not you"}'),
            driftshm.ConnectionRefusedByWriterError,
            "not you",
        ),
    ],
)
def test_whoever_listens_in_the_writers_place_gets_a_bot_an_error_and_nothing_else(
    sim: Writer, answer: Any, error: type[driftshm.ConnectionFailed], words: str
) -> None:
    # These are tried again, or waited for, until the time is up.
    timeout = 0.3 if words in WITHOUT_ANSWER else WATCHDOG
    with sim.open() as reader:
        sim.kill()
        descriptors = open_descriptors(os.getpid())
        with impostor(sim.dir, answer):
            with pytest.raises(error, match=words) as raised:
                reader.subscribe(timeout=timeout)
            with pytest.raises(error, match=words):
                reader.watch(reader.users()[0], timeout=timeout)
            with pytest.raises(error, match=words):
                asyncio.run(reader.changes(timeout=timeout).__anext__())
            assert type(raised.value) is error
        until("all is closed", lambda: open_descriptors(os.getpid()) <= descriptors)


def test_a_subscription_says_why_it_does_not_get_back_to_its_writer(sim: Writer) -> None:
    with sim.open() as reader, reader.subscribe() as subscription:
        assert subscription.last_error is None

        def says_so(words: str) -> bool:
            subscription.drain()
            return words in (subscription.last_error or "")

        sim.kill()
        until("nobody is there", lambda: says_so("no writer listens"))
        newer = b'{"re": "hello", "abi": 77, "version": "9.9", "generation": 1}'
        with impostor(sim.dir, says(newer)):
            until("it is of another version", lambda: says_so("writer 9.9 has format 77"))
            assert not subscription.connected
        sim.start()
        until("it is back", lambda: subscription.wait(0.1) and subscription.connected)
        assert subscription.last_error is None


# -------------------------------------------------------------------------------------- junk


def request(op: str, **more: Any) -> bytes:
    return json.dumps({"op": op, **more}).encode()


BAD_FIRST: list[bytes] = [
    b"\0",
    b"GET / HTTP/1.1\r\n\r\n",
    b"{",
    b"[]",
    b"null",
    b'"hello"',
    b"1e400",
    b"[" * 30_000,
    b"\xff" * 65_536,
    request("status"),
    request("subscribe", filter={"everything": True}),
    request("hello"),
    request("hello", abi="1", version="x"),
    request("hello", abi=-1, version="x"),
    request("hello", abi=1 << 40, version="x"),
    request("hello", abi=99, version="x" * 60_000),
    request("reboot"),
    json.dumps({"op": "hello", "abi": 1}).encode() * 2,
]
BAD_LATER: list[bytes] = [
    request("subscribe"),
    request("subscribe", filter=None),
    request("subscribe", filter={"everything": 1}),
    request("subscribe", filter={"kinds": ["dragon"]}),
    request("subscribe", filter={"perp_markets": [70_000]}),
    request("subscribe", filter={"perp_markets": [-1]}),
    request("subscribe", filter={"pubkeys": ["not a key"]}),
    request("subscribe", filter={"unknown": True}),
    request("extend", id=77, filter={"everything": True}),
    request("unsubscribe", id=77),
    request("unsubscribe", id="1"),
    b'{"op": "status"',
]


def test_junk_is_answered_with_an_error_closed_and_disturbs_nobody_else(
    publishing: Publishing, reader: driftshm.Reader, directory: Path
) -> None:
    pid = reader.stats()["writer_pid"]
    with reader.subscribe(kinds=["user_stats"], conflate=False) as neighbour:
        publishing.say(publishing.keys[0])
        versions = [change.version for change in changes_of(neighbour.wait(WATCHDOG))]
        descriptors = open_descriptors(pid)
        for message in BAD_FIRST:
            with connect(directory) as pest:
                pest.send(message)
                replies = answers(pest)
            assert [reply["re"] for reply in replies] == ["error"], message[:60]
            assert replies[0]["code"] in ("bad_message", "incompatible")
            assert len(replies[0]["message"]) < 500
        for message in BAD_LATER:
            with hello(directory) as pest:
                pest.send(message)
                replies = answers(pest)
            assert [reply["re"] for reply in replies] == ["error"], message[:60]
            assert replies[0]["code"] == "bad_message"
        for length in (65_537, 100_000, 150_000):
            with hello(directory) as pest:
                pest.send(b" " * length)
                assert "65536 bytes at most" in answers(pest)[0]["message"]
        publishing.say(*publishing.keys)
        versions += [change.version for change in changes_of(neighbour.wait(WATCHDOG))][:1]
        assert versions == [2, 3]
        assert neighbour.times_connected == 1
        until("all are closed", lambda: open_descriptors(pid) <= descriptors)


def test_there_is_an_end_to_what_one_connection_may_ask_for(
    publishing: Publishing, reader: driftshm.Reader, directory: Path
) -> None:
    pid = reader.stats()["writer_pid"]
    before = resident_kib(pid), open_descriptors(pid)
    with hello(directory) as pest:
        codes = []
        for _ in range(100):
            pest.send(request("subscribe", filter={"everything": True}))
            text, fds, _, _ = socket.recv_fds(pest, 1 << 16, 4)
            for fd in fds:
                os.close(fd)
            codes.append(json.loads(text).get("code", "subscribed"))
        assert codes == ["subscribed"] * 64 + ["too_many"] * 36
        keys = [publishing.keys[0]] * 1_001
        pest.send(request("extend", id=1, filter={"pubkeys": keys}))
        assert json.loads(pest.recv(1 << 16))["code"] in ("too_many", "bad_message")
    with hello(directory) as pest:
        pest.send(request("subscribe", filter={"perp_markets": [0]}))
        text, fds, _, _ = socket.recv_fds(pest, 1 << 16, 4)
        for fd in fds:
            os.close(fd)
        number = json.loads(text)["id"]
        replies = []
        for _ in range(200):
            pest.send(request("extend", id=number, filter={"perp_markets": list(range(8_000))}))
            replies.append(json.loads(pest.recv(1 << 16)))
        assert "too_many" in {reply.get("code") for reply in replies}
    until("it is let go", lambda: open_descriptors(pid) <= before[1])
    assert resident_kib(pid) < before[0] + 40_000


def test_clients_that_come_and_go_or_never_read_disturb_nobody(
    publishing: Publishing, reader: driftshm.Reader, directory: Path
) -> None:
    pid = reader.stats()["writer_pid"]
    dice = random.Random(SEED)
    with reader.subscribe(kinds=["user_stats"], conflate=False) as neighbour:
        descriptors = open_descriptors(pid)
        deaf = []
        for _ in range(20):
            pest = hello(directory)
            pest.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                while True:
                    pest.send(request("status"))
            deaf.append(pest)
        for number in range(1_000):
            pest = connect(directory)
            if dice.random() < 0.5:
                pest.send(dice.choice(BAD_FIRST[:8]))
            pest.close()
            if number % 100 == 0:
                publishing.say(publishing.keys[0])
        seen: list[int] = []
        while len(seen) < 10:
            seen += [change.version for change in changes_of(neighbour.wait(WATCHDOG))]
        assert seen == list(range(2, 12))
        until("a place, when those that went are noticed", lambda: can_subscribe(reader))
        with reader.subscribe() as new:
            publishing.say(publishing.keys[1])
            assert new.wait(WATCHDOG)
        assert neighbour.times_connected == 1
        for pest in deaf:
            pest.close()
        until("all are let go", lambda: open_descriptors(pid) <= descriptors)


def test_too_many_bots_are_refused_with_a_reason_and_places_come_back(writer: Start) -> None:
    """One user gets half of the places, so that no user can keep all others out."""
    need_root()
    running = writer(*SIM, "--max-connections", "8", "--mode", "0644")
    running.dir.parent.chmod(0o755)
    running.dir.chmod(0o755)

    def connections(most: int) -> object:
        with running.open() as reader:
            held: list[driftshm.Subscription] = []
            try:
                while len(held) < most:
                    held.append(reader.subscribe())
            except driftshm.ConnectionRefusedByWriterError as refused:
                return [len(held), str(refused)]
        return [len(held), ""]

    with running.open() as reader:
        held = [reader.subscribe() for _ in range(4)]
        with pytest.raises(driftshm.ConnectionRefusedByWriterError, match="4 bots of uid 0"):
            reader.subscribe()
        count, text = in_child(lambda: connections(9), uid=NOBODY)
        assert count == 4
        assert "no more are allowed" in text
        held.pop().close()
        until("a place", lambda: can_subscribe(reader))
        assert all(one.wait(WATCHDOG) for one in held)
    for pest in (held.pop() for _ in range(3)):
        pest.close()
    until("all places", lambda: in_child(lambda: connections(4), uid=NOBODY) == [4, ""])


def can_subscribe(reader: driftshm.Reader) -> bool:
    try:
        return reader.subscribe().connected
    except driftshm.ConnectionFailed:
        return False


# ------------------------------------------------------------------------------- descriptors


def test_a_bot_without_free_descriptors_gets_a_clear_error_and_can_go_on(sim: Writer) -> None:
    def act() -> object:
        """With room for none, one, two … further descriptors."""
        outcomes = []
        with sim.open() as reader:
            user = reader.users()[0]
            highest = max(map(int, os.listdir("/proc/self/fd")))
            while os.dup(0) < highest:
                pass  # No holes.
            in_use = open_descriptors(os.getpid()) - 1
            while not outcomes or any(outcomes[-1]):
                resource.setrlimit(resource.RLIMIT_NOFILE, (in_use + len(outcomes), 4_096))
                texts = []
                for make in (reader.subscribe, lambda: reader.watch(user), sim.open):
                    try:
                        make().close()
                        texts.append("")
                    except driftshm.DescriptorLimitError as error:
                        texts.append(str(error))
                    except driftshm.OpenFailed as error:
                        texts.append(str(error).replace("Too many open files", "ulimit -n"))
                resource.setrlimit(resource.RLIMIT_NOFILE, (4_096, 4_096))
                assert open_descriptors(os.getpid()) - 1 == in_use, "nothing is left"
                outcomes.append(texts)
                assert reader.get_perp_market(0).symbol
            with reader.subscribe() as subscription:
                assert subscription.wait(WATCHDOG)
        return outcomes

    outcomes = in_child(act)
    assert isinstance(outcomes, list), outcomes
    assert 4 <= len(outcomes) <= 12
    for texts in outcomes[:-1]:
        assert all(not text or "ulimit -n" in text for text in texts), texts
    assert all(outcomes[0])
    print(f"{len(outcomes) - 1} free descriptors were enough")


@pytest.mark.parametrize("parity", [0, 1])
def test_a_writer_without_free_descriptors_refuses_and_goes_on(
    writer: Start, directory: Path, parity: int
) -> None:
    running = writer(*SIM, start=False)
    limits = (64, 64)
    running.options["preexec_fn"] = lambda: resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    running.start()
    with running.open() as reader:
        pests = [hello(directory) for _ in range(parity)]
        held: list[driftshm.Subscription] = []
        error: Exception | None = None
        while error is None:
            assert len(held) < 64
            try:
                held.append(reader.subscribe(timeout=0.5))
            except driftshm.ConnectionFailed as refused:
                error = refused
        print(f"after {len(held)} subscriptions: {type(error).__name__}: {error}")
        assert len(held) > 10
        assert isinstance(error, driftshm.ConnectionRefusedByWriterError | driftshm.WriterDeadError)
        if isinstance(error, driftshm.ConnectionRefusedByWriterError):
            assert "raise its limit of open files (LimitNOFILE, ulimit -n)" in str(error)
        assert all(one.wait(WATCHDOG) for one in held)
        version = reader.get_perp_market(0).version
        until("it publishes", lambda: reader.get_perp_market(0).version > version)
        for _ in range(3):
            held.pop().close()
        until("there is room again", lambda: can_connect(reader))
        for pest in pests:
            pest.close()


def can_connect(reader: driftshm.Reader) -> bool:
    try:
        with reader.subscribe(timeout=0.5) as subscription:
            return bool(subscription.wait(WATCHDOG))
    except driftshm.ConnectionFailed:
        return False
