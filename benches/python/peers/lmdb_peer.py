"""LMDB: a memory-mapped B+ tree with one writer; its readers see one version without a lock."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from struct import Struct
from typing import Any

import peers

NAME = "LMDB"
KEY = b"perp_market/0"


def missing() -> str | None:
    return peers.why_not_importable("lmdb")


def publisher(place: Path, payload: bytes) -> Callable[[bytes], None]:
    import lmdb

    # On a tmpfs, and without a flush: as fast as it goes.
    environment = lmdb.open(str(place / "lmdb"), map_size=1 << 24, sync=False, writemap=True)

    def publish(payload: bytes) -> None:
        with environment.begin(write=True) as transaction:
            transaction.put(KEY, payload)

    publish(payload)
    return publish


def reading(place: Path, four: Struct) -> tuple[str, dict[str, Any]]:
    import lmdb

    environment = lmdb.open(str(place / "lmdb"), map_size=1 << 24, readonly=True, lock=True)
    # Environments keep an ended transaction for the next reader; `with` would cost a little more.
    names = {"begin": environment.begin, "key": KEY, "unpack": four.unpack_from}
    return "t = begin(buffers=True); values = unpack(t.get(key)); t.abort()", names
