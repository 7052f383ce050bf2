//! Why a request over RPC brought nothing.

use std::time::Duration;

use crate::live::stream::words::Words;

/// What went wrong with a request. No text in it holds a key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RpcError {
    /// Nobody answers there, or not in time.
    #[error(
        "--rpc-url: {method} got no answer ({cause}); check the address, and that the host is up"
    )]
    Unanswered {
        /// The request's method.
        method: &'static str,
        /// The system's answer.
        cause: String,
    },
    /// The connection cannot be encrypted.
    #[error("--rpc-url: TLS failed ({cause}); check the scheme of the URL and the certificate")]
    Tls {
        /// What TLS says.
        cause: String,
    },
    /// Too many requests.
    #[error("--rpc-url: the provider says that there are too many requests; lower --rpc-rate")]
    TooMany {
        /// How long it wants us to wait.
        retry_after: Option<Duration>,
    },
    /// The provider is out of order, and says until when.
    #[error("--rpc-url: {method} got HTTP 503: the provider is unavailable for now")]
    Unavailable {
        /// The request's method.
        method: &'static str,
        /// How long it wants us to wait.
        retry_after: Option<Duration>,
    },
    /// The key in the URL is missing or wrong.
    #[error("--rpc-url: the provider refuses access (HTTP {status}); check the key in the URL")]
    Unauthorized {
        /// Of HTTP.
        status: u16,
    },
    /// An answer that is not one.
    #[error("--rpc-url: {method} got an answer that cannot be read: {cause}")]
    Malformed {
        /// The request's method.
        method: &'static str,
        /// What is wrong with it.
        cause: String,
    },
    /// HTTP says no.
    #[error("--rpc-url: {method} got HTTP {status}")]
    Http {
        /// The request's method.
        method: &'static str,
        /// Of HTTP.
        status: u16,
    },
    /// The node says no.
    #[error("--rpc-url: {method} was refused: {message} ({code})")]
    Refused {
        /// The request's method.
        method: &'static str,
        /// Of JSON-RPC.
        code: i64,
        /// The node's words.
        message: String,
    },
    /// The node has not yet seen the slot that is asked for.
    #[error("--rpc-url: the node is behind: it has not seen slot {wanted} yet")]
    Behind {
        /// The slot.
        wanted: u64,
        /// The one it is at, if it says so.
        at: Option<u64>,
    },
    /// The URL is another cluster's.
    #[error(
        "--rpc-url is a node of another cluster than --cluster {cluster}: its genesis is {found}, \
         expected {expected}"
    )]
    OtherCluster {
        /// The one that is named.
        cluster: String,
        /// What the node says.
        found: String,
        /// What it should.
        expected: &'static str,
    },
}

/// The code of `minContextSlot` not reached.
pub(super) const MIN_CONTEXT_SLOT: i64 = -32016;

impl RpcError {
    /// Whether the other side was there.
    pub fn was_answered(&self) -> bool {
        !matches!(self, Self::Unanswered { .. })
    }

    /// How long the other side wants us to wait.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::TooMany { retry_after } | Self::Unavailable { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// Without the keys that the provider may have repeated in its words.
    pub(super) fn without_keys(self, words: &Words) -> Self {
        match self {
            Self::Refused { method, code, message } => {
                Self::Refused { method, code, message: words.clean(&message) }
            }
            Self::Malformed { method, cause } => {
                Self::Malformed { method, cause: words.clean(&cause) }
            }
            other => other,
        }
    }

    /// Whether asking for less at a time may help.
    pub fn is_of_size(&self) -> bool {
        match self {
            Self::Http { status, .. } => matches!(status, 400 | 413 | 414),
            Self::Refused { code, message, .. } => {
                let message = message.to_ascii_lowercase();
                let words = ["too many", "maximum", "max ", "limit", "too large", "exceed"];
                *code == -32602
                    || *code == -32600
                    || words.iter().any(|word| message.contains(word))
            }
            _ => false,
        }
    }

    /// The kind, as the figures count it.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Unanswered { .. } => "unanswered",
            Self::Tls { .. } => "tls",
            Self::TooMany { .. } => "too_many_requests",
            Self::Unavailable { .. } => "unavailable",
            Self::Unauthorized { .. } => "unauthorized",
            Self::Malformed { .. } => "malformed",
            Self::Http { .. } => "http",
            Self::Refused { .. } => "refused",
            Self::Behind { .. } => "behind",
            Self::OtherCluster { .. } => "other_cluster",
        }
    }
}
