//! JSON-RPC over HTTP.

mod error;
mod methods;
mod params;

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::response::Response;
use axum::routing::{get, post};
use http::{StatusCode, header};
use serde::Deserialize;
use serde_json::Value;

pub(crate) use error::RpcError;
pub(crate) use params::Params;

use crate::faults::{Mangle, Refusal};
use crate::node::Node;
use crate::protocol::Protocol;

/// The server.
pub(crate) fn router(node: Arc<Node>) -> Router {
    Router::new()
        .route("/", post(answer))
        .route("/health", get(health))
        .fallback(post(answer))
        .with_state(node)
}

/// A call as JSON-RPC has it.
#[derive(Debug, Deserialize)]
pub(crate) struct Request {
    #[serde(default)]
    pub jsonrpc: Option<String>,
    pub method: String,
    #[serde(default)]
    pub params: Option<Value>,
}

impl Request {
    /// Reads one call.
    pub fn read(json: Value) -> Result<Self, RpcError> {
        let request: Self =
            serde_json::from_value(json).map_err(|_| RpcError::invalid_request())?;
        match request.jsonrpc.as_deref() {
            Some("2.0") => Ok(request),
            _ => Err(RpcError::invalid_request()),
        }
    }
}

/// A response as JSON-RPC has it.
pub(crate) fn response(id: &Value, result: Result<String, RpcError>) -> String {
    match result {
        Ok(result) => format!(r#"{{"jsonrpc":"2.0","result":{result},"id":{id}}}"#),
        Err(error) => format!(r#"{{"jsonrpc":"2.0","error":{},"id":{id}}}"#, error.to_json()),
    }
}

async fn answer(State(node): State<Arc<Node>>, body: Bytes) -> Response {
    node.counters.request(Protocol::Rpc);
    if let Some(refusal) = node.rpc.refusal() {
        node.counters.refused(Protocol::Rpc, refusal);
        return refused(refusal);
    }
    node.rpc.while_silent().await;
    node.rpc.linger().await;
    let mangle = node.rpc.mangle();
    let text = match serde_json::from_slice(&body) {
        Err(_) => response(&Value::Null, Err(RpcError::parse())),
        Ok(Value::Array(batch)) if batch.is_empty() => {
            response(&Value::Null, Err(RpcError::invalid_request()))
        }
        Ok(Value::Array(batch)) => {
            let answers: Vec<_> =
                batch.into_iter().map(|call| answer_one(&node, call, mangle)).collect();
            format!("[{}]", answers.join(","))
        }
        Ok(call) => answer_one(&node, call, mangle),
    };
    let text = match mangle {
        Some(Mangle::Malformed) => "<html>this is no JSON</html>".to_owned(),
        Some(Mangle::Truncated) => {
            // What is written is ASCII but for what a caller put into its id.
            let half = (0..=text.len() / 2).rev().find(|at| text.is_char_boundary(*at));
            text.get(..half.unwrap_or_default()).unwrap_or_default().to_owned()
        }
        _ => text,
    };
    reply(StatusCode::OK, "application/json; charset=utf-8", text)
}

fn answer_one(node: &Node, call: Value, mangle: Option<Mangle>) -> String {
    let id = call.get("id").cloned().unwrap_or_default();
    let result = Request::read(call).and_then(|request| {
        node.counters.call(Protocol::Rpc, &request.method);
        methods::call(node, &request.method, Params::new(request.params)?, mangle)
    });
    response(&id, result)
}

async fn health(State(node): State<Arc<Node>>) -> Response {
    node.rpc.while_silent().await;
    reply(StatusCode::OK, "text/plain", "ok".to_owned())
}

fn reply(status: StatusCode, kind: &'static str, text: String) -> Response {
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static(kind));
    response
}

fn refused(refusal: Refusal) -> Response {
    let code = refusal.status.as_u16();
    let why = if refusal.is_too_many() {
        "Too many requests for a specific RPC call"
    } else {
        refusal.status.canonical_reason().unwrap_or("refused")
    };
    let error = serde_json::json!({ "code": code, "message": why });
    let text = serde_json::json!({ "jsonrpc": "2.0", "error": error, "id": null }).to_string();
    let status = if refusal.in_json { StatusCode::OK } else { refusal.status };
    let mut response = reply(status, "application/json; charset=utf-8", text);
    if let Some(seconds) = refusal.retry_after_s {
        response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    }
    response
}
