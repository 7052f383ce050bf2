//! Connecting: HTTP/2, with TLS if the URL says so.

use std::error::Error;
use std::io::ErrorKind;
use std::time::Duration;

use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tonic::codec::CompressionEncoding;
use tonic::transport::{Channel, ClientTlsConfig, Endpoint as Target, Uri};
use tower::{BoxError, Service, ServiceExt, service_fn};
use yellowstone_grpc_proto::geyser::geyser_client::GeyserClient;

use super::SETTING;
use crate::live::endpoint::Endpoint;
use crate::live::stream::StreamError;
use crate::live::stream::words::{Words, innermost};

/// For all of it: the name, TCP, TLS and HTTP/2.
const CONNECT: Duration = Duration::from_secs(5);
/// After so much silence HTTP/2 asks whether the other side is there, and waits so long.
const KEEP_ALIVE: Duration = Duration::from_secs(5);
/// What may be under way to us: a burst must not wait for us to say that we have read the last
/// one. A server that cannot send drops its client.
const WINDOW: u32 = 16 << 20;

/// Connects; no message of more than `limit` bytes is taken.
pub(super) async fn connect(
    endpoint: &Endpoint,
    limit: usize,
    words: &Words,
) -> Result<GeyserClient<Channel>, StreamError> {
    let setting = SETTING;
    let unusable = |cause: String| StreamError::Refused { setting, cause };
    let uri: Uri = endpoint.secret().parse().map_err(|_| unusable("not a URL".to_owned()))?;
    let origin = origin(&uri).ok_or_else(|| unusable("not a URL with a host".to_owned()))?;
    let target = Target::from(origin.clone())
        .user_agent(concat!("driftshm/", env!("CARGO_PKG_VERSION")))
        .map_err(|error| unusable(error.to_string()))?
        .connect_timeout(CONNECT)
        .http2_keep_alive_interval(KEEP_ALIVE)
        .keep_alive_timeout(KEEP_ALIVE)
        .keep_alive_while_idle(true)
        .initial_stream_window_size(WINDOW)
        .initial_connection_window_size(WINDOW);
    let target = if endpoint.is_tls() { encrypted(target)? } else { target };
    let late = StreamError::TimedOut { setting, what: "connecting", after: CONNECT };
    let connecting = target.connect_with_connector(once());
    let connecting = timeout(CONNECT, connecting).await.map_err(|_| late)?;
    let channel = connecting.map_err(|error| unreachable(&error, endpoint, words))?;
    Ok(GeyserClient::with_origin(channel, origin)
        .accept_compressed(CompressionEncoding::Zstd)
        .accept_compressed(CompressionEncoding::Gzip)
        .max_decoding_message_size(limit))
}

/// Connects one time only: a channel that finds its connection ended would make the next one at
/// once, and again, and be a storm where a server accepts and hangs up. When to try again is for
/// the supervisor to say.
fn once()
-> impl Service<Uri, Response = TokioIo<TcpStream>, Error = BoxError, Future: Send> + Send + 'static
{
    let mut connector = HttpConnector::new();
    connector.enforce_http(false);
    connector.set_nodelay(true);
    connector.set_keepalive(Some(KEEP_ALIVE));
    let mut connector = Some(connector);
    service_fn(move |uri: Uri| {
        let connector = connector.take();
        async move {
            match connector {
                Some(connector) => connector.oneshot(uri).await.map_err(BoxError::from),
                None => Err(std::io::Error::from(ErrorKind::ConnectionAborted).into()),
            }
        }
    })
}

/// The URL without what does not belong in a request: a login, a query, a slash at the end.
fn origin(uri: &Uri) -> Option<Uri> {
    let authority = uri.authority()?;
    let authority = match authority.port() {
        Some(port) => format!("{}:{port}", authority.host()),
        None => authority.host().to_owned(),
    };
    let builder = Uri::builder().scheme(uri.scheme_str()?).authority(authority);
    let path = uri.path().trim_end_matches('/');
    builder.path_and_query(if path.is_empty() { "/" } else { path }).build().ok()
}

/// With the system's certificates and the well-known ones; where the system has none, the latter.
fn encrypted(target: Target) -> Result<Target, StreamError> {
    let all = ClientTlsConfig::new().with_enabled_roots();
    let known = ClientTlsConfig::new().with_webpki_roots();
    let encrypted = target.clone().tls_config(all).or_else(|_| target.tls_config(known));
    encrypted.map_err(|error| StreamError::Tls { setting: SETTING, cause: innermost(&error) })
}

fn unreachable(error: &tonic::transport::Error, endpoint: &Endpoint, words: &Words) -> StreamError {
    let setting = SETTING;
    let cause = words.clean(&innermost(error));
    if endpoint.is_tls() && is_of_tls(error) {
        StreamError::Tls { setting, cause }
    } else if is_late(error) {
        StreamError::TimedOut { setting, what: "connecting", after: CONNECT }
    } else {
        StreamError::Unreachable { setting, cause }
    }
}

/// All that caused it, from the outside in.
fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| error.source())
}

/// What TLS has against the other side, it says as data that it cannot accept.
fn is_of_tls(error: &(dyn Error + 'static)) -> bool {
    causes(error).any(|cause| {
        let io = cause.downcast_ref::<std::io::Error>();
        io.is_some_and(|io| io.kind() == ErrorKind::InvalidData)
            || cause.to_string().starts_with("tls ")
            || cause.to_string().starts_with("HTTP/2 was not negotiated")
    })
}

fn is_late(error: &(dyn Error + 'static)) -> bool {
    causes(error).any(|cause| {
        let io = cause.downcast_ref::<std::io::Error>();
        io.is_some_and(|io| io.kind() == ErrorKind::TimedOut)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_the_url_only_host_port_and_path_are_sent() {
        for (url, sent) in [
            ("https://rpc.example.org", "https://rpc.example.org/"),
            ("https://me:hush@rpc.example.org:443/?key=1", "https://rpc.example.org:443/"),
            ("http://[::1]:10000/KEY/", "http://[::1]:10000/KEY"),
        ] {
            assert_eq!(origin(&url.parse().unwrap()).unwrap().to_string(), sent);
        }
    }
}
