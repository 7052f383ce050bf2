"""`multiprocessing.shared_memory`: the bytes as they are. Nothing says whether they are of one
version, and a reader that meets the writer gets half of each."""

from __future__ import annotations

import atexit
from collections.abc import Callable
from multiprocessing import resource_tracker
from multiprocessing.shared_memory import SharedMemory
from pathlib import Path
from struct import Struct
from typing import Any

NAME = "multiprocessing.shared_memory (no consistency)"


def _name(place: Path) -> str:
    return f"{place.name}-payload"


def missing() -> str | None:
    return None


def publisher(place: Path, payload: bytes) -> Callable[[bytes], None]:
    memory = SharedMemory(name=_name(place), create=True, size=len(payload))
    atexit.register(memory.unlink)
    buffer = memory.buf
    assert buffer is not None

    def publish(payload: bytes) -> None:
        buffer[: len(payload)] = payload

    publish(payload)
    return publish


def reading(place: Path, four: Struct) -> tuple[str, dict[str, Any]]:
    memory = SharedMemory(name=_name(place))
    # Python 3.12 and older let every process that opens it unlink it at its end.
    resource_tracker.unregister(memory._name, "shared_memory")  # type: ignore[attr-defined]
    names = {"unpack": four.unpack_from, "buffer": memory.buf, "alive": memory}
    return "values = unpack(buffer)", names
