//! A connection whose bytes can be held back.

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Holds back the bytes of all connections of a protocol, or lets them flow.
#[derive(Debug, Default)]
pub(crate) struct Holder {
    held: AtomicBool,
    waiting: Mutex<Vec<Waker>>,
}

impl Holder {
    /// Holds, or lets flow.
    pub fn hold(&self, held: bool) {
        self.held.store(held, Ordering::SeqCst);
        if !held {
            let waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner).split_off(0);
            waiting.into_iter().for_each(Waker::wake);
        }
    }

    fn poll_flow(&self, context: &Context<'_>) -> Poll<()> {
        if !self.held.load(Ordering::SeqCst) {
            return Poll::Ready(());
        }
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if !waiting.iter().any(|waker| waker.will_wake(context.waker())) {
            waiting.push(context.waker().clone());
        }
        drop(waiting);
        // It may have been let go between the look and the entry in the list.
        if self.held.load(Ordering::SeqCst) { Poll::Pending } else { Poll::Ready(()) }
    }
}

/// A connection through a [`Holder`].
#[derive(Debug)]
pub(crate) struct Gate<S> {
    stream: S,
    holder: Arc<Holder>,
}

impl<S> Gate<S> {
    pub fn new(stream: S, holder: Arc<Holder>) -> Self {
        Self { stream, holder }
    }
}

macro_rules! flow {
    ($gate:expr, $context:expr) => {
        if $gate.holder.poll_flow($context).is_pending() {
            return Poll::Pending;
        }
    };
}

impl<S: AsyncRead + Unpin> AsyncRead for Gate<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        flow!(self, context);
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Gate<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        flow!(self, context);
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        flow!(self, context);
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        flow!(self, context);
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        flow!(self, context);
        Pin::new(&mut self.stream).poll_write_vectored(context, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
