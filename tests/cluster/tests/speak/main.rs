//! Each protocol spoken by an ordinary client.

mod control;
mod rpc;
mod support;
mod ws;
