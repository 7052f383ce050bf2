//! HTTP: one request a connection, and a bound on everything that a client could drag out.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

use super::answer::answer;
use super::watch::Watch;
use crate::publisher::Throttle;

/// Connections at a time. Others wait for a place in the order in which they came.
const CONNECTIONS: usize = 64;
/// A request's head comes within this time, or the connection is closed.
const HEAD: Duration = Duration::from_secs(2);
/// A connection lasts no longer, however slowly its client reads.
const LONGEST: Duration = Duration::from_secs(10);
/// A head is no longer than this; the least that hyper takes.
const BUFFER: usize = 8192;
/// After an `accept` that failed, most likely for want of descriptors.
const PAUSE: Duration = Duration::from_millis(100);

/// Serves for as long as it is polled.
pub(super) async fn serve(listener: &TcpListener, watch: &Arc<Watch>) {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    let mut failed = Throttle::minutely();
    loop {
        // It is never closed.
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, _)) => {
                let watch = Arc::clone(watch);
                tokio::spawn(async move {
                    // Whatever goes wrong is the client's affair.
                    let _ = tokio::time::timeout(LONGEST, connection(stream, watch)).await;
                    drop(place);
                });
            }
            Err(error) => {
                if let Some(times) = failed.happened() {
                    tracing::warn!(%error, times, "cannot accept a connection for metrics");
                }
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

async fn connection(stream: TcpStream, watch: Arc<Watch>) -> hyper::Result<()> {
    let service = service_fn(move |request| {
        let watch = Arc::clone(&watch);
        async move { Ok::<_, Infallible>(answer(&request, &watch).await) }
    });
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .keep_alive(false)
        .max_buf_size(BUFFER)
        .serve_connection(TokioIo::new(stream), service)
        .await
}
