//! Users, where all are followed: too many to name, and a request that may take a minute. It is
//! made beside everything else, and nothing waits for it.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use driftshm_layout::profile::Kind;
use futures_util::FutureExt;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until};

use super::Chain;
use crate::feeds::{Figures, Sink};
use crate::live::backoff::Backoff;
use crate::live::options::Commitment;
use crate::live::plan::Sort;
use crate::live::roster::Roster;
use crate::live::rpc::{Listed, Rpc, RpcError};
use crate::publisher::panic_text;

/// Between a request and the next but one.
const APART: Duration = Duration::from_secs(10);
/// Accounts that are handed over together.
const CHUNK: usize = 256;

/// The task's strings; it ends with them.
pub(super) struct Bulk {
    again: watch::Sender<u64>,
    task: Option<tokio::task::AbortHandle>,
}

impl Bulk {
    /// After a gap, the users are to be fetched again, as of this slot or later.
    pub fn again(&self, min_slot: u64) {
        self.again.send_replace(min_slot);
    }
}

impl Drop for Bulk {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

/// Says that users are yet to come: whoever waits for the snapshot is about to call itself live.
pub(super) fn announce(chain: &Chain, sink: &Sink) {
    if chain.roster.bulk().is_some() {
        sink.later(Kind::User);
    }
}

/// Fetches the users now, and again whenever asked.
pub(super) fn start(chain: &Chain, sink: &Sink, min_slot: u64) -> Bulk {
    let (again, asked) = watch::channel(min_slot);
    let Some(sort) = chain.roster.bulk() else { return Bulk { again, task: None } };
    let fetching = Fetching {
        rpc: Arc::clone(&chain.rpc),
        roster: Arc::clone(&chain.roster),
        figures: Arc::clone(&chain.figures),
        sink: sink.clone(),
        sort,
        number: Arc::default(),
    };
    Bulk { again, task: Some(tokio::spawn(fetching.run(asked)).abort_handle()) }
}

struct Fetching {
    rpc: Arc<Rpc>,
    roster: Arc<Roster>,
    figures: Arc<Figures>,
    sink: Sink,
    sort: Sort,
    /// Of the request whose accounts are wanted.
    number: Arc<AtomicU64>,
}

impl Fetching {
    async fn run(self, mut asked: watch::Receiver<u64>) {
        let mut backoff = Backoff::default();
        let mut began = [None; 2];
        loop {
            // A gap seldom comes alone; this request costs too much to be made for each.
            let due = began[0].map_or_else(Instant::now, |began| began + APART);
            sleep_until(due).await;
            began = [began[1], Some(Instant::now())];
            let min_slot = *asked.borrow_and_update();
            // One that panics is tried again like any other that fails.
            let fetched = AssertUnwindSafe(self.fetch(min_slot)).catch_unwind();
            let outcome = tokio::select! {
                outcome = fetched => outcome,
                // After another gap, what still comes says nothing of it.
                changed = asked.changed() => match changed {
                    Ok(()) => continue,
                    Err(_) => return,
                },
            };
            let (kind, text, pause, is_news) = match outcome {
                Ok(Ok(())) => {
                    backoff.succeeded();
                    if asked.changed().await.is_err() {
                        return;
                    }
                    continue;
                }
                Ok(Err(error)) => {
                    // A refused one costs the node as much as any other.
                    let pause = backoff.failed(Duration::ZERO, true, error.retry_after());
                    let is_behind = matches!(error, RpcError::Behind { .. });
                    (error.kind(), error.to_string(), pause, !is_behind)
                }
                Err(panic) => {
                    let pause = backoff.failed(Duration::ZERO, true, None);
                    ("panicked", panic_text(panic.as_ref()), pause, true)
                }
            };
            let text = format!("the users cannot be fetched: {text}");
            if self.figures.failed(kind, &text) && is_news {
                tracing::warn!(feed = "rpc", "{text}; everything else is served");
            }
            sleep(pause.max(Duration::from_secs(1))).await;
        }
    }

    /// All of them, as of `min_slot` or later.
    async fn fetch(&self, min_slot: u64) -> Result<(), RpcError> {
        let own = self.number.fetch_add(1, Ordering::Relaxed) + 1;
        let (number, roster) = (Arc::clone(&self.number), Arc::clone(&self.roster));
        let mut waiting = Waiting { sink: self.sink.clone(), updates: Vec::with_capacity(CHUNK) };
        // It is called in another thread, which goes on for a moment when this is given up.
        let each = move |update| {
            if number.load(Ordering::Relaxed) == own {
                roster.seen(&update);
                waiting.put(update);
            }
        };
        let (program, commitment) = (self.roster.program(), Commitment::Confirmed);
        let listing = self.rpc.program_accounts(&program, &self.sort, commitment, min_slot, each);
        let Listed { accounts, unreadable, slot } = listing.await?;
        tracing::info!(users = accounts, unreadable, slot, "fetched the users");
        if unreadable > 0 {
            self.sink.bad_input(unreadable);
        }
        Ok(())
    }
}

/// Gathers accounts, and hands over what is left at the end.
struct Waiting {
    sink: Sink,
    updates: Vec<crate::feeds::AccountUpdate>,
}

impl Waiting {
    fn put(&mut self, update: crate::feeds::AccountUpdate) {
        self.updates.push(update);
        if self.updates.len() >= CHUNK {
            self.sink.send(&mut self.updates);
        }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.sink.send(&mut self.updates);
    }
}
