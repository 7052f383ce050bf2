"""The native half of `driftshm`. Import what is here from `driftshm` itself.

Accounts are annotated with the types of the profile ``drift-v2`` (`driftshm.drift_v2`). While the
writer uses another profile, they have the attributes of that one; their bases `View` and `Snapshot`
are the same.

Whatever reads a live account may raise `AccountClosedError`, `AccountGoneError`,
`LayoutMismatchError` or `SchemaChangedError`; whatever is asked of a closed reader or subscription
raises `ReaderClosedError`. That is not repeated below.
"""

import builtins
import os
import pathlib
from collections.abc import Coroutine, Iterable, Iterator
from types import TracebackType
from typing import Any, Final, Generic, Literal, final, overload

import numpy as np
import numpy.typing as npt
from typing_extensions import Self, TypeVar

from .aio import Batches, Changes
from .drift_v2 import (
    OracleSource,
    PerpMarket,
    PerpMarketSnapshot,
    SpotMarket,
    SpotMarketSnapshot,
    State,
    StateSnapshot,
    User,
    UserSnapshot,
    UserStats,
    UserStatsSnapshot,
)
from .types import Account, FeedState, Item, Kind, Market, Pubkey

__all__ = [
    "ABI_VERSION",
    "AccountClosedError",
    "AccountGoneError",
    "ArgumentError",
    "ArrayView",
    "Change",
    "ConnectionFailed",
    "ConnectionRefusedByWriterError",
    "ContendedError",
    "CorruptRegionError",
    "Cut",
    "CutId",
    "DescriptorLimitError",
    "DriftShmError",
    "FieldError",
    "Fields",
    "FilterError",
    "ForkedError",
    "FundingRate",
    "IncompatibleRegionError",
    "IncompatibleWriterError",
    "Lagged",
    "LayoutMismatchError",
    "Meta",
    "NoFigureError",
    "NoRegionError",
    "NotLiveError",
    "OpenFailed",
    "OracleInvalidError",
    "OraclePriceData",
    "OracleView",
    "OtherClusterError",
    "PubkeyError",
    "Reader",
    "ReaderClosedError",
    "RegionNotReadyError",
    "RegionPermissionError",
    "SchemaChangedError",
    "Snapshot",
    "StaleError",
    "Subscription",
    "UnknownAccountError",
    "UnknownMarketError",
    "View",
    "Watch",
    "WriterDeadError",
    "__version__",
    "after_fork_in_child",
    "after_fork_in_parent",
    "before_fork",
    "derive_perp_market_account",
    "derive_spot_market_account",
    "derive_state_account",
    "derive_user_account",
    "derive_user_stats_account",
    "fields",
    "funding_rate",
    "open",
    "types_of_profile",
    "unpickle",
    "unpickle_cut",
    "unpickle_cut_id",
    "unpickle_oracle",
]

_T_co = TypeVar("_T_co", covariant=True)
_Item_co = TypeVar("_Item_co", bound=Item, default=Item, covariant=True)

__version__: Final[str]
ABI_VERSION: Final[int]
"""The region format that this package reads."""

# ---------------------------------------------------------------------------------- accounts

class View:
    """A live view of an account, or of a struct within one.

    Each attribute read is of the newest version and never torn; two reads may be of two versions
    (those of `fields` and `snapshot` are not). Nested structs and arrays are views too, always the
    same objects. A view is cheap, may be kept for ever, and follows the account when the writer
    restarts. Views come from a `Reader`; making one raises TypeError.
    """

    def __new__(cls) -> Self: ...
    @property
    def slot(self) -> int:
        """The Solana slot of the newest version."""
    @property
    def write_version(self) -> int:
        """Orders updates of one source within a slot; 0 where the source has none."""
    @property
    def commitment(self) -> Literal["confirmed", "processed"]:
        """How sure the chain is of the newest version.

        ``processed`` where it may yet be rolled back: only with ``--commitment processed``.
        """
    @property
    def version(self) -> int:
        """Counts the versions published in this record."""
    @property
    def age(self) -> builtins.float:
        """Seconds since the newest version was published; ``inf`` if that was in another boot.

        An account that has not changed for long is old but not stale: see `staleness`.
        """
    @property
    def staleness(self) -> builtins.float:
        """Seconds since the account was last known to be what the chain says.

        It is what ``max_age`` is compared with, and judged at each call: from when the writer last
        heard of the chain, while its heart beats and its feeds are live.
        """
    @property
    def closed(self) -> bool:
        """Whether the account was closed on chain. Its fields then raise `AccountClosedError`."""
    @property
    def pubkey(self) -> str:
        """The account's address, base58."""
    def meta(self) -> Meta:
        """Everything that the newest version says beside its fields."""
    def ensure_fresh(self, max_age: builtins.float) -> Self:
        """Returns the view itself if the account is known to be as fresh as ``max_age`` seconds.

        Raises `StaleError` if it is not.
        """
    def snapshot(self, *, max_age: builtins.float | None = None) -> Snapshot:
        """A frozen copy of the newest version. Raises `StaleError` as `ensure_fresh` does."""
    def to_dict(self) -> dict[str, Any]:
        """Every field of the newest version, nested, as plain Python values."""
    def bytes(self) -> builtins.bytes:
        """The newest version, byte for byte: the whole account as on chain, or this struct of it.

        Works for an account whose length the profile does not know too.
        """
    def float(self, path: str) -> builtins.float:
        """The field at ``path`` (``"amm.base_asset_reserve"``) as a float, scaled by its unit.

        Not scaled is a field without a unit in the profile, which may be one whose precision
        depends on its market (``orders[0].base_asset_amount``), and an amount in a token's smallest
        unit (the unit ``token``): those are the raw integer. The field's docstring says its unit.

        Raises `FieldError` if there is no such field, TypeError if it is no number.
        """

class Snapshot:
    """A frozen copy of one version of an account, or of a struct within one.

    It has the attributes of the view that it was taken from, except those of another account
    (``oracle_price``) and those of the present (``staleness``, ``commitment``, ``ensure_fresh``).
    Snapshots are equal if they are of the same bytes of the same account; they can be hashed,
    pickled and copied, and support the buffer protocol (read-only, as `bytes`).
    """

    def __new__(cls) -> Self: ...
    @property
    def slot(self) -> int:
        """The Solana slot of the update that brought this version."""
    @property
    def write_version(self) -> int:
        """Orders updates of one source within a slot; 0 where the source has none."""
    @property
    def version(self) -> int:
        """Counts the versions published in the record."""
    @property
    def age(self) -> builtins.float:
        """Seconds since this version was published; ``inf`` if that was in another boot."""
    @property
    def closed(self) -> bool:
        """Whether the account was closed on chain. Its fields then raise `AccountClosedError`."""
    @property
    def pubkey(self) -> str:
        """The account's address, base58."""
    def meta(self) -> Meta:
        """Everything that this version says beside its fields."""
    def to_dict(self) -> dict[str, Any]:
        """Every field, nested, as plain Python values."""
    def bytes(self) -> builtins.bytes:
        """Byte for byte: the whole account as on chain, or this struct of it."""
    def float(self, path: str) -> builtins.float:
        """The field at ``path`` as a float, scaled by its unit if that has decimals.

        See `View.float`: a field without such a unit is the raw integer.
        """
    def __buffer__(self, flags: int, /) -> memoryview: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def __reduce__(self) -> tuple[Any, ...]: ...

@final
class ArrayView(Generic[_T_co]):
    """An array of structs or numbers within an account, of a view or of a snapshot.

    Its items are views or snapshots themselves, always the same objects; numbers are read at each
    access.
    """

    def __len__(self) -> int: ...
    @overload
    def __getitem__(self, index: int, /) -> _T_co: ...
    @overload
    def __getitem__(self, index: slice, /) -> list[_T_co]: ...
    def __iter__(self) -> Iterator[_T_co]: ...
    def to_list(self) -> list[Any]:
        """All items of one version, as plain Python values (structs as dicts)."""

@final
class Meta:
    """What one version says beside the account's fields."""

    @property
    def version(self) -> int:
        """Counts the versions published in this record."""
    @property
    def slot(self) -> int:
        """The Solana slot of the update that brought it."""
    @property
    def write_version(self) -> int:
        """Orders updates of one source within a slot; 0 where the source has none."""
    @property
    def received_ns(self) -> int:
        """CLOCK_MONOTONIC nanoseconds when the writer received it."""
    @property
    def publish_ns(self) -> int:
        """CLOCK_MONOTONIC nanoseconds when it was published: as `time.monotonic_ns()`."""
    @property
    def lamports(self) -> int:
        """The account's balance: 10**9 lamports are one SOL."""
    @property
    def data_len(self) -> int:
        """The account's length in bytes, its discriminator included."""
    @property
    def closed(self) -> bool:
        """The account was closed on chain."""
    @property
    def layout_mismatch(self) -> bool:
        """The profile does not know the account's length: only its bytes can be read."""
    @property
    def truncated(self) -> bool:
        """The account is longer than its record: the tail is missing from its bytes."""

# ---------------------------------------------------------------------------------- oracles

@final
class OracleView:
    """The live view of an oracle.

    Of a market's, it is of whichever account and source the market names now. Of an oracle account
    itself (from `Reader.get_oracle` or a `Change`), it has a price if markets read it by one
    source; else see `prices`.

    Prices are as the program computes them, in PRICE_PRECISION (6 decimals). They raise
    `OracleInvalidError` if the account is not there or gives no valid price by the source.
    """

    @property
    def price(self) -> int:
        """Quote per base: PRICE_PRECISION, 6 decimals."""
    @property
    def price_float(self) -> float:
        """The price in quote per base."""
    @property
    def confidence(self) -> int:
        """How far off the price may be: PRICE_PRECISION, 6 decimals."""
    @property
    def confidence_float(self) -> float:
        """The confidence in quote per base."""
    @property
    def published_slot(self) -> int:
        """The Solana slot in which the price was published: driftpy's ``slot``."""
    @property
    def delay(self) -> int:
        """Slots since the price was published, at the newest slot that the writer knows."""
    @property
    def has_sufficient_number_of_data_points(self) -> bool:
        """Whether enough publishers stand behind the price."""
    @property
    def source(self) -> OracleSource:
        """By which source the account is read (the number, if the profile has no name for it)."""
    @property
    def pubkey(self) -> str:
        """The oracle account's address, base58."""
    @property
    def slot(self) -> int:
        """The Solana slot of the account's newest update.

        Not driftpy's ``slot``: that is `published_slot`.
        """
    @property
    def write_version(self) -> int:
        """Orders updates of one source within a slot; 0 where the source has none."""
    @property
    def commitment(self) -> Literal["confirmed", "processed"]:
        """How sure the chain is of the newest version: see `View.commitment`."""
    @property
    def version(self) -> int:
        """Counts the versions of the account."""
    @property
    def age(self) -> float:
        """Seconds since the newest version was published; ``inf`` if that was in another boot."""
    @property
    def staleness(self) -> float:
        """Seconds since the account was last known to be what the chain says."""
    @property
    def closed(self) -> bool:
        """Whether the account was closed on chain."""
    def ensure_fresh(self, max_age: float) -> Self:
        """Returns the view itself if the account is known to be as fresh as ``max_age`` seconds.

        Raises `StaleError` if it is not. A price that is old on chain is not stale: see `delay`.
        """
    def snapshot(self, *, max_age: float | None = None) -> OraclePriceData:
        """All of the price, of one version. Raises `StaleError` as `ensure_fresh` does."""
    def prices(self) -> dict[OracleSource, OraclePriceData]:
        """The prices by every source that markets read the account by, of one version."""
    def bytes(self) -> builtins.bytes:
        """The account, byte for byte."""

@final
class OraclePriceData:
    """One version of an oracle's price.

    It can be pickled and hashed; two are equal if all that they say is.
    """

    @property
    def price(self) -> int:
        """Quote per base: PRICE_PRECISION, 6 decimals."""
    @property
    def price_float(self) -> float:
        """The price in quote per base."""
    @property
    def confidence(self) -> int:
        """How far off the price may be: PRICE_PRECISION, 6 decimals."""
    @property
    def confidence_float(self) -> float:
        """The confidence in quote per base."""
    @property
    def published_slot(self) -> int:
        """The Solana slot in which it was published: driftpy's ``slot``."""
    @property
    def delay(self) -> int:
        """Slots since it was published, at the newest slot that the writer knew."""
    @property
    def has_sufficient_number_of_data_points(self) -> bool:
        """Whether enough publishers stand behind it."""
    @property
    def source(self) -> OracleSource:
        """By which source the account was read (the number, if the profile has no name for it)."""
    @property
    def slot(self) -> int:
        """The Solana slot of the account's update.

        Not driftpy's ``slot``: that is `published_slot`.
        """
    @property
    def version(self) -> int:
        """Counts the versions of the account."""
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def __reduce__(self) -> tuple[Any, ...]: ...

# ---------------------------------------------------------------------------------- the reader

def open(  # noqa: A001
    cluster_or_dir: str | os.PathLike[str] | None = None, *, timeout: float | None = None
) -> Reader:
    """Opens the region of a cluster, or of a directory if the argument has a slash.

    The directory is ``$DRIFTSHM_DIR``, else ``/run/driftshm/<cluster>`` where that exists, else
    ``/dev/shm/driftshm-<uid>/<cluster>``. The cluster, if none is named, is ``$DRIFTSHM_CLUSTER``,
    else ``mainnet``.

    With ``timeout``, waits at most so many seconds until the region is there and its feed is live:
    for bots that are started together with the writer. Other threads run meanwhile.

    Raises `OpenFailed`: `NoRegionError`, `RegionPermissionError`, `RegionNotReadyError`,
    `IncompatibleRegionError`, `CorruptRegionError`, `OtherClusterError`, or with ``timeout``
    `NotLiveError`.
    """

@final
class Reader:
    """Reads a region; thread-safe, and costs nothing while it is not used.

    `driftshm.open` makes one.

    An index that no market has yet is None, and so is an address that is not in the region, as
    with a dict's ``get``. A symbol that no market has, or an index beyond the region's capacity,
    raises `UnknownMarketError`, which names those there are; what is no key raises `PubkeyError`.

    With ``max_age``, an account that is not known to be as fresh as so many seconds raises
    `StaleError`. It is of that account alone: a market's oracle is another one. So does one that is
    not there while nobody vouches for the region: it may have been made since.
    """

    def __new__(cls, cluster_or_dir: str | os.PathLike[str] | None = None) -> Self: ...
    def close(self) -> None:
        """Ends the reader. Views, snapshots and arrays that it gave stay as they are."""
    def __enter__(self) -> Self: ...
    def __exit__(
        self,
        error_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
        /,
    ) -> None: ...
    def get_perp_market(
        self, index_or_symbol: Market, *, max_age: float | None = None
    ) -> PerpMarket | None:
        """The live view of a perp market by index or symbol, always the same object."""
    def get_spot_market(
        self, index_or_symbol: Market, *, max_age: float | None = None
    ) -> SpotMarket | None:
        """The live view of a spot market by index or symbol, always the same object."""
    def get_perp_oracle(
        self, index_or_symbol: Market, *, max_age: float | None = None
    ) -> OracleView | None:
        """The live view of a perp market's oracle; ``max_age`` is of the oracle."""
    def get_spot_oracle(
        self, index_or_symbol: Market, *, max_age: float | None = None
    ) -> OracleView | None:
        """The live view of a spot market's oracle; ``max_age`` is of the oracle."""
    def get_oracle(self, pubkey: Account, *, max_age: float | None = None) -> OracleView | None:
        """The live view of an oracle account by its address, always the same object.

        It is the same that a `Change` has: with a price if markets read it by one source, else see
        `OracleView.prices`.
        """
    @overload
    def get_user(
        self, pubkey: Account, *, authority: None = None, max_age: float | None = None
    ) -> User | None:
        """The live view of a user account by its address, or by authority and sub-account."""
    @overload
    def get_user(
        self,
        pubkey: None = None,
        *,
        authority: Pubkey,
        sub_account_id: int = 0,
        max_age: float | None = None,
    ) -> User | None: ...
    def get_user_stats(
        self, authority: Pubkey, *, max_age: float | None = None
    ) -> UserStats | None:
        """The live view of an authority's user stats."""
    def get_state(self, *, max_age: float | None = None) -> State | None:
        """The live view of the program's state account."""
    def perp_markets(self) -> list[PerpMarket]:
        """The live views of all perp markets, by index."""
    def spot_markets(self) -> list[SpotMarket]:
        """The live views of all spot markets, by index."""
    def users(self) -> list[User]:
        """The live views of all users in the region, in no order.

        A user that is not followed any more is among them until its place is needed: its
        `View.staleness` grows, and ``max_age`` refuses it.
        """
    def perp_markets_array(self) -> npt.NDArray[np.void]:
        """All perp markets as a numpy structured array of shape (markets,): a copy.

        A row is one version of one market, with the fields of the profile by name, nested, as
        integers in program precision: ``array["amm"]["base_spread"]``; and beside them ``_slot``,
        ``_version`` and the account's address ``_pubkey``. Of 128-bit numbers there are the 64-bit
        halves ``lo`` and ``hi``: ``lo.astype(object) + (hi.astype(object) << 64)`` is exact. Enums
        are their numbers; addresses and byte arrays are raw bytes (``V32``). Rows are of different
        moments: `snapshot` makes consistent cuts. Raises ImportError without numpy.
        """
    def spot_markets_array(self) -> npt.NDArray[np.void]:
        """All spot markets as a numpy structured array: see `perp_markets_array`."""
    def users_array(self) -> npt.NDArray[np.void]:
        """All users as a numpy structured array: see `perp_markets_array`.

        Arrays within an account are a dimension more: ``array["orders"]["price"]`` has the shape
        (users, 32).
        """
    def snapshot(
        self,
        *,
        perp_markets: Market | Iterable[Market] | None = None,
        spot_markets: Market | Iterable[Market] | None = None,
        perp_oracles: Market | Iterable[Market] | None = None,
        spot_oracles: Market | Iterable[Market] | None = None,
        users: Account | Iterable[Account] | None = None,
        user_stats: Pubkey | Iterable[Pubkey] | None = None,
        state: bool = False,
        max_age: float | None = None,
    ) -> Cut:
        """Several accounts in one consistent cut: none changed between the first and the last read.

        It is consistent as the writer has published it. Two accounts that one transaction changed
        are published one right after the other, and a cut may fall between: ``cut.id.min_slot`` and
        ``max_slot``, and the accounts' own slots, show it.

        Oracles are named by their markets, user stats by their authorities. Raises
        `UnknownMarketError` if a market or its oracle is not there, `UnknownAccountError` if
        another account is not, `StaleError` if one of them is not known to be as fresh as
        ``max_age`` seconds, `ContendedError` if they change too fast for a cut.
        """
    @overload
    def subscribe(
        self,
        *,
        perp_markets: Market | Iterable[Market] | None = None,
        spot_markets: Market | Iterable[Market] | None = None,
        users: Account | Iterable[Account] | None = None,
        user_stats: Account | Iterable[Account] | None = None,
        oracles: Account | Iterable[Account] | None = None,
        kinds: Kind | Iterable[Kind] | None = None,
        conflate: Literal[True] = True,
        timeout: float = 2.0,
    ) -> Subscription[Change]:
        """Subscribes to changes from now on, for any event loop or none; without filter, to all.

        The arguments are a union; user stats are named by their authorities or by views. For
        asyncio there are `changes` and `batches`.

        Raises `FilterError` if the filter could never match, `ConnectionFailed` if no connection
        comes about within ``timeout`` seconds (`WriterDeadError`: nobody answers).
        """
    @overload
    def subscribe(
        self,
        *,
        perp_markets: Market | Iterable[Market] | None = None,
        spot_markets: Market | Iterable[Market] | None = None,
        users: Account | Iterable[Account] | None = None,
        user_stats: Account | Iterable[Account] | None = None,
        oracles: Account | Iterable[Account] | None = None,
        kinds: Kind | Iterable[Kind] | None = None,
        conflate: bool,
        timeout: float = 2.0,
    ) -> Subscription: ...
    @overload
    def changes(
        self,
        *,
        perp_markets: Market | Iterable[Market] | None = None,
        spot_markets: Market | Iterable[Market] | None = None,
        users: Account | Iterable[Account] | None = None,
        user_stats: Account | Iterable[Account] | None = None,
        oracles: Account | Iterable[Account] | None = None,
        kinds: Kind | Iterable[Kind] | None = None,
        conflate: Literal[True] = True,
        timeout: float = 2.0,
    ) -> Changes[Change]:
        """Changes from now on, one at a time: ``async for change in reader.changes(...)``.

        What changed before this call does not come: subscribe first, then read, then loop. The
        arguments are a union; without any, everything. Conflated (the default), a bot that is
        slow gets each changed account once, at its newest; with ``conflate=False`` it gets every
        publish, and a `Lagged` where it was lapped. Users and other addresses are watched too: the
        writer follows them for as long as the stream is open.

        It waits for nothing itself: the first await connects, with ``async with`` that is its
        beginning. That raises `WriterDeadError` if no writer answers within ``timeout`` seconds,
        or another error that `subscribe` has. Changes count from this call on. A writer that
        restarts later is followed.
        """
    @overload
    def changes(
        self,
        *,
        perp_markets: Market | Iterable[Market] | None = None,
        spot_markets: Market | Iterable[Market] | None = None,
        users: Account | Iterable[Account] | None = None,
        user_stats: Account | Iterable[Account] | None = None,
        oracles: Account | Iterable[Account] | None = None,
        kinds: Kind | Iterable[Kind] | None = None,
        conflate: bool,
        timeout: float = 2.0,
    ) -> Changes: ...
    @overload
    def batches(
        self,
        *,
        perp_markets: Market | Iterable[Market] | None = None,
        spot_markets: Market | Iterable[Market] | None = None,
        users: Account | Iterable[Account] | None = None,
        user_stats: Account | Iterable[Account] | None = None,
        oracles: Account | Iterable[Account] | None = None,
        kinds: Kind | Iterable[Kind] | None = None,
        conflate: Literal[True] = True,
        timeout: float = 2.0,
    ) -> Batches[Change]:
        """As `changes`, but all that wait at once, as a list: cheaper when there are many."""
    @overload
    def batches(
        self,
        *,
        perp_markets: Market | Iterable[Market] | None = None,
        spot_markets: Market | Iterable[Market] | None = None,
        users: Account | Iterable[Account] | None = None,
        user_stats: Account | Iterable[Account] | None = None,
        oracles: Account | Iterable[Account] | None = None,
        kinds: Kind | Iterable[Kind] | None = None,
        conflate: bool,
        timeout: float = 2.0,
    ) -> Batches: ...
    def wait(
        self,
        view: View | OracleView,
        *,
        newer_than: int | None = None,
        timeout: float | None = None,
    ) -> Coroutine[Any, Any, int]:
        """Awaits a version of the account newer than ``newer_than`` (default: its present one), and
        returns it. Raises `TimeoutError` when ``timeout`` seconds are over, and, as it connects for
        the time that it takes, `ConnectionFailed` as `changes` does. What is no view, such as a
        snapshot, is a TypeError at the call.
        """
    def watch(self, *pubkeys: Account, timeout: float = 2.0) -> Watch:
        """Asks the writer to follow accounts for as long as the returned object lives.

        Raises `FilterError` without an address, and `ConnectionFailed` as `subscribe` does.
        """
    @property
    def writer_alive(self) -> bool:
        """Whether a writer runs: by its own word, and by its heartbeat."""
    @property
    def generation(self) -> int:
        """A new number per start of the writer."""
    @property
    def feed_state(self) -> FeedState:
        """How the writer's feeds are; ``down`` also when no writer runs."""
    @property
    def slot(self) -> int:
        """The newest Solana slot that the writer knows."""
    @property
    def cluster(self) -> str:
        """The cluster whose accounts these are."""
    @property
    def directory(self) -> pathlib.Path:
        """The directory that was opened."""
    @property
    def profile(self) -> str:
        """Name of the profile by which accounts are read."""
    def stats(self) -> dict[str, Any]:
        """The region's counters, and what the writer says of itself.

        Counters are of the region's whole life: a writer that adopts it counts on. ``state``,
        ``generation``, ``writer_pid``, ``slot``, ``feed_state``, ``heartbeat_age`` (seconds), a
        number per counter (``published``, ``absorbed``, ``stale`` and so on), and by kind
        ``records`` (in use) and ``capacity``.
        """

@final
class Cut:
    """Snapshots of several accounts, none of which changed between the first and the last read.

    It can be pickled. Two of the same accounts are compared by their `id`.
    """

    @property
    def id(self) -> CutId:
        """Generation of the writer, lowest and highest slot, versions."""
    @property
    def perp_markets(self) -> dict[int, PerpMarketSnapshot]:
        """Perp markets by market index."""
    @property
    def spot_markets(self) -> dict[int, SpotMarketSnapshot]:
        """Spot markets by market index."""
    @property
    def perp_oracles(self) -> dict[int, OraclePriceData]:
        """Prices of the perp markets named in ``perp_oracles``, by market index."""
    @property
    def spot_oracles(self) -> dict[int, OraclePriceData]:
        """Prices of the spot markets named in ``spot_oracles``, by market index."""
    @property
    def users(self) -> dict[str, UserSnapshot]:
        """Users by address, base58."""
    @property
    def user_stats(self) -> dict[str, UserStatsSnapshot]:
        """User stats by their own address, base58."""
    @property
    def state(self) -> StateSnapshot | None:
        """The state account, if it was asked for."""
    def __reduce__(self) -> tuple[Any, ...]: ...

@final
class CutId:
    """Names a cut: cuts with the same accounts and the same id hold the same bytes."""

    @property
    def generation(self) -> int:
        """The writer's generation."""
    @property
    def min_slot(self) -> int:
        """Lowest Solana slot among the accounts."""
    @property
    def max_slot(self) -> int:
        """Highest Solana slot among the accounts."""
    @property
    def versions(self) -> list[int]:
        """The versions of the accounts, in the order of the arguments of `Reader.snapshot`."""
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def __reduce__(self) -> tuple[Any, ...]: ...

# ---------------------------------------------------------------------------------- changes

@final
class Change:
    """One account changed."""

    @property
    def kind(self) -> Kind:
        """What kind of account it is."""
    @property
    def key(self) -> int | str:
        """The market index of markets, the base58 address of other accounts."""
    @property
    def pubkey(self) -> str:
        """The account's address, base58."""
    @property
    def version(self) -> int:
        """The version that was published; the view may show a newer one already."""
    @property
    def slot(self) -> int:
        """The Solana slot of the update."""
    @property
    def publish_ns(self) -> int:
        """CLOCK_MONOTONIC nanoseconds of the publish: compare with `time.monotonic_ns()`."""
    @property
    def missed(self) -> int:
        """Versions since the last change of this account that were passed over.

        The first change of an account counts those since the subscription began, as far as the
        journal still has them.
        """
    @property
    def view(self) -> View | OracleView | None:
        """The account's live view, the same object that the reader gives; None if it is gone.

        For a type checker it is any of them: narrow it with ``isinstance(view, PerpMarket)``, or
        use views that you looked up before.
        """

@final
class Lagged:
    """Only with ``conflate=False``: so many changes were lost, because the bot was too slow."""

    @property
    def count(self) -> int:
        """How many."""

@final
class Subscription(Generic[_Item_co]):
    """A stream of changes for any event loop, or for none (`wait`).

    Reconnects by itself when the writer restarts. Belongs to the process that made it: after fork
    it raises `ForkedError` in the child.
    """

    def drain(self, max: int = ...) -> list[_Item_co]:
        """What changed since the last call, at most ``max`` items (4096), without waiting.

        After it was empty, `fileno` becomes readable as soon as something changes: so drain until
        it is empty before you wait.
        """
    def wait(self, timeout: float | None = None, *, max: int = ...) -> list[_Item_co]:
        """Waits until something changes, and returns it; an empty list when the time is up.

        ``timeout`` is in seconds, None for ever. Other threads run meanwhile, and signals (Ctrl-C)
        are handled.
        """
    def fileno(self) -> int:
        """For an event loop: readable when `drain` may have something.

        Stays the same for the life of the subscription. Remove it from the loop before `close`.
        """
    @property
    def connected(self) -> bool:
        """Whether the writer is connected. While it is not, nothing changes."""
    @property
    def times_connected(self) -> int:
        """How often it has connected: each further one followed a restart of the writer."""
    @property
    def last_error(self) -> str | None:
        """Why it is not connected, if it is not: what the last attempt ended with.

        It goes on trying whatever that is. A writer that was restarted in another version is one
        for which somebody has to do something.
        """
    def _settle(self, *, is_over: bool = False) -> bool: ...
    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
    @property
    def reader(self) -> Reader:
        """The reader that it was made from."""
    def close(self) -> None:
        """Ends the subscription; the writer forgets it. May be called again."""
    def __enter__(self) -> Self: ...
    def __exit__(
        self,
        error_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
        /,
    ) -> None: ...

@final
class Watch:
    """Accounts that the writer follows for as long as this lives, across its restarts."""

    @property
    def pubkeys(self) -> list[str]:
        """The addresses, base58."""
    def close(self) -> None:
        """Ends the watch. May be called again."""
    def __enter__(self) -> Self: ...
    def __exit__(
        self,
        error_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
        /,
    ) -> None: ...

# ---------------------------------------------------------------------------------- functions

@final
class Fields:
    """A compiled getter, made by `fields`."""

    def __call__(
        self, account: View | Snapshot, /, *, max_age: float | None = None
    ) -> tuple[Any, ...]:
        """The fields' values, all of one version.

        Raises `FieldError` if the account has no such field, `StaleError` if a view's account is
        not known to be as fresh as ``max_age`` seconds.
        """
    @property
    def paths(self) -> list[str]:
        """The paths, as they were given."""

def fields(*paths: str) -> Fields:
    """Makes a compiled getter of several fields of one version, without a copy of the account.

    ``getter = fields("amm.base_asset_reserve", "status")``; then ``getter(market)`` returns a
    tuple. Items of arrays are named by number: ``"orders[0].price"``. Raises TypeError without a
    path; paths are looked up at the first call with each type of account.
    """

@final
class FundingRate:
    """A funding rate as a fraction of the oracle's average price (0.0001 is one basis point)."""

    @property
    def hourly(self) -> float:
        """Per hour, which is the program's funding period."""
    @property
    def eight_hour(self) -> float:
        """Per 8 hours, as other exchanges quote it."""
    @property
    def annual(self) -> float:
        """Per year of 365 days, without compounding."""

def funding_rate(last_funding_rate: int, last_funding_oracle_twap: int) -> FundingRate:
    """The rate that a ``last_funding_rate`` (FUNDING_RATE_PRECISION, 9 decimals) is at an oracle
    average (PRICE_PRECISION, 6 decimals). Raises `NoFigureError` if that is not positive.
    """

def derive_user_account(
    authority: Pubkey, sub_account_id: int = 0, *, profile: str = "drift-v2"
) -> str:
    """Address of a user account, base58. Raises `PubkeyError` if the authority is no key.

    Addresses are those of the program of the profile, Drift v2 if none is named: pass
    ``profile=reader.profile`` for the program that the writer follows.
    """

def derive_user_stats_account(authority: Pubkey, *, profile: str = "drift-v2") -> str:
    """Address of an authority's user stats, base58: see `derive_user_account`."""

def derive_perp_market_account(market_index: int, *, profile: str = "drift-v2") -> str:
    """Address of a perp market, base58; ``profile`` as for `derive_user_account`."""

def derive_spot_market_account(market_index: int, *, profile: str = "drift-v2") -> str:
    """Address of a spot market, base58; ``profile`` as for `derive_user_account`."""

def derive_state_account(*, profile: str = "drift-v2") -> str:
    """Address of the program's state account, base58; ``profile`` as for `derive_user_account`."""

def types_of_profile(name: str) -> dict[str, Any]:
    """Every type of a profile that comes with the package: what `driftshm.drift_v2` consists of."""

def unpickle(
    schema: str | bytes,
    kind: int,
    pubkey: bytes,
    words: bytes,
    place: tuple[int, int, bool, int],
    boot: bytes,
) -> Snapshot:
    """Makes a snapshot from its pickle."""

def unpickle_oracle(
    schema: tuple[str, bytes] | bytes,
    numbers: tuple[int, int, int, bool, int, int, int, int],
) -> OraclePriceData:
    """Makes an oracle's price from its pickle."""

def unpickle_cut(id: CutId, accounts: list[dict[Any, Any]], state: Any) -> Cut:
    """Makes a cut from its pickle."""

def unpickle_cut_id(generation: int, min_slot: int, max_slot: int, versions: list[int]) -> CutId:
    """Makes a cut's id from its pickle."""

def before_fork() -> None:
    """To be called before each fork; `driftshm` sees to it."""

def after_fork_in_parent() -> None:
    """To be called in the parent after each fork; `driftshm` sees to it."""

def after_fork_in_child() -> None:
    """To be called in the child after each fork; `driftshm` sees to it."""

# ---------------------------------------------------------------------------------- errors

class DriftShmError(Exception):
    """Base of all errors of driftshm."""

class OpenFailed(DriftShmError):
    """The region cannot be opened."""

class NoRegionError(OpenFailed):
    """There is no region: is the writer running?"""

class RegionNotReadyError(OpenFailed):
    """The region is just being made: try again in a moment."""

class RegionPermissionError(OpenFailed):
    """This user may not read the region."""

class IncompatibleRegionError(OpenFailed):
    """The region has another format than this reader; both are named."""

class CorruptRegionError(OpenFailed):
    """The file is not a sound region."""

class OtherClusterError(OpenFailed):
    """The region is of another cluster than the one asked for."""

class NotLiveError(OpenFailed):
    """The region is there, and its feed did not become live in time."""

class ReaderClosedError(DriftShmError):
    """The reader was closed."""

class StaleError(DriftShmError):
    """The account is not known to be as fresh as ``max_age`` asks: the message says why."""

class AccountClosedError(DriftShmError):
    """The account was closed on chain: it has no fields."""

class AccountGoneError(DriftShmError):
    """The account is no longer in the region: nobody followed it, and its record was reclaimed."""

class LayoutMismatchError(DriftShmError):
    """The account's length is not one that the profile knows: only its bytes can be read."""

class SchemaChangedError(DriftShmError):
    """The writer now uses another profile: get the account from the reader again."""

class OracleInvalidError(DriftShmError):
    """The oracle is not there, or gives no valid price by the source that the market names."""

class ContendedError(DriftShmError):
    """Accounts changed too fast for one consistent cut."""

class ConnectionFailed(DriftShmError):
    """There is no connection to the writer's control socket."""

class WriterDeadError(ConnectionFailed):
    """No writer runs, or it does not answer."""

class ConnectionRefusedByWriterError(ConnectionFailed):
    """The writer refuses the connection or the subscription."""

class IncompatibleWriterError(ConnectionFailed):
    """The writer is of another version."""

class DescriptorLimitError(ConnectionFailed):
    """This process has too many open files to receive the writer's."""

class ForkedError(DriftShmError):
    """Subscriptions and watches belong to the process that made them: make new ones after fork."""

class FieldError(DriftShmError, AttributeError):
    """The account has no such field; the message names near ones."""

class UnknownMarketError(DriftShmError, LookupError):
    """No market has that index or symbol, nor could one: the message says what there is."""

class UnknownAccountError(DriftShmError, LookupError):
    """An account that a cut needs is not in the region: the message says how to get it there."""

class NoFigureError(DriftShmError, ArithmeticError):
    """A figure cannot be computed from what the account holds: the message says why."""

class ArgumentError(DriftShmError, ValueError):
    """An argument is out of range: the message names it, and what is allowed."""

class PubkeyError(DriftShmError, ValueError):
    """Not the base58 text or the 32 bytes of a public key."""

class FilterError(ArgumentError):
    """A filter names something that cannot be subscribed to."""
