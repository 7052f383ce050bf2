"""Forked children of the test: their answers, their exceptions, and how they end."""

from __future__ import annotations

import faulthandler
import json
import os
from collections.abc import Callable
from typing import Any

NOBODY = 65_534


def in_child(
    act: Callable[[], object], *, uid: int = 0, gid: int = 0, groups: tuple[int, ...] = ()
) -> Any:
    """What the function returns in a forked child, perhaps another user's, by way of JSON.

    An exception comes back as its name and text, a signal that killed the child as its number.
    """
    readable, writable = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            if uid:
                os.setgroups(list(groups))
                os.setgid(gid or uid)
                os.setuid(uid)
            answer: object = act()
        except BaseException as error:
            answer = f"{type(error).__name__}: {error}"
        os.write(writable, json.dumps(answer).encode())
        os._exit(0)
    os.close(writable)
    with os.fdopen(readable, "rb") as pipe:
        text = pipe.read()
    status = os.waitpid(pid, 0)[1]
    if os.WIFSIGNALED(status):
        return os.WTERMSIG(status)
    assert status == 0
    return json.loads(text)


def quietly(act: Callable[[], object]) -> Callable[[], object]:
    """The same without a dump of the stack when it crashes, which it is meant to."""

    def quiet() -> object:
        faulthandler.disable()
        return act()

    return quiet
