//! JSON-RPC over HTTP.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use driftshm_cluster::{Commitment, Fault, Protocol};
use serde_json::{Value, json};

use crate::support::{call, cluster, market, soon};

const BASE64: &str = "base64";

fn data(account: &Value) -> Vec<u8> {
    STANDARD.decode(account["data"][0].as_str().unwrap()).unwrap()
}

#[tokio::test]
async fn an_account_comes_in_solanas_shape() {
    let cluster = cluster().await;
    let key = market(&cluster, 0);
    let truth = cluster.account(&key, Commitment::Finalized).unwrap();
    let response = call(&cluster, "getAccountInfo", json!([key, {"encoding": BASE64}])).await;
    assert_eq!(
        response,
        json!({
            "jsonrpc": "2.0",
            "id": 7,
            "result": {
                "context": {"apiVersion": "2.2.20", "slot": 1000},
                "value": {
                    "data": [STANDARD.encode(&truth.data), "base64"],
                    "executable": false,
                    "lamports": truth.lamports,
                    "owner": cluster.profile().program_id,
                    "rentEpoch": u64::MAX,
                    "space": truth.data.len(),
                }
            }
        })
    );
    let nobody =
        call(&cluster, "getAccountInfo", json!(["11111111111111111111111111111112"])).await;
    assert_eq!(nobody["result"]["value"], Value::Null);
}

#[tokio::test]
async fn many_accounts_keep_their_order_and_no_more_than_a_hundred_are_given() {
    let cluster = cluster().await;
    let keys = [market(&cluster, 1), cluster.profile().program_id, market(&cluster, 0)];
    let config = json!({"encoding": "base64+zstd", "commitment": "processed"});
    let response = call(&cluster, "getMultipleAccounts", json!([keys, config])).await;
    assert_eq!(response["result"]["context"]["slot"], 1001);
    let values = response["result"]["value"].as_array().unwrap();
    assert_eq!((values.len(), &values[1]), (3, &Value::Null));
    for (place, index) in [(0, 1), (2, 0)] {
        let unpacked = zstd::decode_all(&data(&values[place])[..]).unwrap();
        let truth = cluster.account(&market(&cluster, index), Commitment::Processed).unwrap();
        assert_eq!(unpacked, truth.data);
    }
    let too_many = vec![keys[0]; 101];
    let response = call(&cluster, "getMultipleAccounts", json!([too_many])).await;
    let error = json!({"code": -32602, "message": "Too many inputs provided; max 100"});
    assert_eq!(response["error"], error);
}

#[tokio::test]
async fn program_accounts_are_filtered() {
    let cluster = cluster().await;
    let profile = cluster.profile();
    let market = profile.account_by_name("PerpMarket").unwrap();
    let memcmp =
        json!({"offset": 0, "bytes": STANDARD.encode(market.discriminator), "encoding": BASE64});
    let config =
        |filters: Value| json!({"encoding": BASE64, "withContext": true, "filters": filters});
    let ask = |filters| {
        call(&cluster, "getProgramAccounts", json!([profile.program_id, config(filters)]))
    };
    let found = ask(json!([{"memcmp": memcmp}, {"dataSize": 1216}])).await;
    assert_eq!(found["result"]["context"]["slot"], 1000);
    let found = found["result"]["value"].as_array().unwrap().clone();
    assert_eq!(found.len(), 3);
    for account in &found {
        let key = account["pubkey"].as_str().unwrap().parse().unwrap();
        let truth = cluster.account(&key, Commitment::Finalized).unwrap();
        assert_eq!(data(&account["account"]), truth.data);
    }
    assert_eq!(ask(json!([{"dataSize": 1217}])).await["result"]["value"], json!([]));
    let bad = ask(json!([{"memcmp": {"offset": 0, "bytes": "0"}}])).await;
    assert_eq!(bad["error"]["code"], -32602);
    let plain =
        call(&cluster, "getProgramAccounts", json!([profile.program_id, {"encoding": BASE64}]));
    assert!(plain.await["result"].as_array().unwrap().len() > 8);
}

#[tokio::test]
async fn a_write_is_processed_at_once_confirmed_and_finalized_later() {
    let cluster = cluster().await;
    let key = market(&cluster, 0);
    let written = cluster.edit_account(&key, |data| data[100] ^= 1).unwrap();
    assert_eq!(written.slot, 1001);
    let seen = async |commitment: &str| {
        let config = json!({"encoding": BASE64, "commitment": commitment});
        let response = call(&cluster, "getAccountInfo", json!([key, config])).await;
        data(&response["result"]["value"]) == written.data
    };
    let mut visible = Vec::new();
    for _ in 0..6 {
        visible.push([seen("processed").await, seen("confirmed").await, seen("finalized").await]);
        cluster.advance();
    }
    // One slot to be processed, one to be confirmed, two more to be finalized.
    let [p, c, f] = [[true, false, false], [true, true, false], [true, true, true]];
    assert_eq!(visible, [p, p, c, c, f, f]);
}

#[tokio::test]
async fn a_slot_that_is_not_there_yet_is_an_error_that_names_the_newest() {
    let cluster = cluster().await;
    let config = json!({"minContextSlot": 1002, "commitment": "processed"});
    let error = json!({
        "code": -32016,
        "message": "Minimum context slot has not been reached",
        "data": {"contextSlot": 1001},
    });
    let key = market(&cluster, 0);
    assert_eq!(call(&cluster, "getAccountInfo", json!([key, config])).await["error"], error);
    assert_eq!(call(&cluster, "getSlot", json!([config])).await["error"], error);
    cluster.advance();
    assert_eq!(call(&cluster, "getSlot", json!([config])).await["result"], 1002);
}

#[tokio::test]
async fn what_is_asked_wrongly_is_refused_as_solana_refuses_it() {
    let cluster = cluster().await;
    let code = async |method: &str, params| {
        let response = call(&cluster, method, params).await;
        (response["error"]["code"].clone(), response["error"]["message"].clone())
    };
    let key = market(&cluster, 0);
    assert_eq!(
        code("getAccountInfo", json!(["x"])).await,
        (json!(-32602), json!("Invalid param: WrongSize"))
    );
    assert_eq!(
        code("getAccountInfo", json!(["0"])).await,
        (json!(-32602), json!("Invalid param: Invalid"))
    );
    assert_eq!(code("getAccountInfo", json!([])).await.0, -32602);
    assert_eq!(code("getAccountInfo", json!([key])).await.0, -32600);
    assert_eq!(code("getAccountInfo", json!([key, {"encoding": "hex"}])).await.0, -32602);
    assert_eq!(
        code("sendTransaction", json!([])).await,
        (json!(-32601), json!("Method not found"))
    );
}

#[tokio::test]
async fn several_calls_can_come_at_once() {
    let cluster = cluster().await;
    let batch = json!([
        {"jsonrpc": "2.0", "id": 1, "method": "getSlot", "params": [{"commitment": "processed"}]},
        {"jsonrpc": "2.0", "id": "two", "method": "getHealth"},
        {"jsonrpc": "2.0", "id": 3, "method": "getGenesisHash"},
        {"jsonrpc": "2.0", "id": 4, "method": "getVersion"},
        {"id": 5},
    ]);
    let sent = reqwest::Client::new().post(cluster.rpc_url()).json(&batch).send();
    let answers: Value = soon("the answers", sent).await.unwrap().json().await.unwrap();
    assert_eq!(answers[0], json!({"jsonrpc": "2.0", "result": 1001, "id": 1}));
    assert_eq!(answers[1], json!({"jsonrpc": "2.0", "result": "ok", "id": "two"}));
    assert!(answers[2]["result"].is_string());
    assert_eq!(answers[3]["result"]["solana-core"], "2.2.20");
    assert_eq!(answers[4]["error"]["code"], -32600);
    let counts = cluster.counts();
    assert_eq!((counts.rpc.requests, counts.rpc_calls("getSlot")), (1, 1));
}

#[tokio::test]
async fn too_many_requests_say_when_to_come_again() {
    let cluster = cluster().await;
    let fault = Fault::TooManyRequests { retry_after_s: Some(3), count: Some(2) };
    cluster.fault_on(Protocol::Rpc, fault).await.unwrap();
    let client = reqwest::Client::new();
    let ask = async || {
        let body = r#"{"jsonrpc":"2.0","id":1,"method":"getHealth"}"#;
        soon("an answer", client.post(cluster.rpc_url()).body(body).send()).await.unwrap()
    };
    for _ in 0..2 {
        let response = ask().await;
        assert_eq!(
            (response.status().as_u16(), &response.headers()["retry-after"]),
            (429, &"3".parse().unwrap())
        );
    }
    assert_eq!(ask().await.status(), 200);
    assert_eq!(cluster.counts().rpc.too_many, 2);
}

#[tokio::test]
async fn rpc_can_lag_the_chain() {
    let cluster = cluster().await;
    let key = market(&cluster, 0);
    cluster.advance_by(10);
    let written = cluster.edit_account(&key, |data| data[100] ^= 1).unwrap();
    cluster.fault(Fault::RpcLag { slots: 3 }).await.unwrap();
    let config = json!({"encoding": BASE64, "commitment": "processed"});
    for expected in [1008, 1009, 1010, 1011] {
        let response = call(&cluster, "getAccountInfo", json!([key, config])).await;
        assert_eq!(response["result"]["context"]["slot"], expected);
        let is_there = data(&response["result"]["value"]) == written.data;
        assert_eq!(is_there, expected == written.slot);
        cluster.advance();
    }
    cluster.heal().await.unwrap();
    assert_eq!(
        call(&cluster, "getSlot", json!([{"commitment": "processed"}])).await["result"],
        1015
    );
}

#[tokio::test]
async fn an_orphaned_slot_never_was() {
    let cluster = cluster().await;
    let key = market(&cluster, 0);
    let before = cluster.account(&key, Commitment::Processed).unwrap();
    let kept = cluster.edit_account(&key, |data| data[100] ^= 1).unwrap();
    cluster.advance();
    cluster.edit_account(&key, |data| data[101] ^= 1).unwrap();
    assert_eq!(cluster.orphan(1), [1002]);
    assert_eq!(cluster.account(&key, Commitment::Processed), Some(kept));
    assert_eq!(cluster.orphan(9), [1003, 1001]);
    assert_eq!(cluster.account(&key, Commitment::Processed), Some(before));
    cluster.advance_by(4);
    assert_eq!(cluster.slot(Commitment::Processed), 1008);
    assert_eq!(cluster.slot(Commitment::Confirmed), 1006);
}

#[tokio::test]
async fn answers_can_be_spoilt() {
    let cluster = cluster().await;
    let key = market(&cluster, 0);
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": "getAccountInfo", "params": [key, {"encoding": BASE64}]});
    let ask = async |fault| {
        cluster.fault_on(Protocol::Rpc, fault).await.unwrap();
        let sent = reqwest::Client::new().post(cluster.rpc_url()).json(&body).send();
        soon("an answer", sent).await.unwrap().text().await.unwrap()
    };
    let count = Some(1);
    for fault in [Fault::Malformed { count }, Fault::Truncated { count }] {
        let text = ask(fault).await;
        assert!(serde_json::from_str::<Value>(&text).is_err(), "{text}");
    }
    let answer: Value = serde_json::from_str(&ask(Fault::BadBase64 { count }).await).unwrap();
    let text = answer["result"]["value"]["data"][0].as_str().unwrap();
    assert!(STANDARD.decode(text).is_err());
    let big = ask(Fault::Oversized { bytes: 1 << 20, count }).await;
    assert!(big.len() > 1 << 20);
    assert!(ask(Fault::Halt {}).await.len() < 1 << 16);
}
