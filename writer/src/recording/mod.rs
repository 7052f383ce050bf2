//! Recordings: what feeds brought, in a file that the feed `replay` plays again.
//!
//! ```text
//!   queue ──► publisher ──► Tap ═══ bounded channel ═══► recorder's thread ──► file or pipe
//!                 │        (encodes; when the channel      (blocks of at most a second:
//!                 ▼         is full: drops, counts)         compressed, checksummed)
//!              region ───────── its state at first ────────────┘
//! ```
//! The publisher waits for nothing here. `docs/recording-format.md` has the bytes.

mod blocks;
mod error;
mod format;
mod item;
mod pipe;
mod read;
mod recorder;
mod tap;
#[cfg(test)]
mod tests;

pub use self::blocks::BlockWriter;
pub use self::error::RecordingError;
pub use self::format::VERSION;
pub use self::item::{Item, Said, Session};
pub use self::pipe::{PipeSink, Place, Recordings};
pub use self::read::{BlockCache, Damage, Next, Position, Recording};
pub use self::recorder::{Guard, RecorderOptions, append_to, could_append_to, start};
pub(crate) use self::tap::LAST;
pub use self::tap::Tap;
