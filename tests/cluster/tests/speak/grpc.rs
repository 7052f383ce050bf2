//! Yellowstone gRPC.

use std::time::Duration;

use driftshm_cluster::{Cluster, Commitment, Fault, Options, Protocol};
use futures_util::stream;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tonic::metadata::MetadataValue;
use tonic::transport::Channel;
use tonic::{Code, Request, Status, Streaming};
use yellowstone_grpc_proto::geyser::geyser_client::GeyserClient;
use yellowstone_grpc_proto::geyser::subscribe_request_filter_accounts_filter::Filter;
use yellowstone_grpc_proto::geyser::subscribe_update::UpdateOneof;
use yellowstone_grpc_proto::geyser::{
    CommitmentLevel, GetSlotRequest, GetVersionRequest, PingRequest, SlotStatus, SubscribeRequest,
    SubscribeRequestFilterAccounts, SubscribeRequestFilterAccountsFilter,
    SubscribeRequestFilterSlots, SubscribeRequestPing, SubscribeUpdate,
};

use crate::support::{QUIET, cluster, market, options, soon};

/// A stream and the requests it gets.
pub struct Stream {
    requests: UnboundedSender<SubscribeRequest>,
    pub updates: Streaming<SubscribeUpdate>,
}

/// Requests as they are sent one by one.
fn unbounded() -> (
    UnboundedSender<SubscribeRequest>,
    impl stream::Stream<Item = SubscribeRequest> + Send + 'static,
) {
    let (sender, receiver) = unbounded_channel();
    let next = |mut receiver: tokio::sync::mpsc::UnboundedReceiver<_>| async move {
        Some((receiver.recv().await?, receiver))
    };
    (sender, stream::unfold(receiver, next))
}

async fn client(cluster: &Cluster) -> GeyserClient<Channel> {
    let connected = soon("connect", GeyserClient::connect(cluster.grpc_url())).await;
    connected.unwrap().max_decoding_message_size(1 << 30)
}

pub async fn open(cluster: &Cluster, request: SubscribeRequest) -> Result<Stream, Status> {
    let (requests, receiver) = unbounded();
    requests.send(request).unwrap();
    let updates = soon("subscribe", client(cluster).await.subscribe(receiver)).await?.into_inner();
    let mut stream = Stream { requests, updates };
    // Its answer shows that the filter is in force.
    stream.ping(0).await;
    Ok(stream)
}

impl Stream {
    async fn next(&mut self) -> Result<UpdateOneof, Status> {
        loop {
            let update = soon("an update", self.updates.message()).await?;
            match update.and_then(|update| update.update_oneof) {
                Some(UpdateOneof::Ping(_)) => {}
                Some(update) => return Ok(update),
                None => panic!("the stream has ended"),
            }
        }
    }

    async fn ping(&mut self, id: i32) {
        let ping = Some(SubscribeRequestPing { id });
        let request = SubscribeRequest { ping, ..Default::default() };
        self.requests.send(request).unwrap();
        match self.next().await {
            Ok(UpdateOneof::Pong(pong)) => assert_eq!(pong.id, id),
            other => panic!("{other:?}"),
        }
    }

    /// An account's slot, write version and length.
    async fn account(&mut self) -> (u64, u64, usize) {
        match self.next().await.unwrap() {
            UpdateOneof::Account(update) => {
                let account = update.account.unwrap();
                (update.slot, account.write_version, account.data.len())
            }
            other => panic!("{other:?}"),
        }
    }

    /// A slot, its parent and its status.
    pub async fn slot(&mut self) -> (u64, u64, SlotStatus) {
        match self.next().await.unwrap() {
            UpdateOneof::Slot(slot) => (slot.slot, slot.parent.unwrap(), slot.status()),
            other => panic!("{other:?}"),
        }
    }

    async fn is_quiet(&mut self) {
        let update = tokio::time::timeout(QUIET, self.next()).await;
        assert!(update.is_err(), "{update:?}");
    }
}

fn all_accounts(cluster: &Cluster, commitment: CommitmentLevel) -> SubscribeRequest {
    let owner = vec![cluster.profile().program_id.to_string()];
    let filter = SubscribeRequestFilterAccounts { owner, ..Default::default() };
    SubscribeRequest {
        accounts: [("program".to_owned(), filter)].into(),
        commitment: Some(commitment.into()),
        ..Default::default()
    }
}

fn slots(filter: SubscribeRequestFilterSlots) -> SubscribeRequest {
    SubscribeRequest { slots: [("slots".to_owned(), filter)].into(), ..Default::default() }
}

fn place(account: &driftshm_cluster::Account) -> (u64, u64, usize) {
    (account.slot, account.write_version, account.data.len())
}

#[tokio::test]
async fn an_update_carries_its_own_slot_and_write_version() {
    let cluster = cluster().await;
    let key = market(&cluster, 0);
    let request = all_accounts(&cluster, CommitmentLevel::Processed);
    let mut stream = open(&cluster, request).await.unwrap();
    let first = cluster.edit_account(&key, |data| data.push(1)).unwrap();
    let second = cluster.edit_account(&key, |data| data.push(2)).unwrap();
    cluster.advance();
    let third = cluster.edit_account(&key, |data| data.push(3)).unwrap();
    for written in [&first, &second, &third] {
        assert_eq!(stream.account().await, place(written));
    }
    assert!(first.write_version < second.write_version && second.slot < third.slot);
}

#[tokio::test]
async fn an_update_names_the_filters_it_fits() {
    let cluster = cluster().await;
    let key = market(&cluster, 0);
    let mut request = all_accounts(&cluster, CommitmentLevel::Processed);
    let one =
        SubscribeRequestFilterAccounts { account: vec![key.to_string()], ..Default::default() };
    let size = SubscribeRequestFilterAccountsFilter { filter: Some(Filter::Datasize(1)) };
    let none = SubscribeRequestFilterAccounts { filters: vec![size], ..Default::default() };
    request.accounts.extend([("one".to_owned(), one), ("none".to_owned(), none)]);
    let mut stream = open(&cluster, request).await.unwrap();
    let written = cluster.edit_account(&key, |data| data[100] ^= 1).unwrap();
    let update = soon("an update", stream.updates.message()).await.unwrap().unwrap();
    assert_eq!(update.filters, ["one", "program"]);
    let Some(UpdateOneof::Account(update)) = update.update_oneof else { panic!() };
    let account = update.account.unwrap();
    assert_eq!((account.pubkey, account.owner), (key.0.to_vec(), written.owner.0.to_vec()));
    assert_eq!((account.data, account.lamports), (written.data.to_vec(), written.lamports));
}

#[tokio::test]
async fn confirmed_brings_of_each_slot_the_last_write_and_then_the_slot() {
    let cluster = cluster().await;
    let key = market(&cluster, 0);
    let mut request = all_accounts(&cluster, CommitmentLevel::Confirmed);
    let by_commitment =
        SubscribeRequestFilterSlots { filter_by_commitment: Some(true), interslot_updates: None };
    request.slots = slots(by_commitment).slots;
    let mut stream = open(&cluster, request).await.unwrap();
    cluster.edit_account(&key, |data| data.push(1)).unwrap();
    let last = cluster.edit_account(&key, |data| data.push(2)).unwrap();
    cluster.advance();
    stream.is_quiet().await;
    cluster.advance();
    assert_eq!(stream.account().await, place(&last));
    assert_eq!(stream.slot().await, (1001, 1000, SlotStatus::SlotConfirmed));
    stream.is_quiet().await;
}

#[tokio::test]
async fn slots_tell_their_whole_life_and_death() {
    use SlotStatus::*;
    let cluster = cluster().await;
    let every =
        SubscribeRequestFilterSlots { interslot_updates: Some(true), filter_by_commitment: None };
    let mut stream = open(&cluster, slots(every)).await.unwrap();
    let mut plain = open(&cluster, slots(SubscribeRequestFilterSlots::default())).await.unwrap();
    cluster.advance();
    assert_eq!(cluster.orphan(1), [1002]);
    cluster.advance();
    let expected = [
        (1001, 1000, SlotCompleted),
        (1001, 1000, SlotProcessed),
        (1002, 1001, SlotFirstShredReceived),
        (1002, 1001, SlotCreatedBank),
        (1002, 1001, SlotDead),
        (1003, 1001, SlotFirstShredReceived),
        (1003, 1001, SlotCreatedBank),
        (1003, 1001, SlotCompleted),
        (1003, 1001, SlotProcessed),
        (1001, 1000, SlotConfirmed),
    ];
    for slot in expected {
        assert_eq!(stream.slot().await, slot);
    }
    for slot in
        [(1001, 1000, SlotProcessed), (1003, 1001, SlotProcessed), (1001, 1000, SlotConfirmed)]
    {
        assert_eq!(plain.slot().await, slot);
    }
}

#[tokio::test]
async fn what_was_missed_is_replayed_and_what_is_too_old_is_out_of_range() {
    let cluster = Cluster::start(Options { replay_slots: 3, ..options() }).await.unwrap();
    let key = market(&cluster, 0);
    let mut written = Vec::new();
    for slot in 1001..=1006 {
        let account = cluster.edit_account(&key, |data| data.push(1)).unwrap();
        assert_eq!(account.slot, slot);
        written.push(account);
        cluster.advance();
    }
    let from = |slot| SubscribeRequest {
        from_slot: Some(slot),
        ..all_accounts(&cluster, CommitmentLevel::Processed)
    };
    let (requests, receiver) = unbounded();
    requests.send(from(1005)).unwrap();
    let updates = client(&cluster).await.subscribe(receiver).await.unwrap().into_inner();
    let mut stream = Stream { requests, updates };
    let next = {
        for account in &written[4..] {
            assert_eq!(stream.account().await, place(account));
        }
        cluster.edit_account(&key, |data| data.push(1)).unwrap()
    };
    assert_eq!(stream.account().await, place(&next));
    stream.is_quiet().await;
    let (requests, receiver) = unbounded();
    requests.send(from(1003)).unwrap();
    let mut updates = client(&cluster).await.subscribe(receiver).await.unwrap().into_inner();
    let status = soon("the status", updates.message()).await.unwrap_err();
    assert_eq!(status.code(), Code::OutOfRange);
    assert_eq!(status.message(), "broadcast from 1003 is not available, last available: 1004");
}

#[tokio::test]
async fn a_stream_can_be_told_to_want_something_else_and_loses_nothing_by_pings() {
    let cluster = cluster().await;
    let (first, second) = (market(&cluster, 0), market(&cluster, 1));
    let only = |key: driftshm_layout::Pubkey| {
        let filter =
            SubscribeRequestFilterAccounts { account: vec![key.to_string()], ..Default::default() };
        SubscribeRequest { accounts: [("only".to_owned(), filter)].into(), ..Default::default() }
    };
    let mut stream = open(&cluster, only(first)).await.unwrap();
    stream.ping(7).await;
    let before = cluster.edit_account(&first, |data| data.push(1)).unwrap();
    assert_eq!(stream.account().await, place(&before));
    stream.requests.send(only(second)).unwrap();
    stream.ping(8).await;
    cluster.edit_account(&first, |data| data.push(1)).unwrap();
    let after = cluster.edit_account(&second, |data| data.push(1)).unwrap();
    assert_eq!(stream.account().await, place(&after));
}

#[tokio::test]
async fn who_has_no_token_is_not_let_in() {
    let options = Options { x_token: Some("secret".to_owned()), ..options() };
    let cluster = Cluster::start(options).await.unwrap();
    let mut client = client(&cluster).await;
    let status = client.get_version(GetVersionRequest {}).await.unwrap_err();
    assert_eq!(status.code(), Code::Unauthenticated);
    let (requests, receiver) = unbounded();
    requests.send(all_accounts(&cluster, CommitmentLevel::Processed)).unwrap();
    assert_eq!(client.subscribe(receiver).await.unwrap_err().code(), Code::Unauthenticated);
    let mut request = Request::new(GetVersionRequest {});
    request.metadata_mut().insert("x-token", MetadataValue::from_static("secret"));
    assert!(client.get_version(request).await.unwrap().into_inner().version.contains("2.2.20"));
}

#[tokio::test]
async fn single_questions_are_answered() {
    let cluster = cluster().await;
    let mut client = client(&cluster).await;
    let pong = client.ping(PingRequest { count: 5 }).await.unwrap().into_inner();
    assert_eq!(pong.count, 5);
    let asked = GetSlotRequest { commitment: Some(CommitmentLevel::Confirmed.into()) };
    let slot = client.get_slot(asked).await.unwrap().into_inner().slot;
    assert_eq!(slot, cluster.slot(Commitment::Confirmed));
    assert_eq!(cluster.counts().grpc.methods["GetSlot"], 1);
}

#[tokio::test]
async fn a_filter_without_sense_ends_the_stream() {
    let cluster = cluster().await;
    let mut request = all_accounts(&cluster, CommitmentLevel::Processed);
    request.accounts.get_mut("program").unwrap().owner.push("x".to_owned());
    let (requests, receiver) = unbounded();
    requests.send(request).unwrap();
    let mut updates = client(&cluster).await.subscribe(receiver).await.unwrap().into_inner();
    let status = soon("the status", updates.message()).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
}

#[tokio::test]
async fn calls_can_be_too_many() {
    let cluster = cluster().await;
    let fault = Fault::TooManyRequests { retry_after_s: Some(1), count: None };
    cluster.fault_on(Protocol::Grpc, fault).await.unwrap();
    let status = client(&cluster).await.get_version(GetVersionRequest {}).await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
    assert_eq!(status.metadata().get("retry-after").unwrap(), "1");
}

#[tokio::test]
async fn updates_can_be_nonsense() {
    let cluster = cluster().await;
    let key = market(&cluster, 0);
    let request = all_accounts(&cluster, CommitmentLevel::Processed);
    let mut stream = open(&cluster, request.clone()).await.unwrap();
    cluster.fault(Fault::Malformed { count: Some(2) }).await.unwrap();
    let mut addresses = Vec::new();
    for _ in 0..3 {
        cluster.edit_account(&key, |_| {}).unwrap();
        let UpdateOneof::Account(update) = stream.next().await.unwrap() else { panic!() };
        addresses.push(update.account.map(|account| account.pubkey.len()));
    }
    addresses[..2].sort();
    assert_eq!(addresses, [None, Some(5), Some(32)]);
    cluster.fault(Fault::Oversized { bytes: 5 << 20, count: Some(1) }).await.unwrap();
    cluster.edit_account(&key, |_| {}).unwrap();
    assert_eq!(stream.account().await.2, 5 << 20);
    cluster.fault(Fault::Truncated { count: Some(1) }).await.unwrap();
    cluster.edit_account(&key, |_| {}).unwrap();
    assert!(stream.next().await.is_err());
    let mut stream = open(&cluster, request).await.unwrap();
    cluster.edit_account(&key, |_| {}).unwrap();
    stream.account().await;
}

#[tokio::test]
async fn in_silence_pings_are_sent_and_answered() {
    let options = Options { grpc_ping: Duration::from_millis(20), ..options() };
    let cluster = Cluster::start(options).await.unwrap();
    let key = market(&cluster, 0);
    let mut request = all_accounts(&cluster, CommitmentLevel::Processed);
    request.slots = slots(SubscribeRequestFilterSlots::default()).slots;
    let mut stream = open(&cluster, request).await.unwrap();
    cluster.fault_on(Protocol::Grpc, Fault::Silence {}).await.unwrap();
    cluster.edit_account(&key, |_| {}).unwrap();
    cluster.advance();
    for _ in 0..3 {
        let update = soon("a ping", stream.updates.message()).await.unwrap().unwrap();
        assert!(matches!(update.update_oneof, Some(UpdateOneof::Ping(_))), "{update:?}");
    }
    stream.ping(9).await;
    stream.is_quiet().await;
}

#[tokio::test]
async fn stalled_slots_and_slots_that_go_back() {
    let cluster = cluster().await;
    let key = market(&cluster, 0);
    let mut request = all_accounts(&cluster, CommitmentLevel::Processed);
    request.slots = slots(SubscribeRequestFilterSlots {
        filter_by_commitment: Some(true),
        interslot_updates: None,
    })
    .slots;
    let mut stream = open(&cluster, request).await.unwrap();
    cluster.fault(Fault::Stall {}).await.unwrap();
    cluster.advance();
    let written = cluster.edit_account(&key, |_| {}).unwrap();
    assert_eq!(stream.account().await, place(&written));
    cluster.heal().await.unwrap();
    cluster.fault(Fault::SlotsBack { by: 10 }).await.unwrap();
    cluster.advance();
    assert_eq!(stream.slot().await, (992, 991, SlotStatus::SlotProcessed));
    cluster.heal().await.unwrap();
    cluster.advance();
    assert_eq!(stream.slot().await, (1003, 1002, SlotStatus::SlotProcessed));
}

#[tokio::test]
async fn a_closed_account_is_seen_by_address_and_by_owner_only_if_that_stays() {
    let cluster = cluster().await;
    let (first, second) = (market(&cluster, 0), market(&cluster, 1));
    let by_owner = all_accounts(&cluster, CommitmentLevel::Processed);
    let mut by_address = by_owner.clone();
    let wanted = by_address.accounts.get_mut("program").unwrap();
    *wanted =
        SubscribeRequestFilterAccounts { account: vec![first.to_string()], ..Default::default() };
    let mut by_owner = open(&cluster, by_owner).await.unwrap();
    let mut by_address = open(&cluster, by_address).await.unwrap();
    cluster.close_account(&first).unwrap();
    let closed = Fault::Close { pubkey: second, keep_owner: true };
    cluster.fault(closed).await.unwrap();
    let UpdateOneof::Account(update) = by_address.next().await.unwrap() else { panic!() };
    let account = update.account.unwrap();
    assert_eq!((account.lamports, account.data.len()), (0, 0));
    assert_eq!(account.owner, [0; 32]);
    let UpdateOneof::Account(update) = by_owner.next().await.unwrap() else { panic!() };
    assert_eq!(update.account.unwrap().pubkey, second.0);
}

#[tokio::test]
async fn a_client_that_lags_is_ended() {
    let cluster = Cluster::start(Options { queue: 4, ..options() }).await.unwrap();
    let key = market(&cluster, 0);
    let request = all_accounts(&cluster, CommitmentLevel::Processed);
    let mut stream = open(&cluster, request).await.unwrap();
    // One thread: the stream cannot be served while this writes.
    for _ in 0..6 {
        cluster.edit_account(&key, |_| {}).unwrap();
    }
    let status = loop {
        if let Err(status) = stream.next().await {
            break status;
        }
    };
    assert_eq!(
        (status.code(), status.message()),
        (Code::Internal, "lagged to receive geyser messages")
    );
    assert_eq!(cluster.counts().grpc.lagged, 1);
}
