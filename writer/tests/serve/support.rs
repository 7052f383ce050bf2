//! A writer in this process, fed by hand.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, LazyLock};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use driftshm_layout::control::{Filter, Link, Subscription};
use driftshm_layout::profile::{AccountDef, Kind, Profile, role};
use driftshm_layout::{Capacities, FeedState, Pubkey, Region, State};
use driftshm_writer::feeds::{AccountUpdate, Sink};
use driftshm_writer::serve::{Feed, ServeError, ServeOptions, serve_feeds};
use tempfile::TempDir;
use tokio::sync::oneshot;

/// Long enough for anything; only a failure waits for so long.
pub const PATIENCE: Duration = Duration::from_secs(30);
/// How long it is watched that nothing happens.
pub const NOTHING: Duration = Duration::from_millis(150);

static PROFILE: LazyLock<Profile> = LazyLock::new(|| Profile::builtin("drift-v2").unwrap());

pub fn profile() -> &'static Profile {
    &PROFILE
}

pub fn small() -> Capacities {
    let capacities = Capacities { journal: 1024, ..Capacities::default() };
    [Kind::PerpMarket, Kind::SpotMarket, Kind::Oracle, Kind::User, Kind::UserStats]
        .into_iter()
        .fold(capacities, |capacities, kind| capacities.with(kind, 16))
}

pub fn temp_dir() -> TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

pub fn options(dir: &Path) -> ServeOptions {
    let capacities = small();
    ServeOptions { capacities, ..ServeOptions::new(dir.into(), "test", profile().clone()) }
}

/// Waits until something is so.
#[track_caller]
pub fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < end, "never happened: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// A feed that hands its sink to the test, each time it is started, and the slot to begin with.
pub fn feed() -> (Feed, Receiver<(u64, Sink)>) {
    feed_named("test")
}

pub fn feed_named(name: &str) -> (Feed, Receiver<(u64, Sink)>) {
    let (sender, receiver) = channel();
    let feed = Feed::new(name, move |slot, sink| {
        sender.send((slot, sink.clone())).map_err(|error| error.to_string())?;
        while !sink.is_stopped() {
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    });
    (feed, receiver)
}

/// A writer that runs until it is dropped.
pub struct Writer {
    pub dir: PathBuf,
    pub sink: Sink,
    pub start_slot: u64,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<Result<(), ServeError>>>,
}

impl Writer {
    pub fn start(dir: &Path) -> Self {
        Self::with(options(dir))
    }

    pub fn with(options: ServeOptions) -> Self {
        let (feed, sinks) = feed();
        let dir = options.dir.clone();
        let (stop, thread) = run(options, vec![feed]);
        let (start_slot, sink) = sinks.recv_timeout(PATIENCE).expect("the feed is started");
        sink.state(FeedState::Live);
        let writer = Self { dir, sink, start_slot, stop: Some(stop), thread: Some(thread) };
        until("live", || {
            let region = writer.region();
            region.state() == Some(State::Live) && region.feed_state() == FeedState::Live
        });
        writer
    }

    pub fn region(&self) -> Arc<Region> {
        let mut region = None;
        until("the region opens", || {
            region = Region::open(&self.dir).ok();
            region.is_some()
        });
        Arc::new(region.unwrap())
    }

    pub fn send(&self, updates: impl IntoIterator<Item = AccountUpdate>) {
        self.sink.send(&mut updates.into_iter().collect());
    }

    /// Sends updates and waits until all of them have been dealt with.
    pub fn bring(&self, updates: impl IntoIterator<Item = AccountUpdate>) {
        self.send(updates);
        // Events are dealt with after the updates that came before them.
        let before = self.counter("bad_input");
        self.sink.bad_input(1);
        until("dealt with", || self.counter("bad_input") > before);
    }

    pub fn counter(&self, name: &str) -> u64 {
        let region = self.region();
        let found = region.counters().find(|(counter, _)| *counter == name);
        found.unwrap_or_else(|| panic!("no counter {name}")).1
    }

    pub fn subscribe(&self, filter: Filter) -> Subscription {
        Subscription::new(&self.dir, self.region(), &filter, true, PATIENCE).unwrap()
    }

    pub fn link(&self, filter: &Filter) -> Link {
        let mut link = Link::new(&self.dir, filter).unwrap();
        link.connect(PATIENCE).unwrap();
        link
    }

    pub fn stop(mut self) -> Result<(), ServeError> {
        self.end()
    }

    /// Whether it has ended by itself.
    pub fn has_ended(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }

    /// How it has ended by itself.
    pub fn ended(mut self) -> Result<(), ServeError> {
        let thread = self.thread.take().unwrap();
        until("it ends by itself", || thread.is_finished());
        thread.join().unwrap()
    }

    fn end(&mut self) -> Result<(), ServeError> {
        drop(self.stop.take());
        self.thread.take().map_or(Ok(()), |thread| thread.join().unwrap())
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        let ended = self.end();
        if !std::thread::panicking() {
            ended.unwrap();
        }
    }
}

/// Waits until a writer lives: on a machine that is busy elsewhere its heart may pause.
pub fn is_alive(region: &Region) {
    until("its heart beats", || region.writer_alive());
}

pub type Running = (oneshot::Sender<()>, JoinHandle<Result<(), ServeError>>);

/// Runs a writer with these feeds until the sender is dropped.
pub fn run(options: ServeOptions, feeds: Vec<Feed>) -> Running {
    let (stop, stopped) = oneshot::channel::<()>();
    let thread = std::thread::spawn(move || {
        serve_feeds(&options, feeds, async {
            let _ = stopped.await;
        })
    });
    (stop, thread)
}

// ------------------------------------------------------------------------------ accounts

pub fn key(number: u8) -> Pubkey {
    Pubkey([number; 32])
}

/// An account of the program.
pub fn account(pubkey: Pubkey, slot: u64, data: Vec<u8>) -> AccountUpdate {
    AccountUpdate {
        pubkey,
        owner: Some(profile().program_id),
        slot,
        write_version: 0,
        lamports: 1,
        data,
        received_ns: driftshm_layout::clock::monotonic_ns(),
        source: 0,
    }
}

pub fn closed(pubkey: Pubkey, slot: u64) -> AccountUpdate {
    let owner = Some(Pubkey::default());
    AccountUpdate { owner, lamports: 0, ..account(pubkey, slot, Vec::new()) }
}

pub fn user(pubkey: Pubkey, slot: u64) -> AccountUpdate {
    let def = profile().account(Kind::User).unwrap();
    let mut data = def.blank();
    set(def, role::SUB_ACCOUNT_ID, &mut data, i128::from(slot % 1000));
    account(pubkey, slot, data)
}

fn set(def: &AccountDef, role: &str, data: &mut [u8], number: i128) {
    assert!(def.role(role).unwrap().write_int(data, number), "{role}");
}

/// A market that reads an oracle by the source of this name; its content depends on the slot.
pub fn market(kind: Kind, index: u16, oracle: Pubkey, source: &str, slot: u64) -> AccountUpdate {
    let profile = profile();
    let def = profile.account(kind).unwrap();
    let mut data = def.blank();
    set(def, role::MARKET_INDEX, &mut data, index.into());
    assert!(def.role(role::ORACLE).unwrap().write_pubkey(&mut data, &oracle));
    let source = profile.discriminant("OracleSource", source).unwrap();
    set(def, role::ORACLE_SOURCE, &mut data, source.into());
    set(def, role::LAST_ORACLE_PRICE_TWAP, &mut data, slot.into());
    account(address(kind, index), slot, data)
}

pub fn perp(index: u16, slot: u64) -> AccountUpdate {
    market(Kind::PerpMarket, index, key(200), "Pyth", slot)
}

pub fn address(kind: Kind, index: u16) -> Pubkey {
    match kind {
        Kind::PerpMarket => profile().perp_market_address(index).unwrap(),
        _ => profile().spot_market_address(index).unwrap(),
    }
}

/// A Pyth account, another program's, with a price of so many dollars.
pub fn pyth(pubkey: Pubkey, dollars: i64, slot: u64) -> AccountUpdate {
    let mut data = vec![0; 3312];
    let mut put = |at: usize, bytes: &[u8]| data[at..at + bytes.len()].copy_from_slice(bytes);
    put(0, &0xa1b2_c3d4u32.to_le_bytes());
    put(20, &(-8i32).to_le_bytes());
    put(24, &3u32.to_le_bytes());
    put(28, &3u32.to_le_bytes());
    put(40, &slot.to_le_bytes());
    put(208, &(dollars * 100_000_000).to_le_bytes());
    put(216, &100_000_000u64.to_le_bytes());
    AccountUpdate { owner: Some(key(250)), ..account(pubkey, slot, data) }
}

/// The price that a market's readers find, in millionths of a dollar.
pub fn price_of(region: &Region, kind: Kind, index: u16) -> Option<i64> {
    let market = region.at(kind, index.into())?;
    let (oracle, source) = region.oracle_of(&market)?;
    let (price, _) = region.oracle_price(&oracle, source)?;
    price.valid.then_some(price.price)
}
