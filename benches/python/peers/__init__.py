"""What a user would pick instead, each in its fastest form that is still right.

A peer module that can hold a payload for other processes has

- ``NAME``, and ``missing()``: why it cannot be measured here, or ``None``;
- ``publisher(place, payload)``: makes it hold the payload, and returns what stores the next one;
- ``reading(place, four)``: the statement that reads four fields, and the names in it, where
  ``four`` unpacks them from the payload.

``place`` is a directory that both sides know.
"""

from importlib import import_module


def why_not_importable(module: str) -> str | None:
    """Why a peer's module cannot be had; ``None`` if it can."""
    try:
        import_module(module)
    except ImportError as error:
        return str(error)
    return None
