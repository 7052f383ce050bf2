//! `run` and `watch` as processes: starting, stopping, dying, following.

use std::io::{BufRead, BufReader};
use std::os::fd::OwnedFd;
use std::process::{Child, ChildStdout, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use super::support::{complaint, driftshm, run};

/// So long may anything take that should be quick.
const PATIENCE: Duration = Duration::from_secs(20);

/// A process that does not outlive its test.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Process {
    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.0), signal).unwrap();
    }

    /// Its exit status once it is over.
    fn wait(&mut self) -> Option<i32> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.0.try_wait().unwrap() {
                return status.code();
            }
            assert!(Instant::now() < deadline, "it does not end");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn lines(&mut self) -> BufReader<ChildStdout> {
        BufReader::new(self.0.stdout.take().unwrap())
    }
}

/// In memory, and with a name that is short enough for a socket.
fn directory() -> TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

fn spawn(args: &[&str]) -> Process {
    let mut command = driftshm(args);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    Process(command.spawn().unwrap())
}

/// A simulated writer in a small region, once it is live.
fn writer(dir: &str) -> Process {
    let region = ["--max-users", "64", "--max-user-stats", "64", "--max-oracles", "64"];
    let run = ["run", "--cluster", "sim", "--dir", dir, "--users", "4", "--rate", "500"];
    let process = spawn(&[&run[..], &region].concat());
    let pid = process.0.id();
    until(|| {
        let ran = self::run(&mut driftshm(&["status", "--json", "--dir", dir]));
        ran.code == Some(0)
            && ran.json()["writer"]["pid"] == pid
            && ran.json()["feed"]["state"] == "live"
    });
    process
}

fn until(mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "it does not come to pass");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_writer_whose_log_nobody_reads_ends_when_told_to() {
    let dir = directory();
    let path = dir.path().to_str().unwrap();
    let args = ["run", "--cluster", "sim", "--dir", path, "--users", "4", "--max-users", "64"];
    let mut command = driftshm(&args);
    // Full already: the very first line finds no room.
    let (unread, full) = full_pipe();
    command.stdout(Stdio::null()).stderr(Stdio::from(full));
    let mut process = Process(command.spawn().unwrap());
    drop(command);
    until(|| run(&mut driftshm(&["status", "--dir", path])).code == Some(0));
    process.signal(Signal::TERM);
    assert_eq!(process.wait(), Some(0));
    drop(unread);
}

/// A pipe that takes no more; its end to be kept, and the one to write to.
fn full_pipe() -> (OwnedFd, OwnedFd) {
    let (unread, full) = rustix::pipe::pipe().unwrap();
    rustix::io::ioctl_fionbio(&full, true).unwrap();
    while rustix::io::write(&full, &[b'x'; 4096]).is_ok() {}
    rustix::io::ioctl_fionbio(&full, false).unwrap();
    (unread, full)
}

#[test]
fn a_complaint_that_nobody_hears_changes_no_exit_status() {
    let dir = directory();
    let path = dir.path().to_str().unwrap();
    for (args, code) in [(["status", "--dir", path], 4), (["run", "--feed", "sim"], 2)] {
        let (unread, closed) = rustix::pipe::pipe().unwrap();
        drop(unread);
        let (_unread, full) = full_pipe();
        for stderr in [closed, full] {
            let mut command = driftshm(&args);
            command.stdout(Stdio::null()).stderr(Stdio::from(stderr));
            let mut process = Process(command.spawn().unwrap());
            assert_eq!(process.wait(), Some(code), "{args:?}");
        }
    }
}

#[test]
fn a_writer_runs_until_it_is_told_to_stop() {
    let temp = directory();
    let dir = temp.path().to_str().unwrap();
    for signal in [Signal::TERM, Signal::INT] {
        let mut process = writer(dir);
        let status = run(&mut driftshm(&["status", "--json", "--dir", dir])).json();
        assert_eq!(status["writer"]["version"], env!("CARGO_PKG_VERSION"));
        assert_eq!(status["socket"]["connections"], 0);
        assert_eq!(status["socket"]["feeds"][0]["name"], "sim");
        assert_eq!(status["socket"]["feeds"][0]["state"], "live");
        let said = complaint(&mut driftshm(&["run", "--cluster", "sim", "--dir", dir]), 1);
        assert!(
            said.contains(&format!("another writer (pid {}) already runs", process.0.id())),
            "{said}"
        );
        process.signal(signal);
        assert_eq!(process.wait(), Some(0));
        let status = run(&mut driftshm(&["status", "--json", "--dir", dir]));
        assert_eq!((status.code, status.json()["state"].as_str()), (Some(3), Some("stopped")));
    }
}

#[test]
fn doctor_is_content_with_a_writer_that_runs() {
    let temp = directory();
    let dir = temp.path().to_str().unwrap();
    let _writer = writer(dir);
    let ran = run(&mut driftshm(&["doctor", "--json", "--dir", dir]));
    assert_eq!(ran.code, Some(0), "{}", ran.stdout);
    let json = ran.json();
    for check in ["socket", "version", "writer", "feed", "open files"] {
        let finding = json["findings"].as_array().unwrap().iter().find(|f| f["check"] == check);
        assert_eq!(finding.unwrap()["verdict"], "ok", "{json}");
    }
}

#[test]
fn watch_prints_the_changes_that_pass_its_filter() {
    let temp = directory();
    let dir = temp.path().to_str().unwrap();
    let _writer = writer(dir);
    let args = ["watch", "--perp", "sol-perp,1", "--spot", "0", "--count", "20", "--json"];
    let ran = run(driftshm(&args).args(["--dir", dir]));
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let lines: Vec<serde_json::Value> =
        ran.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 20);
    for line in &lines {
        match line["kind"].as_str().unwrap() {
            "perp_market" => {
                assert!(line["index"] == 0 || line["index"] == 1, "{line}");
                assert!(line["mark_price"].is_i64(), "{line}");
            }
            "spot_market" => assert_eq!(line["index"], 0),
            other => panic!("{other}"),
        }
    }
    let text =
        run(&mut driftshm(&["watch", "--kind", "user,oracle", "--count", "5", "--dir", dir]))
            .stdout;
    assert_eq!(text.lines().count(), 5);
    assert!(
        text.lines().all(|line| line.contains("  user  ") || line.contains("  oracle  ")),
        "{text}"
    );
}

#[test]
fn every_single_version_comes_without_conflation() {
    let temp = directory();
    let dir = temp.path().to_str().unwrap();
    let _writer = writer(dir);
    let args = ["watch", "--perp", "0", "--no-conflate", "--count", "30", "--json", "--dir", dir];
    let ran = run(&mut driftshm(&args));
    let versions: Vec<u64> = ran
        .stdout
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
        .map(|line| line["version"].as_u64().unwrap())
        .collect();
    assert!(versions.windows(2).all(|pair| pair[1] == pair[0] + 1), "{versions:?}");
}

#[test]
fn watch_follows_a_writer_that_was_killed_and_started_again() {
    let temp = directory();
    let dir = temp.path().to_str().unwrap();
    let first = writer(dir);
    let mut watch = spawn(&["watch", "--perp", "0", "--dir", dir]);
    let mut lines = watch.lines().lines();
    assert!(lines.next().unwrap().unwrap().contains("SOL-PERP"));
    first.signal(Signal::KILL);
    drop(first);
    until(|| run(&mut driftshm(&["status", "--dir", dir])).code == Some(3));
    let _second = writer(dir);
    let get = run(&mut driftshm(&["get", "perp", "0", "--json", "--dir", dir])).json();
    let version = get["version"].as_u64().unwrap();
    let newer = lines.find(|line| {
        let line = line.as_ref().unwrap();
        let seen = line.split_whitespace().find_map(|word| word.strip_prefix('v')?.parse().ok());
        seen.is_some_and(|seen: u64| seen > version)
    });
    assert!(newer.is_some());
    let said = BufReader::new(watch.0.stderr.take().unwrap()).lines();
    let said: Vec<String> = said.map(Result::unwrap).take(2).collect();
    assert!(said[0].contains("the writer is gone"), "{said:?}");
    assert!(said[1].contains("there again"), "{said:?}");
    watch.signal(Signal::INT);
    assert_eq!(watch.wait(), Some(0));
}

#[test]
fn watch_ends_when_nobody_reads_it_even_if_nothing_changes() {
    let temp = directory();
    let dir = temp.path().to_str().unwrap();
    let _writer = writer(dir);
    // This market does not exist: there is never anything to print.
    let mut watch = spawn(&["watch", "--perp", "200", "--dir", dir]);
    until(|| {
        let status = run(&mut driftshm(&["status", "--json", "--dir", dir])).json();
        status["socket"]["subscriptions"] == 1
    });
    drop(watch.0.stdout.take());
    assert_eq!(watch.wait(), Some(0));
}

#[test]
fn watch_without_a_writer_says_so() {
    let temp = directory();
    let dir = temp.path().to_str().unwrap();
    let mut process = writer(dir);
    process.signal(Signal::TERM);
    process.wait();
    let said = complaint(&mut driftshm(&["watch", "--dir", dir]), 1);
    assert!(said.contains("no writer listens"), "{said}");
}

#[test]
fn the_log_is_lines_or_objects() {
    let temp = directory();
    let dir = temp.path().to_str().unwrap();
    let mut process = spawn(&["run", "--cluster", "sim", "--dir", dir, "--log-format", "json"]);
    let log = BufReader::new(process.0.stderr.take().unwrap());
    let live = log
        .lines()
        .map(|line| -> serde_json::Value { serde_json::from_str(&line.unwrap()).unwrap() });
    let live = live.into_iter().find(|line| line["cluster"] == "sim").unwrap();
    assert_eq!(live["level"], "info");
    assert!(live["time"].as_f64().unwrap() > 1.6e9);
    process.signal(Signal::TERM);
    process.wait();
}

#[test]
fn a_directory_that_everybody_may_write_to_is_warned_of() {
    use std::os::unix::fs::PermissionsExt;
    let dir = directory();
    std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o777)).unwrap();
    let writer = super::process::Writer::start(&dir, &["--feed", "sim", "--users", "4"]);
    let said = writer.line("every user may write to");
    assert!(said.contains("WARN") && said.contains("chmod o-w"), "{said}");
}
