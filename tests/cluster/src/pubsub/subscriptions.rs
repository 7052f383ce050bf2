//! What one connection has subscribed to.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write;

use driftshm_layout::Pubkey;
use serde_json::Value;

use crate::chain::{AccountNotice, SlotEvent, SlotNotice};
use crate::commitment::Commitment;
use crate::encoding::{DataSlice, Encoding, write_account};
use crate::faults::Mangle;
use crate::filters::{self, DataFilter};
use crate::rpc::{Params, RpcError};

/// As many as a connection can have.
const MOST: usize = 100_000;

#[derive(Debug)]
enum Wants {
    Account(Pubkey),
    Program(Pubkey, Vec<DataFilter>),
    Slot,
}

#[derive(Debug)]
struct Subscription {
    wants: Wants,
    commitment: Commitment,
    encoding: Encoding,
    slice: Option<DataSlice>,
    /// Notices up to this number were before it.
    after: u64,
}

/// The subscriptions of a connection, by number.
#[derive(Debug, Default)]
pub(super) struct Subscriptions {
    next: u64,
    all: BTreeMap<u64, Subscription>,
    accounts: HashMap<Pubkey, Vec<u64>>,
    programs: Vec<u64>,
    slots: Vec<u64>,
}

impl Subscriptions {
    /// Answers a call; `now` is the number of the newest notice.
    pub fn call(&mut self, method: &str, params: Params, now: u64) -> Result<String, RpcError> {
        match method {
            "accountSubscribe" => self.account(params, now),
            "programSubscribe" => self.program(params, now),
            "slotSubscribe" => {
                let id = self.add(Wants::Slot, &mut Params::new(None)?, now)?;
                self.slots.push(id);
                Ok(id.to_string())
            }
            "accountUnsubscribe" => self.remove(params, |wants| matches!(wants, Wants::Account(_))),
            "programUnsubscribe" => {
                self.remove(params, |wants| matches!(wants, Wants::Program(..)))
            }
            "slotUnsubscribe" => self.remove(params, |wants| matches!(wants, Wants::Slot)),
            _ => Err(RpcError::no_method()),
        }
    }

    fn account(&mut self, mut params: Params, now: u64) -> Result<String, RpcError> {
        let pubkey = params.pubkey(0)?;
        let id = self.add(Wants::Account(pubkey), &mut params, now)?;
        self.accounts.entry(pubkey).or_default().push(id);
        Ok(id.to_string())
    }

    fn program(&mut self, mut params: Params, now: u64) -> Result<String, RpcError> {
        let pubkey = params.pubkey(0)?;
        let id = self.add(Wants::Program(pubkey, Vec::new()), &mut params, now)?;
        self.programs.push(id);
        Ok(id.to_string())
    }

    fn add(&mut self, mut wants: Wants, params: &mut Params, after: u64) -> Result<u64, RpcError> {
        let config = params.config(1)?;
        if self.all.len() >= MOST {
            return Err(RpcError::new(-32603, "Internal error: too many subscriptions"));
        }
        if let Wants::Program(_, filters) = &mut wants {
            let given = config.filters.as_deref().unwrap_or_default();
            *filters = filters::compile(given)
                .map_err(|error| RpcError::params(format!("Invalid param: {error}")))?;
        }
        self.next += 1;
        let subscription = Subscription {
            wants,
            commitment: config.commitment,
            encoding: config.encoding.unwrap_or_default(),
            slice: config.data_slice,
            after,
        };
        self.all.insert(self.next, subscription);
        Ok(self.next)
    }

    fn remove(
        &mut self,
        mut params: Params,
        fits: impl Fn(&Wants) -> bool,
    ) -> Result<String, RpcError> {
        let id: u64 = params.need(0)?;
        match self.all.get(&id) {
            Some(subscription) if fits(&subscription.wants) => {}
            _ => return Err(RpcError::params("Invalid subscription id.")),
        }
        if let Some(Wants::Account(pubkey)) = self.all.remove(&id).map(|known| known.wants) {
            if let Some(ids) = self.accounts.get_mut(&pubkey) {
                ids.retain(|known| *known != id);
                if ids.is_empty() {
                    self.accounts.remove(&pubkey);
                }
            }
        }
        self.programs.retain(|known| *known != id);
        self.slots.retain(|known| *known != id);
        Ok("true".to_owned())
    }

    /// The messages that an account's news make.
    pub fn account_news(
        &self,
        number: u64,
        notice: &AccountNotice,
        mangle: impl Fn() -> Option<Mangle>,
        mut send: impl FnMut(String),
    ) {
        let account = &notice.written.account;
        let of_account = self.accounts.get(&account.pubkey).into_iter().flatten();
        for id in of_account.chain(&self.programs) {
            let Some(subscription) = self.all.get(id) else { continue };
            if subscription.commitment != notice.commitment || number <= subscription.after {
                continue;
            }
            let (method, is_program) = match &subscription.wants {
                Wants::Account(_) => ("accountNotification", false),
                Wants::Program(program, filters) => {
                    let fits = *program == account.owner
                        && filters.iter().all(|filter| filter.fits(&account.data));
                    if !fits {
                        continue;
                    }
                    ("programNotification", true)
                }
                Wants::Slot => continue,
            };
            let mangle = mangle();
            if mangle == Some(Mangle::Malformed) {
                send("this is no JSON {".to_owned());
                continue;
            }
            let mut text = String::with_capacity(account.data.len() * 4 / 3 + 512);
            let _ = write!(
                text,
                r#"{{"jsonrpc":"2.0","method":"{method}","params":{{"result":{{"context":{{"slot":{}}},"value":"#,
                account.slot
            );
            if is_program {
                let _ = write!(text, r#"{{"pubkey":"{}","account":"#, account.pubkey);
            }
            subscription.write(&mut text, notice, mangle);
            let end = if is_program { "}" } else { "" };
            let _ = write!(text, r#"{end}}},"subscription":{id}}}}}"#);
            if mangle == Some(Mangle::Truncated) {
                text.truncate(text.len() / 2);
            }
            send(text);
        }
    }

    /// The messages that a slot's news make.
    pub fn slot_news(&self, number: u64, notice: &SlotNotice, mut send: impl FnMut(String)) {
        if notice.event != SlotEvent::CreatedBank {
            return;
        }
        let SlotNotice { slot, parent, root, .. } = notice;
        for id in &self.slots {
            if self.all.get(id).is_some_and(|subscription| number > subscription.after) {
                send(format!(
                    r#"{{"jsonrpc":"2.0","method":"slotNotification","params":{{"result":{{"parent":{parent},"root":{root},"slot":{slot}}},"subscription":{id}}}}}"#
                ));
            }
        }
    }
}

impl Subscription {
    /// Writes the account; the usual forms are made once for all.
    fn write(&self, text: &mut String, notice: &AccountNotice, mangle: Option<Mangle>) {
        let account = &notice.written.account;
        let made = match (self.encoding, self.slice, mangle) {
            (Encoding::Base64 | Encoding::JsonParsed, None, None) => Some(&notice.json[0]),
            (Encoding::Base64Zstd, None, None) => Some(&notice.json[1]),
            _ => None,
        };
        match made {
            Some(made) => text.push_str(made.get_or_init(|| {
                let mut made = String::new();
                write_account(&mut made, account, self.encoding, None, None);
                made.into()
            })),
            None => write_account(text, account, self.encoding, self.slice, mangle),
        }
    }
}

/// Reads the id of a call that may be anything.
pub(super) fn id_of(call: &Value) -> Value {
    call.get("id").cloned().unwrap_or_default()
}
