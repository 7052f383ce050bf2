//! What whole-system tests in Rust have in common: real writers in directories of their own.
#![forbid(unsafe_code)]

use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use driftshm_layout::{FeedState, Region, State};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// Nothing that must happen takes longer.
pub const WATCHDOG: Duration = Duration::from_secs(30);

/// The program: `$DRIFTSHM_BINARY`, else one built now, in the way these tests were.
pub fn binary() -> PathBuf {
    if let Some(path) = std::env::var_os("DRIFTSHM_BINARY") {
        return path.into();
    }
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut build = Command::new(cargo);
    build.args(["build", "--quiet", "--locked", "--package", "driftshm-writer"]);
    build.current_dir(env!("CARGO_MANIFEST_DIR"));
    let built = build.status().expect("cargo can be run");
    assert!(built.success(), "the writer does not build");
    // `<target>/debug/deps/<this test>`
    let test = std::env::current_exe().expect("this test has a path");
    let target = test.ancestors().nth(3).expect("a test is in the target directory");
    target.join("debug").join("driftshm")
}

/// Looks again and again until there is something.
pub fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + WATCHDOG;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "not within {WATCHDOG:?}: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// A writer process on the simulated feed; it is killed, and its directory removed, when dropped.
pub struct Writer {
    process: Child,
    dir: TempDir,
    binary: PathBuf,
    arguments: Vec<String>,
}

impl Writer {
    /// Starts a writer and waits until its feed is live.
    pub fn start(arguments: &[&str]) -> Self {
        let base = Path::new("/dev/shm");
        let dir = match tempfile::tempdir_in(base) {
            Ok(dir) => dir,
            Err(_) => tempfile::tempdir().expect("there is a place for temporary files"),
        };
        let arguments: Vec<String> = arguments.iter().map(|text| (*text).to_owned()).collect();
        let binary = binary();
        let process = spawn(&binary, dir.path(), &arguments);
        let mut writer = Self { process, dir, binary, arguments };
        writer.await_live(0);
        writer
    }

    /// The directory of its region.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// Kills the writer, as the system would, and starts another one on the same directory.
    pub fn kill_and_restart(&mut self) {
        let generation = Region::open(self.dir()).expect("the region stays").generation();
        self.process.kill().expect("the writer runs");
        self.process.wait().expect("its end can be awaited");
        self.process = spawn(&self.binary, self.dir.path(), &self.arguments);
        self.await_live(generation);
    }

    /// Asks the writer to stop, and returns how it ended.
    pub fn stop(mut self) -> ExitStatus {
        let pid = Pid::from_child(&self.process);
        kill_process(pid, Signal::TERM).expect("the writer runs");
        until("the writer ends", || self.process.try_wait().expect("it is our child"))
    }

    /// Until a writer that is not of `generation` is live.
    fn await_live(&mut self, generation: u64) {
        until("the writer is live", || {
            if let Some(status) = self.process.try_wait().expect("it is our child") {
                panic!("the writer ended: {status}");
            }
            let region = Region::open(self.dir.path()).ok()?;
            let is_live = region.generation() != generation
                && region.state() == Some(State::Live)
                && region.feed_state() == FeedState::Live;
            is_live.then_some(())
        });
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn spawn(binary: &Path, dir: &Path, arguments: &[String]) -> Child {
    let mut command = Command::new(binary);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("DRIFTSHM_") {
            command.env_remove(name);
        }
    }
    command.args(["run", "--cluster", "test", "--feed", "sim", "--log-level", "warn", "--dir"]);
    command.arg(dir).args(arguments).stdin(Stdio::null());
    command.spawn().expect("the writer can be started")
}
