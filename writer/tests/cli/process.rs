//! Writers as processes, and what they log.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use super::support::driftshm;

/// So long may anything take that should be quick.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// In memory, and with a name that is short enough for a socket.
pub fn directory() -> TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

/// Waits until something is so.
#[track_caller]
pub fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "never happened: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// A writer that does not outlive its test.
pub struct Writer {
    child: Child,
    log: Receiver<String>,
}

impl Drop for Writer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Writer {
    /// Starts one with a small region of the cluster `test`.
    pub fn start(dir: &TempDir, args: &[&str]) -> Self {
        Self::start_with(dir, args, &[])
    }

    /// The same with these variables.
    pub fn start_with(dir: &TempDir, args: &[&str], variables: &[(&str, &str)]) -> Self {
        let path = dir.path().to_str().unwrap();
        let mut command = driftshm(&["run", "--cluster", "test", "--dir", path]);
        command.args(["--max-users", "64", "--max-user-stats", "64", "--max-oracles", "64"]);
        command.args(args).envs(variables.iter().copied()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let (sender, log) = channel();
        std::thread::spawn(move || {
            // Read to its end also when nobody wants to know.
            stderr.lines().map_while(Result::ok).for_each(|line| drop(sender.send(line)));
        });
        Self { child, log }
    }

    #[cfg(feature = "metrics")]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The next line of its log that has this text.
    #[track_caller]
    pub fn line(&self, text: &str) -> String {
        let deadline = Instant::now() + PATIENCE;
        let mut seen = Vec::new();
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.log.recv_timeout(left) {
                Ok(line) if line.contains(text) => return line,
                Ok(line) => seen.push(line),
                Err(_) => panic!("no {text:?} in {seen:#?}"),
            }
        }
    }

    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Its exit status once it is over.
    pub fn wait(&mut self) -> Option<i32> {
        let mut status = None;
        until("it ends", || {
            status = self.child.try_wait().unwrap();
            status.is_some()
        });
        status.unwrap().code()
    }
}

/// A recording that no version of driftshm can read: its feed fails, and goes on failing.
pub fn unreadable_recording(dir: &TempDir) -> String {
    let (magic, rest, version) = (0x184D_2A5Du32, 16u32, 99u32);
    let mut bytes = [magic.to_le_bytes(), rest.to_le_bytes()].concat();
    bytes.extend(b"DRIFTREC");
    bytes.extend([version.to_le_bytes(), (!version).to_le_bytes()].concat());
    let path = dir.path().join("unreadable.rec");
    std::fs::write(&path, bytes).unwrap();
    path.to_str().unwrap().to_owned()
}
