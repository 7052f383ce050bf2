//! The parts of the writer daemon `driftshm`.
#![forbid(unsafe_code)]

pub mod commands;
pub mod config;
pub mod control;
pub mod feeds;
pub mod oracle;
pub mod publisher;
pub mod serve;
