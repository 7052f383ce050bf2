"""The program's layout and the real accounts, and files for the replay feed made of them."""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from bots.keys import base58, from_base58
from support import shared

Account = dict[str, Any]

# Bytes of an account before its struct.
DISCRIMINATOR = 8
INTEGERS = {"i8": "b", "i16": "h", "i32": "i", "i64": "q", "u8": "B", "u16": "H", "u32": "I"} | {
    "u64": "Q"
}


def invented_key(number: int) -> str:
    """A public key that no account has."""
    return base58(b"invented" + number.to_bytes(24, "big"))


@cache
def layout() -> dict[str, Any]:
    """The program's structs and enums, from a decoder that is not ours."""
    loaded: dict[str, Any] = json.loads(shared("drift", "layout.json").read_text())
    return loaded


def fields(name: str) -> list[dict[str, Any]]:
    """The fields of a struct."""
    known = layout()["structs"][name]
    found: list[dict[str, Any]] = known["fields"]
    return found


def field(struct_name: str, path: str) -> tuple[int, str]:
    """Where in the account a field is, and its type."""
    offset, kind = DISCRIMINATOR, struct_name
    for name in path.split("."):
        found = next(each for each in fields(kind) if each["name"] == name)
        offset, kind = offset + found["offset"], found["type"]
    return offset, kind


def patched(struct_name: str, data: bytes, values: Mapping[str, Any]) -> bytes:
    """The account with other values in some of its fields."""
    account = bytearray(data)
    for path, value in values.items():
        offset, kind = field(struct_name, path)
        if kind == "publicKey":
            new = from_base58(value)
        elif kind in layout()["enums"]:
            new = bytes([layout()["enums"][kind].index(value)])
        elif isinstance(value, bytes):
            new = value
        else:
            new = struct.pack("<" + INTEGERS[kind], value)
        account[offset : offset + len(new)] = new
    return bytes(account)


def lines(name: str) -> list[Account]:
    """The lines of one of the files of real data, each with its bytes in ``raw``."""
    found = []
    with shared("drift", name).open() as file:
        for text in file:
            line = json.loads(text)
            line["raw"] = base64.b64decode(line["data"])
            found.append(line)
    return found


def real_accounts(kind: str | None = None) -> list[Account]:
    """The newest line of each real account, perhaps of one kind only."""
    newest = {line["pubkey"]: line for line in lines("accounts.jsonl")}
    return [line for line in newest.values() if kind is None or line["kind"] == kind]


def write_replay(path: Path, accounts: Iterable[tuple[str, bytes]]) -> Path:
    """A file for ``--feed replay``."""
    with path.open("w") as file:
        for pubkey, data in accounts:
            text = base64.b64encode(data).decode()
            file.write(json.dumps({"pubkey": pubkey, "data": text}) + "\n")
    return path
