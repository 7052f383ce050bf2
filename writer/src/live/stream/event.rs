//! What a stream brings, whatever its protocol.

use driftshm_layout::Pubkey;

use crate::feeds::AccountUpdate;
use crate::live::plan::Sort;

/// One thing that came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// An account. Its `source` is not filled in.
    Account(AccountUpdate),
    /// The chain moved.
    Slot(SlotUpdate),
    /// All that was asked for last is subscribed to: what changes from now on comes.
    Following,
    /// Accounts of this sort are not brought as a whole, for this reason; all else goes on.
    Refused(Sort, String),
    /// Something that could not be read and was skipped, and was no account: what was wrong.
    Bad(String),
    /// The same of what was an account, or may have been one; which, if that could be read. Its
    /// change is lost.
    Unreadable(Option<Pubkey>, String),
    /// A sign of life that says nothing of the chain.
    Alive,
}

/// A slot, and what is known of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SlotUpdate {
    /// Its number.
    pub slot: u64,
    /// The slot that its block builds on, where the protocol says so.
    pub parent: Option<u64>,
    /// How far it has come.
    pub status: SlotStatus,
}

/// How far a slot has come. Any of these may come late, out of order or never.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SlotStatus {
    /// Under way: it has a bank, shreds, or all of its entries.
    Begun,
    /// A block that the node has replayed.
    Processed,
    /// Two thirds of the stake have voted for it.
    Confirmed,
    /// It can no longer be taken back.
    Finalized,
    /// It will never be part of the chain.
    Dead,
}
