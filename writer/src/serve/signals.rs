//! SIGTERM and SIGINT: the first is a wish, the second an order.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// Both signals, caught from now on.
pub(super) struct Signals {
    term: Signal,
    int: Signal,
}

impl Signals {
    /// Needs tokio's context.
    pub fn catch() -> io::Result<Self> {
        let term = signal(SignalKind::terminate())?;
        Ok(Self { term, int: signal(SignalKind::interrupt())? })
    }

    /// Waits for the first; a second one ends the process on the spot.
    pub async fn first(mut self) {
        let name = self.next().await.0;
        tracing::info!(signal = name, "stopping");
        tokio::spawn(async move {
            let (name, number) = self.next().await;
            tracing::warn!(signal = name, "a second signal: ending at once");
            std::process::exit(128 + number);
        });
    }

    async fn next(&mut self) -> (&'static str, i32) {
        tokio::select! {
            _ = self.term.recv() => ("SIGTERM", SignalKind::terminate().as_raw_value()),
            _ = self.int.recv() => ("SIGINT", SignalKind::interrupt().as_raw_value()),
        }
    }
}
