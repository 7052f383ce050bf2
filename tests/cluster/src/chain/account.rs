//! An account of the chain, and one write of it.

use bytes::Bytes;
use driftshm_layout::Pubkey;

use crate::protocol::Protocols;

/// The program that owns what nobody owns: accounts that were closed.
pub const SYSTEM_PROGRAM: Pubkey = Pubkey([0; 32]);

/// An account as it is after one write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Its address.
    pub pubkey: Pubkey,
    /// The program that owns it.
    pub owner: Pubkey,
    /// Its balance; zero: it does not exist (any more).
    pub lamports: u64,
    /// Its bytes.
    pub data: Bytes,
    /// The slot in which it was written.
    pub slot: u64,
    /// Rises with every write on the chain; a node that was restarted begins anew.
    pub write_version: u64,
}

impl Account {
    /// Whether it exists.
    pub fn exists(&self) -> bool {
        self.lamports > 0
    }
}

/// What an account of this length must hold to be kept for ever.
pub fn rent(len: usize) -> u64 {
    (len as u64).saturating_add(128).saturating_mul(6960)
}

/// One write, as the chain remembers it.
#[derive(Debug)]
pub(crate) struct Written {
    pub account: Account,
    /// The streams that never say a word of it.
    pub withheld: Protocols,
}
