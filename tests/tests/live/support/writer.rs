//! A writer process that follows a cluster.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use driftshm_cluster::Commitment;
use driftshm_layout::control::{FeedReport, Status};
use driftshm_layout::header::Owner;
use driftshm_layout::{FeedState, Region, State};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use super::truth::{Followed, differences};
use super::{Chain, Feeds, WATCHDOG, ask, until};

/// Room for what the tests have, and no more: many writers run at a time.
const SMALL: [&str; 12] = [
    "--max-users",
    "64",
    "--max-user-stats",
    "64",
    "--max-oracles",
    "64",
    "--max-perp-markets",
    "64",
    "--max-spot-markets",
    "64",
    "--journal",
    "16384",
];

/// It is killed, and its directory removed, when dropped.
pub struct LiveWriter {
    process: Mutex<Child>,
    dir: TempDir,
    region: OnceLock<Arc<Region>>,
    log: Arc<Mutex<String>>,
}

impl LiveWriter {
    /// Starts a writer on these feeds of a cluster.
    pub fn start(chain: &Chain, feeds: Feeds, more: &[&str]) -> Self {
        Self::start_over(&chain.rpc_url(), chain, feeds, more)
    }

    /// The same, with its RPC at another place.
    pub fn start_over(rpc: &str, chain: &Chain, feeds: Feeds, more: &[&str]) -> Self {
        let urls = [chain.ws_url(), chain.grpc_url()];
        let mut arguments = vec!["--cluster", "local", "--rpc-url", rpc];
        if matches!(feeds, Feeds::Ws | Feeds::All) {
            arguments.extend(["--ws-url", &urls[0]]);
        }
        if matches!(feeds, Feeds::Grpc | Feeds::All) {
            arguments.extend(["--grpc-url", &urls[1]]);
        }
        if feeds == Feeds::All {
            arguments.extend(["--feed", "rpc,ws,grpc"]);
        }
        let has = |flag: &str| more.contains(&flag);
        for pair in SMALL.chunks_exact(2).filter(|pair| !has(pair[0])) {
            arguments.extend(pair);
        }
        arguments.extend(more);
        Self::spawn(&arguments, &[])
    }

    /// Starts a writer with just these arguments and variables.
    pub fn spawn(arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        let dir = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
        Self::spawn_in(dir, arguments, variables)
    }

    /// Stops it, and starts another with just these arguments over its region.
    pub fn succeeded_by(mut self, arguments: &[&str]) -> Self {
        let elsewhere = tempfile::tempdir().unwrap();
        let dir = std::mem::replace(&mut self.dir, elsewhere);
        assert!(self.stop().success());
        Self::spawn_in(dir, arguments, &[])
    }

    fn spawn_in(dir: TempDir, arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        let mut command = Command::new(binary());
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("DRIFTSHM_") {
                command.env_remove(name);
            }
        }
        command.args(["run", "--dir"]).arg(dir.path()).args(arguments);
        command.envs(variables.iter().copied());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let log = Arc::new(Mutex::new(String::new()));
        let (lines, into) = (BufReader::new(process.stderr.take().unwrap()), Arc::clone(&log));
        std::thread::spawn(move || {
            for line in lines.lines().map_while(Result::ok) {
                let mut log = into.lock().unwrap();
                log.push_str(&line);
                log.push('\n');
            }
        });
        Self { process: Mutex::new(process), dir, region: OnceLock::new(), log }
    }

    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    pub fn pid(&self) -> u32 {
        self.process.lock().unwrap().id()
    }

    /// All that it has said so far.
    pub fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// Its region, once there is one.
    pub fn region(&self) -> &Arc<Region> {
        self.region.get_or_init(|| {
            let open = || {
                let ended = self.process.lock().unwrap().try_wait().unwrap();
                assert!(ended.is_none(), "the writer ended: {ended:?}; the log:\n{}", self.log());
                let region = Region::open(self.dir()).ok()?;
                (region.state() == Some(State::Live)).then(|| Arc::new(region))
            };
            until("the region opens", WATCHDOG, open).0
        })
    }

    /// What it says of itself.
    pub fn status(&self) -> Status {
        until("the writer answers", WATCHDOG, || ask::ask(self.dir())).0
    }

    /// What it says of a feed.
    pub fn feed(&self, name: &str) -> FeedReport {
        let find = || ask::ask(self.dir())?.feeds.into_iter().find(|feed| feed.name == name);
        until("the feed is there", WATCHDOG, find).0
    }

    /// A counter of the region.
    pub fn counter(&self, name: &str) -> u64 {
        let found = self.region().counters().find(|(counter, _)| *counter == name);
        found.unwrap_or_else(|| panic!("no counter {name}")).1
    }

    /// Waits until bots read this state, and says how long that took.
    #[track_caller]
    pub fn await_state(&self, state: FeedState, within: Duration) -> Duration {
        let began = std::time::Instant::now();
        while self.region().feed_state() != state {
            assert!(
                began.elapsed() < within,
                "not {} within {within:?} but {}; the log:\n{}",
                state.as_str(),
                self.region().feed_state().as_str(),
                self.log()
            );
            std::thread::sleep(Duration::from_millis(5));
        }
        began.elapsed()
    }

    /// What it last said of its feeds. Bots read this for as long as its heart beats, which on a
    /// machine that is busy elsewhere may pause.
    pub fn said_state(&self) -> Option<FeedState> {
        FeedState::from_word(self.region().header().owner(Owner::FeedState))
    }

    /// For how long its threads were ready to run and did not, all in all.
    pub fn waited_ns(&self) -> u64 {
        let threads = std::fs::read_dir(format!("/proc/{}/task", self.pid())).unwrap();
        let stats = threads.flatten().map(|thread| thread.path().join("schedstat"));
        let waited = |text: String| text.split(' ').nth(1)?.parse::<u64>().ok();
        stats.filter_map(|path| waited(std::fs::read_to_string(path).ok()?)).sum()
    }

    /// Waits until the feeds are live.
    #[track_caller]
    pub fn await_live(&self) -> Duration {
        self.await_state(FeedState::Live, WATCHDOG)
    }

    /// Waits until each of the feeds is live.
    pub fn await_all_live(&self, feeds: Feeds) {
        let is_live = |status: Status| {
            let mut names = ["rpc", "ws", "grpc"].into_iter().filter(|name| feeds.has(name));
            names.all(|name| {
                let mut reports = status.feeds.iter();
                reports.any(|feed| feed.name == name && feed.state == "live")
            })
        };
        until("each feed is live", WATCHDOG, || is_live(self.status()).then_some(()));
        self.await_live();
    }

    /// Waits until the region is what the chain is, byte for byte.
    #[track_caller]
    pub fn assert_equals(&self, chain: &Chain, followed: &Followed, within: Duration) -> Duration {
        self.assert_equals_at(chain, followed, Commitment::Confirmed, within)
    }

    /// The same of another commitment.
    #[track_caller]
    pub fn assert_equals_at(
        &self,
        chain: &Chain,
        followed: &Followed,
        commitment: Commitment,
        within: Duration,
    ) -> Duration {
        let began = std::time::Instant::now();
        loop {
            let looked = std::time::Instant::now();
            let all = chain.snapshot(commitment);
            let different = differences(self.region(), &followed.of(chain, &all), &all);
            if different.is_empty() {
                return began.elapsed();
            }
            assert!(
                began.elapsed() < within,
                "not as the chain within {within:?}: {different:#?}; status {:#?}; the log:\n{}",
                ask::ask(self.dir()),
                self.log()
            );
            // Comparing many takes long enough, on a machine that has more to do.
            std::thread::sleep(Duration::from_millis(10).max(looked.elapsed() * 2));
        }
    }

    /// What the region has otherwise than the chain.
    pub fn differences(&self, chain: &Chain, followed: &Followed) -> Vec<String> {
        let all = chain.snapshot(Commitment::Confirmed);
        differences(self.region(), &followed.of(chain, &all), &all)
    }

    /// How it ended, once it has.
    pub fn ended(&self, within: Duration) -> ExitStatus {
        until("the writer ends", within, || self.process.lock().unwrap().try_wait().unwrap()).0
    }

    /// Asks it to stop, and returns how it ended.
    pub fn stop(self) -> ExitStatus {
        kill_process(Pid::from_child(&self.process.lock().unwrap()), Signal::TERM).unwrap();
        self.ended(WATCHDOG)
    }
}

impl Drop for LiveWriter {
    fn drop(&mut self) {
        let process = self.process.get_mut().unwrap_or_else(PoisonError::into_inner);
        let _ = process.kill();
        let _ = process.wait();
    }
}

/// Built at most once.
fn binary() -> &'static Path {
    static BINARY: OnceLock<std::path::PathBuf> = OnceLock::new();
    BINARY.get_or_init(driftshm_tests::binary)
}
