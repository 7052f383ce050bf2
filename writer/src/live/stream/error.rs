//! Why a stream ended.

use std::time::Duration;

/// What ended a stream or kept it from beginning. No text in it holds a key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StreamError {
    /// Nobody answers there.
    #[error("{setting}: cannot connect ({cause}); check the address, and that the host is up")]
    Unreachable {
        /// The setting that names the endpoint, such as `--ws-url`.
        setting: &'static str,
        /// The system's answer.
        cause: String,
    },
    /// The connection cannot be encrypted.
    #[error("{setting}: TLS failed ({cause}); check the scheme of the URL and the certificate")]
    Tls {
        /// The setting that names the endpoint.
        setting: &'static str,
        /// What TLS says.
        cause: String,
    },
    /// The token is missing or wrong, or may not do this.
    #[error("{setting}: the provider refuses access ({cause}); check the token")]
    Unauthorized {
        /// The setting that holds the token, such as `--x-token-file`.
        setting: &'static str,
        /// The provider's answer.
        cause: String,
    },
    /// Too many requests.
    #[error("{setting}: the provider says that there are too many requests")]
    TooMany {
        /// The setting that names the endpoint.
        setting: &'static str,
        /// How long it wants us to wait.
        retry_after: Option<Duration>,
    },
    /// The provider answers, and does not do what it is asked for.
    #[error("{setting}: refused: {cause}")]
    Refused {
        /// The setting that names the endpoint.
        setting: &'static str,
        /// The provider's answer.
        cause: String,
    },
    /// The provider no longer has the slot that the stream was to go on from.
    #[error(
        "{setting}: the provider no longer has slot {slot}: going on from now, with a snapshot"
    )]
    TooOld {
        /// The setting that names the endpoint.
        setting: &'static str,
        /// The slot that was asked for.
        slot: u64,
    },
    /// The provider is behind what is known already.
    #[error(
        "{setting}: the provider is at slot {slot}, behind slot {reached} that was seen before; it \
         is waited for (if the cluster was begun anew, remove the region's directory)"
    )]
    Behind {
        /// The setting that names the endpoint.
        setting: &'static str,
        /// Where it is.
        slot: u64,
        /// What was seen.
        reached: u64,
    },
    /// The provider is of another cluster than RPC.
    #[error(
        "{setting}: the stream is at slot {slot} and --rpc-url about {rpc}: they are not of the \
         same cluster; check both URLs"
    )]
    OtherCluster {
        /// The setting that names the endpoint.
        setting: &'static str,
        /// Where the stream is.
        slot: u64,
        /// Where RPC is.
        rpc: u64,
    },
    /// A message is larger than is allowed.
    #[error("{setting}: a message of over {limit} bytes; raise --max-message if that is expected")]
    Oversized {
        /// The setting that names the endpoint.
        setting: &'static str,
        /// The limit.
        limit: usize,
    },
    /// The other side ended the stream, in order or not.
    #[error("{setting}: the stream has ended ({cause})")]
    Ended {
        /// The setting that names the endpoint.
        setting: &'static str,
        /// What is known of it.
        cause: String,
    },
    /// Nothing came for too long.
    #[error("{setting}: {what} took longer than {} s", after.as_secs_f32())]
    TimedOut {
        /// The setting that names the endpoint.
        setting: &'static str,
        /// What was waited for.
        what: &'static str,
        /// For how long.
        after: Duration,
    },
}

impl StreamError {
    /// Whether the other side was there: then another try costs it something.
    pub fn was_answered(&self) -> bool {
        !matches!(self, Self::Unreachable { .. } | Self::TimedOut { .. })
    }

    /// How long the other side wants us to wait.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::TooMany { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// The kind, as the figures count it.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Unreachable { .. } => "unreachable",
            Self::Tls { .. } => "tls",
            Self::Unauthorized { .. } => "unauthorized",
            Self::TooMany { .. } => "too_many_requests",
            Self::Refused { .. } => "refused",
            Self::TooOld { .. } => "too_old",
            Self::Behind { .. } => "behind",
            Self::OtherCluster { .. } => "other_cluster",
            Self::Oversized { .. } => "oversized",
            Self::Ended { .. } => "ended",
            Self::TimedOut { .. } => "timed_out",
        }
    }
}
