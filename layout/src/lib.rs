//! The shared-memory region of driftshm: one writer, any number of readers, nothing torn.
//!
//! A Rust bot uses [`Region`] to read and [`control::Subscription`] to await changes; the
//! writer daemon uses [`RegionWriter`]. `docs/region-format.md` draws the whole.

pub mod clock;
pub mod dir;
pub mod directory;
mod error;
pub mod figures;
pub mod geometry;
pub mod header;
pub mod journal;
pub mod notify;
pub mod oracle_price;
mod order;
pub mod profile;
mod pubkey;
pub mod record;
pub mod sync;
mod torn;

#[cfg(not(driftshm_loom))]
pub mod control;
#[cfg(not(driftshm_loom))]
pub mod mapping;
#[cfg(not(driftshm_loom))]
mod region;
#[cfg(not(driftshm_loom))]
pub mod region_file;
#[cfg(not(driftshm_loom))]
mod writer;

pub use error::{OpenError, WriterError};
pub use geometry::Capacities;
pub use header::{Counter, FeedState, State};
pub use oracle_price::OraclePrice;
pub use order::Stamp;
pub use pubkey::{Pubkey, PubkeyError};
#[cfg(not(driftshm_loom))]
pub use region::{HEARTBEAT_TIMEOUT_NS, RecordRef, Region, Snapshot};
#[cfg(not(driftshm_loom))]
pub use region_file::{Origin, RegionOptions};
#[cfg(not(driftshm_loom))]
pub use writer::{AccountUpdate, Applied, RegionWriter};
