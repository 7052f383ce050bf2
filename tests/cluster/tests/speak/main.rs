//! Each protocol spoken by an ordinary client.

mod control;
mod faults;
mod grpc;
mod rpc;
mod support;
mod ws;
