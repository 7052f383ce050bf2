"""driftpy, the program's Python client: it gets accounts over the network and decodes each."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

NAME = "driftpy"


def decoder(kind: str) -> Callable[[bytes], Any] | str:
    """What decodes an account of that kind, or why it cannot be had."""
    try:
        if kind == "User":
            from driftpy.decode.user import decode_user

            decode: Callable[[bytes], Any] = decode_user
            return decode
        return _anchor()
    except ImportError as error:
        return str(error)


@cache
def _anchor() -> Callable[[bytes], Any]:
    """The decoder that driftpy's client uses for all but users: `program.coder.accounts`."""
    import driftpy
    from anchorpy.coder.accounts import AccountsCoder
    from anchorpy_core.idl import Idl

    assert driftpy.__file__ is not None
    idl = Path(driftpy.__file__).parent / "idl" / "drift.json"
    decode: Callable[[bytes], Any] = AccountsCoder(Idl.from_json(idl.read_text())).decode
    return decode
