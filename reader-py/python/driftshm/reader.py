"""The reader: the native one, and what awaits changes."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from . import _driftshm
from .aio import Batches, Changes

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Sequence

    from ._driftshm import OracleView, View
    from .types import Account, Kind, Market


class Reader(_driftshm.Reader):
    """Reads a region: see `driftshm.open`."""

    __slots__ = ()

    def changes(
        self,
        *,
        perp_markets: Market | Iterable[Market] | None = None,
        spot_markets: Market | Iterable[Market] | None = None,
        users: Account | Iterable[Account] | None = None,
        user_stats: Account | Iterable[Account] | None = None,
        oracles: Account | Iterable[Account] | None = None,
        kinds: Sequence[Kind] | None = None,
        conflate: bool = True,
        timeout: float = 2.0,
    ) -> Changes:
        """Changes from now on, one at a time: ``async for change in reader.changes(...)``.

        The arguments are a union; without any, everything. Conflated (the default), a bot that is
        slow gets each changed account once, at its newest; with ``conflate=False`` it gets every
        publish, and a `Lagged` where it was lapped. Users and other addresses are watched too: the
        writer follows them for as long as the stream is open.

        Raises `WriterDeadError` if no writer answers within ``timeout`` seconds. A writer that
        restarts later is followed.
        """
        return Changes(
            self.subscribe(
                perp_markets=perp_markets,
                spot_markets=spot_markets,
                users=users,
                user_stats=user_stats,
                oracles=oracles,
                kinds=kinds,
                conflate=conflate,
                timeout=timeout,
            )
        )

    def batches(
        self,
        *,
        perp_markets: Market | Iterable[Market] | None = None,
        spot_markets: Market | Iterable[Market] | None = None,
        users: Account | Iterable[Account] | None = None,
        user_stats: Account | Iterable[Account] | None = None,
        oracles: Account | Iterable[Account] | None = None,
        kinds: Sequence[Kind] | None = None,
        conflate: bool = True,
        timeout: float = 2.0,
    ) -> Batches:
        """As `changes`, but all that wait at once, as a list: cheaper when there are many."""
        return Batches(
            self.subscribe(
                perp_markets=perp_markets,
                spot_markets=spot_markets,
                users=users,
                user_stats=user_stats,
                oracles=oracles,
                kinds=kinds,
                conflate=conflate,
                timeout=timeout,
            )
        )

    async def wait(
        self,
        view: View | OracleView,
        *,
        newer_than: int | None = None,
        timeout: float | None = None,
    ) -> int:
        """Waits until the account has a version newer than ``newer_than`` (default: its present
        one), and returns that version. Raises `TimeoutError` when ``timeout`` seconds are over.
        """
        known = view.version if newer_than is None else newer_than
        loop = asyncio.get_running_loop()
        deadline = None if timeout is None else loop.time() + timeout
        async with self.changes(users=view.pubkey) as changes:
            while view.version <= known:
                left = None if deadline is None else deadline - loop.time()
                try:
                    await asyncio.wait_for(changes.__anext__(), left)
                except asyncio.TimeoutError:
                    message = f"account {view.pubkey} has no version after {known} in {timeout} s"
                    raise TimeoutError(message) from None
        return view.version


def open(cluster_or_dir: str | os.PathLike[str] | None = None) -> Reader:
    """Opens the region of a cluster, or of a directory if the argument has a slash.

    The directory is ``$DRIFTSHM_DIR``, else ``/run/driftshm/<cluster>`` where that exists, else
    ``/dev/shm/driftshm-<uid>/<cluster>``; the cluster is ``mainnet`` if none is named.

    Raises `OpenFailed`: `NoRegionError`, `RegionPermissionError`, `RegionNotReadyError`,
    `IncompatibleRegionError`, `CorruptRegionError` or `OtherClusterError`.
    """
    return Reader(cluster_or_dir)
