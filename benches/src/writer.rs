//! A whole writer in this process, fed by hand, and subscribers to it.

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use driftshm_layout::control::{Filter, Subscription};
use driftshm_layout::{FeedState, Region};
use driftshm_writer::feeds::{AccountUpdate, Sink};
use driftshm_writer::serve::{Feed, ServeError, ServeOptions, serve_feeds};
use tempfile::TempDir;
use tokio::sync::oneshot;

use crate::accounts::{self, Pair};
use crate::places;

const PATIENCE: Duration = Duration::from_secs(20);

/// A writer that runs until it is dropped.
pub struct Writer {
    sink: Sink,
    region: Arc<Region>,
    directory: TempDir,
    program: driftshm_layout::Pubkey,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<Result<(), ServeError>>>,
}

impl Writer {
    /// Starts one at the default capacities.
    ///
    /// # Panics
    /// If it does not start.
    pub fn start() -> Self {
        let profile = accounts::profile();
        let program = profile.program_id;
        let directory = places::directory().expect("a directory for the region");
        let options = ServeOptions::new(directory.path().into(), "bench", profile);
        let (sender, sinks) = channel();
        let feed = Feed::new("bench", move |_, sink: &Sink| {
            sender.send(sink.clone()).map_err(|error| error.to_string())?;
            while !sink.is_stopped() {
                std::thread::sleep(Duration::from_millis(20));
            }
            Ok(())
        });
        let (stop, stopped) = oneshot::channel::<()>();
        let thread = std::thread::spawn(move || {
            serve_feeds(&options, vec![feed], async {
                let _ = stopped.await;
            })
        });
        let sink = sinks.recv_timeout(PATIENCE).expect("the writer starts its feed");
        sink.state(FeedState::Live);
        let region = Arc::new(Region::open(directory.path()).expect("the region opens"));
        Self { sink, region, directory, program, stop: Some(stop), thread: Some(thread) }
    }

    /// Where it is.
    pub fn dir(&self) -> &Path {
        self.directory.path()
    }

    /// What it writes to.
    pub fn region(&self) -> &Region {
        &self.region
    }

    /// The `nth` change of an account as a feed brings it.
    pub fn update(&self, account: &Pair, nth: u64) -> AccountUpdate {
        AccountUpdate {
            pubkey: account.pubkey,
            owner: Some(self.program),
            slot: nth + 1,
            write_version: 0,
            lamports: 1,
            data: account.data(nth).to_vec(),
            received_ns: 0,
            source: 0,
        }
    }

    /// Hands over updates, and returns when the writer has published all of them.
    ///
    /// # Panics
    /// If that takes for ever.
    pub fn publish(&self, mut updates: Vec<AccountUpdate>) {
        let until = self.counter("published") + updates.len() as u64;
        self.sink.send(&mut updates);
        let end = Instant::now() + PATIENCE;
        while self.counter("published") < until {
            assert!(Instant::now() < end, "the writer did not publish all that it was given");
            std::thread::yield_now();
        }
    }

    /// One of the region's counters.
    ///
    /// # Panics
    /// If there is none of that name.
    pub fn counter(&self, name: &str) -> u64 {
        let found = self.region.counters().find(|(counter, _)| *counter == name);
        found.unwrap_or_else(|| panic!("there is no counter {name}")).1
    }

    /// A subscriber who sleeps.
    ///
    /// # Panics
    /// If it is refused.
    pub fn subscribe(&self, filter: &Filter) -> Subscription {
        let region = Arc::clone(&self.region);
        let mut subscription = Subscription::new(self.dir(), region, filter, true, PATIENCE)
            .expect("the writer takes the subscription");
        sleep(&mut subscription);
        subscription
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Takes all that waits, so that the next change wakes the subscriber.
pub fn sleep(subscription: &mut Subscription) {
    let mut items = Vec::new();
    loop {
        subscription.drain(1000, &mut items);
        if items.is_empty() {
            return;
        }
        items.clear();
    }
}

/// Whether something has woken the subscriber.
pub fn is_woken(subscription: &Subscription) -> bool {
    subscription.wait(Some(Duration::ZERO)).unwrap_or(false)
}

/// Processor time, in nanoseconds, that this process's thread of that name has used.
pub fn thread_cpu_ns(name: &str) -> Option<u64> {
    let tasks = std::fs::read_dir("/proc/self/task").ok()?;
    for task in tasks.flatten() {
        let read = |file| std::fs::read_to_string(task.path().join(file));
        if read("comm").is_ok_and(|comm| comm.trim() == name) {
            return read("schedstat").ok()?.split(' ').next()?.parse().ok();
        }
    }
    None
}
