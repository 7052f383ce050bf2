//! Pubsub over WebSocket.

mod connection;
mod subscriptions;

use std::sync::Arc;

use http::{HeaderValue, Response, StatusCode, header};
use tokio::net::TcpStream;
use tokio_tungstenite::accept_hdr_async_with_config;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;

use crate::faults::TooMany;
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
        match greeter.ws.too_many() {
            Some(refused) => {
                greeter.counters.too_many(Protocol::Ws);
                Err(too_many(refused))
            }
            None => Ok(response),
        }
    };
    // Who fails to shake hands is gone.
    if let Ok(socket) = accept_hdr_async_with_config(stream, greet, Some(config)).await {
        connection::run(&node, socket).await;
    }
}

fn too_many(refused: TooMany) -> ErrorResponse {
    let mut response = Response::new(Some("Too many requests".to_owned()));
    *response.status_mut() = StatusCode::TOO_MANY_REQUESTS;
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    if let Some(seconds) = refused.retry_after_s {
        response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    }
    response
}
