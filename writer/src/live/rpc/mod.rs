//! A node's RPC: snapshots of accounts, each with the slot whose state it is.

mod batch;
mod client;
mod error;
mod gate;
mod methods;
mod program_accounts;

pub use client::Rpc;
pub use error::RpcError;
pub use methods::Brought;
pub use program_accounts::Listed;
