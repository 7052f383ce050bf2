//! Connecting, and what the errors of WebSockets mean.

use std::io::ErrorKind;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::error::CapacityError;
use tokio_tungstenite::tungstenite::handshake::client::{Request, Response};
use tokio_tungstenite::tungstenite::http::header::{AUTHORIZATION, RETRY_AFTER, USER_AGENT};
use tokio_tungstenite::tungstenite::http::{HeaderValue, StatusCode};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{self, Error};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, client_async_tls_with_config};

use super::SETTING;
use crate::live::endpoint::Endpoint;
use crate::live::refusal::retry_after;
use crate::live::stream::StreamError;
use crate::live::stream::words::{Words, innermost};

/// For all of it: the name, TCP, TLS and the upgrade.
const CONNECT: Duration = Duration::from_secs(5);

pub(super) type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Connects; no message of more than `limit` bytes is taken.
pub(super) async fn connect(
    endpoint: &Endpoint,
    limit: usize,
    words: &Words,
) -> Result<Socket, StreamError> {
    let connecting = async {
        let request = request(endpoint).map_err(|error| refusal(error, words))?;
        let socket = TcpStream::connect(endpoint.authority()).await.map_err(unreachable)?;
        socket.set_nodelay(true).map_err(unreachable)?;
        let config =
            WebSocketConfig::default().max_message_size(Some(limit)).max_frame_size(Some(limit));
        let upgraded = client_async_tls_with_config(request, socket, Some(config), None).await;
        upgraded.map(|(socket, _)| socket).map_err(|error| refusal(error, words))
    };
    let late = StreamError::TimedOut { setting: SETTING, what: "connecting", after: CONNECT };
    timeout(CONNECT, connecting).await.unwrap_or(Err(late))
}

fn request(endpoint: &Endpoint) -> Result<Request, Error> {
    let mut request = endpoint.secret().into_client_request()?;
    let login = request.uri().authority().and_then(|it| it.as_str().rsplit_once('@'));
    let login = login.map(|(login, _)| format!("Basic {}", STANDARD.encode(login)));
    if let Some(login) = login {
        let mut login = HeaderValue::from_str(&login)?;
        login.set_sensitive(true);
        request.headers_mut().insert(AUTHORIZATION, login);
    }
    let name = HeaderValue::from_static(concat!("driftshm/", env!("CARGO_PKG_VERSION")));
    request.headers_mut().insert(USER_AGENT, name);
    Ok(request)
}

fn unreachable(error: std::io::Error) -> StreamError {
    StreamError::Unreachable { setting: SETTING, cause: error.to_string() }
}

/// Why there is no WebSocket.
fn refusal(error: Error, words: &Words) -> StreamError {
    let setting = SETTING;
    match error {
        Error::Http(response) => of_http(&response),
        Error::Io(error) => {
            let cause = words.clean(&innermost(&error));
            // What TLS has against the other side, it says as data that it cannot accept.
            if error.kind() == ErrorKind::InvalidData || cause.starts_with("tls ") {
                StreamError::Tls { setting, cause }
            } else {
                StreamError::Unreachable { setting, cause }
            }
        }
        Error::Tls(error) => StreamError::Tls { setting, cause: words.clean(&innermost(&error)) },
        error => {
            let cause = format!("no WebSocket: {}", words.clean(&innermost(&error)));
            StreamError::Refused { setting, cause }
        }
    }
}

fn of_http(response: &Response) -> StreamError {
    let setting = SETTING;
    let status = response.status();
    // What the page says beyond the status is of no interest, and may be anything.
    let cause = format!("HTTP {}", status.as_u16());
    match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            StreamError::Unauthorized { setting, cause }
        }
        StatusCode::TOO_MANY_REQUESTS => {
            let asked = response.headers().get(RETRY_AFTER);
            let retry_after = asked.and_then(|it| retry_after(it.to_str().ok()?));
            StreamError::TooMany { setting, retry_after }
        }
        _ => StreamError::Refused { setting, cause },
    }
}

/// Why a WebSocket broke.
pub(super) fn breach(error: tungstenite::Error, limit: usize, words: &Words) -> StreamError {
    let setting = SETTING;
    match error {
        Error::Capacity(CapacityError::MessageTooLong { .. }) => {
            StreamError::Oversized { setting, limit }
        }
        error => StreamError::Ended { setting, cause: words.clean(&innermost(&error)) },
    }
}
