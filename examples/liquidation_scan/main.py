"""Lists the users that are nearest to liquidation, by a simplified margin.

Simplified: deposits count in full and borrows as what they are, without the program's weights;
open orders, LP shares and the size premium of margins are left out. A user that is stale, or has a
position in a market without a fresh and valid price, is passed over and counted.
"""

from __future__ import annotations

import argparse
import sys
import time
from typing import TYPE_CHECKING, NamedTuple

import driftshm
from driftshm.drift_v2 import SpotBalanceType

if TYPE_CHECKING:
    from driftshm.drift_v2 import User

MAX_AGE = 1.0
"""Seconds for which nobody may have vouched for an account that counts."""

PERP = ("market_index", "base_asset_amount", "quote_asset_amount")
SPOT = ("market_index", "scaled_balance", "balance_type")


def positions(array: str, names: tuple[str, ...]) -> list[str]:
    """The paths of some fields of all eight positions."""
    return [f"{array}[{place}].{name}" for place in range(8) for name in names]


# One getter for both: a deposit that became a position between two reads would count twice.
SPOT_POSITIONS = positions("spot_positions", SPOT)
POSITIONS = driftshm.fields(*SPOT_POSITIONS, *positions("perp_positions", PERP))
PERP_MARKET = driftshm.fields("market_index", "margin_ratio_maintenance")
SPOT_MARKET = driftshm.fields(
    "market_index", "decimals", "cumulative_deposit_interest", "cumulative_borrow_interest"
)


class Prices(NamedTuple):
    """What positions are valued by: integers in program precision."""

    perp: dict[int, tuple[int, int]]
    """Oracle price (1e6) and maintenance margin ratio (1e4)."""
    spot: dict[int, tuple[int, int, int, int]]
    """Oracle price (1e6), decimals, cumulative interest of deposits and of borrows (1e10)."""


def prices(reader: driftshm.Reader) -> Prices:
    """Of all markets that are fresh and have a fresh and valid oracle; the others are not in it."""
    perp, spot = {}, {}
    for market in reader.perp_markets():
        try:
            oracle = reader.get_perp_oracle(market, max_age=MAX_AGE)
            if oracle is not None:
                index, ratio = PERP_MARKET(market, max_age=MAX_AGE)
                perp[index] = (oracle.price, ratio)
        except (driftshm.StaleError, driftshm.OracleInvalidError):
            continue
    for token in reader.spot_markets():
        try:
            oracle = reader.get_spot_oracle(token, max_age=MAX_AGE)
            if oracle is not None:
                index, decimals, deposits, borrows = SPOT_MARKET(token, max_age=MAX_AGE)
                spot[index] = (oracle.price, decimals, deposits, borrows)
        except (driftshm.StaleError, driftshm.OracleInvalidError):
            continue
    return Prices(perp, spot)


def margin(user: User, by: Prices) -> tuple[float, float] | None:
    """Collateral with unrealised PnL, and the margin that is needed, both in quote.

    None if the user has a position in a market without a price.
    """
    collateral = needed = 0
    values = POSITIONS(user, max_age=MAX_AGE)
    values, perp = values[: len(SPOT_POSITIONS)], values[len(SPOT_POSITIONS) :]
    for index, balance, kind in zip(values[0::3], values[1::3], values[2::3], strict=True):
        if balance:
            if index not in by.spot:
                return None
            price, decimals, deposits, borrows = by.spot[index]
            is_deposit = kind == SpotBalanceType.Deposit
            tokens = balance * (deposits if is_deposit else borrows) // 10 ** (19 - decimals)
            value = tokens * price // 10**decimals
            collateral += value if is_deposit else -value
    for index, base, quote in zip(perp[0::3], perp[1::3], perp[2::3], strict=True):
        if base or quote:
            if index not in by.perp:
                return None
            price, ratio = by.perp[index]
            value = base * price // 10**9
            collateral += value + quote
            needed += abs(value) * ratio // 10**4
    return collateral / 1e6, needed / 1e6


def scan(reader: driftshm.Reader, rows: int) -> list[str]:
    """The users with the least collateral for the margin that they need."""
    by = prices(reader)
    started = time.perf_counter()
    found = []
    stale = unpriced = 0
    users = reader.users()
    for user in users:
        try:
            figures = margin(user, by)
        except (driftshm.AccountClosedError, driftshm.AccountGoneError):
            continue  # since the list was made
        except driftshm.StaleError:
            stale += 1
            continue
        if figures is None:
            unpriced += 1
            continue
        collateral, needed = figures
        if needed:
            found.append((collateral / needed, user.pubkey, collateral, needed))
    took = (time.perf_counter() - started) * 1e3
    found.sort()
    lines = [
        f"{len(users)} users in {took:.1f} ms, {len(found)} with perp positions",
        f"passed over: {stale} stale, {unpriced} with a position in a market without a price",
        f"{'user':<44} {'collateral':>16} {'margin needed':>16} {'ratio':>10}",
    ]
    for ratio, pubkey, collateral, needed in found[:rows]:
        lines.append(f"{pubkey:<44} {collateral:>16,.2f} {needed:>16,.2f} {ratio:>10.2f}")
    return lines


def run(arguments: argparse.Namespace) -> None:
    """Scans until the time is up, after changes of users only."""
    end = time.monotonic() + (float("inf") if arguments.seconds is None else arguments.seconds)
    connected = True
    with (
        driftshm.open(arguments.region) as reader,
        reader.subscribe(kinds=["user", "oracle"]) as changes,
    ):
        while (now := time.monotonic()) < end:
            if changes.wait(max(0.0, min(1.0, end - now))):
                print("\n".join(scan(reader, arguments.rows)), flush=True)
                time.sleep(max(0.0, min(arguments.every, end - time.monotonic())))
            if changes.connected != connected:
                connected = not connected
                what = "is back" if connected else "is gone: no scans until it is back"
                print(f"liquidation_scan: the writer {what}", file=sys.stderr, flush=True)


def main() -> int:
    """Returns the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("region", nargs="?", help="cluster, or directory if it has a slash")
    parser.add_argument("--rows", type=int, default=10, help="users in a list")
    parser.add_argument("--every", type=float, default=2.0, help="seconds between scans")
    parser.add_argument("--seconds", type=float, help="end after so long")
    try:
        run(parser.parse_args())
    except driftshm.DriftShmError as error:
        print(f"liquidation_scan: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        pass
    return 0


if __name__ == "__main__":
    sys.exit(main())
