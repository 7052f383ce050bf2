//! The words of the header that change, and what they say.

use super::{COUNTERS, IN_USE, OWNER, PULSE};

/// Whether a writer stands behind the region.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u64)]
pub enum State {
    /// A writer is taking it over; what is there can be read.
    Starting = 1,
    /// A writer runs (if its heartbeat says so too).
    Live = 2,
    /// The writer went in an orderly way.
    Stopped = 3,
    /// Another region takes this one's place: open the path again, and again until it is there.
    Superseded = 4,
}

impl State {
    pub(super) fn from_word(word: u64) -> Option<Self> {
        [Self::Starting, Self::Live, Self::Stopped, Self::Superseded]
            .into_iter()
            .find(|state| *state as u64 == word)
    }

    /// As `status` prints it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Live => "live",
            Self::Stopped => "stopped",
            Self::Superseded => "superseded",
        }
    }
}

/// How the feeds are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u64)]
pub enum FeedState {
    /// No connection yet.
    Connecting = 1,
    /// Connected, the snapshot is not complete.
    Syncing = 2,
    /// Slots tick.
    Live = 3,
    /// Connected, but slots no longer tick.
    Stalled = 4,
    /// No connection.
    Down = 5,
}

impl FeedState {
    /// The state with that number.
    pub fn from_word(word: u64) -> Option<Self> {
        [Self::Connecting, Self::Syncing, Self::Live, Self::Stalled, Self::Down]
            .into_iter()
            .find(|state| *state as u64 == word)
    }

    /// As `status` and Python name it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Connecting => "connecting",
            Self::Syncing => "syncing",
            Self::Live => "live",
            Self::Stalled => "stalled",
            Self::Down => "down",
        }
    }
}

/// Words at [`OWNER`]: who writes, and how its feeds are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(usize)]
pub enum Owner {
    /// A new number per writer start.
    Generation = OWNER,
    /// The writer's process.
    WriterPid,
    /// CLOCK_MONOTONIC when it started.
    WriterStartNs,
    /// See [`FeedState`].
    FeedState,
    /// CLOCK_MONOTONIC when that state began.
    FeedSinceNs,
    /// Record number + 1 of a publish under way whose journal entry may be missing; else 0.
    Publishing,
}

/// Words at [`PULSE`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(usize)]
pub enum Pulse {
    /// CLOCK_MONOTONIC, stored every 100 ms by the publisher.
    HeartbeatNs = PULSE,
    /// The wall time of that. Informative.
    HeartbeatUnixNs,
    /// CLOCK_MONOTONIC when the writer last knew that followed accounts are what the chain says.
    LiveNs,
    /// The newest Solana slot.
    Slot,
    /// CLOCK_MONOTONIC when it began.
    SlotNs,
    /// What is of this slot or an older one is confirmed; `u64::MAX` where feeds bring nothing else.
    ConfirmedSlot,
}

/// What the writer counts, for the life of the region.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(usize)]
pub enum Counter {
    /// Versions published.
    Published = COUNTERS,
    /// Updates that changed nothing.
    Absorbed,
    /// Updates older than what is there.
    Stale,
    /// Updates of accounts of no known kind.
    Unknown,
    /// Accounts refused because their section was full.
    SectionFull,
    /// Accounts longer than their record.
    Truncated,
    /// Accounts whose length the profile does not know.
    LayoutMismatch,
    /// Oracle accounts that their source cannot read.
    OracleErrors,
    /// Records given to another account.
    Reclaimed,
    /// Accounts closed.
    Closed,
    /// Updates overwritten in the writer's queue before they were published.
    Conflated,
    /// Doorbells rung.
    Wakeups,
    /// Pieces of input that could not be read.
    BadInput,
    /// Times the writer found its file unlinked and made it anew.
    Remade,
    /// Times a stream was connected again.
    Reconnects,
    /// Slots that went by between two connections of a stream.
    GapSlots,
    /// Accounts that the audit compared with the chain.
    AuditChecked,
    /// Accounts that no feed had brought as the chain has them; mended.
    AuditMismatches,
    /// Accounts taken back to their confirmed state.
    RolledBack,
}

impl Counter {
    /// All of them with the names that `status` and `Reader.stats()` use.
    pub const ALL: [(Self, &'static str); 19] = [
        (Self::Published, "published"),
        (Self::Absorbed, "absorbed"),
        (Self::Stale, "stale"),
        (Self::Unknown, "unknown"),
        (Self::SectionFull, "section_full"),
        (Self::Truncated, "truncated"),
        (Self::LayoutMismatch, "layout_mismatch"),
        (Self::OracleErrors, "oracle_errors"),
        (Self::Reclaimed, "reclaimed"),
        (Self::Closed, "closed"),
        (Self::Conflated, "conflated"),
        (Self::Wakeups, "wakeups"),
        (Self::BadInput, "bad_input"),
        (Self::Remade, "remade"),
        (Self::Reconnects, "reconnects"),
        (Self::GapSlots, "gap_slots"),
        (Self::AuditChecked, "audit_checked"),
        (Self::AuditMismatches, "audit_mismatches"),
        (Self::RolledBack, "rolled_back"),
    ];
}

const _: () = assert!(Counter::RolledBack as usize + 1 - COUNTERS == Counter::ALL.len());
const _: () = assert!((Counter::RolledBack as usize) < IN_USE);
const _: () = assert!((Owner::Publishing as usize) < PULSE);
