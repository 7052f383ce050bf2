//! Pubsub over WebSocket.

use driftshm_cluster::{Commitment, Fault, Protocol};
use futures_util::StreamExt;
use serde_json::{Value, json};
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::{Error, Message};

use crate::support::{Ws, cluster, market, soon};

fn processed() -> Value {
    json!({"encoding": "base64", "commitment": "processed"})
}

#[tokio::test]
async fn an_account_is_told_of_in_solanas_shape() {
    let cluster = cluster().await;
    let key = market(&cluster, 0);
    let mut ws = Ws::connect(&cluster).await;
    cluster.edit_account(&key, |data| data[100] ^= 1).unwrap();
    let id = ws.subscribe("accountSubscribe", json!([key, processed()])).await;
    let program = cluster.profile().program_id;
    let all = ws.subscribe("programSubscribe", json!([program, processed()])).await;
    let written = cluster.edit_account(&key, |data| data[100] ^= 1).unwrap();
    let told = ws.json().await;
    let value = &told["params"]["result"]["value"];
    assert_eq!(told["method"], "accountNotification");
    assert_eq!(told["params"]["subscription"], id);
    assert_eq!(told["params"]["result"]["context"], json!({"slot": 1001}));
    assert_eq!(value["space"], written.data.len());
    assert_eq!(value["data"][1], "base64");
    let of_program = ws.json().await;
    assert_eq!(of_program["method"], "programNotification");
    assert_eq!(of_program["params"]["subscription"], all);
    let result = &of_program["params"]["result"];
    assert_eq!(result["value"], json!({"pubkey": key, "account": value}));
    assert_eq!(ws.call("accountUnsubscribe", json!([id])).await["result"], true);
    let again = ws.call("accountUnsubscribe", json!([id])).await;
    assert_eq!(again["error"]["code"], -32602);
    cluster.edit_account(&key, |data| data[100] ^= 1).unwrap();
    assert_eq!(ws.json().await["params"]["subscription"], all);
}

#[tokio::test]
async fn confirmed_is_told_with_the_last_write_of_a_slot() {
    let cluster = cluster().await;
    let key = market(&cluster, 0);
    let mut ws = Ws::connect(&cluster).await;
    let config = json!({"encoding": "base64", "commitment": "confirmed"});
    ws.subscribe("accountSubscribe", json!([key, config])).await;
    cluster.edit_account(&key, |data| data.push(1)).unwrap();
    let last = cluster.edit_account(&key, |data| data.push(2)).unwrap();
    cluster.advance();
    ws.is_quiet().await;
    cluster.advance();
    let told = ws.json().await;
    assert_eq!(told["params"]["result"]["context"]["slot"], 1001);
    assert_eq!(told["params"]["result"]["value"]["space"], last.data.len());
    ws.is_quiet().await;
}

#[tokio::test]
async fn slots_are_told_with_parent_and_root() {
    let cluster = cluster().await;
    let mut ws = Ws::connect(&cluster).await;
    let id = ws.subscribe("slotSubscribe", Value::Null).await;
    cluster.advance();
    cluster.orphan(1);
    let told = async |ws: &mut Ws| ws.json().await["params"].clone();
    let first = json!({"result": {"parent": 1001, "root": 1000, "slot": 1002}, "subscription": id});
    let second =
        json!({"result": {"parent": 1001, "root": 1000, "slot": 1003}, "subscription": id});
    assert_eq!(told(&mut ws).await, first);
    assert_eq!(told(&mut ws).await, second);
}

#[tokio::test]
async fn a_program_subscription_sees_only_what_fits_its_filters_and_no_closing() {
    let cluster = cluster().await;
    let mut ws = Ws::connect(&cluster).await;
    let program = cluster.profile().program_id;
    let mut config = processed();
    config["filters"] = json!([{"dataSize": 1216}]);
    ws.subscribe("programSubscribe", json!([program, config])).await;
    let (first, second) = (market(&cluster, 0), market(&cluster, 1));
    let state = cluster.profile().state_address().unwrap();
    cluster.edit_account(&state, |data| data[100] ^= 1).unwrap();
    cluster.close_account(&first).unwrap();
    cluster.edit_account(&second, |data| data[100] ^= 1).unwrap();
    let told = ws.json().await;
    assert_eq!(told["params"]["result"]["value"]["pubkey"], json!(second));
    ws.is_quiet().await;
}

#[tokio::test]
async fn what_has_no_sense_is_answered_with_an_error() {
    let cluster = cluster().await;
    let mut ws = Ws::connect(&cluster).await;
    assert_eq!(ws.call("accountSubscribe", json!(["x"])).await["error"]["code"], -32602);
    assert_eq!(ws.call("blockSubscribe", json!([])).await["error"]["code"], -32601);
    let filters = json!([cluster.profile().program_id, {"filters": [{"dataSize": "x"}]}]);
    assert_eq!(ws.call("programSubscribe", filters).await["error"]["code"], -32602);
}

#[tokio::test]
async fn an_upgrade_can_be_one_too_many() {
    let cluster = cluster().await;
    let fault = Fault::TooManyRequests { retry_after_s: Some(1), count: Some(1) };
    cluster.fault(fault).await.unwrap();
    match soon("an answer", connect_async(cluster.ws_url())).await {
        Err(Error::Http(response)) => {
            assert_eq!(response.status(), 429);
            assert_eq!(response.headers()["retry-after"], "1");
        }
        other => panic!("{other:?}"),
    }
    Ws::connect(&cluster).await;
}

#[tokio::test]
async fn in_silence_only_pings_come_and_what_happened_is_lost() {
    let options = driftshm_cluster::Options {
        ws_ping: std::time::Duration::from_millis(20),
        ..crate::support::options()
    };
    let cluster = driftshm_cluster::Cluster::start(options).await.unwrap();
    let key = market(&cluster, 0);
    let mut ws = Ws::connect(&cluster).await;
    ws.subscribe("accountSubscribe", json!([key, processed()])).await;
    ws.subscribe("slotSubscribe", json!([])).await;
    cluster.fault_on(Protocol::Ws, Fault::Silence {}).await.unwrap();
    cluster.edit_account(&key, |data| data.push(1)).unwrap();
    cluster.advance();
    for _ in 0..3 {
        let message = soon("a ping", ws.socket.next()).await.unwrap().unwrap();
        assert!(matches!(message, Message::Ping(_)), "{message:?}");
    }
    cluster.heal().await.unwrap();
    cluster.advance();
    assert_eq!(ws.json().await["params"]["result"]["slot"], 1003);
}

#[tokio::test]
async fn in_a_black_hole_nothing_flows_and_later_all_of_it() {
    let cluster = cluster().await;
    let key = market(&cluster, 0);
    let mut ws = Ws::connect(&cluster).await;
    ws.subscribe("accountSubscribe", json!([key, processed()])).await;
    cluster.fault(Fault::BlackHole {}).await.unwrap();
    cluster.edit_account(&key, |data| data.push(1)).unwrap();
    ws.is_quiet().await;
    cluster.heal().await.unwrap();
    assert_eq!(ws.json().await["method"], "accountNotification");
}

#[tokio::test]
async fn updates_can_be_doubled_left_out_and_overtaken() {
    let cluster = cluster().await;
    let key = market(&cluster, 0);
    let mut ws = Ws::connect(&cluster).await;
    let len = cluster.edit_account(&key, |_| {}).unwrap().data.len();
    ws.subscribe("accountSubscribe", json!([key, processed()])).await;
    let grow = || cluster.edit_account(&key, |data| data.push(0)).unwrap();
    let told = async |ws: &mut Ws| {
        let told = ws.json().await;
        told["params"]["result"]["value"]["space"].as_u64().unwrap() as usize - len
    };
    cluster.fault(Fault::Duplicate {}).await.unwrap();
    grow();
    assert_eq!([told(&mut ws).await, told(&mut ws).await], [1, 1]);
    cluster.heal().await.unwrap();
    cluster.fault(Fault::Skip { pubkey: key, count: 1 }).await.unwrap();
    grow();
    grow();
    assert_eq!(told(&mut ws).await, 3);
    cluster.fault(Fault::Reorder { pubkey: Some(key) }).await.unwrap();
    grow();
    grow();
    assert_eq!([told(&mut ws).await, told(&mut ws).await], [5, 4]);
    grow();
    ws.is_quiet().await;
    cluster.heal().await.unwrap();
    assert_eq!(told(&mut ws).await, 6);
}

#[tokio::test]
async fn a_message_can_be_spoilt() {
    let cluster = cluster().await;
    let key = market(&cluster, 0);
    let mut ws = Ws::connect(&cluster).await;
    ws.subscribe("accountSubscribe", json!([key, processed()])).await;
    let count = Some(1);
    for fault in [Fault::Malformed { count }, Fault::Truncated { count }] {
        cluster.fault_on(Protocol::Ws, fault).await.unwrap();
        cluster.edit_account(&key, |_| {}).unwrap();
        let text = ws.text().await;
        assert!(serde_json::from_str::<Value>(&text).is_err(), "{text}");
    }
    cluster.edit_account(&key, |_| {}).unwrap();
    ws.json().await;
}

#[tokio::test]
async fn a_closed_listener_refuses_and_opens_again_on_the_same_port() {
    let cluster = cluster().await;
    let mut ws = Ws::connect(&cluster).await;
    cluster.fault_on(Protocol::Ws, Fault::Refuse { keep_connections: false }).await.unwrap();
    match soon("an answer", connect_async(cluster.ws_url())).await {
        Err(Error::Io(error)) => assert_eq!(error.kind(), std::io::ErrorKind::ConnectionRefused),
        other => panic!("{other:?}"),
    }
    let end = soon("the end", ws.socket.next()).await;
    assert!(matches!(end, None | Some(Err(_))), "{end:?}");
    cluster.heal().await.unwrap();
    Ws::connect(&cluster).await;
}

#[tokio::test]
async fn connections_can_end_at_once_or_get_no_answer() {
    let cluster = cluster().await;
    cluster.fault(Fault::Eof {}).await.unwrap();
    assert!(soon("the end", connect_async(cluster.ws_url())).await.is_err());
    cluster.heal().await.unwrap();
    cluster.fault(Fault::HalfOpen {}).await.unwrap();
    let mut waiting = Box::pin(connect_async(cluster.ws_url()));
    let answer = tokio::time::timeout(crate::support::QUIET, &mut waiting).await;
    assert!(answer.is_err());
    cluster.heal().await.unwrap();
    assert!(soon("the end", waiting).await.is_err());
    Ws::connect(&cluster).await;
}

#[tokio::test]
async fn after_a_restart_the_state_is_newer_and_connections_are_gone() {
    let cluster = cluster().await;
    let mut ws = Ws::connect(&cluster).await;
    let key = market(&cluster, 0);
    let before = cluster.account(&key, Commitment::Confirmed).unwrap();
    cluster.fault(Fault::Restart { slots: 5, down_ms: 10, touch: true }).await.unwrap();
    let after = cluster.account(&key, Commitment::Confirmed).unwrap();
    assert!(after.slot > before.slot && after.data != before.data);
    let end = soon("the end", ws.socket.next()).await;
    assert!(matches!(end, None | Some(Err(_))), "{end:?}");
    let mut ws = Ws::connect(&cluster).await;
    ws.subscribe("slotSubscribe", json!([])).await;
    cluster.advance();
    assert_eq!(ws.json().await["params"]["result"]["slot"], 1007);
}
