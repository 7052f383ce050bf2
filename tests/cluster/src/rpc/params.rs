//! What callers pass.

use driftshm_layout::Pubkey;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::error::RpcError;
use crate::commitment::Commitment;
use crate::encoding::{DataSlice, Encoding};
use crate::filters::JsonFilter;

/// The options that the methods take, all in one.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Config {
    pub commitment: Commitment,
    pub encoding: Option<Encoding>,
    pub data_slice: Option<DataSlice>,
    pub min_context_slot: Option<u64>,
    pub filters: Option<Vec<JsonFilter>>,
    pub with_context: bool,
}

/// The parameters by place.
#[derive(Debug)]
pub(crate) struct Params(Vec<Value>);

impl Params {
    pub fn new(params: Option<Value>) -> Result<Self, RpcError> {
        match params {
            None | Some(Value::Null) => Ok(Self(Vec::new())),
            Some(Value::Array(list)) => Ok(Self(list)),
            Some(_) => Err(RpcError::params("`params` should be an array")),
        }
    }

    fn get<T: DeserializeOwned>(&mut self, place: usize) -> Result<Option<T>, RpcError> {
        match self.0.get_mut(place).map(Value::take) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => serde_json::from_value(value)
                .map(Some)
                .map_err(|error| RpcError::params(format!("Invalid params: {error}."))),
        }
    }

    pub fn need<T: DeserializeOwned>(&mut self, place: usize) -> Result<T, RpcError> {
        let missing = || RpcError::params("`params` should have at least 1 argument(s)");
        self.get(place)?.ok_or_else(missing)
    }

    pub fn pubkey(&mut self, place: usize) -> Result<Pubkey, RpcError> {
        pubkey(&self.need::<String>(place)?)
    }

    pub fn config(&mut self, place: usize) -> Result<Config, RpcError> {
        Ok(self.get(place)?.unwrap_or_default())
    }
}

/// Reads an address, refused in Solana's words.
pub(crate) fn pubkey(text: &str) -> Result<Pubkey, RpcError> {
    text.parse().map_err(|_| match bs58::decode(text).into_vec() {
        Ok(_) => RpcError::params("Invalid param: WrongSize"),
        Err(_) => RpcError::params("Invalid param: Invalid"),
    })
}
