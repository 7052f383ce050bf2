"""driftpy's own subscribers on the same stream: one for each perp market, as its client has them.

Arguments are the RPC's URL and the markets' addresses. An order is ``SECONDS``; the answer is the
list of nanoseconds from the bytes of a message to the decoded account.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path
from typing import Any

import driftpy
from anchorpy.program.core import Program
from anchorpy.provider import Provider, Wallet
from anchorpy_core.idl import Idl
from driftpy.accounts.ws.account_subscriber import WebsocketAccountSubscriber
from solana.rpc.async_api import AsyncClient
from solana.rpc.commitment import Commitment
from solana.rpc.websocket_api import SolanaWsClientProtocol
from solders.keypair import Keypair
from solders.pubkey import Pubkey

PROGRAM = Pubkey.from_string("dRiftyHA39MWEi3m9aunc5MzRF1JYuBsbn6VPcn33UH")


class Stamped(SolanaWsClientProtocol):
    """Remembers when bytes came."""

    received_ns = 0

    def data_received(self, data: bytes) -> None:
        self.received_ns = time.monotonic_ns()
        super().data_received(data)


class Timed(WebsocketAccountSubscriber[Any]):
    """Notes how long it took when an account is there."""

    took: list[int]

    def update_data(self, new_data: Any) -> None:
        super().update_data(new_data)
        if self.ws is not None:
            self.took.append(time.monotonic_ns() - self.ws.received_ns)  # type: ignore[attr-defined]


async def serve(url: str, markets: list[str]) -> None:
    from driftpy.accounts.ws import account_subscriber

    made = account_subscriber.connect
    account_subscriber.connect = lambda endpoint: made(endpoint, create_protocol=Stamped)
    idl = Idl.from_json((Path(driftpy.__file__ or "").parent / "idl" / "drift.json").read_text())
    provider = Provider(AsyncClient(url), Wallet(Keypair()))
    program = Program(idl, PROGRAM, provider)
    took: list[int] = []
    subscribers = []
    for market in markets:
        subscriber = Timed(Pubkey.from_string(market), program, Commitment("processed"))
        subscriber.took = took
        await subscriber.subscribe()
        subscribers.append(subscriber)
    print(json.dumps("ready"), flush=True)
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        took.clear()
        await asyncio.sleep(float(line))
        print(json.dumps(list(took)), flush=True)


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], sys.argv[2:]))
