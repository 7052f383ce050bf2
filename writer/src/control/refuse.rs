//! Turning a client away so that it learns why.

use std::net::Shutdown;
use std::time::Duration;

use driftshm_layout::control::{ErrorCode, Response};
use tokio_seqpacket::UnixSeqpacket;

use super::wire::{Buffer, Received, send};

/// How long a client that is turned away may take to notice.
const PATIENCE: Duration = Duration::from_secs(1);

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
