//! What can go wrong.

use driftshm_layout::Pubkey;
use serde::{Deserialize, Serialize};

use crate::commitment::Commitment;

const OVERSIZED: usize = 80 << 20;

/// Something that goes wrong. All but the last group last until [`heal`](crate::Cluster::heal),
/// until their `count` of messages is used up, or until the order's `for_ms` is over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "fault", rename_all = "snake_case", deny_unknown_fields)]
pub enum Fault {
    /// Requests (RPC), upgrades (WebSocket) and calls (gRPC) are answered with HTTP 429.
    TooManyRequests {
        /// Said in `Retry-After`, if given.
        #[serde(default)]
        retry_after_s: Option<u64>,
        /// Only so many of them.
        #[serde(default)]
        count: Option<u64>,
    },
    /// RPC says in JSON, and not in HTTP, that there are too many requests.
    RateLimitInJson {
        /// Only so many of them.
        #[serde(default)]
        count: Option<u64>,
    },
    /// Requests, upgrades and calls are answered with this status of HTTP.
    HttpStatus {
        /// Such as 403 or 503.
        status: u16,
        /// Only so many of them.
        #[serde(default)]
        count: Option<u64>,
    },
    /// Yellowstone's streams end with this status as soon as they are asked for.
    GrpcStatus {
        /// Its number: 3 is invalid argument, 11 out of range, 13 internal, 14 unavailable.
        code: i32,
        /// Only so many of them.
        #[serde(default)]
        count: Option<u64>,
    },
    /// A method is not there: the error -32601; on gRPC unimplemented.
    RefuseMethod {
        /// Such as `getProgramAccounts`.
        method: String,
    },
    /// `getMultipleAccounts` takes fewer accounts at a time.
    KeyLimit {
        /// How many.
        keys: usize,
    },
    /// RPC answers later.
    Slow {
        /// By so many milliseconds.
        ms: u64,
    },
    /// The listener is closed: connections are refused, and those there are cut.
    Refuse {
        /// Connections that exist are left alone.
        #[serde(default)]
        keep_connections: bool,
    },
    /// New connections are accepted and never answered.
    HalfOpen {},
    /// New connections are accepted and closed at once.
    Eof {},
    /// Nothing flows on any connection, and none is closed.
    BlackHole {},
    /// No accounts and no slots come; pings go on and requests of a stream are answered. What
    /// happens meanwhile is lost to the streams. RPC requests are not answered.
    Silence {},
    /// Slots are no longer told; accounts come. RPC answers from the slot that it had.
    Stall {},
    /// The whole chain stands still: no slots, and nothing from the simulation. Not a matter of
    /// protocols.
    Halt {},
    /// An account's update is held back until the next one has overtaken it, two slots at most.
    Reorder {
        /// Only this account's.
        #[serde(default)]
        pubkey: Option<Pubkey>,
    },
    /// Every account update comes twice.
    Duplicate {},
    /// The streams never bring the next updates of an account, at no commitment and in no replay.
    /// RPC shows them.
    Skip {
        /// Whose.
        pubkey: Pubkey,
        /// How many.
        #[serde(default = "one")]
        count: u64,
    },
    /// Slots that are told are lower than they are; RPC lags.
    SlotsBack {
        /// By so much.
        by: u64,
    },
    /// Yellowstone never says that slots have reached this commitment.
    OmitStatus {
        /// Which.
        status: Commitment,
    },
    /// Instead of an account update: text that is no JSON; on gRPC an update with a short address,
    /// or without an account.
    Malformed {
        /// Only so many messages.
        #[serde(default)]
        count: Option<u64>,
    },
    /// Account updates and answers are cut in the middle.
    Truncated {
        /// Only so many messages.
        #[serde(default)]
        count: Option<u64>,
    },
    /// Account updates and answers have an account of this many bytes.
    Oversized {
        /// Bytes of the account's data.
        #[serde(default = "oversized")]
        bytes: usize,
        /// Only so many messages.
        #[serde(default)]
        count: Option<u64>,
    },
    /// The data of accounts is no base64; of several in an answer all but the first one's. Not on
    /// gRPC.
    BadBase64 {
        /// Only so many messages.
        #[serde(default)]
        count: Option<u64>,
    },
    /// RPC answers as of so many slots ago. Not a matter of protocols.
    RpcLag {
        /// How many.
        slots: u64,
    },

    /// At once: all connections are cut.
    Cut {},
    /// At once: streams end in good order, while Yellowstone's connections stay.
    EndStreams {},
    /// At once: the newest slots that are not confirmed are undone, and the chain goes on from
    /// what is left. Not a matter of protocols.
    Orphan {
        /// How many; the open one is the first.
        #[serde(default = "one_slot")]
        slots: usize,
        /// Yellowstone says `SLOT_DEAD`. If not, only the parents of later slots tell.
        #[serde(default = "yes")]
        announce: bool,
    },
    /// At once: connections are cut and refused, the chain moves on meanwhile, and the servers come
    /// back; Yellowstone can replay nothing from before, and its write versions start anew.
    Restart {
        /// So many slots pass at once, one at least, beside those that pass anyway.
        #[serde(default = "ten")]
        slots: u64,
        /// So long the servers are away.
        #[serde(default = "half_a_second")]
        down_ms: u64,
        /// Every perp market has changed when they come back.
        #[serde(default = "yes")]
        touch: bool,
    },
    /// At once: an account is closed, as programs do: no lamports, no data, owned by the system.
    Close {
        /// Which.
        pubkey: Pubkey,
        /// The owner stays, so that filters by owner see it.
        #[serde(default)]
        keep_owner: bool,
    },
    /// At once: a closed account is there again as it was.
    Reopen {
        /// Which.
        pubkey: Pubkey,
    },
    /// At once: an account gets longer, by zeroes.
    Grow {
        /// Which.
        pubkey: Pubkey,
        /// By so many bytes.
        #[serde(default = "extension")]
        by: usize,
    },
}

fn one() -> u64 {
    1
}
fn one_slot() -> usize {
    1
}
fn ten() -> u64 {
    10
}
fn half_a_second() -> u64 {
    500
}
fn yes() -> bool {
    true
}
fn oversized() -> usize {
    OVERSIZED
}
fn extension() -> usize {
    64
}
