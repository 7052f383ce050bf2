//! What the chain tells the streams, in the order in which it happens.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;

use super::account::Written;
use crate::commitment::Commitment;

/// What becomes of a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SlotEvent {
    FirstShredReceived,
    CreatedBank,
    Completed,
    Processed,
    Confirmed,
    Finalized,
    Dead,
}

/// News of a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SlotNotice {
    pub slot: u64,
    pub parent: u64,
    /// The newest finalized slot then.
    pub root: u64,
    pub event: SlotEvent,
}

/// News of an account, at one commitment. What is made of it for the wire is made once, whoever
/// needs it first.
#[derive(Debug)]
pub(crate) struct AccountNotice {
    pub commitment: Commitment,
    pub written: Arc<Written>,
    /// The account as pubsub's JSON: base64, and base64+zstd.
    pub json: [OnceLock<Box<str>>; 2],
    /// The account as Yellowstone's update, without the names of filters.
    pub proto: OnceLock<Bytes>,
}

#[derive(Debug)]
pub(crate) enum What {
    Account(AccountNotice),
    Slot(SlotNotice),
}

/// One piece of news.
#[derive(Debug)]
pub(crate) struct Notice {
    /// Rises with every notice: who subscribes gets those after the number that held then.
    pub number: u64,
    pub what: What,
}

impl Notice {
    pub fn account(number: u64, commitment: Commitment, written: &Arc<Written>) -> Arc<Self> {
        let written = Arc::clone(written);
        let notice =
            AccountNotice { commitment, written, json: Default::default(), proto: OnceLock::new() };
        Arc::new(Self { number, what: What::Account(notice) })
    }

    pub fn slot(number: u64, notice: SlotNotice) -> Arc<Self> {
        Arc::new(Self { number, what: What::Slot(notice) })
    }
}
