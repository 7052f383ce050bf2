"""How an account shows that all of its bytes are of one version.

Two ways. *Pairs* (the simulated feed with ``--pairs``): fields that hold the same number, and the
Adler-32 of all bytes before the last four in these. *Striped* accounts (a replay): but for a few
fields every byte repeats the two before it, so any number, address or text that was put together
from two versions is not striped.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from functools import cache

from bots.keys import base58

# Bytes 80, 840 and 1184 of 1216.
PAIRS = ("amm.historical_oracle_data.last_oracle_conf", "amm.volume24h", "last_fill_price")
CHECKSUM = 4
# Striped accounts are numbered from 1 on.
STRIPES = 2000
Value = int | bytes | str


def sums_up(account: bytes) -> bool:
    """Whether a perp market with pairs has the checksum of its bytes."""
    stored = int.from_bytes(account[-CHECKSUM:], "little")
    return zlib.adler32(account[:-CHECKSUM]) == stored


def equal(values: Sequence[int]) -> bool:
    """Whether pairs are equal."""
    return values.count(values[0]) == len(values)


def stripe(number: int, size: int, at: int = 0) -> bytes:
    """The bytes of a stripe from byte ``at`` on."""
    # Numbers that follow each other have nothing in common.
    mixed = number * 40503 % 2**16
    return (mixed.to_bytes(2, "little") * (size // 2 + 2))[at % 2 :][:size]


def striped(account: bytes, number: int, kept: Iterable[tuple[int, int]]) -> bytes:
    """The account with a stripe over it, but for the ranges of bytes that are kept."""
    over = bytearray(stripe(number, len(account)))
    for start, end in kept:
        over[start:end] = account[start:end]
    return bytes(over)


@cache
def stripes(size: int, odd: bool) -> dict[Value, int]:
    """Whatever a striped field may read as, with the number of the stripe.

    ``size`` is the field's, and ``odd`` whether its offset in the account is.
    """
    numbers: dict[Value, int] = {}
    for number in range(1, STRIPES + 1):
        raw = stripe(number, size, odd)
        for signed in (False, True):
            numbers[int.from_bytes(raw, "little", signed=signed)] = number
        numbers[raw] = number
        if size == 32:
            numbers[base58(raw)] = number
    return numbers
