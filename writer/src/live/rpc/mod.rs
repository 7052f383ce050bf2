//! A node's RPC: snapshots of accounts, each with the slot whose state it is.

mod client;
mod error;
mod gate;
mod methods;
mod program_accounts;

pub use client::Rpc;
pub use error::RpcError;
pub use methods::Brought;
