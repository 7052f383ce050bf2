//! Keeping a stream going: connect, subscribe, close the gap, watch its pulse, and again.
//!
//! ```text
//!   connecting ──► syncing ──────────────► live ──► stalled ──► (cut, and connecting again)
//!       ▲          ▲ subscribed; a snapshot            │ no slot for 4 s; for 9 s, it is cut
//!       │          │ over RPC closes the gap           │
//!       │          └───────────────────────────────────┘ a slot
//!       └── pause ◄── down ◄── any error, at any point
//! ```
//! The snapshot is of a slot that the stream had reached when it was subscribed: what changed
//! before is in it, what changes after comes. So nothing falls between. What a stream brings before
//! its first slot is in the snapshot, too, and not taken: until then it may be of another cluster.

mod gaps;
mod slots;

use std::collections::BTreeSet;
use std::future::poll_fn;
use std::path::PathBuf;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use driftshm_layout::{Counter, FeedState, Pubkey, Region, clock};
use futures_util::FutureExt;
use tokio::sync::oneshot;
use tokio::time::{interval, sleep, timeout};

use super::forks::Forks;
use super::losses::{Losses, Unread};
use super::pulse::{Past, Pulse};
use super::told::Told;
use super::{Event, Stream, StreamError};
use crate::feeds::{AccountUpdate, Figures, Sink};
use crate::live::backoff::Backoff;
use crate::live::chain::Handle;
use crate::live::options::{Commitment, LiveOptions};
use crate::live::plan::{Plan, Sort};
use crate::live::roster::Roster;
use crate::live::storm::{Storm, Turn};
use crate::live::streams::{LiveStream, Streams};
use crate::live::tip::Tip;

/// To connect, and to say what is wanted.
const CONNECT: Duration = Duration::from_secs(8);
const WRITE: Duration = Duration::from_secs(5);
/// From connecting to the first slot.
const BEGIN: Duration = Duration::from_secs(10);
/// A slot takes 400 ms; of leaders that skip theirs there are seldom more than two in a row.
const STALLED: Duration = Duration::from_secs(4);
const CUT: Duration = Duration::from_secs(9);
/// A stream that can go on from a slot goes on from so many before the last that came.
const OVERLAP: u64 = 32;
/// What comes is vouched for no more often than this.
const VOUCH: Duration = Duration::from_millis(20);
/// Events that are taken in one go.
const TOGETHER: usize = 256;

/// What a stream is run with.
pub struct Runner {
    pub options: Arc<LiveOptions>,
    pub roster: Arc<Roster>,
    pub chain: Handle,
    pub figures: Arc<Figures>,
    /// The region's directory.
    pub dir: PathBuf,
    pub tip: Arc<Tip>,
    pub streams: Arc<Streams>,
    /// Of its provider.
    pub storm: Arc<Storm>,
}

impl Runner {
    /// Runs until it is dropped; an error is what `fail_fast` makes one.
    pub async fn run<S: Stream>(&self, sink: &Sink) -> Result<(), String> {
        let mut backoff = Backoff::default();
        let mut past = Past::new(self.tip.newest());
        sink.state(FeedState::Connecting);
        self.tip.first_word().await;
        loop {
            let turn = self.storm.turn().await;
            let began = Instant::now();
            sink.state(FeedState::Connecting);
            let (error, turn) = Connection::run::<S>(self, sink, &mut past, turn).await;
            sink.state(FeedState::Down);
            if let (StreamError::TooMany { retry_after, .. }, Some(turn)) = (&error, turn) {
                turn.refused(*retry_after);
            }
            let pause = match error {
                // Nothing is wrong with the provider.
                StreamError::TooOld { .. } => {
                    past.from_slot = None;
                    Duration::from_millis(100)
                }
                _ => backoff.failed(began.elapsed(), error.was_answered(), error.retry_after()),
            };
            if self.figures.failed(error.kind(), &error.to_string()) {
                let again_in_s = (pause.as_secs_f64() * 10.0).round() / 10.0;
                tracing::warn!(feed = S::NAME, again_in_s, "{error}");
            }
            if self.options.fail_fast && !past.was_live {
                return Err(error.to_string());
            }
            sleep(pause).await;
        }
    }
}

/// One connection.
struct Connection<'a> {
    runner: &'a Runner,
    sink: &'a Sink,
    past: &'a mut Past,
    /// Until its provider has said anything.
    turn: Option<Turn>,
    pulse: Pulse,
    told: Told,
    losses: Losses,
    unread: Unread,
    /// All that was asked for last is subscribed to.
    is_following: bool,
    /// Accounts that were added to the plan, and are fetched again once they are subscribed to.
    added: BTreeSet<Pubkey>,
    /// Sorts that the provider does not bring as a whole: their accounts are named one by one, and
    /// new ones are found by the audit.
    refused: Vec<Sort>,
    /// Snapshots that are under way.
    snapshots: Vec<oneshot::Receiver<()>>,
    /// While it is live.
    live: Option<LiveStream>,
    /// When it was last said that all that came is as the chain has it.
    vouched: Instant,
    /// The first one, of everything, has been asked for.
    has_asked: bool,
    /// As of which slot.
    asked_slot: u64,
    state: FeedState,
    updates: Vec<AccountUpdate>,
    /// At commitment `processed`: what may have to be taken back.
    forks: Option<Forks>,
    /// What the publisher has made of it all.
    region: Option<Region>,
}

impl<'a> Connection<'a> {
    /// Runs until it fails.
    async fn run<S: Stream>(
        runner: &'a Runner,
        sink: &'a Sink,
        past: &'a mut Past,
        turn: Turn,
    ) -> (StreamError, Option<Turn>) {
        let is_processed = runner.options.commitment == Commitment::Processed;
        let mut connection = Self {
            runner,
            sink,
            turn: Some(turn),
            pulse: Pulse::new(S::SETTING),
            told: Told::default(),
            losses: Losses::new(Instant::now()),
            unread: Unread::default(),
            past,
            is_following: false,
            added: BTreeSet::new(),
            refused: Vec::new(),
            snapshots: Vec::new(),
            live: None,
            vouched: Instant::now(),
            has_asked: false,
            asked_slot: 0,
            state: FeedState::Connecting,
            updates: Vec::new(),
            forks: is_processed.then(Forks::default),
            region: Region::open(&runner.dir).ok().filter(|_| is_processed),
        };
        if is_processed {
            sink.confirmed(0);
        }
        let outcome = connection.drive::<S>().await;
        connection.sink.send(&mut connection.updates);
        match outcome {
            Ok(never) => match never {},
            Err(error) => (error, connection.turn),
        }
    }

    async fn drive<S: Stream>(&mut self) -> Result<std::convert::Infallible, StreamError> {
        let late = |what, after| StreamError::TimedOut { setting: S::NAME, what, after };
        let mut plans = self.runner.roster.plans();
        // What is confirmed lags what is processed, and comes twice rather than not at all.
        let from_slot = self.past.from_slot.map(|newest| newest.saturating_sub(OVERLAP));
        let connecting = S::connect(&self.runner.options, from_slot);
        let mut stream =
            timeout(CONNECT, connecting).await.map_err(|_| late("connecting", CONNECT))??;
        if self.runner.figures.connected() {
            self.sink.count(Counter::Reconnects, 1);
        }
        self.set(FeedState::Syncing);
        let mut wanted = Arc::clone(&plans.borrow_and_update());
        let mut plan = Plan::clone(&wanted);
        let (mut replan, mut refused) = (false, 0);
        let connected = Instant::now();
        timeout(WRITE, stream.follow(&plan)).await.map_err(|_| late("subscribing", WRITE))??;
        let mut look = interval(Duration::from_millis(250));
        loop {
            tokio::select! {
                event = stream.next() => {
                    let came_ns = clock::monotonic_ns();
                    let mut is_news = self.take(event?)?;
                    // What has come together is handed over together.
                    for _ in 0..TOGETHER {
                        let Some(event) = stream.next().now_or_never() else { break };
                        is_news |= self.take(event?)?;
                    }
                    self.sink.send(&mut self.updates);
                    if is_news {
                        self.vouch(came_ns);
                    }
                    replan |= self.refused.len() > refused;
                    refused = self.refused.len();
                }
                changed = plans.changed() => {
                    // The roster lives as long as its feeds.
                    if changed.is_err() {
                        std::future::pending::<()>().await;
                    }
                    wanted = Arc::clone(&plans.borrow_and_update());
                    replan = true;
                }
                is_lost = any_ready(&mut self.snapshots) => if is_lost {
                    // Whoever was to make it has ended, and is started again: it is asked anew.
                    self.ask_anew();
                },
                _ = look.tick() => {
                    let quiet = self.pulse.quiet();
                    if self.state == FeedState::Live && quiet >= STALLED {
                        self.set(FeedState::Stalled);
                    }
                    if self.pulse.slot().is_some() && quiet >= CUT {
                        return Err(late("the next slot", CUT));
                    }
                    if self.pulse.slot().is_none() && connected.elapsed() >= BEGIN {
                        let behind = self.pulse.is_behind();
                        return Err(behind.unwrap_or_else(|| late("the first slot", BEGIN)));
                    }
                    // What is not brought as a whole is named as it becomes known.
                    let mut named = self.runner.roster.accounts_of(&self.refused).into_iter();
                    replan |= named.any(|pubkey| !plan.accounts.contains(&pubkey));
                }
            }
            if replan {
                replan = false;
                let mut new = Plan::clone(&wanted);
                new.sorts.retain(|sort| !self.refused.contains(sort));
                new.accounts.extend(self.runner.roster.accounts_of(&self.refused));
                self.added.extend(new.accounts.difference(&plan.accounts));
                self.added.retain(|pubkey| new.accounts.contains(pubkey));
                self.is_following = false;
                plan = new;
                let followed = timeout(WRITE, stream.follow(&plan)).await;
                followed.map_err(|_| late("subscribing", WRITE))??;
            }
            self.close_gaps();
            let is_whole = self.snapshots.is_empty()
                && self.added.is_empty()
                && self.is_following
                && !self.losses.are_open();
            if self.state == FeedState::Syncing && self.has_asked && is_whole {
                if let Some(forks) = &mut self.forks {
                    forks.fetched(self.asked_slot);
                    self.sink.confirmed(forks.settled());
                }
                self.vouch_now();
                self.set(FeedState::Live);
                self.runner.figures.recovered();
                self.past.was_live = true;
                // All up to here has come, over the stream or in the snapshot.
                if let Some(slot) = self.pulse.slot() {
                    self.past.was_live_at(slot);
                }
            }
        }
    }

    fn set(&mut self, state: FeedState) {
        self.state = state;
        self.sink.state(state);
        let Runner { streams, roster, .. } = self.runner;
        match state {
            FeedState::Live => self.live = Some(LiveStream::new(streams, roster, self.sink)),
            _ => self.live = None,
        }
    }

    /// All that came before is as the chain had it then: the chain has been heard of.
    fn vouch(&mut self, came_ns: u64) {
        if self.state == FeedState::Live && self.vouched.elapsed() >= VOUCH {
            self.vouched = Instant::now();
            self.sink.vouch(came_ns);
        }
    }

    fn vouch_now(&mut self) {
        let quiet = u64::try_from(self.pulse.quiet().as_nanos()).unwrap_or(u64::MAX);
        self.sink.vouch(clock::monotonic_ns().saturating_sub(quiet));
    }

    /// Takes an event; whether it shows that the chain moves on.
    fn take(&mut self, event: Event) -> Result<bool, StreamError> {
        match event {
            Event::Account(update) => {
                let Some(slot) = self.pulse.slot() else { return Ok(false) };
                let is_news = update.slot >= slot;
                self.past.handed = self.past.handed.max(update.slot);
                self.reopen_region();
                let region = self.region.as_ref();
                let before = || before(region?, &update.pubkey);
                if self.forks.as_mut().is_none_or(|forks| forks.put(&update, before)) {
                    self.runner.roster.seen(&update);
                    self.updates.push(update);
                }
                return Ok(is_news);
            }
            Event::Slot(update) => return self.take_slot(update),
            Event::Following => self.is_following = true,
            Event::Bad(why) => {
                self.sink.bad_input(1);
                if self.runner.figures.failed("malformed", &why) {
                    tracing::warn!(why, "skipped what cannot be read");
                }
            }
            Event::Unreadable(pubkey, why) => self.take_unreadable(pubkey, why),
            Event::Refused(sort, why) => {
                let name = &sort.name;
                tracing::warn!(
                    name,
                    why,
                    "not brought as a whole: each is subscribed to by itself"
                );
                self.runner.figures.failed("refused_sort", &why);
                self.refused.push(sort);
            }
            Event::Alive => {}
        }
        Ok(false)
    }

    /// A region that was made anew has what is there now; the old one, what was there then.
    fn reopen_region(&mut self) {
        if self.region.as_ref().is_some_and(|region| region.header().is_superseded()) {
            self.region = Region::open(&self.runner.dir).ok();
        }
    }
}

/// What the region has of an account.
fn before(region: &Region, pubkey: &Pubkey) -> Option<AccountUpdate> {
    let known = region.snapshot(&region.find(pubkey)?).ok()?;
    Some(AccountUpdate {
        pubkey: *pubkey,
        owner: None,
        slot: known.meta.slot,
        write_version: known.meta.write_version,
        lamports: if known.meta.closed { 0 } else { known.meta.lamports },
        data: known.data,
        received_ns: known.meta.received_ns,
        source: known.meta.source,
    })
}

/// Waits until one of these is ready, and takes it out; for ever if there are none. Whether one of
/// them will never be made.
async fn any_ready(waiting: &mut Vec<oneshot::Receiver<()>>) -> bool {
    poll_fn(|context| {
        let (before, mut is_lost) = (waiting.len(), false);
        waiting.retain_mut(|one| match one.poll_unpin(context) {
            Poll::Pending => true,
            Poll::Ready(outcome) => {
                is_lost |= outcome.is_err();
                false
            }
        });
        if waiting.len() < before { Poll::Ready(is_lost) } else { Poll::Pending }
    })
    .await
}
