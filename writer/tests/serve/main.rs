//! The writer without its feeds: real sockets, a real region, accounts brought by hand.

mod accounts;
mod clients;
mod gaps;
#[cfg(feature = "metrics")]
#[path = "../support/http.rs"]
mod http;
mod lifecycle;
mod limits;
#[cfg(feature = "metrics")]
mod metrics;
mod oracles;
mod processes;
mod recordings;
mod support;
mod wake;
mod watches;
