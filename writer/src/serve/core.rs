//! Everything that runs, in the order in which it starts and ends.
//!
//! ```text
//!   start:  region (lock) ─► socket bound ─► watchers ─► publisher (state live) ─► feeds
//!           ─► clients served
//!   end:    watchers told ─► feeds told ─► socket's name gone ─► publisher drains (state stopped,
//!           lock free) ─► clients closed ─► threads joined, as far as they come in time
//! ```
//! Until the publisher has set `stopped` nobody else can take the lock, so no other writer's
//! socket is ever removed.

use std::collections::HashSet;
use std::fs::File;
use std::future::Future;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use driftshm_layout::profile::Kind;
use driftshm_layout::{Origin, RegionOptions, RegionWriter, dir};
use tokio::runtime::Runtime;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout_at;

use super::directory;
use super::feed::{self, Surroundings};
use super::watchers::Watchers;
use super::{ServeError, ServeOptions};
use crate::control::{Allow, PublisherLink, SOCKET_PATH_MAX, Server, ServerOptions};
use crate::feeds::{Feed, Queue};
use crate::publisher::{
    self, Command, Ended, Home, PublisherOptions, PublisherThread, newest_slot,
};
use crate::recording::{self, Guard, RecorderOptions, Recordings};

/// The publisher has so long to publish what still waits.
const DRAIN: Duration = Duration::from_millis(600);
/// The whole end takes no longer.
const END: Duration = Duration::from_millis(900);

/// Runs until `stop` is ready. `runtime` runs one thread: this one.
pub(super) fn run(
    runtime: &Runtime,
    options: &ServeOptions,
    feeds: Vec<Feed>,
    stop: impl Future<Output = ()>,
) -> Result<(), ServeError> {
    check(options, &feeds)?;
    let record_to = options.record.as_deref().map(recording::append_to).transpose()?;
    let region = RegionOptions {
        cluster: options.cluster.clone(),
        profile: options.profile.clone(),
        capacities: options.capacities,
        mode: options.mode,
    };
    let (writer, origin) = RegionWriter::open(&options.dir, region)?;
    log_origin(&writer, &origin);
    directory::warn_of(&options.dir);
    let _context = runtime.enter();
    let queue = Queue::new();
    let (link, commands) = PublisherLink::new(Arc::clone(&queue));
    let home = Arc::new(Home::new(&options.dir));
    let server = bind(options, &writer, link.clone()).inspect_err(|_| writer.set_stopped())?;
    let mut threads = Vec::new();
    let watchers = Watchers::start(options, server.figures(), &mut threads)
        .inspect_err(|_| writer.set_stopped())?;
    let recorder = record_to.map(|file| start_recorder(options, file, &link)).transpose();
    let recorder = recorder.inspect_err(|_| writer.set_stopped())?;
    let start_slot = newest_slot(writer.region()).saturating_add(1);
    let mib = writer.geometry().total_len.div_ceil(1 << 20);
    let publisher = publisher::start(
        writer,
        Arc::clone(&queue),
        commands,
        Arc::clone(&home),
        PublisherOptions {
            follow: options.follow,
            users: options.users.clone(),
            linger: options.linger,
        },
    )
    .map_err(ServeError::io("start the publisher's thread"))?;
    let (fatal, mut failed) = mpsc::unbounded_channel();
    let fatal = options.fail_fast.then_some(fatal);
    let feeds = start_feeds(options, feeds, &queue, &link, start_slot, fatal)
        .inspect_err(|_| queue.stop())?;
    threads.extend(feeds);
    // It ends with the publisher, and not before.
    let _recording = recorder.map(|(guard, thread)| {
        threads.push(thread);
        guard
    });
    let (stop_server, server_stopped) = oneshot::channel();

    let recordings = server.recordings();

    runtime.block_on(async {
        let server = tokio::spawn(server.run(home, server_stopped));
        let PublisherThread { live, mut ended, .. } = publisher;
        let work = async {
            if live.await.is_ok() {
                log_live(options, mib);
            }
            stop.await;
        };
        let mut fault = None;
        let early = tokio::select! {
            () = work => None,
            early = &mut ended => Some(early),
            Some(failed) = failed.recv() => {
                fault = Some(failed);
                None
            }
        };
        let began = Instant::now();
        drop(watchers);
        queue.stop();
        let _ = stop_server.send(());
        let _ = timeout_at((began + DRAIN).into(), server).await;
        let end = match early {
            Some(end) => Ok(end),
            None => timeout_at((began + DRAIN).into(), ended).await,
        };
        join(threads, &recordings, began + END).await;
        match end {
            Ok(Ok(Ended::Orderly)) => match fault {
                Some((feed, error)) => Err(ServeError::Feed { feed, error }),
                None => Ok(()),
            },
            Ok(Ok(Ended::Replaced(why))) => Err(ServeError::Replaced(why)),
            Ok(Ok(Ended::Panicked(what))) => Err(ServeError::Panicked(what)),
            Ok(Err(_)) => Err(ServeError::Panicked("its thread is gone".to_owned())),
            Err(_) => Err(ServeError::LeftBehind),
        }
    })
}

/// Records to a file. The publisher, which does not run yet, finds the tap before any feed.
fn start_recorder(
    options: &ServeOptions,
    file: File,
    link: &PublisherLink,
) -> Result<(Guard, JoinHandle<()>), ServeError> {
    let guard = Guard::new();
    let recorder = RecorderOptions::new(&options.dir, &options.cluster, &options.profile);
    let (tap, thread) = recording::start(file, recorder, &guard)
        .map_err(ServeError::io("start the recorder's thread"))?;
    // Its other end is still here.
    let _ = link.send(Command::Record(Box::new(tap)));
    if let Some(file) = &options.record {
        tracing::info!(file = %file.display(), "recording what feeds bring");
    }
    Ok((guard, thread))
}

fn start_feeds(
    options: &ServeOptions,
    feeds: Vec<Feed>,
    queue: &Arc<Queue>,
    link: &PublisherLink,
    start_slot: u64,
    fatal: Option<mpsc::UnboundedSender<(String, String)>>,
) -> Result<Vec<JoinHandle<()>>, ServeError> {
    let start = |(source, feed)| {
        let surroundings = Surroundings {
            queue: Arc::clone(queue),
            publisher: link.clone(),
            dir: options.dir.clone(),
            start_slot,
            fatal: fatal.clone(),
        };
        feed::start(feed, source, surroundings).map_err(ServeError::io("start a feed's thread"))
    };
    (1..).zip(feeds).map(start).collect()
}

/// What can be wrong is said before anything is touched.
pub(super) fn check(options: &ServeOptions, feeds: &[Feed]) -> Result<(), ServeError> {
    let path = dir::socket_path(&options.dir);
    let len = path.as_os_str().len();
    if len > SOCKET_PATH_MAX {
        return Err(ServeError::Options(format!(
            "the control socket {} would have a path of {len} bytes, the system allows \
             {SOCKET_PATH_MAX}: choose a shorter --dir",
            path.display()
        )));
    }
    let count = feeds.len();
    if count == 0 || count > usize::from(u8::MAX) {
        return Err(ServeError::Options(format!("there are {count} feeds, allowed are 1 to 255")));
    }
    let mut names = HashSet::new();
    if let Some(twice) = feeds.iter().map(Feed::name).find(|name| !names.insert(*name)) {
        return Err(ServeError::Options(format!("the feed {twice} is named twice: name it once")));
    }
    Ok(())
}

fn bind(
    options: &ServeOptions,
    writer: &RegionWriter,
    link: PublisherLink,
) -> Result<Server, ServeError> {
    let server = ServerOptions {
        dir: options.dir.clone(),
        mode: options.mode,
        limits: options.limits,
        allow: Allow { uids: options.allow_uids.clone(), gids: options.allow_gids.clone() },
        generation: writer.region().generation(),
        recorder: RecorderOptions::new(&options.dir, &options.cluster, &options.profile),
    };
    let path = dir::socket_path(&options.dir);
    Server::bind(server, link).map_err(|source| ServeError::Socket { path, source })
}

/// Waits for the threads of feeds and recorders; one that does not come is left to die with the
/// process.
async fn join(mut threads: Vec<JoinHandle<()>>, recordings: &Recordings, until: Instant) {
    loop {
        threads.retain(|thread| !thread.is_finished());
        if threads.is_empty() && recordings.count() == 0 {
            return;
        }
        if Instant::now() >= until {
            let names: Vec<_> = threads.iter().filter_map(|t| t.thread().name()).collect();
            let recordings = recordings.count();
            tracing::warn!(threads = ?names, recordings, "left behind: they do not stop");
            return;
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

fn log_origin(writer: &RegionWriter, origin: &Origin) {
    let region = writer.region().path().display();
    match origin {
        Origin::Created => tracing::info!(%region, "made a region"),
        Origin::Adopted => {
            let accounts = Kind::ALL.map(|kind| writer.region().accounts(kind).count());
            let accounts: usize = accounts.iter().sum();
            tracing::info!(%region, accounts, "took over the region that was there");
        }
        Origin::Superseded(why) => {
            tracing::warn!(%region, why, "made a region in place of one that could not be used");
        }
    }
}

fn log_live(options: &ServeOptions, mib: usize) {
    let capacities: Vec<_> = Kind::ALL
        .into_iter()
        .map(|kind| format!("{kind}={}", options.capacities.of(kind)))
        .collect();
    tracing::info!(
        dir = %options.dir.display(),
        cluster = options.cluster,
        profile = options.profile.name,
        program = options.profile.program_version,
        capacities = capacities.join(" "),
        journal = options.capacities.journal,
        mib,
        "READY=1 the region is served; how feeds are is said as they start"
    );
}
