//! Pubsub over WebSocket.

mod connection;
mod subscriptions;

use std::sync::Arc;

use http::{HeaderValue, Response, header};
use tokio::net::TcpStream;
use tokio_tungstenite::accept_hdr_async_with_config;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;

use crate::faults::Refusal;
use crate::net::Gate;
use crate::node::Node;
use crate::protocol::Protocol;

/// Clients send no larger messages.
const MOST_BYTES: usize = 4 << 20;

/// Serves one connection.
pub(crate) async fn serve(node: Arc<Node>, stream: Gate<TcpStream>) {
    let mut config = WebSocketConfig::default();
    config.max_message_size = Some(MOST_BYTES);
    config.max_frame_size = Some(MOST_BYTES);
    let greeter = Arc::clone(&node);
    // The size of the error is the callback's contract, not ours.
    #[allow(clippy::result_large_err)]
    let greet = move |_: &Request, response| {
        greeter.counters.request(Protocol::Ws);
        match greeter.ws.refusal() {
            Some(refusal) => {
                greeter.counters.refused(Protocol::Ws, refusal);
                Err(refused(refusal))
            }
            None => Ok(response),
        }
    };
    // Who fails to shake hands is gone.
    if let Ok(socket) = accept_hdr_async_with_config(stream, greet, Some(config)).await {
        connection::run(&node, socket).await;
    }
}

fn refused(refusal: Refusal) -> ErrorResponse {
    let why = refusal.status.canonical_reason().unwrap_or("refused");
    let mut response = Response::new(Some(why.to_owned()));
    *response.status_mut() = refusal.status;
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    if let Some(seconds) = refusal.retry_after_s {
        response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    }
    response
}
