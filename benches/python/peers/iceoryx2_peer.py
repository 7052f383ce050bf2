"""iceoryx2's blackboard: keys and values in shared memory, each with its own sequence lock."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from pathlib import Path
from struct import Struct
from typing import Any

import peers

NAME = "iceoryx2 blackboard"


def missing() -> str | None:
    return peers.why_not_importable("iceoryx2")


class Account(ctypes.Structure):
    """A PerpMarket."""

    _fields_ = (("data", ctypes.c_uint8 * 1216),)


def _node(place: Path) -> tuple[Any, Any]:
    import iceoryx2 as iox2

    iox2.set_log_level(iox2.LogLevel.Error)
    node = iox2.NodeBuilder.new().create(iox2.ServiceType.Ipc)
    return node, node.service_builder(iox2.ServiceName.new(f"driftshm-bench/{place.name}"))


def publisher(place: Path, payload: bytes) -> Callable[[bytes], None]:
    node, service = _node(place)
    key, value = ctypes.c_uint64(0), Account.from_buffer_copy(payload)
    board = service.blackboard_creator(ctypes.c_uint64).add(key, value).create()
    writer = board.writer_builder().create()
    entry = writer.entry(key, Account)

    # They end with the entry's last user.
    def publish(payload: bytes, _alive: tuple[Any, ...] = (node, board, writer)) -> None:
        entry.update_with_copy(Account.from_buffer_copy(payload))

    return publish


def reading(place: Path, four: Struct) -> tuple[str, dict[str, Any]]:
    node, service = _node(place)
    board = service.blackboard_opener(ctypes.c_uint64).open()
    reader = board.reader_builder().create()
    entry = reader.entry(ctypes.c_uint64(0), Account)
    names = {
        "get": entry.get,
        "unpack": four.unpack_from,
        "alive": (node, board, reader, entry),
    }
    return "values = unpack(get().data)", names
