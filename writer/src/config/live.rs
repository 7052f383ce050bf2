//! The settings of the live feeds.

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::BoolishValueParser;
use clap::{Args, ValueEnum};

use super::value;
use crate::live::{Commitment, Endpoint};

/// How the chain is followed.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Live feeds")]
pub struct LiveArgs {
    /// A node's RPC: snapshots, the audit, and polling where there is no stream. Give a URL with a
    /// key in it by the variable or the file: flags are visible to every user of the host
    #[arg(long, value_name = "URL", env = "DRIFTSHM_RPC_URL", hide_env_values = true,
        value_parser = http)]
    pub rpc_url: Option<Endpoint>,

    /// A node's WebSocket pubsub: accounts as they change
    #[arg(long, value_name = "URL", env = "DRIFTSHM_WS_URL", hide_env_values = true,
        value_parser = ws)]
    pub ws_url: Option<Endpoint>,

    /// A Yellowstone gRPC server: accounts as they change, sooner than by ws and with less load
    #[arg(long, value_name = "URL", env = "DRIFTSHM_GRPC_URL", hide_env_values = true,
        value_parser = http)]
    pub grpc_url: Option<Endpoint>,

    /// File with the provider's token for --grpc-url
    #[arg(long, value_name = "FILE", env = "DRIFTSHM_X_TOKEN_FILE")]
    pub x_token_file: Option<PathBuf>,

    /// Commitment level: processed comes about 400 ms earlier, but may be rolled back
    #[arg(long, env = "DRIFTSHM_COMMITMENT", default_value = "confirmed")]
    pub commitment: CommitmentName,

    /// Seconds between two polls of the feed rpc
    #[arg(long, value_name = "SECONDS", env = "DRIFTSHM_POLL_INTERVAL", default_value = "2",
        value_parser = value::seconds)]
    pub poll_interval: Duration,

    /// Seconds within which every followed account is compared with RPC; 0 = never
    #[arg(long, value_name = "SECONDS", env = "DRIFTSHM_AUDIT_PERIOD", default_value = "60",
        value_parser = value::seconds)]
    pub audit_period: Duration,

    /// Most requests per second to --rpc-url
    #[arg(long, value_name = "N", env = "DRIFTSHM_RPC_RATE", default_value = "5",
        value_parser = value::factor)]
    pub rpc_rate: f64,

    /// Most accounts per request; halved by itself where a provider refuses so many
    #[arg(long, value_name = "N", env = "DRIFTSHM_RPC_BATCH", default_value = "100",
        value_parser = value::number(1usize, 100))]
    pub rpc_batch: usize,

    /// Longest message of a stream, in bytes
    #[arg(long, value_name = "BYTES", env = "DRIFTSHM_MAX_MESSAGE", default_value = "67108864",
        value_parser = value::number(1usize << 16, 1 << 30))]
    pub max_message: usize,

    /// Exit with an error if a feed fails before it was live; without it, feeds are retried for
    /// ever
    #[arg(long, value_name = "true|false", env = "DRIFTSHM_FAIL_FAST", default_value = "false",
        default_missing_value = "true", num_args = 0..=1, require_equals = true,
        value_parser = BoolishValueParser::new())]
    pub fail_fast: bool,
}

/// How sure the chain must be of what is published.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum CommitmentName {
    /// As soon as a block has it.
    Processed,
    /// Once two thirds of the stake have voted for it.
    Confirmed,
}

impl From<CommitmentName> for Commitment {
    fn from(name: CommitmentName) -> Self {
        match name {
            CommitmentName::Processed => Self::Processed,
            CommitmentName::Confirmed => Self::Confirmed,
        }
    }
}

fn http(text: &str) -> Result<Endpoint, String> {
    Endpoint::parse(text, &["http", "https"])
}

fn ws(text: &str) -> Result<Endpoint, String> {
    Endpoint::parse(text, &["ws", "wss"])
}
