//! How sure a state is.

use serde::{Deserialize, Serialize};

/// How sure a state is, as Solana names it.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Commitment {
    /// The newest, which may be undone.
    Processed,
    /// What the cluster has voted for.
    Confirmed,
    /// What can never be undone; what Solana's servers take when nothing is said.
    #[default]
    Finalized,
}
