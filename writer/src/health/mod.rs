//! How the writer is, as its readers see it: what `status` prints, the metrics serve, and systemd
//! is told. All of it comes through a reader's mapping, so none of it costs the publisher anything.

mod eye;
#[cfg(feature = "metrics")]
mod readiness;
pub mod report;

pub use eye::Eye;
#[cfg(feature = "metrics")]
pub use readiness::{Readiness, Verdict};
