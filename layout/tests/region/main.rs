//! A region from its creation to its end, in files as they are in production.
#![cfg(not(driftshm_loom))]

mod adopt;
mod compare;
mod crash;
mod create;
mod freshness;
mod full;
mod publish;
mod remake;
#[path = "../support/mod.rs"]
mod support;
mod trust;
