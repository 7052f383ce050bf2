//! What the benchmarks of the Rust side share: accounts to publish, regions to publish them in,
//! the floor to compare with, and rounds in which contenders take turns.

pub mod accounts;
pub mod cadence;
pub mod floor;
pub mod hammer;
pub mod hot;
pub mod memory;
pub mod notify;
pub mod places;
pub mod publish;
pub mod rounds;
pub mod writer;
