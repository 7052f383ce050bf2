//! The requests that are made, and what their answers say.

use driftshm_layout::{Pubkey, clock};
use serde::Deserialize;
use serde_json::json;

use super::client::Rpc;
use super::error::RpcError;
use crate::feeds::AccountUpdate;
use crate::live::options::Commitment;
use crate::live::ui_account::{self, UiAccount};

/// What one request brought.
#[derive(Debug, Default)]
pub struct Brought {
    /// The slot whose state it is.
    pub slot: u64,
    /// The accounts that there are.
    pub updates: Vec<AccountUpdate>,
    /// Those that there are not, by this one answer.
    pub missing: Vec<Pubkey>,
    /// Accounts that could not be read.
    pub unreadable: Vec<Pubkey>,
    /// Why the first of them could not.
    pub why: String,
}

#[derive(Deserialize)]
struct WithContext<T> {
    context: Context,
    value: T,
}

#[derive(Deserialize)]
struct Context {
    slot: u64,
}

impl Rpc {
    /// How many keys a request takes.
    pub fn batch(&self) -> usize {
        self.batch.size()
    }

    /// The provider refuses so many keys: half of them for a good while. False if it is one already.
    pub fn halve_batch(&self, from: usize) -> bool {
        self.batch.halve(from)
    }

    /// Which cluster this is: its genesis.
    pub async fn genesis_hash(&self) -> Result<String, RpcError> {
        self.call("getGenesisHash", json!([])).await
    }

    /// Where the node is.
    pub async fn slot(&self) -> Result<u64, RpcError> {
        self.call("getSlot", json!([{"commitment": "confirmed"}])).await
    }

    /// Accounts by key, [`Rpc::batch`] of them at most, as of `min_slot` or later.
    pub async fn accounts(
        &self,
        keys: &[Pubkey],
        commitment: Commitment,
        min_slot: u64,
    ) -> Result<Brought, RpcError> {
        const METHOD: &str = "getMultipleAccounts";
        let texts: Vec<String> = keys.iter().map(Pubkey::to_string).collect();
        let mut options = json!({"encoding": "base64", "commitment": commitment.as_str()});
        if min_slot > 0 {
            options["minContextSlot"] = min_slot.into();
        }
        let answer: WithContext<Vec<Option<UiAccount>>> =
            self.call(METHOD, json!([texts, options])).await?;
        let (slot, came, asked) = (answer.context.slot, answer.value.len(), keys.len());
        if came != asked {
            let cause = format!("{came} accounts for {asked} keys");
            return Err(RpcError::Malformed { method: METHOD, cause });
        }
        // A node that does not know `minContextSlot` answers all the same.
        if slot < min_slot {
            return Err(RpcError::Behind { wanted: min_slot, at: Some(slot) });
        }
        let mut brought = Brought { slot, ..Brought::default() };
        let received_ns = clock::monotonic_ns();
        for (pubkey, value) in keys.iter().zip(answer.value) {
            let Some(value) = value else {
                brought.missing.push(*pubkey);
                continue;
            };
            match ui_account::account(*pubkey, slot, &value, received_ns) {
                Ok(update) => brought.updates.push(update),
                Err(why) => {
                    if brought.unreadable.is_empty() {
                        brought.why = why;
                    }
                    brought.unreadable.push(*pubkey);
                }
            }
        }
        // One odd account does not spoil its neighbours; but a node of which nothing can be read
        // has not answered.
        if brought.updates.is_empty() && !brought.unreadable.is_empty() {
            return Err(RpcError::Malformed { method: METHOD, cause: brought.why });
        }
        Ok(brought)
    }
}
