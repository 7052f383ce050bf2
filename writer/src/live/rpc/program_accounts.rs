//! `getProgramAccounts`: the one answer that is too long to hold. It is read as it comes, account
//! by account.

use std::fmt;

use driftshm_layout::{Pubkey, clock};
use serde::Deserialize;
use serde::de::{DeserializeSeed, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::json;

use super::client::{Body, Refusal, Rpc};
use super::error::RpcError;
use crate::feeds::AccountUpdate;
use crate::live::options::Commitment;
use crate::live::plan::Sort;
use crate::live::ui_account::{self, UiAccount};

const METHOD: &str = "getProgramAccounts";

/// How the request went.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Listed {
    /// The slot whose state it is.
    pub slot: u64,
    /// Accounts that came.
    pub accounts: u64,
    /// Accounts that could not be read.
    pub unreadable: u64,
}

impl Rpc {
    /// Every account of a sort, each handed to `each` as it comes, in another thread.
    pub async fn program_accounts(
        &self,
        program: &Pubkey,
        sort: &Sort,
        commitment: Commitment,
        min_slot: u64,
        each: impl FnMut(AccountUpdate) + Send + 'static,
    ) -> Result<Listed, RpcError> {
        let memcmp = |(offset, bytes): &(usize, Vec<u8>)| {
            let bytes = bs58::encode(bytes).into_string();
            json!({"memcmp": {"offset": offset, "bytes": bytes, "encoding": "base58"}})
        };
        let filters: Vec<_> = sort.filters.iter().map(memcmp).collect();
        let mut options = json!({
            "encoding": "base64+zstd", "commitment": commitment.as_str(), "withContext": true,
            "filters": filters,
        });
        if min_slot > 0 {
            options["minContextSlot"] = min_slot.into();
        }
        let read = move |body| read(body, min_slot, each);
        self.call_long(METHOD, json!([program.to_string(), options]), read).await
    }
}

fn read(body: Body, wanted: u64, each: impl FnMut(AccountUpdate)) -> Result<Listed, RpcError> {
    let malformed =
        |error: serde_json::Error| RpcError::Malformed { method: METHOD, cause: error.to_string() };
    let body = std::io::BufReader::with_capacity(1 << 16, body);
    let mut json = serde_json::Deserializer::from_reader(body);
    let mut taker = Taker { listed: Listed::default(), wanted, each };
    let outcome = Message(&mut taker).deserialize(&mut json);
    let at = taker.listed.slot;
    if (1..wanted).contains(&at) {
        return Err(RpcError::Behind { wanted, at: Some(at) });
    }
    match outcome.map_err(malformed)? {
        Some(refusal) => Err(refusal.into_error(METHOD, wanted)),
        None if at == 0 => Err(RpcError::Behind { wanted, at: None }),
        None => Ok(taker.listed),
    }
}

struct Taker<F> {
    listed: Listed,
    /// Accounts as of an older slot are not taken.
    wanted: u64,
    each: F,
}

#[derive(Deserialize)]
struct Context {
    slot: u64,
}

#[derive(Deserialize)]
struct Keyed {
    pubkey: String,
    account: UiAccount,
}

/// `{"result": …}` or `{"error": …}`.
struct Message<'a, F>(&'a mut Taker<F>);
/// `{"context": …, "value": […]}`, in this order: else the accounts' slot would not be known.
struct Outcome<'a, F>(&'a mut Taker<F>);
/// The accounts.
struct Accounts<'a, F>(&'a mut Taker<F>);

impl<'de, F: FnMut(AccountUpdate)> DeserializeSeed<'de> for Message<'_, F> {
    type Value = Option<Refusal>;
    fn deserialize<D: serde::Deserializer<'de>>(self, d: D) -> Result<Self::Value, D::Error> {
        d.deserialize_map(self)
    }
}

impl<'de, F: FnMut(AccountUpdate)> Visitor<'de> for Message<'_, F> {
    type Value = Option<Refusal>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an answer of JSON-RPC")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
        let (mut refusal, mut has_result) = (None, false);
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "error" => refusal = Some(map.next_value()?),
                "result" => {
                    map.next_value_seed(Outcome(self.0))?;
                    has_result = true;
                }
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        if refusal.is_none() && !has_result {
            return Err(M::Error::custom("it has neither result nor error"));
        }
        Ok(refusal)
    }
}

impl<'de, F: FnMut(AccountUpdate)> DeserializeSeed<'de> for Outcome<'_, F> {
    type Value = ();
    fn deserialize<D: serde::Deserializer<'de>>(self, d: D) -> Result<(), D::Error> {
        d.deserialize_map(self)
    }
}

impl<'de, F: FnMut(AccountUpdate)> Visitor<'de> for Outcome<'_, F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a context and a list of accounts")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<(), M::Error> {
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "context" => self.0.listed.slot = map.next_value::<Context>()?.slot,
                "value" if (1..self.0.wanted).contains(&self.0.listed.slot) => {
                    return Err(M::Error::custom("the node is behind"));
                }
                "value" if self.0.listed.slot > 0 => map.next_value_seed(Accounts(self.0))?,
                "value" => return Err(M::Error::custom("the accounts come before their slot")),
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }
}

impl<'de, F: FnMut(AccountUpdate)> DeserializeSeed<'de> for Accounts<'_, F> {
    type Value = ();
    fn deserialize<D: serde::Deserializer<'de>>(self, d: D) -> Result<(), D::Error> {
        d.deserialize_seq(self)
    }
}

impl<'de, F: FnMut(AccountUpdate)> Visitor<'de> for Accounts<'_, F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of accounts")
    }

    fn visit_seq<S: SeqAccess<'de>>(self, mut seq: S) -> Result<(), S::Error> {
        let Taker { listed, each, .. } = self.0;
        while let Some(Keyed { pubkey, account }) = seq.next_element()? {
            let pubkey = pubkey.parse::<Pubkey>().map_err(|error| error.to_string());
            let update = pubkey.and_then(|pubkey| {
                ui_account::account(pubkey, listed.slot, &account, clock::monotonic_ns())
            });
            match update {
                Ok(update) => {
                    listed.accounts += 1;
                    each(update);
                }
                Err(_) => listed.unreadable += 1,
            }
        }
        Ok(())
    }
}
