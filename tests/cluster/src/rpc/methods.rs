//! The methods of JSON-RPC.

use std::cell::Cell;
use std::fmt::Write;

use super::error::RpcError;
use super::params::{Config, Params, pubkey};
use crate::chain::{Account, View};
use crate::commitment::Commitment;
use crate::encoding::{MAX_BASE58, sliced, write_account};
use crate::faults::Mangle;
use crate::filters;
use crate::node::Node;
use crate::protocol::Protocol;

/// As many accounts as can be asked for at once.
const MOST_KEYS: usize = 100;
/// Further behind, a node says that it is not healthy.
const HEALTHY_BEHIND: u64 = 128;

/// The answer to a call, as JSON.
pub(super) fn call(
    node: &Node,
    method: &str,
    params: Params,
    mangle: Option<Mangle>,
) -> Result<String, RpcError> {
    if !node.rpc.has_method(method) {
        return Err(RpcError::no_method());
    }
    let answer = Answer { node, mangle: Cell::new(mangle), spares: Cell::new(false) };
    match method {
        "getAccountInfo" => answer.account_info(params),
        "getMultipleAccounts" => answer.multiple_accounts(params),
        "getProgramAccounts" => answer.program_accounts(params),
        "getSlot" => answer.slot(params),
        "getHealth" => answer.health(),
        "getGenesisHash" => Ok(format!(r#""{}""#, node.genesis_hash)),
        "getVersion" => {
            Ok(format!(r#"{{"feature-set":3640012085,"solana-core":"{}"}}"#, node.version))
        }
        _ => Err(RpcError::no_method()),
    }
}

struct Answer<'a> {
    node: &'a Node,
    mangle: Cell<Option<Mangle>>,
    /// The next account is as it should be.
    spares: Cell<bool>,
}

impl Answer<'_> {
    fn view(&self, config: &Config) -> Result<View, RpcError> {
        let view = self.node.rpc_view(config.commitment);
        match config.min_context_slot {
            Some(wanted) if wanted > view.slot => Err(RpcError::min_context_slot(view.slot)),
            _ => Ok(view),
        }
    }

    fn account_info(&self, mut params: Params) -> Result<String, RpcError> {
        let key = params.pubkey(0)?;
        let config = params.config(1)?;
        let view = self.view(&config)?;
        let mut out = self.context(view);
        self.write(&mut out, self.node.chain.account(&key, view).as_ref(), &config)?;
        out.push('}');
        Ok(out)
    }

    fn multiple_accounts(&self, mut params: Params) -> Result<String, RpcError> {
        let keys: Vec<String> = params.need(0)?;
        let config = params.config(1)?;
        let most = self.node.rpc.key_limit().unwrap_or(MOST_KEYS);
        if keys.len() > most {
            return Err(RpcError::params(format!("Too many inputs provided; max {most}")));
        }
        let keys: Vec<_> = keys.iter().map(|key| pubkey(key)).collect::<Result<_, _>>()?;
        let view = self.view(&config)?;
        let mut out = self.context(view);
        out.push('[');
        self.spares.set(keys.len() > 1);
        for (place, account) in self.node.chain.accounts(&keys, view).iter().enumerate() {
            out.push_str(if place > 0 { "," } else { "" });
            self.write(&mut out, account.as_ref(), &config)?;
        }
        out.push_str("]}");
        Ok(out)
    }

    fn program_accounts(&self, mut params: Params) -> Result<String, RpcError> {
        let program = params.pubkey(0)?;
        let config = params.config(1)?;
        let filters = config.filters.as_deref().unwrap_or_default();
        let filters = filters::compile(filters)
            .map_err(|error| RpcError::params(format!("Invalid param: {error}")))?;
        let view = self.view(&config)?;
        let fits = |account: &Account| {
            account.owner == program && filters.iter().all(|filter| filter.fits(&account.data))
        };
        let accounts = self.node.chain.find(view, fits);
        let mut out = if config.with_context { self.context(view) } else { String::new() };
        out.push('[');
        for (place, account) in accounts.iter().enumerate() {
            out.push_str(if place > 0 { r#",{"account":"# } else { r#"{"account":"# });
            self.write(&mut out, Some(account), &config)?;
            let _ = write!(out, r#","pubkey":"{}"}}"#, account.pubkey);
        }
        out.push(']');
        if config.with_context {
            out.push('}');
        }
        Ok(out)
    }

    fn slot(&self, mut params: Params) -> Result<String, RpcError> {
        let config = params.config(0)?;
        Ok(self.view(&config)?.slot.to_string())
    }

    fn health(&self) -> Result<String, RpcError> {
        let newest = self.node.chain.slot(Commitment::Processed);
        let behind = newest.saturating_sub(self.node.rpc_view(Commitment::Processed).slot);
        if behind > HEALTHY_BEHIND {
            return Err(RpcError::behind(behind));
        }
        Ok(r#""ok""#.to_owned())
    }

    fn context(&self, view: View) -> String {
        let version = &self.node.version;
        format!(r#"{{"context":{{"apiVersion":"{version}","slot":{}}},"value":"#, view.slot)
    }

    fn write(
        &self,
        out: &mut String,
        account: Option<&Account>,
        config: &Config,
    ) -> Result<(), RpcError> {
        let Some(account) = account else {
            out.push_str("null");
            return Ok(());
        };
        let encoding = config.encoding.unwrap_or_default();
        let data = sliced(&account.data, config.data_slice);
        if encoding.is_base58() && data.len() > MAX_BASE58 {
            return Err(RpcError::base58_too_long());
        }
        let mangle = match self.mangle.get() {
            // One such account is enough for an answer.
            Some(Mangle::Oversized(_)) => self.mangle.take(),
            Some(Mangle::BadBase64) if self.spares.take() => None,
            mangle => mangle,
        };
        write_account(out, account, encoding, config.data_slice, mangle);
        self.node.counters.sent(Protocol::Rpc, 1);
        Ok(())
    }
}
