//! The parts of the writer daemon `driftshm`.
#![forbid(unsafe_code)]

pub mod feeds;
pub mod oracle;
