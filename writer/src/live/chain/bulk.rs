//! Users, where all are followed: too many to name, and a request that may take a minute. It is
//! made beside everything else, and nothing waits for it.

use std::sync::Arc;
use std::time::Duration;

use driftshm_layout::profile::Kind;
use tokio::sync::watch;
use tokio::time::sleep;

use super::Chain;
use crate::feeds::Sink;
use crate::live::backoff::Backoff;
use crate::live::options::Commitment;
use crate::live::rpc::RpcError;

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
    let (again, mut asked) = watch::channel(min_slot);
    let Some(sort) = chain.roster.bulk() else { return Bulk { again, task: None } };
    let (rpc, roster) = (Arc::clone(&chain.rpc), Arc::clone(&chain.roster));
    let (figures, sink) = (Arc::clone(&chain.figures), sink.clone());
    let task = async move {
        let mut backoff = Backoff::default();
        loop {
            let min_slot = *asked.borrow_and_update();
            let (to_sink, to_roster) = (sink.clone(), Arc::clone(&roster));
            let mut waiting = Waiting { sink: to_sink, updates: Vec::with_capacity(CHUNK) };
            let each = move |update| {
                to_roster.seen(&update);
                waiting.put(update);
            };
            let program = roster.program();
            match rpc.program_accounts(&program, &sort, Commitment::Confirmed, min_slot, each).await
            {
                Ok(listed) => {
                    backoff.succeeded();
                    let (users, unreadable, slot) =
                        (listed.accounts, listed.unreadable, listed.slot);
                    tracing::info!(users, unreadable, slot, "fetched the users");
                    if unreadable > 0 {
                        sink.bad_input(unreadable);
                    }
                    if asked.changed().await.is_err() {
                        return;
                    }
                }
                Err(error) => {
                    let text = format!("the users cannot be fetched: {error}");
                    let is_behind = matches!(error, RpcError::Behind { .. });
                    if figures.failed(error.kind(), &text) && !is_behind {
                        tracing::warn!(feed = "rpc", "{text}; everything else is served");
                    }
                    // A refused one costs the node as much as any other.
                    let pause = backoff.failed(Duration::ZERO, true, None);
                    sleep(pause.max(Duration::from_secs(1))).await;
                }
            }
        }
    };
    Bulk { again, task: Some(tokio::spawn(task).abort_handle()) }
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
