//! What a stream is to bring.

use std::collections::BTreeSet;

use driftshm_layout::Pubkey;

/// Accounts of the program that begin alike, and what else they have in common.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sort {
    /// Its name in the profile, for messages.
    pub name: String,
    /// Bytes that each of them has at an offset: the discriminator at 0, and what narrows it down.
    pub filters: Vec<(usize, Vec<u8>)>,
}

/// All that is followed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Plan {
    /// The program.
    pub program: Pubkey,
    /// Sorts of its accounts that are followed as a whole, new ones too.
    pub sorts: Vec<Sort>,
    /// Single accounts, of whatever program, that no sort covers.
    pub accounts: BTreeSet<Pubkey>,
}
