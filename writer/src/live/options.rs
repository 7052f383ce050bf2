//! What the live feeds need to know.

use std::time::Duration;

use super::endpoint::{Endpoint, Token};

/// How sure the chain must be of what is published.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Commitment {
    /// As soon as a leader's block has it: some 400 ms earlier, and may be taken back.
    Processed,
    /// Once two thirds of the stake have voted for it; has never been taken back.
    #[default]
    Confirmed,
}

impl Commitment {
    /// As the protocols call it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Processed => "processed",
            Self::Confirmed => "confirmed",
        }
    }
}

/// Which users are followed though nobody named them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Users {
    /// None.
    #[default]
    None,
    /// Those that the program does not call idle.
    Active,
    /// Every one.
    All,
}

/// Settings of all live feeds.
#[derive(Debug, Clone)]
pub struct LiveOptions {
    /// The cluster's name; of the well-known ones, the genesis is checked.
    pub cluster: String,
    /// Snapshots, the audit, and polling where there is no stream.
    pub rpc: Endpoint,
    /// Solana's pubsub.
    pub ws: Option<Endpoint>,
    /// Yellowstone.
    pub grpc: Option<Endpoint>,
    /// The provider's token for `grpc`.
    pub x_token: Option<Token>,
    /// Whether accounts are polled though there is a stream.
    pub poll: bool,
    /// How sure the chain must be.
    pub commitment: Commitment,
    /// Which users.
    pub users: Users,
    /// Between two polls.
    pub poll_interval: Duration,
    /// Every followed account is looked at again within this; zero = never.
    pub audit_period: Duration,
    /// Requests a second over RPC, at most.
    pub rpc_rate: f64,
    /// Keys of one request at most.
    pub rpc_batch: usize,
    /// The largest message taken from a stream, in bytes.
    pub max_message: usize,
    /// Whether what cannot be mended by waiting ends the process, until the feed was live once.
    pub fail_fast: bool,
}

impl LiveOptions {
    /// The defaults, over RPC alone.
    pub fn new(cluster: &str, rpc: Endpoint) -> Self {
        Self {
            cluster: cluster.to_owned(),
            rpc,
            ws: None,
            grpc: None,
            x_token: None,
            poll: false,
            commitment: Commitment::default(),
            users: Users::default(),
            poll_interval: Duration::from_secs(2),
            audit_period: Duration::from_secs(60),
            rpc_rate: 5.0,
            rpc_batch: 100,
            max_message: 64 << 20,
            fail_fast: false,
        }
    }
}
