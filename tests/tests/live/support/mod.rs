//! A cluster, a writer that follows it, and what a bot sees of it.

mod ask;
mod chain;
mod dice;
mod hanging;
mod journal;
mod process;
mod tls;
mod truth;
mod writer;

pub use chain::{Chain, small, two_hundred};
pub use dice::Dice;
pub use hanging::hanging_at;
pub use journal::Order;
pub use process::Footprint;
pub use tls::Tls;
pub use truth::Followed;
pub use writer::LiveWriter;

use std::time::{Duration, Instant};

/// Nothing that must happen takes longer, unless the test says so.
pub const WATCHDOG: Duration = Duration::from_secs(30);

/// Looks again and again until there is something, and says how long that took.
#[track_caller]
pub fn until<T>(
    what: &str,
    within: Duration,
    mut look: impl FnMut() -> Option<T>,
) -> (T, Duration) {
    let began = Instant::now();
    loop {
        if let Some(found) = look() {
            return (found, began.elapsed());
        }
        assert!(began.elapsed() < within, "not within {within:?}: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Which feeds a writer has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Feeds {
    /// RPC alone, polled.
    Rpc,
    /// Pubsub.
    Ws,
    /// Yellowstone.
    Grpc,
    /// All three side by side.
    All,
}

impl std::fmt::Display for Feeds {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Rpc => "rpc",
            Self::Ws => "ws",
            Self::Grpc => "grpc",
            Self::All => "all",
        })
    }
}

impl Feeds {
    /// Every combination that is tested.
    pub const EACH: [Self; 4] = [Self::Rpc, Self::Ws, Self::Grpc, Self::All];

    /// Whether a feed of this name is among them.
    pub fn has(self, name: &str) -> bool {
        match self {
            Self::Rpc => name == "rpc",
            Self::Ws => name == "ws",
            Self::Grpc => name == "grpc",
            Self::All => true,
        }
    }
}
