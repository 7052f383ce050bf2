"""Publishes the same payload through all peers, 1,000 times a second, until its stdin ends.

Says first which of them it has: ``{"name": null or why not}``.
"""

from __future__ import annotations

import json
import select
import sys
import time
from importlib import import_module
from pathlib import Path

PERIOD = 1 / 1000


def main(place: Path, modules: list[str]) -> None:
    payload = (place / "payload").read_bytes()
    publishers = {}
    state: dict[str, str | None] = {}
    for name in modules:
        peer = import_module(f"peers.{name}")
        state[name] = peer.missing()
        if state[name] is None:
            try:
                publishers[name] = peer.publisher(place, payload)
            except Exception as error:
                state[name] = f"{type(error).__name__}: {error}"
    print(json.dumps(state), flush=True)
    changed = bytearray(payload)
    next_one = time.monotonic()
    nth = 0
    while not select.select([sys.stdin], [], [], max(0.0, next_one - time.monotonic()))[0]:
        nth += 1
        # Its last bytes are padding.
        changed[-8:] = nth.to_bytes(8, "little")
        for publish in publishers.values():
            publish(bytes(changed))
        next_one = max(next_one + PERIOD, time.monotonic() - 0.1)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
