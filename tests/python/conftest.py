"""Fixtures: a directory of one's own, and writers that end with the test."""

from __future__ import annotations

import faulthandler
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from replays import Publishing, Recording, Script, blank, real
from support import BINARY, Writer, region_dir, until

import driftshm

faulthandler.enable()


@pytest.fixture(scope="session", autouse=True)
def built() -> None:
    if not BINARY.exists():
        pytest.exit(f"{BINARY} is not there: make build", returncode=2)


@pytest.fixture
def directory() -> Iterator[Path]:
    with region_dir() as path:
        yield path


@pytest.fixture
def writer(directory: Path) -> Iterator[Callable[..., Writer]]:
    """Makes writers: ``writer("--feed", "sim")`` is started and live."""
    made: list[Writer] = []

    def make(*arguments: str, start: bool = True, path: Path | None = None) -> Writer:
        new = Writer(path or directory, *arguments)
        made.append(new)
        return new.start() if start else new

    yield make
    for each in made:
        each.end()


@pytest.fixture
def sim(writer: Callable[..., Writer]) -> Writer:
    """A live writer on a small simulated feed."""
    return writer("--feed", "sim", "--rate", "500", "--users", "20", "--seed", "7")


@pytest.fixture
def script(directory: Path) -> Iterator[Script]:
    """A feed that the test plays by hand."""
    made = Script(directory.with_name("script"))
    yield made
    made.close()


@pytest.fixture
def publishing(writer: Callable[..., Writer], script: Script) -> Publishing:
    """A live writer with eight accounts in it, all in version 1."""
    made = Publishing(script)
    made.say(*made.keys)
    with writer(*script.arguments).open() as reader:
        until("all are there", lambda: reader.stats()["published"] == len(made.keys))
    return made


@pytest.fixture
def reader(publishing: Publishing, directory: Path) -> Iterator[driftshm.Reader]:
    with driftshm.open(directory) as opened:
        yield opened


@pytest.fixture
def accounts(writer: Callable[..., Writer], directory: Path) -> driftshm.Reader:
    """All real markets and users, and nothing changes."""
    every = [
        *real("PerpMarket"),
        *real("SpotMarket"),
        *real("User"),
        blank("State", driftshm.derive_state_account()),
    ]
    recording = Recording(directory.with_name("recording"), *(each.line() for each in every))
    reader = writer(*recording.arguments).open()
    until("all are there", lambda: reader.stats()["published"] == len(every))
    return reader
