//! The command line as a user meets it: real processes.

#[cfg(feature = "metrics")]
#[path = "../support/http.rs"]
mod http;
mod live;
mod metrics;
mod notify;
mod process;
mod reading;
mod ready;
mod recordings;
#[cfg(all(feature = "live", feature = "metrics"))]
mod settings;
mod support;
mod texts;
