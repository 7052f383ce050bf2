//! Faults that are the same for several protocols, and those of the chain.

use std::time::Duration;

use driftshm_cluster::{Cluster, Commitment, Fault, Options, Pace, Protocol, Sim};
use futures_util::{StreamExt, stream};
use serde_json::{Value, json};
use yellowstone_grpc_proto::geyser::geyser_client::GeyserClient;
use yellowstone_grpc_proto::geyser::{
    GetSlotRequest, SlotStatus, SubscribeReplayInfoRequest, SubscribeRequest,
    SubscribeRequestFilterSlots,
};

use crate::support::{QUIET, Ws, call, cluster, market, options, soon};

fn processed() -> Value {
    json!([{"commitment": "processed"}])
}

#[tokio::test]
async fn rpc_does_not_answer_in_silence_and_does_later() {
    let cluster = cluster().await;
    for fault in [Fault::Silence {}, Fault::BlackHole {}] {
        cluster.fault_on(Protocol::Rpc, fault).await.unwrap();
        let mut asked = Box::pin(call(&cluster, "getSlot", processed()));
        assert!(tokio::time::timeout(QUIET, &mut asked).await.is_err());
        Ws::connect(&cluster).await;
        cluster.heal().await.unwrap();
        assert_eq!(asked.await["result"], 1001);
    }
}

#[tokio::test]
async fn a_stalled_rpc_stays_where_it_was() {
    let cluster = cluster().await;
    let key = market(&cluster, 0);
    cluster.fault_on(Protocol::Rpc, Fault::Stall {}).await.unwrap();
    cluster.advance_by(2);
    cluster.edit_account(&key, |data| data.push(1)).unwrap();
    assert_eq!(call(&cluster, "getSlot", processed()).await["result"], 1001);
    let config = json!({"encoding": "base64", "commitment": "processed"});
    let seen = call(&cluster, "getAccountInfo", json!([key, config])).await;
    assert_eq!(seen["result"]["value"]["space"], 1216);
    cluster.heal().await.unwrap();
    assert_eq!(call(&cluster, "getSlot", processed()).await["result"], 1003);
}

#[tokio::test]
async fn grpc_is_refused_held_back_and_let_in_again() {
    let cluster = cluster().await;
    let mut client = GeyserClient::connect(cluster.grpc_url()).await.unwrap();
    let slot = GetSlotRequest::default();
    cluster.fault_on(Protocol::Grpc, Fault::BlackHole {}).await.unwrap();
    let mut asked = Box::pin(client.get_slot(slot));
    assert!(tokio::time::timeout(QUIET, &mut asked).await.is_err());
    cluster.heal().await.unwrap();
    assert_eq!(soon("the slot", asked).await.unwrap().into_inner().slot, 1001);
    cluster.fault_on(Protocol::Grpc, Fault::Refuse { keep_connections: true }).await.unwrap();
    assert!(GeyserClient::connect(cluster.grpc_url()).await.is_err());
    assert!(client.get_slot(slot).await.is_ok());
    cluster.fault_on(Protocol::Grpc, Fault::Cut {}).await.unwrap();
    assert!(soon("an answer", client.get_slot(slot)).await.is_err());
    cluster.heal().await.unwrap();
    GeyserClient::connect(cluster.grpc_url()).await.unwrap();
}

#[tokio::test]
async fn a_restarted_node_replays_only_what_it_saw_itself() {
    let cluster = cluster().await;
    let first = async || {
        let mut client = GeyserClient::connect(cluster.grpc_url()).await.unwrap();
        let info = client.subscribe_replay_info(SubscribeReplayInfoRequest {}).await.unwrap();
        info.into_inner().first_available.unwrap()
    };
    cluster.advance_by(3);
    assert_eq!(first().await, 1001);
    let restart = Fault::Restart { slots: 4, down_ms: 1, touch: false };
    cluster.fault(restart).await.unwrap();
    assert_eq!(first().await, 1008);
    let written = cluster.edit_account(&market(&cluster, 0), |_| {}).unwrap();
    assert_eq!((written.slot, written.write_version), (1008, 1));
}

#[tokio::test]
async fn a_halted_chain_has_no_slots_and_no_writes() {
    let options = Options {
        sim: Some(Sim { rate: 1_000, ..options().sim.unwrap() }),
        pace: Pace::Every(Duration::from_millis(5)),
        ..options()
    };
    let cluster = Cluster::start(options).await.unwrap();
    let moved = async {
        while cluster.slot(Commitment::Finalized) < 1003 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    soon("slots pass", moved).await;
    cluster.fault(Fault::Halt {}).await.unwrap();
    let state = || (cluster.slot(Commitment::Processed), cluster.snapshot(Commitment::Processed));
    let mut now = state();
    // A batch may have been on its way.
    let still = async {
        loop {
            tokio::time::sleep(QUIET).await;
            match state() {
                again if again == now => return,
                again => now = again,
            }
        }
    };
    soon("nothing changes any more", still).await;
    tokio::time::sleep(QUIET).await;
    assert!(now == state());
    cluster.heal().await.unwrap();
    let moved = async {
        while cluster.slot(Commitment::Finalized) <= now.0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    soon("slots pass again", moved).await;
}

#[tokio::test]
async fn an_oversized_account_comes_over_ws() {
    let cluster = cluster().await;
    let key = market(&cluster, 0);
    let mut ws = Ws::connect(&cluster).await;
    let config = json!({"encoding": "base64", "commitment": "processed"});
    ws.subscribe("accountSubscribe", json!([key, config])).await;
    let fault = Fault::Oversized { bytes: 3 << 20, count: Some(1) };
    cluster.fault_on(Protocol::Ws, fault).await.unwrap();
    cluster.edit_account(&key, |_| {}).unwrap();
    let text = ws.text().await;
    assert!(text.len() > 4 << 20, "{}", text.len());
}

#[tokio::test]
async fn what_is_dropped_is_gone_with_all_its_connections() {
    let cluster = cluster().await;
    let (rpc, mut ws) = (cluster.rpc_url(), Ws::connect(&cluster).await);
    drop(cluster);
    let end = soon("the end", ws.socket.next()).await;
    assert!(matches!(end, None | Some(Err(_))), "{end:?}");
    let refused = async {
        while reqwest::get(format!("{rpc}/health")).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    soon("refused", refused).await;
}

#[tokio::test]
async fn a_client_of_pubsub_that_lags_is_told_and_closed() {
    let cluster = Cluster::start(Options { queue: 4, ..options() }).await.unwrap();
    let key = market(&cluster, 0);
    let mut ws = Ws::connect(&cluster).await;
    let config = json!({"encoding": "base64", "commitment": "processed"});
    ws.subscribe("accountSubscribe", json!([key, config])).await;
    // One thread: the stream cannot be served while this writes.
    for _ in 0..6 {
        cluster.edit_account(&key, |_| {}).unwrap();
    }
    let closed = async {
        loop {
            if let Some(Ok(tokio_tungstenite::tungstenite::Message::Close(frame))) =
                ws.socket.next().await
            {
                return frame.unwrap().reason;
            }
        }
    };
    let reason = soon("the end", closed).await;
    assert_eq!(reason.as_str(), "client has lagged behind (notification is gone)");
    assert_eq!(cluster.counts().ws.lagged, 1);
}

#[tokio::test]
async fn a_provider_can_serve_less_than_it_should() {
    let cluster = cluster().await;
    cluster.fault(Fault::KeyLimit { keys: 2 }).await.unwrap();
    cluster.fault(Fault::RefuseMethod { method: "programSubscribe".to_owned() }).await.unwrap();
    let keys = [0, 1, 2].map(|index| market(&cluster, index));
    let ask = |count: usize| {
        call(&cluster, "getMultipleAccounts", json!([keys[..count], {"encoding": "base64"}]))
    };
    assert_eq!(ask(3).await["error"]["message"], "Too many inputs provided; max 2");
    assert_eq!(ask(2).await["result"]["value"].as_array().unwrap().len(), 2);
    let mut ws = Ws::connect(&cluster).await;
    let program = json!([cluster.profile().program_id]);
    assert_eq!(ws.call("programSubscribe", program.clone()).await["error"]["code"], -32601);
    assert!(ws.call("accountSubscribe", program).await["result"].is_u64());
    let fault = Fault::HttpStatus { status: 403, count: Some(1) };
    cluster.fault_on(Protocol::Rpc, fault).await.unwrap();
    let refused = reqwest::Client::new().post(cluster.rpc_url()).body("{}").send();
    assert_eq!(soon("an answer", refused).await.unwrap().status(), 403);
    cluster.fault(Fault::Slow { ms: 300 }).await.unwrap();
    let begun = std::time::Instant::now();
    assert!(ask(1).await["result"].is_object());
    assert!(begun.elapsed() >= Duration::from_millis(300));
}

#[tokio::test]
async fn streams_end_in_good_order_or_with_a_status() {
    let cluster = cluster().await;
    let mut ws = Ws::connect(&cluster).await;
    ws.subscribe("slotSubscribe", json!([])).await;
    let mut client = GeyserClient::connect(cluster.grpc_url()).await.unwrap();
    let requests = || stream::iter([SubscribeRequest::default()]).chain(stream::pending());
    let mut updates = client.subscribe(requests()).await.unwrap().into_inner();
    cluster.fault(Fault::EndStreams {}).await.unwrap();
    assert!(soon("the end", updates.message()).await.unwrap().is_none());
    let end = soon("the end", ws.socket.next()).await.unwrap().unwrap();
    assert!(end.is_close(), "{end:?}");
    let fault = Fault::GrpcStatus { code: 13, count: Some(1) };
    cluster.fault(fault).await.unwrap();
    let mut updates = client.subscribe(requests()).await.unwrap().into_inner();
    let status = soon("the end", updates.message()).await.unwrap_err();
    assert_eq!(status.code(), tonic::Code::Internal);
    assert_eq!(cluster.counts().grpc.connections, 1);
}

#[tokio::test]
async fn a_status_of_slots_can_be_left_out() {
    let cluster = cluster().await;
    let slots = [("slots".to_owned(), SubscribeRequestFilterSlots::default())].into();
    let request = SubscribeRequest { slots, ..Default::default() };
    let mut stream = crate::grpc::open(&cluster, request).await.unwrap();
    cluster.fault(Fault::OmitStatus { status: Commitment::Confirmed }).await.unwrap();
    cluster.advance_by(4);
    for slot in 1001..=1004 {
        assert_eq!(stream.slot().await, (slot, slot - 1, SlotStatus::SlotProcessed));
    }
    assert_eq!(stream.slot().await, (1001, 1000, SlotStatus::SlotFinalized));
}
