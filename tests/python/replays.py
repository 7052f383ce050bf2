"""Recordings for the replay feed: real accounts, with fields changed where a test wants it.

Offsets come from ``../shared/drift/layout.json``, not from the profile: what is written here and
read back through the product was laid out by two independent hands.
"""

from __future__ import annotations

import base64
import fcntl
import functools
import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from facts import base58, from_base58, layout, real_accounts

import driftshm

PIPE_BYTES = 1 << 20


def key(number: int) -> str:
    """An address of nobody's."""
    return base58(number.to_bytes(8, "big") + bytes(23) + b"\x07")


def _steps(path: str) -> Iterator[str | int]:
    for name, index in re.findall(r"([a-z_0-9]+)|\[(\d+)\]", path):
        yield name or int(index)


def place(kind: str, path: str) -> tuple[int, int, bool]:
    """Offset in the account, size, and whether the number is signed."""
    offset, here, size, stride = 8, kind, 0, 0
    for step in _steps(path):
        if isinstance(step, int):
            offset, size = offset + step * stride, stride
            continue
        fields = layout()["structs"][here]["fields"]
        field = next(field for field in fields if field["name"] == step)
        offset += field["offset"]
        here, size, stride = field["type"], field["size"], field.get("stride", 0)
    return offset, size, here in ("i8", "i16", "i32", "i64", "i128")


@dataclass(frozen=True)
class Account:
    """An account as a recording has it."""

    kind: str
    pubkey: str
    data: bytes
    expected: dict[str, Any]

    def set(self, path: str, value: int | bytes | str) -> Account:
        """The same with another value in one field."""
        offset, size, signed = place(self.kind, path)
        if isinstance(value, str):
            value = from_base58(value)
        if isinstance(value, int):
            value = value.to_bytes(size, "little", signed=signed)
        assert len(value) == size, (path, len(value), size)
        return replace(self, data=self.data[:offset] + value + self.data[offset + size :])

    def get(self, path: str) -> int:
        offset, size, signed = place(self.kind, path)
        return int.from_bytes(self.data[offset : offset + size], "little", signed=signed)

    def at(self, pubkey: str) -> Account:
        """The same at another address."""
        return replace(self, pubkey=pubkey)

    def resized(self, length: int) -> Account:
        """Longer (filled with a pattern) or shorter."""
        grown = self.data + bytes(i % 251 for i in range(len(self.data), length))
        return replace(self, data=grown[:length])

    def line(self, **more: Any) -> str:
        return line(self.pubkey, self.data, **more)

    def closed(self, **more: Any) -> str:
        """The line that says that the account is no more."""
        return line(self.pubkey, None, lamports=0, **more)


def line(pubkey: str, data: bytes | None, **more: Any) -> str:
    text = None if data is None else base64.b64encode(data).decode()
    return json.dumps({"pubkey": pubkey, "data": text, **more})


@functools.cache
def real(kind: str) -> tuple[Account, ...]:
    """The real accounts of a kind, the newest line of each."""
    known = real_accounts(kind)
    return tuple(Account(kind, each["pubkey"], each["raw"], each["expected"]) for each in known)


def perp(index: int) -> Account:
    return next(a for a in real("PerpMarket") if a.expected["market_index"] == index)


def spot(index: int) -> Account:
    return next(a for a in real("SpotMarket") if a.expected["market_index"] == index)


def blank(kind: str, pubkey: str) -> Account:
    """An account of nothing but its discriminator and zeros."""
    described = layout()["accounts"][kind]
    data = bytes.fromhex(described["discriminator"])
    return Account(kind, pubkey, data + bytes(described["data_len"] - len(data)), {})


def user(number: int) -> Account:
    """One of any number of users that are nobody's."""
    template = real("User")[number % len(real("User"))]
    return template.at(key(number)).set("authority", key(1 << 40 | number))


class Recording:
    """A file for the replay feed."""

    def __init__(self, path: Path, *lines: str) -> None:
        self.path = path
        path.write_text("".join(f"{text}\n" for text in lines))

    @property
    def arguments(self) -> tuple[str, ...]:
        return ("--feed", "replay", "--replay", str(self.path))


class Script:
    """A feed that the test plays by hand: a named pipe in the place of a recording.

    What is said is published, in that order, before anything that is said later. It outlives the
    writer: one that is started again reads on.
    """

    # Lines are handed over when the next one has a delay; this one is nobody's account.
    PUSH = line(key(0), b"\1", owner=key(1), delay_ms=0.001) + "\n"

    def __init__(self, path: Path) -> None:
        os.mkfifo(path)
        self.path = path
        # For both, so that opening it waits for nobody and it never ends.
        self.pipe = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        fcntl.fcntl(self.pipe, fcntl.F_SETPIPE_SZ, PIPE_BYTES)

    @property
    def arguments(self) -> tuple[str, ...]:
        return ("--feed", "replay", "--replay", str(self.path))

    def say(self, *lines: str | Account) -> None:
        texts = [each.line() if isinstance(each, Account) else each for each in lines]
        rest = ("".join(f"{text}\n" for text in texts) + self.PUSH).encode()
        while rest:
            rest = rest[os.write(self.pipe, rest) :]

    def close(self) -> None:
        os.close(self.pipe)


class Publishing:
    """Accounts of a script, and how many versions of each were said.

    They are user stats, the smallest accounts that there are; ``total_fee_paid`` is the version.
    """

    def __init__(self, script: Script, count: int = 8) -> None:
        self.script = script
        self.authorities = [key(100 + number) for number in range(count)]
        self.accounts: dict[str, Account] = {}
        for authority in self.authorities:
            pubkey = driftshm.derive_user_stats_account(authority)
            self.accounts[pubkey] = blank("UserStats", pubkey).set("authority", authority)
        self.keys = list(self.accounts)
        self.versions = dict.fromkeys(self.keys, 0)

    def next(self, pubkey: str, **more: Any) -> str:
        """The line with the account's next version."""
        self.versions[pubkey] += 1
        account = self.accounts[pubkey].set("fees.total_fee_paid", self.versions[pubkey])
        return account.line(**more)

    def say(self, *pubkeys: str) -> None:
        self.script.say(*(self.next(pubkey) for pubkey in pubkeys))

    def published(self, reader: driftshm.Reader) -> dict[str, int]:
        """The versions that the region has."""
        copies = [reader.get_user_stats(authority).snapshot() for authority in self.authorities]
        assert all(copy.fees.total_fee_paid == copy.version for copy in copies)
        return {copy.pubkey: copy.version for copy in copies}
