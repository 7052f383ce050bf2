//! Commands over HTTP.

use driftshm_cluster::{Commitment, Fault, Protocol};
use serde_json::{Value, json};

use crate::support::{call, cluster, command, market, soon};

#[tokio::test]
async fn faults_are_ordered_and_healed_from_outside() {
    let cluster = cluster().await;
    let (status, _) = command(&cluster, "/fault", json!({"fault": "rpc_lag", "slots": 1})).await;
    assert_eq!(status, 200);
    let (_, state) = command(&cluster, "/advance", json!({"slots": 3})).await;
    assert_eq!(state["processed"], 1004);
    let processed = json!([{"commitment": "processed"}]);
    assert_eq!(call(&cluster, "getSlot", processed.clone()).await["result"], 1003);
    command(&cluster, "/heal", json!({})).await;
    assert_eq!(call(&cluster, "getSlot", processed).await["result"], 1004);
    let (status, answer) = command(&cluster, "/", json!({"fault": "stal"})).await;
    assert_eq!(status, 400);
    assert!(answer["error"].as_str().unwrap().contains("stall"), "{answer}");
    let nobody = json!({"fault": "close", "pubkey": "11111111111111111111111111111112"});
    assert_eq!(command(&cluster, "/fault", nobody).await.0, 409);
}

#[tokio::test]
async fn accounts_and_counts_can_be_looked_at() {
    let cluster = cluster().await;
    call(&cluster, "getHealth", json!([])).await;
    let get = async |path: &str| -> Value {
        let url = format!("{}{path}", cluster.control_url());
        soon(path, reqwest::get(url)).await.unwrap().json().await.unwrap()
    };
    assert_eq!(get("/counters").await["rpc"]["methods"], json!({"getHealth": 1}));
    let all = get("/accounts?commitment=finalized").await;
    assert_eq!(all.as_array().unwrap().len(), cluster.snapshot(Commitment::Finalized).len());
    let key = market(&cluster, 0);
    let one = get(&format!("/accounts/{key}")).await;
    assert_eq!(one["owner"], json!(cluster.profile().program_id));
    let url = format!("{}/accounts/{key}", cluster.control_url());
    let set = reqwest::Client::new().put(url).json(&json!({"data": "aGVsbG8="})).send();
    assert_eq!(soon("set", set).await.unwrap().status(), 200);
    let account = cluster.account(&key, Commitment::Processed).unwrap();
    assert_eq!((&account.data[..], account.slot), (&b"hello"[..], 1001));
}

#[tokio::test]
async fn accounts_are_closed_reopened_and_grown() {
    let cluster = cluster().await;
    let pubkey = market(&cluster, 0);
    let len = cluster.account(&pubkey, Commitment::Processed).unwrap().data.len();
    cluster.fault(Fault::Grow { pubkey, by: 64 }).await.unwrap();
    let grown = cluster.account(&pubkey, Commitment::Processed).unwrap();
    assert_eq!(grown.data.len(), len + 64);
    cluster.fault(Fault::Close { pubkey, keep_owner: false }).await.unwrap();
    assert_eq!(cluster.account(&pubkey, Commitment::Processed), None);
    assert!(cluster.fault(Fault::Close { pubkey, keep_owner: false }).await.is_err());
    cluster.fault(Fault::Reopen { pubkey }).await.unwrap();
    let again = cluster.account(&pubkey, Commitment::Processed).unwrap();
    assert_eq!((again.data, again.owner), (grown.data, grown.owner));
}

#[tokio::test]
async fn a_fault_can_heal_itself() {
    let cluster = cluster().await;
    let begun = std::time::Instant::now();
    let order = json!({"fault": "refuse", "on": ["rpc"], "for_ms": 300});
    assert_eq!(command(&cluster, "/fault", order).await.0, 200);
    let url = format!("{}/health", cluster.rpc_url());
    let first = reqwest::get(&url).await;
    assert!(first.is_err() || begun.elapsed().as_millis() >= 300);
    let answered = async {
        while reqwest::get(&url).await.is_err() {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    };
    soon("it answers again", answered).await;
    assert_eq!(cluster.counts().of(Protocol::Ws).connections, 0);
}
