//! Subscriptions as a bot has them, on a writer that does nothing but what the test says.
#![cfg(not(driftshm_loom))]

mod busy;
mod narrow;
mod owners;
mod restart;
#[path = "../support/mod.rs"]
mod support;
mod writer;
