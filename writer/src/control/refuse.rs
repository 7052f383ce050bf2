//! Turning a client away so that it learns why.

use std::net::Shutdown;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use driftshm_layout::control::{ErrorCode, Response};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_seqpacket::UnixSeqpacket;

use super::wire::{Buffer, Received, send};
use crate::publisher::Throttle;

/// How long a client that is turned away may take to notice.
const PATIENCE: Duration = Duration::from_secs(1);

/// Clients that are being turned away at a time; more are closed without a word, and try again.
const MAX_REFUSALS: usize = 64;

/// Those who are being turned away.
pub(super) struct Refusals {
    places: Arc<Semaphore>,
    said: Arc<Mutex<Throttle>>,
}

/// One of them.
pub(super) struct Refusal {
    _place: OwnedSemaphorePermit,
    said: Arc<Mutex<Throttle>>,
}

impl Refusals {
    pub fn new() -> Self {
        let said = Arc::new(Mutex::new(Throttle::minutely()));
        Self { places: Arc::new(Semaphore::new(MAX_REFUSALS)), said }
    }

    /// Room to turn another one away politely, if there is any.
    pub fn begin(&self) -> Option<Refusal> {
        let place = Arc::clone(&self.places).try_acquire_owned().ok()?;
        Some(Refusal { _place: place, said: Arc::clone(&self.said) })
    }
}

impl Refusal {
    /// Tells the client why, and now and then the log.
    pub async fn tell(self, socket: UnixSeqpacket, buffer: Buffer, code: ErrorCode, why: String) {
        let times = self.said.lock().unwrap_or_else(PoisonError::into_inner).happened();
        if let Some(times) = times {
            tracing::warn!(why, times, "turned a bot away");
        }
        refuse(socket, &buffer, code, why).await;
    }
}

/// Says why and closes. A socket that is closed with messages in it that nobody read resets the
/// connection, and the client would see that and not the answer: so they are read first, for a
/// moment.
pub(super) async fn refuse(
    socket: UnixSeqpacket,
    buffer: &Buffer,
    code: ErrorCode,
    message: String,
) {
    let farewell = async {
        if send(&socket, &Response::Error { code, message }).await.is_err() {
            return;
        }
        let _ = socket.shutdown(Shutdown::Write);
        while !matches!(buffer.receive(&socket).await, Received::Closed) {}
    };
    let _ = tokio::time::timeout(PATIENCE, farewell).await;
}
