//! The parts of the writer daemon `driftshm`.
#![forbid(unsafe_code)]

pub mod commands;
pub mod config;
pub mod control;
pub mod feeds;
mod health;
#[cfg(feature = "live")]
pub mod live;
#[cfg(feature = "metrics")]
pub mod metrics;
pub mod oracle;
pub mod publisher;
pub mod recording;
pub mod serve;
