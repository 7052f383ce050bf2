//! What a client of Yellowstone wants.

use std::collections::{HashMap, HashSet};

use driftshm_layout::Pubkey;
use tonic::Status;
use yellowstone_grpc_proto::geyser::subscribe_request_filter_accounts_filter::Filter as Condition;
use yellowstone_grpc_proto::geyser::subscribe_request_filter_accounts_filter_lamports::Cmp;
use yellowstone_grpc_proto::geyser::subscribe_request_filter_accounts_filter_memcmp::Data;
use yellowstone_grpc_proto::geyser::{
    CommitmentLevel, SubscribeRequest, SubscribeRequestFilterAccounts, SubscribeRequestFilterSlots,
};

use crate::chain::{Account, SlotEvent};
use crate::commitment::Commitment;
use crate::encoding::DataSlice;
use crate::filters::{DataFilter, from_base58, from_base64};

/// A request that can be applied.
#[derive(Debug, Default)]
pub(super) struct Filter {
    pub commitment: Commitment,
    pub slices: Vec<DataSlice>,
    accounts: Vec<(String, Accounts)>,
    slots: Vec<(String, SubscribeRequestFilterSlots)>,
}

#[derive(Debug)]
struct Accounts {
    pubkeys: HashSet<Pubkey>,
    owners: HashSet<Pubkey>,
    data: Vec<DataFilter>,
    lamports: Vec<Cmp>,
    signed: Option<bool>,
}

impl Accounts {
    fn fits(&self, account: &Account) -> bool {
        let among = |set: &HashSet<Pubkey>, key| set.is_empty() || set.contains(key);
        among(&self.pubkeys, &account.pubkey)
            && among(&self.owners, &account.owner)
            && self.data.iter().all(|filter| filter.fits(&account.data))
            && self.lamports.iter().all(|cmp| compare(cmp, account.lamports))
            && self.signed != Some(false)
    }
}

fn compare(cmp: &Cmp, lamports: u64) -> bool {
    match *cmp {
        Cmp::Eq(than) => lamports == than,
        Cmp::Ne(than) => lamports != than,
        Cmp::Lt(than) => lamports < than,
        Cmp::Gt(than) => lamports > than,
    }
}

impl Filter {
    /// Reads a request; the error is what the client gets.
    pub fn new(request: &SubscribeRequest) -> Result<Self, Status> {
        let unserved: [(&str, usize); 6] = [
            ("transactions", request.transactions.len()),
            ("transactions_status", request.transactions_status.len()),
            ("blocks", request.blocks.len()),
            ("blocks_meta", request.blocks_meta.len()),
            ("entry", request.entry.len()),
            ("block_footer", request.block_footer.len()),
        ];
        if let Some((name, _)) = unserved.into_iter().find(|(_, count)| *count > 0) {
            return Err(bad(format!("{name} are not served by this cluster")));
        }
        let commitment = match request.commitment.map(CommitmentLevel::try_from) {
            None | Some(Ok(CommitmentLevel::Processed)) => Commitment::Processed,
            Some(Ok(CommitmentLevel::Confirmed)) => Commitment::Confirmed,
            Some(Ok(CommitmentLevel::Finalized)) => Commitment::Finalized,
            Some(Err(error)) => return Err(bad(format!("invalid commitment: {error}"))),
        };
        let slice =
            |slice: &yellowstone_grpc_proto::geyser::SubscribeRequestAccountsDataSlice| DataSlice {
                offset: usize::try_from(slice.offset).unwrap_or(usize::MAX),
                length: usize::try_from(slice.length).unwrap_or(usize::MAX),
            };
        Ok(Self {
            commitment,
            slices: request.accounts_data_slice.iter().map(slice).collect(),
            accounts: sorted(&request.accounts)
                .map(|(name, wanted)| Ok((name.clone(), accounts(wanted)?)))
                .collect::<Result<_, Status>>()?,
            slots: sorted(&request.slots).map(|(name, wanted)| (name.clone(), *wanted)).collect(),
        })
    }

    /// The names of the filters that an account fits.
    pub fn of_account(&self, account: &Account) -> Vec<String> {
        let fits = self.accounts.iter().filter(|(_, wanted)| wanted.fits(account));
        fits.map(|(name, _)| name.clone()).collect()
    }

    /// The names of the filters that a slot's news fit.
    pub fn of_slot(&self, event: SlotEvent) -> Vec<String> {
        let reached = match event {
            SlotEvent::Processed => Some(Commitment::Processed),
            SlotEvent::Confirmed => Some(Commitment::Confirmed),
            SlotEvent::Finalized => Some(Commitment::Finalized),
            _ => None,
        };
        let fits = self.slots.iter().filter(|(_, wanted)| {
            (!wanted.filter_by_commitment.unwrap_or(false) || reached == Some(self.commitment))
                && (wanted.interslot_updates.unwrap_or(false) || reached.is_some())
        });
        fits.map(|(name, _)| name.clone()).collect()
    }
}

fn sorted<T>(filters: &HashMap<String, T>) -> impl Iterator<Item = (&String, &T)> {
    let mut all: Vec<_> = filters.iter().collect();
    all.sort_by_key(|(name, _)| *name);
    all.into_iter()
}

fn accounts(wanted: &SubscribeRequestFilterAccounts) -> Result<Accounts, Status> {
    let keys = |texts: &[String]| {
        let key = |text: &String| text.parse::<Pubkey>().map_err(|error| bad(error.to_string()));
        texts.iter().map(key).collect::<Result<HashSet<_>, _>>()
    };
    if wanted.cuckoo_accounts_filter.is_some() {
        return Err(bad("cuckoo filters are not served by this cluster".to_owned()));
    }
    let mut accounts = Accounts {
        pubkeys: keys(&wanted.account)?,
        owners: keys(&wanted.owner)?,
        data: Vec::new(),
        lamports: Vec::new(),
        signed: wanted.nonempty_txn_signature,
    };
    for condition in &wanted.filters {
        match &condition.filter {
            Some(Condition::Memcmp(memcmp)) => {
                let bytes = match &memcmp.data {
                    Some(Data::Bytes(bytes)) => Ok(bytes.clone()),
                    Some(Data::Base58(text)) => from_base58(text),
                    Some(Data::Base64(text)) => from_base64(text),
                    None => Err("data for memcmp is not set"),
                };
                let offset = usize::try_from(memcmp.offset).unwrap_or(usize::MAX);
                accounts.data.push(DataFilter::memcmp(offset, bytes).map_err(bad)?);
            }
            Some(Condition::Datasize(size)) => accounts.data.push(DataFilter::DataSize(*size)),
            Some(Condition::Lamports(lamports)) => match lamports.cmp {
                Some(cmp) => accounts.lamports.push(cmp),
                None => return Err(bad("cmp for lamports is not set".to_owned())),
            },
            Some(Condition::TokenAccountState(_)) => {
                return Err(bad("token accounts are not served by this cluster".to_owned()));
            }
            None => return Err(bad("filter is not set".to_owned())),
        }
    }
    Ok(accounts)
}

fn bad(reason: String) -> Status {
    Status::invalid_argument(format!("failed to create filter: {reason}"))
}
