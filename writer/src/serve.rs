//! The writer as a whole: region, publisher, control socket and feeds.

mod core;
mod directory;
mod error;
mod feed;
mod notify;
mod signals;
mod specs;
mod watchers;

use std::future::Future;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use driftshm_layout::profile::Profile;
use driftshm_layout::{Capacities, Pubkey};
use tokio::runtime::Runtime;

use self::signals::Signals;
use crate::control::Limits;
use crate::publisher::Follow;
use crate::recording;

pub use self::error::ServeError;
pub use self::specs::FeedSpec;
pub use crate::feeds::Feed;

/// All that the writer needs to know.
#[derive(Debug, Clone)]
pub struct ServeOptions {
    /// The region's directory.
    pub dir: PathBuf,
    /// Whose accounts these are.
    pub cluster: String,
    /// What they look like.
    pub profile: Profile,
    /// How much there is room for.
    pub capacities: Capacities,
    /// Mode of the region's file; who may read it may also connect.
    pub mode: u32,
    /// Which users are recorded.
    pub follow: Follow,
    /// Accounts that are followed though no bot asks for them.
    pub users: Vec<Pubkey>,
    /// How much bots may ask for.
    pub limits: Limits,
    /// Users that may connect; if there are neither these nor groups, the modes alone decide.
    pub allow_uids: Vec<u32>,
    /// Groups that may connect.
    pub allow_gids: Vec<u32>,
    /// How long an account is followed after the last who wanted it has gone.
    pub linger: Duration,
    /// Whether a feed that fails before it was live ends the writer.
    pub fail_fast: bool,
    /// Where accounts come from, by ascending trust within a slot.
    pub feeds: Vec<FeedSpec>,
    /// Where all that feeds bring is recorded.
    pub record: Option<PathBuf>,
    /// Where metrics and health are served over HTTP; nowhere in a build without the feature.
    pub metrics_listen: Option<SocketAddr>,
}

impl ServeOptions {
    /// The defaults, without a feed.
    pub fn new(dir: PathBuf, cluster: &str, profile: Profile) -> Self {
        Self {
            dir,
            cluster: cluster.to_owned(),
            profile,
            capacities: Capacities::default(),
            mode: 0o640,
            follow: Follow::All,
            users: Vec::new(),
            limits: Limits::default(),
            allow_uids: Vec::new(),
            allow_gids: Vec::new(),
            linger: Duration::from_secs(30),
            fail_fast: false,
            feeds: Vec::new(),
            record: None,
            metrics_listen: None,
        }
    }
}

/// What is wrong with the options, as far as it can be told without touching anything: `serve` says
/// the same.
pub fn check(options: &ServeOptions) -> Result<(), ServeError> {
    core::check(options, &prepare(options)?)?;
    Ok(options.record.as_deref().map_or(Ok(()), recording::could_append_to)?)
}

fn prepare(options: &ServeOptions) -> Result<Vec<Feed>, ServeError> {
    let mut feeds = Vec::with_capacity(options.feeds.len());
    for spec in &options.feeds {
        feeds.extend(spec.prepare(&options.profile, &options.dir)?);
    }
    Ok(feeds)
}

/// Runs the writer until `stop` is ready or a SIGTERM or SIGINT comes; a second signal ends the
/// process at once. It is over within a second then, whatever feeds and bots do.
pub fn serve(options: ServeOptions, stop: impl Future<Output = ()>) -> Result<(), ServeError> {
    let feeds = prepare(&options)?;
    raise_fd_limit();
    let runtime = runtime()?;
    let signals = {
        let _context = runtime.enter();
        Signals::catch().map_err(ServeError::io("catch signals"))?
    };
    core::run(&runtime, &options, feeds, async {
        tokio::select! {
            () = stop => {}
            () = signals.first() => {}
        }
    })
}

/// The same with feeds of the caller's own instead of `options.feeds`, and without a hand on the
/// process's signals and limits.
pub fn serve_feeds(
    options: &ServeOptions,
    feeds: Vec<Feed>,
    stop: impl Future<Output = ()>,
) -> Result<(), ServeError> {
    core::run(&runtime()?, options, feeds, stop)
}

fn runtime() -> Result<Runtime, ServeError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(ServeError::io("start tokio"))
}

/// Each subscription takes a descriptor, and the usual soft limit (1024) is there for `select`
/// only, which nothing here uses.
fn raise_fd_limit() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, ..limit };
    if setrlimit(Resource::Nofile, raised).is_err() {
        tracing::debug!("the limit of open files stays as it is");
    }
}
