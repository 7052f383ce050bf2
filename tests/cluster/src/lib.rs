//! A Solana cluster in miniature, for tests and for trying things out: one store of accounts that
//! moves on slot by slot, served by JSON-RPC, by pubsub over WebSocket and by Yellowstone gRPC,
//! with faults on command.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use driftshm_cluster::{Cluster, Fault, Options, Protocol};
//!
//! let cluster = Cluster::start(Options::default()).await?;
//! println!("{} {} {}", cluster.rpc_url(), cluster.ws_url(), cluster.grpc_url());
//! cluster.fault_on(Protocol::Ws, Fault::BlackHole {}).await?;
//! cluster.heal().await?;
//! # Ok(())
//! # }
//! ```
#![forbid(unsafe_code)]

mod chain;
mod cluster;
mod commitment;
mod content;
mod control;
mod counters;
mod encoding;
mod error;
mod faults;
mod filters;
mod hub;
mod net;
mod node;
mod options;
mod protocol;
mod pubsub;
mod rpc;
mod yellowstone;

pub use chain::{Account, SYSTEM_PROGRAM, rent};
pub use cluster::Cluster;
pub use commitment::Commitment;
pub use counters::{Counts, ProtocolCounts};
pub use driftshm_writer::feeds::sim::SimOptions;
pub use error::StartError;
pub use faults::{Fault, FaultError, FaultOrder};
pub use options::{Options, Pace, Ports, Sim};
pub use protocol::{Protocol, Protocols};
