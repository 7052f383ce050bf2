//! From Yellowstone's updates to events.

use driftshm_layout::Pubkey;
use yellowstone_grpc_proto::geyser::subscribe_update::UpdateOneof;
use yellowstone_grpc_proto::geyser::{
    SlotStatus as Status, SubscribeUpdate, SubscribeUpdateAccount, SubscribeUpdateSlot,
};

use crate::feeds::AccountUpdate;
use crate::live::stream::{Event, SlotStatus, SlotUpdate};

/// What came.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Incoming {
    /// For the writer.
    Event(Event),
    /// The server wants a sign of life.
    Ping,
    /// The answer to ours, with its id.
    Pong(i32),
}

/// What an update says. Its bytes are moved, not copied.
pub(super) fn read(update: SubscribeUpdate, received_ns: u64) -> Incoming {
    let event = match update.update_oneof {
        Some(UpdateOneof::Account(update)) => account(update, received_ns)
            .map_or_else(|(pubkey, why)| Event::Unreadable(pubkey, why), Event::Account),
        Some(UpdateOneof::Slot(update)) => slot(&update).map_or_else(Event::Bad, Event::Slot),
        Some(UpdateOneof::Ping(_)) => return Incoming::Ping,
        Some(UpdateOneof::Pong(pong)) => return Incoming::Pong(pong.id),
        // Of a kind that was not asked for, or that only newer servers know.
        Some(_) | None => Event::Alive,
    };
    Incoming::Event(event)
}

/// An account; if it cannot be read, which it is, and why.
fn account(
    update: SubscribeUpdateAccount,
    received_ns: u64,
) -> Result<AccountUpdate, (Option<Pubkey>, String)> {
    let SubscribeUpdateAccount { account, slot, is_startup, .. } = update;
    let nothing = || (None, format!("an update of slot {slot} without its account"));
    let account = account.ok_or_else(nothing)?;
    let key = |what, bytes: &[u8]| {
        let wrong = |_| format!("an account's {what} of {} bytes, expected 32", bytes.len());
        bytes.try_into().map(Pubkey).map_err(wrong)
    };
    let pubkey = key("key", &account.pubkey).map_err(|why| (None, why))?;
    let of_it = |why| (Some(pubkey), format!("account {pubkey}: {why}"));
    let owner = key("owner", &account.owner).map_err(of_it)?;
    let lamports = account.lamports;
    Ok(AccountUpdate {
        pubkey,
        owner: Some(owner),
        slot,
        // What is sent as a server starts has none that could be compared with later ones.
        write_version: if is_startup { 0 } else { account.write_version },
        lamports,
        // What a closed account is said to hold is nobody's.
        data: if lamports == 0 { Vec::new() } else { account.data },
        received_ns,
        source: 0,
    })
}

fn slot(update: &SubscribeUpdateSlot) -> Result<SlotUpdate, String> {
    let &SubscribeUpdateSlot { slot, parent, status, .. } = update;
    let status = match Status::try_from(status) {
        Ok(Status::SlotProcessed) => SlotStatus::Processed,
        Ok(Status::SlotConfirmed) => SlotStatus::Confirmed,
        Ok(Status::SlotFinalized) => SlotStatus::Finalized,
        Ok(Status::SlotFirstShredReceived | Status::SlotCompleted | Status::SlotCreatedBank) => {
            SlotStatus::Begun
        }
        Ok(Status::SlotDead) => SlotStatus::Dead,
        Err(_) => return Err(format!("slot {slot} has the unknown status {status}")),
    };
    Ok(SlotUpdate { slot, parent, status })
}

#[cfg(test)]
mod tests {
    use yellowstone_grpc_proto::geyser::{
        SubscribeUpdateAccountInfo, SubscribeUpdatePing, SubscribeUpdatePong,
        SubscribeUpdateTransactionStatus,
    };

    use super::*;

    fn info() -> SubscribeUpdateAccountInfo {
        SubscribeUpdateAccountInfo {
            pubkey: vec![1; 32],
            lamports: 5,
            owner: vec![7; 32],
            data: vec![1, 2, 3],
            write_version: 9,
            ..Default::default()
        }
    }

    fn of_account(account: Option<SubscribeUpdateAccountInfo>, is_startup: bool) -> Incoming {
        let account = SubscribeUpdateAccount { account, slot: 70, is_startup, bank_id: None };
        of(Some(UpdateOneof::Account(account)))
    }

    fn of(update_oneof: Option<UpdateOneof>) -> Incoming {
        read(SubscribeUpdate { update_oneof, ..Default::default() }, 6)
    }

    fn bad(incoming: Incoming) -> String {
        match incoming {
            Incoming::Event(Event::Bad(why) | Event::Unreadable(_, why)) => why,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn an_account_is_as_it_was_sent() {
        let expected = AccountUpdate {
            pubkey: Pubkey([1; 32]),
            owner: Some(Pubkey([7; 32])),
            slot: 70,
            write_version: 9,
            lamports: 5,
            data: vec![1, 2, 3],
            received_ns: 6,
            source: 0,
        };
        let event = |update| Incoming::Event(Event::Account(update));
        assert_eq!(of_account(Some(info()), false), event(expected.clone()));
        let at_startup = AccountUpdate { write_version: 0, ..expected.clone() };
        assert_eq!(of_account(Some(info()), true), event(at_startup));
        let closed = SubscribeUpdateAccountInfo { lamports: 0, ..info() };
        let gone = AccountUpdate { lamports: 0, data: Vec::new(), ..expected };
        assert_eq!(of_account(Some(closed), false), event(gone));
    }

    #[test]
    fn keys_of_another_length_are_refused() {
        for len in [0, 31, 33] {
            let cut = SubscribeUpdateAccountInfo { pubkey: vec![1; len], ..info() };
            assert!(bad(of_account(Some(cut), false)).contains(&format!("key of {len} bytes")));
            let cut = SubscribeUpdateAccountInfo { owner: vec![1; len], ..info() };
            let why = bad(of_account(Some(cut), false));
            assert!(why.contains(&format!("owner of {len} bytes")), "{why}");
            assert!(why.contains(&Pubkey([1; 32]).to_string()), "{why}");
        }
        assert!(bad(of_account(None, false)).contains("without its account"));
    }

    #[test]
    fn slots_keep_their_parents_and_every_status_has_its_meaning() {
        for (status, expected) in [
            (0, SlotStatus::Processed),
            (1, SlotStatus::Confirmed),
            (2, SlotStatus::Finalized),
            (3, SlotStatus::Begun),
            (4, SlotStatus::Begun),
            (5, SlotStatus::Begun),
            (6, SlotStatus::Dead),
        ] {
            let update =
                SubscribeUpdateSlot { slot: 5, parent: Some(3), status, ..Default::default() };
            let expected = SlotUpdate { slot: 5, parent: Some(3), status: expected };
            assert_eq!(of(Some(UpdateOneof::Slot(update))), Incoming::Event(Event::Slot(expected)));
        }
        let update = SubscribeUpdateSlot { slot: 5, status: 99, ..Default::default() };
        assert!(bad(of(Some(UpdateOneof::Slot(update)))).contains("unknown status 99"));
    }

    #[test]
    fn the_rest_is_a_sign_of_life() {
        assert_eq!(of(Some(UpdateOneof::Ping(SubscribeUpdatePing {}))), Incoming::Ping);
        assert_eq!(of(Some(UpdateOneof::Pong(SubscribeUpdatePong { id: 4 }))), Incoming::Pong(4));
        assert_eq!(of(None), Incoming::Event(Event::Alive));
        let other = UpdateOneof::TransactionStatus(SubscribeUpdateTransactionStatus::default());
        assert_eq!(of(Some(other)), Incoming::Event(Event::Alive));
    }
}
