//! A feed's thread: run, and run again after a pause if it fails.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use driftshm_layout::{FeedState, Region};
use tokio::sync::mpsc;

use crate::control::PublisherLink;
use crate::feeds::{Feed, Queue, Sink};
use crate::publisher::{Command, newest_slot, panic_text};

const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// A feed that ran for so long was healthy: the next pause is a short one again.
const HEALTHY: Duration = Duration::from_secs(30);
/// How often a thread that pauses looks whether it is to end.
const LOOK: Duration = Duration::from_millis(50);

/// What a feed's thread needs beside the feed.
pub(super) struct Surroundings {
    pub queue: Arc<Queue>,
    pub publisher: PublisherLink,
    pub dir: PathBuf,
    /// The slot to begin with, the first time.
    pub start_slot: u64,
    /// Where to say that the writer is to end because of a feed that failed, if it is.
    pub fatal: Option<mpsc::UnboundedSender<(String, String)>>,
}

/// Starts a feed with that rank in a thread of its own.
pub(super) fn start(
    feed: Feed,
    source: u8,
    surroundings: Surroundings,
) -> std::io::Result<JoinHandle<()>> {
    let thread = std::thread::Builder::new().name(format!("feed-{}", feed.name));
    thread.spawn(move || supervise(&feed, source, &surroundings))
}

fn supervise(feed: &Feed, source: u8, around: &Surroundings) {
    let mut pause = FIRST_PAUSE;
    let mut start_slot = around.start_slot;
    while !around.queue.is_stopped() {
        let (sender, commands) = crossbeam_channel::unbounded();
        let started = Command::FeedStarted {
            source,
            name: feed.name.clone(),
            part: feed.part,
            figures: Arc::clone(&feed.figures),
            commands: sender,
        };
        if around.publisher.send(started).is_err() {
            return;
        }
        let sink = Sink::new(Arc::clone(&around.queue), source, commands);
        let started = Instant::now();
        feed.figures.recovered();
        let outcome = catch_unwind(AssertUnwindSafe(|| (feed.run)(start_slot, &sink)));
        if around.queue.is_stopped() {
            return;
        }
        let figures = &feed.figures;
        let (feed, error) = match outcome {
            Ok(Ok(())) => {
                // It brings nothing any more, whatever it said last.
                sink.state(FeedState::Down);
                tracing::info!(feed = feed.name, "the feed has come to its end");
                return;
            }
            Ok(Err(error)) => (&feed.name, error),
            Err(panic) => (&feed.name, format!("it panicked: {}", panic_text(panic.as_ref()))),
        };
        // So that who asks why it is down is told.
        figures.failed("failed", &error);
        sink.state(FeedState::Down);
        if let Some(fatal) = &around.fatal {
            let _ = fatal.send((feed.clone(), error));
            return;
        }
        if started.elapsed() >= HEALTHY {
            pause = FIRST_PAUSE;
        }
        tracing::error!(feed, error, again_in_s = pause.as_secs(), "the feed failed");
        wait(pause, &around.queue);
        pause = (pause * 2).min(LONGEST_PAUSE);
        if let Ok(region) = Region::open(&around.dir) {
            start_slot = newest_slot(&region).saturating_add(1);
        }
    }
}

fn wait(pause: Duration, queue: &Queue) {
    let end = Instant::now() + pause;
    while Instant::now() < end && !queue.is_stopped() {
        std::thread::sleep(LOOK);
    }
}
