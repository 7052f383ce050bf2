//! Streams: connections on which a provider sends accounts as they change.

mod error;
mod event;
mod forks;
pub mod grpc;
mod losses;
mod pulse;
pub mod run;
mod told;
pub mod words;
pub mod ws;

use super::options::LiveOptions;
use super::plan::Plan;

pub use error::StreamError;
pub use event::{Event, SlotStatus, SlotUpdate};

/// One connection of one protocol. It subscribes to slots in any case: they are its pulse.
///
/// Every wait on the network is bounded by the implementation or, for [`Stream::next`], by the
/// caller, who may drop the future at any time without losing anything.
#[allow(async_fn_in_trait, reason = "each runs on the thread that made it")]
pub trait Stream: Sized {
    /// The feed's name.
    const NAME: &'static str;
    /// The setting that names its endpoint.
    const SETTING: &'static str;

    /// Connects. `from_slot` is where the last connection had got to, for protocols that can go on
    /// from there.
    async fn connect(options: &LiveOptions, from_slot: Option<u64>) -> Result<Self, StreamError>;

    /// Asks for what the plan says, in place of what was asked for before; without a gap in what
    /// is in both. [`Event::Following`] comes once it is carried out.
    async fn follow(&mut self, plan: &Plan) -> Result<(), StreamError>;

    /// What comes next. Pings are answered, and sent when nothing else was for a while.
    async fn next(&mut self) -> Result<Event, StreamError>;
}
