//! The chain as a node's RPC shows it: snapshots when feeds begin and after every gap, accounts
//! that are asked for, and the audit. Where there is no stream, it is polled.
//!
//! ```text
//!   publisher ──Follow──►┐                        ┌─► roster (what is followed)
//!   streams ───resync───►├─ one task, one request ┤
//!   clock ──poll, audit─►┘      at a time         └─► sink ─► publisher
//!
//!   beside it: users in bulk (`getProgramAccounts`), which may take a minute
//! ```

mod audit;
mod bulk;
mod fetch;
mod handle;
mod pulse;
mod unread;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use driftshm_layout::{FeedState, Region};
use tokio::sync::mpsc;
use tokio::time::{interval, sleep_until, timeout};

use self::audit::Audit;
use self::handle::Request;
use super::genesis;
use super::options::LiveOptions;
use super::roster::Roster;
use super::rpc::Rpc;
use super::tip::Tip;
use crate::feeds::{FeedCommand, Figures, Sink};

pub(super) use self::fetch::Fetcher;
pub use self::handle::{Handle, Requests};
pub use self::pulse::Pulse;

/// Commands that come together are carried out together.
const GATHER: Duration = Duration::from_millis(5);
/// How long the first stream may take to come up before everything is fetched without it, and how
/// much longer the others.
const FIRST_STREAM: Duration = Duration::from_millis(1500);
const OTHER_STREAMS: Duration = Duration::from_millis(500);
/// However soon another poll is due.
const LEAST_PAUSE: Duration = Duration::from_millis(50);
/// Without another slot for so long, what was polled is old.
const STALLED: Duration = Duration::from_secs(4);

/// What the task works with.
pub struct Chain {
    pub options: Arc<LiveOptions>,
    pub rpc: Arc<Rpc>,
    pub roster: Arc<Roster>,
    pub figures: Arc<Figures>,
    /// The region's directory: what is compared with the chain.
    pub dir: PathBuf,
    /// How polling goes.
    pub pulse: Pulse,
    /// How far the chain is.
    pub tip: Arc<Tip>,
}

impl Chain {
    /// Whether it is a feed of its own, and not only beside streams.
    pub fn polls(&self) -> bool {
        self.options.poll || !self.has_streams()
    }

    /// Whether there are streams, which tell of what changes once they are subscribed to it.
    fn has_streams(&self) -> bool {
        self.options.ws.is_some() || self.options.grpc.is_some()
    }

    /// From the beginning of a poll to that of the next. The setting is for two requests a poll,
    /// and what takes more of them is polled less often, so that the provider sees no more a second.
    fn poll_interval(&self) -> Duration {
        let interval = self.options.poll_interval.max(LEAST_PAUSE);
        interval.mul_f64((self.pulse.requests() / 2.0).max(1.0))
    }

    /// Runs until it is dropped. An error is one that waiting does not mend, and only what
    /// `fail_fast` makes one.
    pub async fn run(
        &self,
        sink: &Sink,
        mut commands: mpsc::UnboundedReceiver<FeedCommand>,
        requests: &Requests,
    ) -> Result<(), String> {
        let mut requests = requests.receiver().await;
        sink.state(FeedState::Connecting);
        let fetcher = Fetcher::new(self, sink);
        genesis::check(self, &fetcher).await?;
        sink.state(FeedState::Syncing);
        // What the publisher wants from the start comes as commands.
        tokio::time::sleep(GATHER).await;
        self.carry_out_all(None, &mut commands);
        let waiting = self.first_requests(&mut requests).await;
        let min_slot = waiting.iter().map(|request| request.min_slot).max();
        let min_slot = min_slot.unwrap_or_default();
        fetcher.sync(min_slot).await?;
        sink.complete();
        bulk::announce(self, sink);
        answer(waiting);
        // A node that is behind what the region has is not: `watch` sees it catch up.
        if !self.polls() || self.pulse.last().is_some() {
            sink.state(FeedState::Live);
        }
        fetcher.fail_fast_no_more();
        let bulk = bulk::start(self, sink, min_slot);

        let mut audit = Audit::new(self);
        let mut next_poll = Instant::now() + self.poll_interval();
        let polls = self.polls();
        loop {
            tokio::select! {
                biased;
                command = commands.recv() => {
                    let Some(command) = command else { return Ok(()) };
                    tokio::time::sleep(GATHER).await;
                    self.carry_out_all(Some(command), &mut commands);
                    fetcher.fetch_new().await?;
                }
                Some(request) = requests.recv() => {
                    let mut waiting = vec![request];
                    while let Ok(request) = requests.try_recv() {
                        waiting.push(request);
                    }
                    // A stream that has ended meanwhile asks again, as of where it is then.
                    waiting.retain(|request| !request.done.is_closed());
                    if waiting.is_empty() {
                        continue;
                    }
                    let min_slot = waiting.iter().map(|request| request.min_slot).max();
                    let min_slot = min_slot.unwrap_or_default();
                    if waiting.iter().any(|request| request.keys.is_none()) {
                        fetcher.sync(min_slot).await?;
                        bulk::announce(self, sink);
                        bulk.again(min_slot);
                    } else {
                        let keys = waiting.iter_mut().filter_map(|request| request.keys.take());
                        fetcher.fetch_again(keys.flatten().collect(), min_slot).await?;
                    }
                    answer(waiting);
                }
                () = sleep_until(next_poll.into()), if polls => {
                    let began = Instant::now();
                    fetcher.sync(0).await?;
                    next_poll = (began + self.poll_interval()).max(Instant::now() + LEAST_PAUSE);
                }
                () = at(fetcher.unread_due()) => fetcher.fetch_unread().await?,
                () = sleep_until(audit.due().into()) => audit.step(&fetcher).await,
            }
        }
    }

    /// Where there are streams, the first snapshot is the one that they need: so there are not two
    /// of them. But one that does not come up is not waited for.
    async fn first_requests(
        &self,
        requests: &mut mpsc::UnboundedReceiver<Request>,
    ) -> Vec<Request> {
        let streams =
            usize::from(self.options.ws.is_some()) + usize::from(self.options.grpc.is_some());
        let mut waiting = Vec::new();
        let mut patience = FIRST_STREAM;
        while waiting.len() < streams {
            match timeout(patience, requests.recv()).await {
                Ok(Some(request)) => waiting.push(request),
                Ok(None) | Err(_) => break,
            }
            patience = OTHER_STREAMS;
        }
        waiting
    }

    /// Says how polling goes, until it is dropped: an answer that does not come is not waited for,
    /// and a node that stands still is as bad as none. It is live again once everything was fetched
    /// again, not before.
    pub async fn watch(&self, sink: &Sink) {
        let mut look = interval(Duration::from_millis(250));
        let mut last = None;
        loop {
            look.tick().await;
            let Some(moved) = self.pulse.last() else { continue };
            let takes = self.pulse.requests() / self.options.rpc_rate;
            let takes = Duration::try_from_secs_f64(takes).unwrap_or_default();
            let patience = STALLED.max(self.poll_interval().max(takes) * 2);
            let is_late = moved.elapsed() > patience;
            let state = if is_late { FeedState::Stalled } else { FeedState::Live };
            if last.replace(state) != Some(state) {
                sink.state(state);
            }
        }
    }

    /// Carries out all that waits; a bot may want very many accounts.
    fn carry_out_all(
        &self,
        first: Option<FeedCommand>,
        more: &mut mpsc::UnboundedReceiver<FeedCommand>,
    ) {
        let commands = first.into_iter().chain(std::iter::from_fn(|| more.try_recv().ok()));
        self.roster.ask(commands.map(|command| match command {
            FeedCommand::Follow(pubkey) => (pubkey, true),
            FeedCommand::Unfollow(pubkey) => (pubkey, false),
        }));
    }

    /// The region as it is now.
    fn region(&self) -> Option<Region> {
        Region::open(&self.dir).ok()
    }
}

/// Waits until then; for ever if there is no such time.
async fn at(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time.into()).await,
        None => std::future::pending().await,
    }
}

fn answer(requests: Vec<Request>) {
    for request in requests {
        // The stream may have ended meanwhile.
        let _ = request.done.send(());
    }
}
