//! Live feeds: the chain over RPC, WebSocket and Yellowstone gRPC.
//!
//! ```text
//!            rpc (always)                    ws, grpc (where there is a URL)
//!   snapshots · users · audit · polling      one stream each, of everything followed
//!        chain/ over rpc/                        stream/run over stream/{ws,grpc}
//!             └──────────── roster: what is followed ────────────┘
//!                                   │
//!                     Sink (rank: rpc < ws < grpc) ─► publisher
//! ```
//! Each runs in a feed's thread, so a panic in one of them ends that feed alone, which is started
//! again. Their tasks and timers share one small runtime.

mod backoff;
mod chain;
mod endpoint;
mod genesis;
mod options;
mod plan;
mod refusal;
mod roster;
mod rpc;
mod storm;
mod stream;
mod streams;
mod tip;
mod ui_account;

use std::future::Future;
use std::path::Path;
use std::sync::Arc;

use driftshm_layout::Region;
use driftshm_layout::profile::Profile;
use tokio::runtime::{Handle as RuntimeHandle, Runtime};
use tokio::sync::{mpsc, oneshot};

use self::chain::{Chain, Handle, Pulse};
use self::roster::Roster;
use self::rpc::Rpc;
use self::storm::Storm;
use self::stream::run::Runner;
use self::stream::{Stream, grpc::Grpc, ws::Ws};
use self::streams::Streams;
use self::tip::Tip;
use crate::feeds::{Feed, FeedCommand, Figures, Part, Sink};
use crate::publisher::newest_slot;

pub use self::endpoint::{Endpoint, Token};
pub use self::options::{Commitment, LiveOptions, Users};

/// RPC's rank as a source: it is the first of the feeds. What it brings is confirmed.
pub(crate) const RPC_SOURCE: u8 = 1;

/// The feeds, ready to start: rpc, then the streams, by ascending trust within a slot.
pub fn feeds(
    options: &LiveOptions,
    profile: &Profile,
    dir: &Path,
) -> Result<Vec<Feed>, std::io::Error> {
    let runtime = Arc::new(Shared::new()?);
    let options = Arc::new(options.clone());
    let roster = Arc::new(Roster::new(Arc::new(profile.clone()), options.users));
    let storm = Arc::new(Storm::default());
    let storms = Arc::clone(&storm);
    let rpc = Rpc::new(options.rpc.clone(), options.rpc_rate, options.rpc_batch, storm);
    let rpc = Arc::new(rpc.map_err(std::io::Error::other)?);
    let (handle, requests) = Handle::new(Arc::clone(&rpc));
    let figures = Arc::new(Figures::default());
    let tip = Region::open(dir).map_or(0, |region| newest_slot(&region));
    let tip = Arc::new(Tip::of_region(tip));
    let streams = Arc::new(Streams::default());
    let chain = Chain {
        options: Arc::clone(&options),
        rpc,
        roster: Arc::clone(&roster),
        figures: Arc::clone(&figures),
        dir: dir.to_owned(),
        pulse: Pulse::from(tip.newest()),
        tip: Arc::clone(&tip),
    };
    let part = if chain.polls() { Part::Mirror } else { Part::Beside };
    let shared = Arc::clone(&runtime);
    let polls = Feed::new("rpc", move |_, sink| {
        let (commands, stopped) = bridge(sink)?;
        shared.run(async {
            tokio::select! {
                outcome = chain.run(sink, commands, &requests) => outcome,
                _ = stopped => Ok(()),
                () = chain.watch(sink), if chain.polls() => Ok(()),
            }
        })
    });
    let mut feeds = vec![polls.with(part, figures)];
    let runner = |figures, endpoint: &Endpoint| Runner {
        // Of another provider there is another.
        storm: match endpoint.host() == options.rpc.host() {
            true => Arc::clone(&storms),
            false => Arc::default(),
        },
        options: Arc::clone(&options),
        roster: Arc::clone(&roster),
        chain: handle.clone(),
        figures,
        dir: dir.to_owned(),
        tip: Arc::clone(&tip),
        streams: Arc::clone(&streams),
    };
    if let Some(endpoint) = &options.ws {
        feeds.push(stream::<Ws>(Arc::clone(&runtime), |figures| runner(figures, endpoint)));
    }
    if let Some(endpoint) = &options.grpc {
        feeds.push(stream::<Grpc>(runtime, |figures| runner(figures, endpoint)));
    }
    Ok(feeds)
}

fn stream<S: Stream>(runtime: Arc<Shared>, runner: impl Fn(Arc<Figures>) -> Runner) -> Feed {
    let figures = Arc::new(Figures::default());
    let runner = runner(Arc::clone(&figures));
    let feed = Feed::new(S::NAME, move |_, sink| {
        let (mut commands, stopped) = bridge(sink)?;
        runtime.run(async {
            tokio::select! {
                outcome = runner.run::<S>(sink) => outcome,
                _ = stopped => Ok(()),
                // What is followed it knows from the roster.
                () = async { while commands.recv().await.is_some() {} } => Ok(()),
            }
        })
    });
    feed.with(Part::Mirror, figures)
}

/// The runtime of all live feeds.
struct Shared(Option<Runtime>, RuntimeHandle);

impl Shared {
    fn new() -> Result<Self, std::io::Error> {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        let runtime = builder.worker_threads(1).thread_name("live").enable_all().build()?;
        let handle = runtime.handle().clone();
        Ok(Self(Some(runtime), handle))
    }

    fn run<T>(&self, future: impl Future<Output = T>) -> T {
        self.1.block_on(future)
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        // A request that hangs is no reason to wait.
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

/// What the publisher asks for, for a task to await, and word of the writer's end.
type Bridge = (mpsc::UnboundedReceiver<FeedCommand>, oneshot::Receiver<()>);

fn bridge(sink: &Sink) -> Result<Bridge, String> {
    let (sender, receiver) = mpsc::unbounded_channel();
    let (end, stopped) = oneshot::channel();
    let commands = sink.commands().clone();
    let forward = move || {
        while let Ok(command) = commands.recv() {
            if sender.send(command).is_err() {
                return;
            }
        }
        let _ = end.send(());
    };
    // Without it nothing would be followed and nobody stopped: the feed is to be started again.
    let thread = std::thread::Builder::new().name("commands".into()).spawn(forward);
    thread.map_err(|error| format!("cannot start a thread for what bots ask for: {error}"))?;
    Ok((receiver, stopped))
}
