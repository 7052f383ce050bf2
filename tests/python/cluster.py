"""A local cluster: Solana's protocols over one account store, moved on by the test."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import urllib.request
from pathlib import Path
from typing import Any

from support import ROOT, WATCHDOG, missing

# `make test` builds it with the other crates' tests.
BINARY = Path(
    os.environ.get("DRIFTSHM_CLUSTER_BINARY", ROOT / "target" / "debug" / "driftshm-cluster")
)


class Cluster:
    """The process. Without `--slot-ms` slots begin on command only."""

    def __init__(self, *arguments: str) -> None:
        if not BINARY.exists():
            missing(f"{BINARY} (make test builds it)")
        self.process = subprocess.Popen(
            [BINARY, "--slot-ms", "0", "--rate", "0", *arguments], stdout=subprocess.PIPE
        )
        assert self.process.stdout is not None
        self.urls: dict[str, str] = json.loads(self.process.stdout.readline())

    def flags(self, *streams: str) -> list[str]:
        """The writer's flags for RPC and these streams."""
        kinds = ["rpc", *streams]
        return [flag for kind in kinds for flag in (f"--{kind}-url", self.urls[f"{kind}_url"])]

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            self.urls["control_url"] + path, data, {"content-type": "application/json"},
            method=method,
        )  # fmt: skip
        with urllib.request.urlopen(request, timeout=WATCHDOG) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def advance(self, slots: int = 1) -> None:
        self.ask("POST", "/advance", {"slots": slots})

    def fault(self, fault: str, **options: Any) -> None:
        self.ask("POST", "/fault", {"fault": fault, **options})

    def heal(self) -> None:
        self.ask("POST", "/heal")

    def data(self, pubkey: str) -> bytes:
        return base64.b64decode(self.ask("GET", f"/accounts/{pubkey}")["data"])

    def write(self, pubkey: str, data: bytes) -> None:
        """Changes an account in the slot that is open."""
        self.ask("PUT", f"/accounts/{pubkey}", {"data": base64.b64encode(data).decode()})

    def end(self) -> None:
        self.process.kill()
        self.process.wait(WATCHDOG)
        assert self.process.stdout is not None
        self.process.stdout.close()
