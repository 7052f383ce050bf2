//! Commands over HTTP.

use std::sync::{Arc, Weak};

use axum::extract::{FromRequestParts, Path, Query};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use driftshm_layout::Pubkey;
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::chain::Account;
use crate::cluster::Inner;
use crate::commitment::Commitment;
use crate::faults::FaultOrder;
use crate::protocol::Protocols;

type Shared = Weak<Inner>;

pub(crate) fn router(inner: Shared) -> Router {
    Router::new()
        .route("/", post(fault).get(status))
        .route("/fault", post(fault))
        .route("/heal", post(heal))
        .route("/advance", post(advance))
        .route("/counters", get(counters))
        .route("/status", get(status))
        .route("/accounts", get(accounts))
        .route("/accounts/{pubkey}", get(account).put(set_account))
        .with_state(inner)
}

/// The cluster, or an answer that it is gone.
struct Live(Arc<Inner>);

impl FromRequestParts<Shared> for Live {
    type Rejection = Response;

    async fn from_request_parts(
        _: &mut http::request::Parts,
        inner: &Shared,
    ) -> Result<Self, Response> {
        let gone = || failure(StatusCode::GONE, "the cluster has ended");
        inner.upgrade().map(Self).ok_or_else(gone)
    }
}

#[derive(Debug, Default, Deserialize)]
struct Asked {
    #[serde(default = "newest")]
    commitment: Commitment,
}

fn newest() -> Commitment {
    Commitment::Processed
}

async fn fault(Live(inner): Live, Json(json): Json<Value>) -> Response {
    let order = match FaultOrder::from_json(json) {
        Ok(order) => order,
        Err(error) => return failure(StatusCode::BAD_REQUEST, &error.to_string()),
    };
    match inner.fault(order).await {
        Ok(()) => status(Live(inner)).await,
        Err(error) => failure(StatusCode::CONFLICT, &error.to_string()),
    }
}

async fn heal(Live(inner): Live) -> Response {
    match inner.heal(None, Protocols::ALL).await {
        Ok(()) => status(Live(inner)).await,
        Err(error) => failure(StatusCode::CONFLICT, &error.to_string()),
    }
}

#[derive(Deserialize)]
struct Advance {
    #[serde(default = "one")]
    slots: u64,
}

fn one() -> u64 {
    1
}

async fn advance(Live(inner): Live, asked: Option<Json<Advance>>) -> Response {
    for _ in 0..asked.map_or(1, |Json(asked)| asked.slots) {
        inner.node.chain.advance();
    }
    status(Live(inner)).await
}

async fn counters(Live(inner): Live) -> Response {
    Json(inner.node.counters.read()).into_response()
}

async fn status(Live(inner): Live) -> Response {
    let slot = |commitment| inner.node.chain.slot(commitment);
    let [rpc_url, ws_url, grpc_url] = inner.urls();
    Json(json!({
        "rpc_url": rpc_url,
        "ws_url": ws_url,
        "grpc_url": grpc_url,
        "processed": slot(Commitment::Processed),
        "confirmed": slot(Commitment::Confirmed),
        "finalized": slot(Commitment::Finalized),
        "replay_from": inner.node.chain.replay_from(),
    }))
    .into_response()
}

async fn accounts(Live(inner): Live, Query(asked): Query<Asked>) -> Response {
    let all = inner.snapshot(asked.commitment);
    Json(all.values().map(as_json).collect::<Vec<_>>()).into_response()
}

async fn account(
    Live(inner): Live,
    Path(pubkey): Path<Pubkey>,
    Query(asked): Query<Asked>,
) -> Response {
    let chain = &inner.node.chain;
    match chain.account(&pubkey, chain.view(asked.commitment, 0)) {
        Some(account) => Json(as_json(&account)).into_response(),
        None => failure(StatusCode::NOT_FOUND, &format!("there is no account {pubkey}")),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SetAccount {
    data: String,
    #[serde(default)]
    owner: Option<Pubkey>,
    #[serde(default)]
    lamports: Option<u64>,
}

async fn set_account(
    Live(inner): Live,
    Path(pubkey): Path<Pubkey>,
    Json(set): Json<SetAccount>,
) -> Response {
    match STANDARD.decode(&set.data) {
        Ok(data) => {
            let account = inner.set_account(&pubkey, set.owner, set.lamports, data.into());
            Json(as_json(&account)).into_response()
        }
        Err(error) => failure(StatusCode::BAD_REQUEST, &format!("data is no base64: {error}")),
    }
}

fn as_json(account: &Account) -> Value {
    json!({
        "pubkey": account.pubkey,
        "owner": account.owner,
        "lamports": account.lamports,
        "slot": account.slot,
        "write_version": account.write_version,
        "data": STANDARD.encode(&account.data),
    })
}

fn failure(status: StatusCode, error: &str) -> Response {
    (status, Json(json!({ "error": error }))).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_said_is_the_newest_state() {
        let asked: Asked = serde_json::from_value(json!({})).unwrap();
        assert_eq!(asked.commitment, Commitment::Processed);
    }
}
