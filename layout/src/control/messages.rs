//! The messages of the control socket.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::filter::Filter;

/// Bytes of a message at most; a longer one ends the connection.
pub const MAX_MESSAGE: usize = 64 * 1024;
/// Addresses in one message at most; [`Request::Extend`] adds further ones.
pub const PUBKEYS_PER_MESSAGE: usize = 1000;
/// Bytes of the page that a subscriber shares with the writer: see [`Page`](crate::notify::Page).
pub const SUBSCRIBER_PAGE: usize = 4096;

/// What a subscription is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SubscribeRequest {
    /// Which changes wake the subscriber. Addresses in it are watched too: the writer's feeds
    /// follow them for as long as the connection stands.
    pub filter: Filter,
}

/// What a bot says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub enum Request {
    /// First message of a connection.
    Hello {
        /// The format that the bot reads.
        abi: u32,
        /// Version of its package, for people's eyes.
        version: String,
    },
    /// Asks for a doorbell and a page, sent along with [`Response::Subscribed`].
    Subscribe(SubscribeRequest),
    /// Adds to a subscription's filter.
    Extend {
        /// The subscription.
        id: u64,
        /// What is added.
        filter: Filter,
    },
    /// Ends a subscription.
    Unsubscribe {
        /// The subscription.
        id: u64,
    },
    /// Asks for a recording of all that feeds bring, sent along with [`Response::Recording`]. It
    /// ends with the connection.
    Record,
    /// Asks for figures that are not in the region.
    Status,
}

/// What the writer answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "re", rename_all = "snake_case")]
pub enum Response {
    /// To [`Request::Hello`].
    Hello {
        /// The region's format.
        abi: u32,
        /// Version of the writer.
        version: String,
        /// See `Region::generation`.
        generation: u64,
    },
    /// To [`Request::Subscribe`]; carries two descriptors: the read end of the
    /// doorbell (a pipe: readable when something changed), then the page's memfd.
    Subscribed {
        /// Names the subscription on this connection.
        id: u64,
    },
    /// To [`Request::Record`]; carries one descriptor: the read end of a pipe with the recording.
    Recording,
    /// Done.
    Done,
    /// To [`Request::Status`].
    Status(Status),
    /// The request was not carried out.
    Error {
        /// For programs.
        code: ErrorCode,
        /// For people.
        message: String,
    },
}

/// Why a request was not carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorCode {
    /// The message is not one of [`Request`].
    BadMessage,
    /// Reader and writer are of different formats.
    Incompatible,
    /// A limit on connections, subscriptions or addresses is reached.
    TooMany,
    /// This user may not connect.
    NotAllowed,
    /// The writer could not make the descriptors.
    Resources,
}

/// What only the writer knows.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Status {
    /// Bots connected.
    pub connections: u64,
    /// Subscriptions that can be woken.
    pub subscriptions: u64,
    /// Addresses that bots watch.
    pub watched: u64,
    /// The feeds.
    pub feeds: Vec<FeedReport>,
}

/// How one feed is.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct FeedReport {
    /// Its name.
    pub name: String,
    /// Its state, as [`FeedState`](crate::FeedState) calls it.
    pub state: String,
    /// Seconds since when.
    pub state_age_s: u64,
    /// What it counts, by name: `slot`, `requests`, `reconnects`, `gap_slots`, `audit_checked`,
    /// `audit_mismatches`, and `error_` with each kind of error. What is zero is left out.
    pub figures: BTreeMap<String, u64>,
    /// What failed last, unless it is well again.
    pub error: Option<String>,
}
