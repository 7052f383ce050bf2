"""Bots that are killed at once: forked, connected in some way, SIGKILLed at a random moment.

Arguments: directory, seed. For each line of input with a number: so many cycles, then ``done`` and
how far the bots had got, as JSON.
"""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import sys
import time
from collections import Counter

import driftshm
from bots.children import fork

HELLO = {"op": "hello", "abi": driftshm.ABI_VERSION, "version": "test"}
SUBSCRIBE = {"op": "subscribe", "filter": {"everything": True}}


def raw(directory: str, messages: list[bytes]) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    connection.connect(f"{directory}/control.sock")
    for message in messages:
        connection.send(message)
    return connection


def live(directory: str, number: int, arrived: int) -> None:
    """As far as it gets: whole bots, and some that stop half-way through the handshake."""
    hello, subscribe = (json.dumps(each).encode() for each in (HELLO, SUBSCRIBE))
    how = number % 6
    if how == 0:
        kept: object = raw(directory, [])
    elif how == 1:
        kept = raw(directory, [hello])
    elif how == 2:
        # The descriptors that come with the answer are never fetched.
        kept = raw(directory, [hello, subscribe, subscribe])
    elif how == 3:
        kept = raw(directory, [hello, b'{"op":"subsc'])
    else:
        reader = driftshm.open(directory)
        subscription = reader.subscribe(perp_markets=[0], users=[reader.users()[number % 5]])
        subscription.drain()
        kept = (reader, subscription)
    os.write(arrived, b".")
    while kept is not None:
        time.sleep(60)


def cycle(directory: str, number: int, dice: random.Random) -> str:
    """One life. Two of three bots get where they want to, the others are killed on the way."""
    here, there = os.pipe()
    child = fork(lambda: live(directory, number, there))
    os.close(there)
    if number % 3:
        os.read(here, 1)
    else:
        time.sleep(dice.uniform(0, 0.004))
    os.kill(child, signal.SIGKILL)
    end = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    os.close(here)
    return "killed" if end == -signal.SIGKILL else f"ended with {end}"


def main(directory: str, seed: int) -> None:
    dice = random.Random(seed)
    print("ready", flush=True)
    done = 0
    for line in sys.stdin:
        ends = Counter(cycle(directory, done + each, dice) for each in range(int(line)))
        done += int(line)
        print(json.dumps(ends), flush=True)


main(sys.argv[1], int(sys.argv[2]))
