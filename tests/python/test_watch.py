"""Accounts that the writer follows only for as long as somebody wants them."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from loops import changes_of
from replays import Recording, key, perp, user
from support import WATCHDOG, Writer, bot, line, until, vouched_for

import driftshm

Start = Callable[..., Writer]
USERS = [user(number) for number in range(6)]
FIRST, SECOND, THIRD = (each.pubkey for each in USERS[:3])
WATCHED = ("--follow", "watched", "--watch-linger", "1")
SIM = ("--feed", "sim", "--rate", "2000", "--markets", "4", "--seed", "7")


@pytest.fixture
def recording(directory: Path) -> tuple[str, ...]:
    """A market and six users, in a recording that has come to its end."""
    made = Recording(
        directory.with_name("recording"), perp(0).line(), *(each.line() for each in USERS)
    )
    return made.arguments


def users_of(reader: driftshm.Reader) -> set[str]:
    return {view.pubkey for view in reader.users()}


# What a writer that did not get a processor for a while gives a reader cause to say.
LATE = ("no heartbeat of the writer", "was last heard of")


def is_stale(view: Any) -> bool:
    """Whether an account is not followed any more, which must be what is said of it."""
    deadline = time.monotonic() + WATCHDOG
    while True:
        try:
            view.ensure_fresh(0.5)
        except driftshm.StaleError as error:
            said = str(error)
            if (
                "the writer does not vouch for it: it is not followed any more (reader.watch"
                in said
            ):
                return True
            assert any(words in said for words in LATE) and time.monotonic() < deadline, said
            time.sleep(0.01)
        else:
            return False


def test_a_watched_account_appears_and_is_dropped_a_while_after_the_last_watcher(
    writer: Start, recording: tuple[str, ...]
) -> None:
    with writer(*recording, *WATCHED).open() as reader:
        until("the market", lambda: reader.get_perp_market(0))
        assert reader.get_user(FIRST) is None
        assert reader.users() == []
        with reader.watch(FIRST, SECOND) as watch:
            assert watch.pubkeys == [FIRST, SECOND]
            view = until("it is brought", lambda: reader.get_user(FIRST))
            until("both", lambda: users_of(reader) == {FIRST, SECOND})
            assert view.ensure_fresh(WATCHDOG).bytes() == USERS[0].data
            another = reader.watch(FIRST)
        until("the second is let go", lambda: is_stale(reader.get_user(SECOND)))
        assert not is_stale(view), "somebody still wants it"
        until("it is got", lambda: vouched_for(lambda: reader.get_user(FIRST, max_age=0.5)))
        assert reader.get_user(FIRST, max_age=WATCHDOG) is view
        another.close()
        until("the first, too", lambda: is_stale(view))
        assert view.bytes() == USERS[0].data, "the last state can be read"
        with pytest.raises(driftshm.StaleError, match=FIRST):
            reader.get_user(FIRST, max_age=0.5)
        with reader.watch(view):
            until("it is followed again", lambda: not is_stale(view))
            assert reader.get_user(FIRST) is view


def test_who_comes_back_while_it_lingers_finds_it_followed_all_the_time(
    writer: Start, recording: tuple[str, ...]
) -> None:
    with writer(*recording, "--follow", "watched", "--watch-linger", "30").open() as reader:
        with reader.watch(FIRST):
            view = until("it is brought", lambda: reader.get_user(FIRST))
        for _ in range(20):
            with reader.watch(FIRST):
                assert not is_stale(view)
        assert not is_stale(view)


@pytest.mark.parametrize("conflate", [True, False])
def test_a_stream_of_an_account_makes_it_followed(
    writer: Start, recording: tuple[str, ...], conflate: bool
) -> None:
    with writer(*recording, *WATCHED).open() as reader:
        with reader.subscribe(users=[THIRD], conflate=conflate) as stream:
            change = changes_of(stream.wait(WATCHDOG))[0]
            assert (change.kind, change.key, change.version) == ("user", THIRD, 1)
            assert change.view.authority == key(1 << 40 | 2)
            assert change.view.ensure_fresh(WATCHDOG)
            view = change.view
        until("it is let go with the stream", lambda: is_stale(view))


def test_a_watch_that_is_dropped_or_whose_bot_is_killed_ends_as_well(
    writer: Start, recording: tuple[str, ...]
) -> None:
    code = """
import sys, time, driftshm
watch = driftshm.open(sys.argv[1]).watch(sys.argv[2])
print("watching")
time.sleep(600)
"""
    running = writer(*recording, *WATCHED)
    with running.open() as reader:
        with bot(code, running.dir, FIRST) as watcher:
            assert line(watcher) == "watching"
            view = until("it is brought", lambda: reader.get_user(FIRST))
            assert not is_stale(view)
        until("its bot was killed", lambda: is_stale(view))
        watch: Any = reader.watch(FIRST)
        until("it is followed again", lambda: not is_stale(view))
        del watch
        gc.collect()
        until("it was dropped", lambda: is_stale(view))


def test_accounts_that_are_named_at_the_start_are_followed_for_ever(
    writer: Start, recording: tuple[str, ...]
) -> None:
    flags = ("--user", FIRST, "--user", SECOND, "--watch-linger", "0")
    with writer(*recording, "--follow", "watched", *flags).open() as reader:
        until("both are there", lambda: users_of(reader) == {FIRST, SECOND})
        with reader.watch(FIRST):
            pass
        view = reader.get_user(FIRST)
        until("time has passed", lambda: view.age > 1.5)
        assert not is_stale(view)


@pytest.mark.parametrize("end", [Writer.kill, Writer.stop])
def test_a_watch_is_renewed_with_a_writer_that_is_started_again(
    writer: Start, directory: Path, end: Callable[[Writer], object]
) -> None:
    """On users of the simulated feed that it brings to those only who want them."""
    cold = cold_users(writer, directory.with_name("all"))
    running = writer(*SIM, "--users", "4", "--cold-users", "8", *WATCHED)
    with running.open() as reader:
        assert not users_of(reader) & set(cold)
        watch = reader.watch(*cold[:2])
        stream = reader.subscribe(users=cold[2])
        views = [until("it is brought", lambda p=p: reader.get_user(p)) for p in cold[:3]]
        for flags in ((), ("--max-users", "100")):
            end(running)
            running = writer(*running.arguments, *flags)
            old = [view.version for view in views]

            def renewed(old: list[int] = old) -> bool:
                stream.drain()  # A stream connects again when it is looked at.
                versions = [view.version for view in views]
                return all(map(int.__ne__, versions, old)) and not any(map(is_stale, views))

            until("all change again, and are vouched for", renewed)
            assert changes_of(stream.wait(WATCHDOG))[0].view is views[2]
        assert not users_of(reader) & set(cold[3:])
        watch.close()
        until("it is let go", lambda: is_stale(views[0]))
        assert not is_stale(views[2])


def cold_users(writer: Start, directory: Path) -> list[str]:
    """Authorities have the same addresses in every run with that seed, however many users there
    are; with four of them the first three are taken."""
    everybody = writer(*SIM, "--users", "20", path=directory)
    with everybody.open() as reader:
        first = {view.authority: view.pubkey for view in reader.users() if view.sub_account_id == 0}
    everybody.stop()
    return list(first.values())[3:11]


def test_a_full_section_takes_the_records_of_those_whom_nobody_wants(
    writer: Start, recording: tuple[str, ...]
) -> None:
    """Whoever still holds one of those reads it as gone, never as another account."""
    flags = ("--follow", "watched", "--watch-linger", "0", "--max-users", "2")
    with writer(*recording, *flags).open() as reader:
        keep = reader.watch(SECOND)
        with reader.watch(FIRST):
            view = until("it is brought", lambda: reader.get_user(FIRST))
            nested, before = view.orders[0], view.snapshot()
            until("both", lambda: users_of(reader) == {FIRST, SECOND})
            third = reader.watch(THIRD)
            until("there is no room", lambda: reader.stats()["section_full"] > 0)
            assert users_of(reader) == {FIRST, SECOND}
            third.close()
        until("nobody wants it", lambda: is_stale(view))
        assert view.authority == before.authority
        with reader.watch(THIRD):
            until("there is room now", lambda: reader.get_user(THIRD))
            assert users_of(reader) == {SECOND, THIRD}
            for read in (
                lambda: view.authority,
                view.to_dict,
                view.snapshot,
                view.bytes,
                lambda: nested.price,
                lambda: driftshm.fields("authority")(view),
                lambda: view.closed,
                lambda: view.ensure_fresh(WATCHDOG),
            ):
                with pytest.raises(driftshm.AccountGoneError, match=r"reader\.watch") as raised:
                    read()
                assert f"account {FIRST} is no longer in the region" in str(raised.value)
            assert view.pubkey == FIRST
            assert before.authority == key(1 << 40)
            assert reader.get_user(FIRST) is None
            assert reader.stats()["reclaimed"] == 1
        third_view = reader.get_user(THIRD)
        until("nobody wants the third", lambda: is_stale(third_view))
        with reader.watch(FIRST):
            again = until("it comes back", lambda: reader.get_user(FIRST))
            assert again.ensure_fresh(WATCHDOG).snapshot() == before
        keep.close()


def test_thousands_of_accounts_can_be_watched_at_once(
    writer: Start, recording: tuple[str, ...]
) -> None:
    """More than fit in one message."""
    pubkeys = [key(10_000 + number) for number in range(3_500)]
    with writer(*recording, *WATCHED).open() as reader:
        with reader.watch(*pubkeys, *(each.pubkey for each in USERS)):
            until("all that there are", lambda: len(reader.users()) == len(USERS))
        with reader.subscribe(users=[*pubkeys, FIRST]) as stream:
            until("it is there", lambda: reader.get_user(FIRST))
            assert stream.connected
        too_many = [key(20_000 + number) for number in range(200_000)]
        with pytest.raises(driftshm.ConnectionRefusedByWriterError, match="may ask for"):
            reader.watch(*too_many, timeout=WATCHDOG)
        assert reader.watch(FIRST).pubkeys == [FIRST]
