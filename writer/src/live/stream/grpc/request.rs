//! From a plan to a request.

use std::collections::HashMap;

use driftshm_layout::Pubkey;
use yellowstone_grpc_proto::geyser::subscribe_request_filter_accounts_filter::Filter;
use yellowstone_grpc_proto::geyser::subscribe_request_filter_accounts_filter_memcmp::Data;
use yellowstone_grpc_proto::geyser::{
    CommitmentLevel, SubscribeRequest, SubscribeRequestFilterAccounts,
    SubscribeRequestFilterAccountsFilter, SubscribeRequestFilterAccountsFilterMemcmp,
    SubscribeRequestFilterSlots, SubscribeRequestPing,
};

use crate::live::options::Commitment;
use crate::live::plan::{Plan, Sort};

/// All that is wanted. A request takes the place of the one before: slots are in each.
pub(super) fn subscribe(
    plan: &Plan,
    commitment: Commitment,
    from_slot: Option<u64>,
) -> SubscribeRequest {
    // Servers limit how long the names of filters may be; they mean nothing.
    let sorts = plan.sorts.iter().enumerate();
    let mut accounts: HashMap<_, _> =
        sorts.map(|(index, it)| (format!("s{index}"), sort(&plan.program, it))).collect();
    // A filter that names nothing would bring everything.
    if !plan.accounts.is_empty() {
        let account = plan.accounts.iter().map(Pubkey::to_string).collect();
        let named = SubscribeRequestFilterAccounts { account, ..Default::default() };
        accounts.insert("accounts".to_owned(), named);
    }
    let slots = SubscribeRequestFilterSlots {
        filter_by_commitment: Some(false),
        // Slots that died are among these.
        interslot_updates: Some(true),
    };
    let commitment = match commitment {
        Commitment::Processed => CommitmentLevel::Processed,
        Commitment::Confirmed => CommitmentLevel::Confirmed,
    };
    SubscribeRequest {
        accounts,
        slots: HashMap::from([("slots".to_owned(), slots)]),
        commitment: Some(commitment.into()),
        from_slot,
        ..Default::default()
    }
}

/// A sign of life, which leaves the filters alone.
pub(super) fn ping(id: i32) -> SubscribeRequest {
    SubscribeRequest { ping: Some(SubscribeRequestPing { id }), ..Default::default() }
}

fn sort(program: &Pubkey, sort: &Sort) -> SubscribeRequestFilterAccounts {
    let filters = sort.filters.iter().map(|(offset, bytes)| {
        let memcmp = SubscribeRequestFilterAccountsFilterMemcmp {
            offset: *offset as u64,
            data: Some(Data::Bytes(bytes.clone())),
        };
        SubscribeRequestFilterAccountsFilter { filter: Some(Filter::Memcmp(memcmp)) }
    });
    SubscribeRequestFilterAccounts {
        owner: vec![program.to_string()],
        filters: filters.collect(),
        ..Default::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_becomes_filters() {
        let program = Pubkey([7; 32]);
        let filters = vec![(0, vec![1, 2]), (40, vec![0])];
        let plan = Plan {
            program,
            sorts: vec![Sort { name: "User".to_owned(), filters }],
            accounts: [Pubkey([1; 32]), Pubkey([2; 32])].into(),
        };
        let request = subscribe(&plan, Commitment::Confirmed, Some(5));
        assert_eq!(request.from_slot, Some(5));
        assert_eq!(request.commitment, Some(CommitmentLevel::Confirmed.into()));
        assert_eq!(request.slots["slots"].filter_by_commitment, Some(false));
        assert_eq!(request.slots["slots"].interslot_updates, Some(true));
        assert_eq!(request.accounts.len(), 2);
        let sort = &request.accounts["s0"];
        assert_eq!((&sort.owner, &sort.account), (&vec![program.to_string()], &Vec::new()));
        let memcmp = |offset, bytes: &[u8]| {
            let data = Some(Data::Bytes(bytes.to_vec()));
            let memcmp = SubscribeRequestFilterAccountsFilterMemcmp { offset, data };
            SubscribeRequestFilterAccountsFilter { filter: Some(Filter::Memcmp(memcmp)) }
        };
        assert_eq!(sort.filters, [memcmp(0, &[1, 2]), memcmp(40, &[0])]);
        let named = &request.accounts["accounts"];
        assert_eq!(named.account, [Pubkey([1; 32]).to_string(), Pubkey([2; 32]).to_string()]);
        assert!(named.owner.is_empty() && named.filters.is_empty());
    }

    #[test]
    fn an_empty_plan_asks_for_slots_only_not_for_everything() {
        let request = subscribe(&Plan::default(), Commitment::Processed, None);
        assert!(request.accounts.is_empty() && request.slots.contains_key("slots"));
        assert_eq!(request.commitment, Some(CommitmentLevel::Processed.into()));
    }
}
