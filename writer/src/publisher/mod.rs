//! The publisher: the one that writes to the region, in one thread at a time.
//!
//! ```text
//!   feeds ──► queue ──► classify ──► record + journal ──► wake those concerned (once a chunk)
//!                          │              ▲
//!                          └─ a market ───┴── its oracle's record, and the pointer to it
//!   control socket, feed threads ──► commands (between chunks)
//!   every 100 ms: heartbeat, is the file still there, who need no longer be followed
//! ```
//! It has a thread of its own for all of that; what few updates a feed brings while it is idle are
//! published where they came, see [`turns`].
//!
//! | state | from | to |
//! |---|---|---|
//! | `starting` | the region is opened | the thread runs; the control socket is bound before |
//! | `live` | then | the end |
//! | `stopped` | an orderly end; a panic leaves `live` and a heart that no longer beats | |

mod accounts;
mod adopt;
pub(crate) mod classify;
mod command;
mod commands;
mod feed_links;
mod following;
mod home;
mod interest;
mod markets;
mod oracles;
mod prices;
mod pulse;
mod signal;
mod subscribers;
mod thread;
mod throttle;
mod tombstones;
mod turns;
mod unclaimed;
mod watches;

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::Receiver;
use driftshm_layout::profile::Kind;
use driftshm_layout::{Counter, Pubkey, RegionWriter};
use tokio::sync::oneshot;

use self::classify::Classifier;
use self::feed_links::{FeedLinks, Turn};
use self::oracles::Registry;
use self::prices::Pricer;
use self::subscribers::Subscribers;
use self::tombstones::Tombstones;
use self::turns::Turns;
use self::unclaimed::Unclaimed;
use self::watches::Watches;
use crate::feeds::{AccountUpdate, Batch, FeedEvent, Queue, Taker};
use crate::recording::{self, Tap};

pub use self::adopt::newest_slot;
pub use self::command::{Command, Report};
pub use self::following::Follow;
pub use self::home::Home;
pub use self::signal::{Handover, Signal};
pub(crate) use self::thread::panic_text;
pub use self::thread::{Ended, PublisherThread, start};
pub(crate) use self::throttle::Throttle;

/// Updates that are published before anybody is woken and commands are looked at.
const CHUNK: usize = 256;

/// What the publisher needs to know.
#[derive(Debug, Clone)]
pub struct PublisherOptions {
    /// Which users are recorded.
    pub follow: Follow,
    /// Accounts that are followed though no bot asks for them.
    pub users: Vec<Pubkey>,
    /// How long an account is followed after the last who wanted it has gone.
    pub linger: Duration,
}

/// Warnings that may come with every update.
struct Warnings {
    full: [Throttle; Kind::ALL.len()],
    layout: Throttle,
    oracle: Throttle,
    market: Throttle,
    lock: Throttle,
}

/// The publisher's state; it belongs to the thread whose turn it is.
struct Publisher {
    writer: RegionWriter,
    queue: Arc<Queue>,
    /// What was taken from the queue last.
    batch: Batch,
    commands: Receiver<Command>,
    /// The directory, as the control socket knows it too.
    home: Arc<Home>,
    follow: Follow,

    classifier: Classifier,
    registry: Registry,
    pricer: Pricer,
    unclaimed: Unclaimed,
    tombstones: Tombstones,

    feeds: FeedLinks,
    watches: Watches,
    /// Accounts that are wanted again but that no feed has brought since: what the region has of
    /// them may be old, so they do not count as followed yet.
    returning: HashSet<Pubkey>,
    /// Feeds were not live for a while: what changed meanwhile may not have come yet.
    had_gap: bool,
    /// Accounts of a region taken over that no feed has brought yet.
    unconfirmed: HashSet<Pubkey>,
    subscribers: Subscribers,
    /// Recordings that are being made.
    #[allow(clippy::vec_box, reason = "taps come boxed, in commands")]
    taps: Vec<Box<Tap>>,
    /// And those that begin with the next batch.
    #[allow(clippy::vec_box, reason = "as above")]
    new_taps: Vec<Box<Tap>>,

    /// All that came before then is published, CLOCK_MONOTONIC ns.
    published_ns: u64,
    /// What is followed was then known to be as the chain had it, CLOCK_MONOTONIC ns.
    vouched_ns: u64,
    /// Why the writer must end: another one has its directory.
    replaced: Option<String>,
    /// When it is next due to say that all that came is published.
    next_beat: Instant,
    last_beat: Instant,
    /// Not before this is another try made to make a lost file anew.
    next_remake: Instant,
    warnings: Warnings,
}

impl Taker for Turns<Publisher> {
    fn take_at_once(&self) -> bool {
        self.try_turn(Publisher::turn_of_feed) == Some(true)
    }
}

/// Publishes until the queue is stopped, and then what is still in it. If another writer has taken
/// the directory, it ends with how that is known, and touches nothing any more.
fn run(publisher: Publisher, live: oneshot::Sender<()>) -> Result<(), String> {
    let queue = Arc::clone(&publisher.queue);
    let turns = Arc::new(Turns::new(publisher));
    turns.turn(|publisher| publisher.begin(live));
    queue.set_taker(Arc::clone(&turns) as Arc<dyn Taker>);
    let mut next = Instant::now();
    loop {
        queue.wait(next);
        if queue.is_stopped() {
            turns.end(Publisher::finish);
            return Ok(());
        }
        let replaced = turns.turn(|publisher| {
            next = publisher.turn();
            publisher.replaced.clone()
        });
        if let Some(why) = replaced {
            turns.end(|_| ());
            return Err(why);
        }
    }
}

impl Publisher {
    fn new(
        writer: RegionWriter,
        queue: Arc<Queue>,
        commands: Receiver<Command>,
        home: Arc<Home>,
        options: &PublisherOptions,
    ) -> Self {
        let profile = Arc::clone(writer.region().profile());
        let oracle_len = writer.geometry().section(Kind::Oracle).shape.payload_words * 8;
        let mut publisher = Self {
            queue,
            batch: Batch::default(),
            commands,
            home,
            follow: options.follow,
            pricer: Pricer::new(&profile),
            classifier: Classifier::new(profile),
            registry: Registry::default(),
            unclaimed: Unclaimed::new(oracle_len),
            tombstones: Tombstones::default(),
            feeds: FeedLinks::default(),
            watches: Watches::new(options.linger),
            returning: HashSet::new(),
            had_gap: true,
            unconfirmed: HashSet::new(),
            subscribers: Subscribers::new(),
            taps: Vec::new(),
            new_taps: Vec::new(),
            published_ns: 0,
            vouched_ns: 0,
            replaced: None,
            next_beat: Instant::now(),
            last_beat: Instant::now(),
            next_remake: Instant::now(),
            warnings: Warnings {
                full: Kind::ALL.map(|_| Throttle::minutely()),
                layout: Throttle::minutely(),
                oracle: Throttle::minutely(),
                market: Throttle::minutely(),
                lock: Throttle::minutely(),
            },
            writer,
        };
        for user in &options.users {
            publisher.want(user);
        }
        publisher.adopt();
        publisher
    }

    /// What comes before the first turn.
    fn begin(&mut self, live: oneshot::Sender<()>) {
        self.writer.set_live();
        // Nobody may care.
        let _ = live.send(());
        // A recording that was asked for before the feeds were started misses nothing of them.
        self.serve_commands();
        self.begin_recordings();
    }

    /// A turn of the publisher's own thread: until when it may wait for the next one.
    fn turn(&mut self) -> Instant {
        // So that recordings begin with a batch, and not within one.
        self.serve_commands();
        self.publish_all();
        // Not in a feed's turn: there may be much to give back.
        self.batch.clear();
        self.beat_if_due();
        self.next_beat
    }

    /// A turn of the feed's thread that has just brought something: false if it is not for that.
    /// Commands, and recordings that begin or end, are left to the publisher's.
    fn turn_of_feed(&mut self) -> bool {
        let mut batch = std::mem::take(&mut self.batch);
        let is_taken = self.replaced.is_none() && self.queue.take_few(&mut batch);
        if is_taken {
            for tap in &mut self.taps {
                tap.record(&batch);
            }
            self.publish_chunk(&mut batch.updates);
            self.end_batch(&mut batch);
        }
        self.batch = batch;
        is_taken
    }

    /// Publishes what is left, and says that this is the end.
    fn finish(&mut self) {
        self.feeds.close();
        self.publish_all();
        // One pause for all of them: one that is stuck is no reason to end late.
        let deadline = Instant::now() + recording::LAST;
        self.taps.drain(..).for_each(|tap| tap.finish(deadline));
        self.writer.set_stopped();
    }

    /// Publishes all that waits.
    fn publish_all(&mut self) {
        let mut batch = std::mem::take(&mut self.batch);
        self.queue.take(&mut batch);
        self.begin_recordings();
        self.taps.retain_mut(|tap| tap.record(&batch));
        for chunk in batch.updates.chunks_mut(CHUNK) {
            self.publish_chunk(chunk);
            self.serve_commands();
            self.beat_within_batch();
        }
        // A feed that has just begun is known by now: it said so before it said anything else.
        self.serve_commands();
        self.end_batch(&mut batch);
        self.batch = batch;
    }

    fn publish_chunk(&mut self, chunk: &mut [AccountUpdate]) {
        for update in chunk {
            self.publish(update);
        }
        self.wake();
    }

    fn end_batch(&mut self, batch: &mut Batch) {
        if batch.conflated > 0 {
            self.writer.count(Counter::Conflated, batch.conflated);
        }
        // After the updates: what a feed says now is true of what it brought before.
        for (source, event) in batch.events.drain(..) {
            match event {
                FeedEvent::State(state) => {
                    if let Some(Turn { feed, before, times }) = self.feeds.set_state(source, state)
                    {
                        let (from, to) = (before.as_str(), state.as_str());
                        match times {
                            1 => tracing::info!(feed, from, to, "feed state"),
                            _ => tracing::info!(feed, from, to, times, "feed state, to and fro"),
                        }
                    }
                    self.writer.set_feed_state(self.feeds.overall());
                    self.had_gap = !self.feeds.are_live();
                }
                FeedEvent::Later(kind) if self.had_gap => self.doubt_unwatched(kind),
                FeedEvent::Later(_) => {}
                FeedEvent::Vouched(since_ns) => self.feeds.set_vouched(source, since_ns),
                FeedEvent::Doubt(kind) => self.doubt_unwatched(kind),
                FeedEvent::Unsure(pubkeys) => self.doubt_each(pubkeys),
                FeedEvent::Complete => self.end_doubts(),
                FeedEvent::Slot(slot) => self.writer.set_slot(slot),
                FeedEvent::Confirmed(slot) => self.writer.confirm(slot),
                FeedEvent::TakeBack { slot, mut before } => self.take_back(slot, &mut before),
                FeedEvent::Count(what, times) => self.writer.count(what, times),
            }
        }
        self.published_ns = batch.whole_until_ns.unwrap_or(self.published_ns);
    }

    /// An account is as it was before `slot`, unless something newer has come since.
    fn take_back(&mut self, slot: u64, before: &mut AccountUpdate) {
        if !self.writer.take_back(&before.pubkey, slot) {
            return;
        }
        self.writer.count(Counter::RolledBack, 1);
        self.publish(before);
        self.wake();
    }

    /// Wakes those who sleep and whom it concerns what was published since the last time.
    fn wake(&mut self) {
        let woken = self.subscribers.wake(self.writer.region().journal_head());
        if woken > 0 {
            self.writer.count(Counter::Wakeups, woken);
        }
    }
}
