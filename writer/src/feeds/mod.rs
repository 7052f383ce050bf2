//! Feeds: each turns a source into account updates for the publisher.

mod feed;
mod figures;
mod queue;
pub mod replay;
pub mod sim;
mod sink;

use driftshm_layout::profile::Kind;
use driftshm_layout::{Counter, FeedState, Pubkey};

pub use feed::{Feed, Part};
pub use figures::Figures;
pub use queue::{Batch, FEW, Queue, Taker};
pub use sink::Sink;

/// One account as a feed brought it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountUpdate {
    /// The account's address.
    pub pubkey: Pubkey,
    /// The program that owns it; `None` where the feed does not say.
    pub owner: Option<Pubkey>,
    /// The slot whose state it is: the account's own, not the last one seen.
    pub slot: u64,
    /// Orders updates of this source within a slot; 0 = it has none.
    pub write_version: u64,
    /// The balance. Zero, or no data, means that the account is closed.
    pub lamports: u64,
    /// The account, byte for byte.
    pub data: Vec<u8>,
    /// CLOCK_MONOTONIC ns when it came in.
    pub received_ns: u64,
    /// Rank of the source, see `Stamp::source`. The sink fills it in.
    pub source: u8,
}

/// What a feed has to say beside accounts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FeedEvent {
    /// How the feed is.
    State(FeedState),
    /// Every account that the feed has was brought at least once since it began.
    Complete,
    /// After a gap, accounts of this kind that nobody asks for by name come later: until each has
    /// come, nobody knows whether it is as the chain has it.
    Later(Kind),
    /// What the feed brings is as the chain had it then, CLOCK_MONOTONIC ns, and all of it was
    /// handed over before this. A feed that never says so vouches for the present while it is live.
    Vouched(u64),
    /// From now on nobody brings accounts of this kind, save those asked for by name: each is in
    /// doubt until it comes again.
    Doubt(Kind),
    /// Changes of these were not told of, or could not be read: each is in doubt until it
    /// comes once more.
    Unsure(Vec<Pubkey>),
    /// The newest Solana slot: the feed's pulse.
    Slot(u64),
    /// What is of this slot or an older one is confirmed; what is of a newer one may be taken back.
    Confirmed(u64),
    /// A slot turned out not to be part of the chain: if the account is as that slot left it, it
    /// is to be as it was before.
    TakeBack {
        /// The slot.
        slot: u64,
        /// The account as it was before.
        before: Box<AccountUpdate>,
    },
    /// Something happened so many times.
    Count(Counter, u64),
}

impl FeedEvent {
    /// Whether it is a matter of a few accounts at most.
    pub(crate) fn is_soon_done(&self) -> bool {
        match self {
            Self::State(_)
            | Self::Vouched(_)
            | Self::Slot(_)
            | Self::Confirmed(_)
            | Self::TakeBack { .. }
            | Self::Count(..) => true,
            Self::Complete | Self::Later(_) | Self::Doubt(_) | Self::Unsure(_) => false,
        }
    }
}

/// What the publisher asks of a feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FeedCommand {
    /// Bring this account from now on, and at once as it is now.
    Follow(Pubkey),
    /// It is no longer needed.
    Unfollow(Pubkey),
}
