//! How a cluster is set up.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use driftshm_layout::profile::Profile;
use driftshm_writer::feeds::sim::SimOptions;

/// When the next slot begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// After so long.
    Every(Duration),
    /// On [`advance`](crate::Cluster::advance) only.
    OnCommand,
}

/// The simulated accounts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sim {
    /// Which there are. Their [`rate`](SimOptions::rate) and slot length are not used.
    pub accounts: SimOptions,
    /// Updates per second; with 0 they stay as they are.
    pub rate: u32,
}

impl Default for Sim {
    fn default() -> Self {
        Self { accounts: SimOptions { cold_users: 0, ..SimOptions::default() }, rate: 0 }
    }
}

/// What a cluster is to be; the default has the simulated accounts, which stand still.
#[derive(Debug, Clone)]
pub struct Options {
    /// What accounts look like, and whose they are.
    pub profile: Arc<Profile>,
    /// The simulated accounts, if there are to be any.
    pub sim: Option<Sim>,
    /// JSON lines with `pubkey`, `data` (base64) and optionally `owner`; with oracles made for the
    /// markets among them. They replace simulated accounts of the same address.
    pub accounts: Option<PathBuf>,
    /// JSON lines with `family`, `data` and `expected`: real oracles to put where the markets of
    /// `accounts` want one. By default `oracles.jsonl` beside those.
    pub oracles: Option<PathBuf>,
    /// When slots begin.
    pub pace: Pace,
    /// The slot that all accounts were written in; the first open slot is the next.
    pub start_slot: u64,
    /// A slot is confirmed when so many after it were processed.
    pub confirm_after: usize,
    /// A slot is finalized when so many after it were confirmed.
    pub finalize_after: usize,
    /// Slots that Yellowstone can replay.
    pub replay_slots: u64,
    /// Bytes of account data kept for that; beyond, fewer slots can be replayed.
    pub replay_bytes: usize,
    /// What Yellowstone's clients must send as `x-token`.
    pub x_token: Option<String>,
    /// What `getGenesisHash` says.
    pub genesis_hash: String,
    /// What `getVersion` says.
    pub version: String,
    /// Ports; 0 is any that is free.
    pub ports: Ports,
    /// How often pubsub pings its clients.
    pub ws_ping: Duration,
    /// How often Yellowstone pings its clients.
    pub grpc_ping: Duration,
    /// Messages by which a stream may lag before it is ended.
    pub queue: usize,
}

/// The ports of the servers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Ports {
    /// JSON-RPC.
    pub rpc: u16,
    /// Pubsub.
    pub ws: u16,
    /// Yellowstone.
    pub grpc: u16,
    /// Commands.
    pub control: u16,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            #[allow(clippy::expect_used)]
            profile: Arc::new(Profile::builtin("drift-v2").expect("drift-v2 is builtin")),
            sim: Some(Sim::default()),
            accounts: None,
            oracles: None,
            pace: Pace::Every(Duration::from_millis(400)),
            start_slot: 405_286_914,
            confirm_after: 1,
            finalize_after: 31,
            replay_slots: 150,
            replay_bytes: 256 << 20,
            x_token: None,
            genesis_hash: "7EgcqdWKMmoSRASVvYZLgmZTCM6hBPZ1Yz4B3vgZxwRe".to_owned(),
            version: "2.2.20".to_owned(),
            ports: Ports::default(),
            ws_ping: Duration::from_secs(10),
            grpc_ping: Duration::from_secs(15),
            queue: 100_000,
        }
    }
}
