//! Updates as bytes.

use std::time::SystemTime;

use bytes::Bytes;
use yellowstone_grpc_proto::geyser::subscribe_update::UpdateOneof;
use yellowstone_grpc_proto::geyser::{
    SlotStatus, SubscribeUpdate, SubscribeUpdateAccount, SubscribeUpdateAccountInfo,
    SubscribeUpdatePing, SubscribeUpdatePong, SubscribeUpdateSlot,
};
use yellowstone_grpc_proto::prost::Message;

use super::codec::Frame;
use crate::chain::{Account, AccountNotice, SlotEvent, SlotNotice};
use crate::encoding::{DataSlice, sliced};
use crate::faults::Mangle;

/// An account's update.
pub(super) fn account(
    filters: Vec<String>,
    notice: &AccountNotice,
    slices: &[DataSlice],
    mangle: Option<Mangle>,
) -> Frame {
    let account = &notice.written.account;
    let body = match mangle {
        None | Some(Mangle::BadBase64) if slices.is_empty() => {
            notice.proto.get_or_init(|| body(update(account, account.data.to_vec()))).clone()
        }
        None | Some(Mangle::BadBase64) => {
            let parts = slices.iter().map(|slice| sliced(&account.data, Some(*slice)));
            body(update(account, parts.flatten().copied().collect()))
        }
        Some(Mangle::Oversized(bytes)) => body(update(account, vec![0; bytes])),
        Some(Mangle::Truncated) => {
            let whole = body(update(account, account.data.to_vec()));
            whole.slice(..whole.len() / 2)
        }
        Some(Mangle::Malformed) => {
            let mut update = update(account, account.data.to_vec());
            // Either kind of nonsense, in turn.
            match &mut update.account {
                Some(info) if account.write_version % 2 == 0 => info.pubkey.truncate(5),
                info => *info = None,
            }
            body(update)
        }
    };
    Frame { filters: names(filters), body }
}

fn update(account: &Account, data: Vec<u8>) -> SubscribeUpdateAccount {
    let info = SubscribeUpdateAccountInfo {
        pubkey: account.pubkey.0.to_vec(),
        lamports: account.lamports,
        owner: account.owner.0.to_vec(),
        executable: false,
        rent_epoch: u64::MAX,
        data,
        write_version: account.write_version,
        txn_signature: Some(account.write_version.to_le_bytes().repeat(8)),
    };
    SubscribeUpdateAccount {
        account: Some(info),
        slot: account.slot,
        is_startup: false,
        bank_id: Some(account.slot),
    }
}

fn body(update: SubscribeUpdateAccount) -> Bytes {
    encoded(UpdateOneof::Account(update))
}

/// A slot's update.
pub(super) fn slot(filters: Vec<String>, notice: &SlotNotice) -> Frame {
    let (status, has_bank) = match notice.event {
        SlotEvent::FirstShredReceived => (SlotStatus::SlotFirstShredReceived, false),
        SlotEvent::Completed => (SlotStatus::SlotCompleted, false),
        SlotEvent::CreatedBank => (SlotStatus::SlotCreatedBank, true),
        SlotEvent::Processed => (SlotStatus::SlotProcessed, true),
        SlotEvent::Confirmed => (SlotStatus::SlotConfirmed, true),
        SlotEvent::Finalized => (SlotStatus::SlotFinalized, true),
        SlotEvent::Dead => (SlotStatus::SlotDead, true),
    };
    let update = SubscribeUpdateSlot {
        slot: notice.slot,
        parent: Some(notice.parent),
        status: status.into(),
        dead_error: (status == SlotStatus::SlotDead).then(|| "the slot was orphaned".to_owned()),
        bank_id: has_bank.then_some(notice.slot),
    };
    Frame { filters: names(filters), body: encoded(UpdateOneof::Slot(update)) }
}

pub(super) fn ping() -> Frame {
    Frame { filters: Vec::new(), body: encoded(UpdateOneof::Ping(SubscribeUpdatePing {})) }
}

pub(super) fn pong(id: i32) -> Frame {
    Frame { filters: Vec::new(), body: encoded(UpdateOneof::Pong(SubscribeUpdatePong { id })) }
}

/// Everything but the names of filters: a message is the same whether its fields are written in
/// one go or one after the other.
fn encoded(what: UpdateOneof) -> Bytes {
    let created_at = Some(SystemTime::now().into());
    let update = SubscribeUpdate { filters: Vec::new(), update_oneof: Some(what), created_at };
    update.encode_to_vec().into()
}

fn names(filters: Vec<String>) -> Vec<u8> {
    SubscribeUpdate { filters, ..SubscribeUpdate::default() }.encode_to_vec()
}
