//! One message in, one message out.

use std::future::poll_fn;
use std::io;
use std::os::fd::BorrowedFd;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use driftshm_layout::control::{MAX_MESSAGE, Request, Response};
use tokio_seqpacket::UnixSeqpacket;
use tokio_seqpacket::ancillary::AncillaryMessageWriter;

/// A client that does not read its answers for so long is closed.
const SEND_TIMEOUT: Duration = Duration::from_secs(5);

/// What came.
#[derive(Debug)]
pub(super) enum Received {
    Request(Request),
    /// Not a request, and why.
    Bad(String),
    /// The client is gone.
    Closed,
}

/// Room for one message, shared by all connections: none keeps anything in it.
#[derive(Clone)]
pub(super) struct Buffer(Arc<Mutex<Box<[u8]>>>);

impl Buffer {
    pub fn new() -> Self {
        // One more byte than allowed, so that nothing is too long by being cut off.
        Self(Arc::new(Mutex::new(vec![0; MAX_MESSAGE + 1].into_boxed_slice())))
    }

    /// Waits for the next message. May be dropped half-way.
    pub async fn receive(&self, socket: &UnixSeqpacket) -> Received {
        poll_fn(|context| {
            let mut buffer = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            socket.poll_recv(context, &mut buffer).map(|outcome| match outcome {
                Ok(info) if info.bytes_read() == 0 => Received::Closed,
                Ok(info) if info.truncated() || info.bytes_read() > MAX_MESSAGE => {
                    Received::Bad(format!("a message has {MAX_MESSAGE} bytes at most"))
                }
                Ok(info) => parse(buffer.get(..info.bytes_read()).unwrap_or_default()),
                Err(_) => Received::Closed,
            })
        })
        .await
    }
}

fn parse(message: &[u8]) -> Received {
    match serde_json::from_slice(message) {
        Ok(request) => Received::Request(request),
        Err(error) => Received::Bad(format!("not a request: {error}")),
    }
}

fn text(response: &Response) -> io::Result<Vec<u8>> {
    serde_json::to_vec(response).map_err(io::Error::other)
}

/// Sends an answer; waits a limited time for a client that does not read.
pub(super) async fn send(socket: &UnixSeqpacket, response: &Response) -> io::Result<()> {
    send_within(SEND_TIMEOUT, socket, response).await
}

async fn send_within(
    timeout: Duration,
    socket: &UnixSeqpacket,
    response: &Response,
) -> io::Result<()> {
    let message = text(response)?;
    tokio::time::timeout(timeout, socket.send(&message)).await??;
    Ok(())
}

/// Sends an answer with descriptors.
pub(super) async fn send_with(
    socket: &UnixSeqpacket,
    response: &Response,
    fds: &[BorrowedFd<'_>],
) -> io::Result<()> {
    let message = text(response)?;
    let mut space = [0; 128];
    let mut ancillary = AncillaryMessageWriter::new(&mut space);
    ancillary.add_fds(fds.iter().copied()).map_err(io::Error::other)?;
    let sending = socket.send_with_ancillary(&message, &mut ancillary);
    tokio::time::timeout(SEND_TIMEOUT, sending).await??;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn received(message: &[u8]) -> Received {
        let (ours, theirs) = UnixSeqpacket::pair().unwrap();
        theirs.send(message).await.unwrap();
        Buffer::new().receive(&ours).await
    }

    #[tokio::test]
    async fn a_request_is_read_and_anything_else_is_said_to_be_bad() {
        let good = br#"{"op":"status"}"#;
        assert!(matches!(received(good).await, Received::Request(Request::Status)));
        let junk: [&[u8]; 5] =
            [b"{", b"\xff\xfe\x00", br#"{"op":"reboot"}"#, br#"{"op":"status"} x"#, b"[]"];
        for message in junk {
            assert!(matches!(received(message).await, Received::Bad(_)), "{message:?}");
        }
    }

    #[tokio::test]
    async fn a_message_of_the_greatest_length_is_read_and_a_longer_one_is_not() {
        let mut longest = br#"{"op":"status"}"#.to_vec();
        longest.resize(MAX_MESSAGE, b' ');
        assert!(matches!(received(&longest).await, Received::Request(Request::Status)));
        longest.push(b' ');
        assert!(matches!(received(&longest).await, Received::Bad(_)));
        longest.resize(MAX_MESSAGE * 2, b' ');
        assert!(matches!(received(&longest).await, Received::Bad(_)));
    }

    #[tokio::test]
    async fn a_client_that_is_gone_is_closed() {
        let (ours, theirs) = UnixSeqpacket::pair().unwrap();
        drop(theirs);
        assert!(matches!(Buffer::new().receive(&ours).await, Received::Closed));
        assert!(send(&ours, &Response::Done).await.is_err());
    }

    #[tokio::test]
    async fn a_client_that_does_not_read_is_given_up() {
        let (ours, _theirs) = UnixSeqpacket::pair().unwrap();
        let mut sent = 0u32;
        let patience = Duration::from_millis(20);
        while send_within(patience, &ours, &Response::Done).await.is_ok() {
            sent += 1;
            assert!(sent < 100_000, "the kernel holds only so much");
        }
    }
}
