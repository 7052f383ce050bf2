//! How the writer is, as its readers see it: what `status` prints, the metrics serve, and systemd
//! is told. All of it comes through a reader's mapping, so none of it costs the publisher anything.

mod eye;
mod feed;
#[cfg(feature = "metrics")]
mod readiness;
pub mod report;

pub use eye::Eye;
pub use feed::feed_trouble;
#[cfg(feature = "metrics")]
pub use feed::last_live;
#[cfg(feature = "metrics")]
pub use readiness::{Readiness, Verdict};
