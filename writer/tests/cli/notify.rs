//! What systemd hears on its socket.

use std::os::unix::net::UnixDatagram;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use tempfile::TempDir;

use super::process::{PATIENCE, Writer, directory, unreadable_recording};

/// The service manager's end.
struct Manager {
    socket: UnixDatagram,
    path: String,
}

impl Manager {
    fn new(dir: &TempDir) -> Self {
        let path = dir.path().join("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        Self { socket, path: path.to_str().unwrap().to_owned() }
    }

    fn hear(&self) -> String {
        let mut buffer = [0; 4096];
        let len = self.socket.recv(&mut buffer).expect("it says something");
        String::from_utf8(buffer[..len].to_vec()).unwrap()
    }

    /// What it hears up to the message with this line.
    fn until(&self, line: &str) -> Vec<String> {
        let deadline = Instant::now() + PATIENCE;
        let mut heard = Vec::new();
        while heard.last().is_none_or(|last: &String| !last.lines().any(|said| said == line)) {
            assert!(Instant::now() < deadline, "no {line:?} in {heard:?}");
            heard.push(self.hear());
        }
        heard
    }
}

#[test]
fn it_is_told_when_the_writer_is_ready_how_the_feed_is_and_that_it_stops() {
    let dir = directory();
    let manager = Manager::new(&dir);
    let variables = [("NOTIFY_SOCKET", manager.path.as_str())];
    let mut writer = Writer::start_with(&dir, &["--feed", "sim", "--users", "4"], &variables);
    let heard = manager.until("STATUS=feed live");
    assert!(heard.iter().any(|said| said == "READY=1\n"), "{heard:?}");
    assert!(!heard.iter().any(|said| said.contains("WATCHDOG")), "nobody has asked: {heard:?}");
    writer.signal(Signal::TERM);
    let heard = manager.until("STOPPING=1");
    assert_eq!(heard.len(), 1, "{heard:?}");
    assert_eq!(writer.wait(), Some(0));
}

#[test]
fn a_feed_that_is_down_keeps_no_writer_from_being_ready() {
    let dir = directory();
    let manager = Manager::new(&dir);
    let recording = unreadable_recording(&dir);
    let variables = [("NOTIFY_SOCKET", manager.path.as_str())];
    let _writer =
        Writer::start_with(&dir, &["--feed", "replay", "--replay", &recording], &variables);
    let heard = manager.until("STATUS=feed down");
    assert!(heard.iter().any(|said| said == "READY=1\n"), "{heard:?}");
}

#[test]
fn the_watchdog_is_fed_while_the_heart_beats_and_not_while_the_process_is_stopped() {
    let dir = directory();
    let manager = Manager::new(&dir);
    let variables = [("NOTIFY_SOCKET", manager.path.as_str()), ("WATCHDOG_USEC", "300000")];
    let asked = Instant::now();
    let writer = Writer::start_with(&dir, &["--feed", "sim", "--users", "4"], &variables);
    manager.until("READY=1");
    for _ in 0..5 {
        manager.until("WATCHDOG=1");
    }
    assert!(asked.elapsed() >= Duration::from_millis(300), "not more often than need be");
    writer.signal(Signal::STOP);
    manager.socket.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
    let mut buffer = [0; 64];
    while manager.socket.recv(&mut buffer).is_ok() {}
    manager.socket.set_read_timeout(Some(PATIENCE)).unwrap();
    writer.signal(Signal::CONT);
    manager.until("WATCHDOG=1");
}

#[test]
fn a_manager_that_does_not_listen_holds_nothing_up() {
    let dir = directory();
    let manager = Manager::new(&dir);
    // Full already: the very first message finds no room.
    let stuffing = UnixDatagram::unbound().unwrap();
    stuffing.set_nonblocking(true).unwrap();
    while stuffing.send_to(b"X", &manager.path).is_ok() {}
    let variables = [("NOTIFY_SOCKET", manager.path.as_str()), ("WATCHDOG_USEC", "1000000")];
    let mut writer = Writer::start_with(&dir, &["--feed", "sim", "--users", "4"], &variables);
    writer.line("to=\"live\"");
    writer.signal(Signal::TERM);
    writer.line("left behind");
    assert_eq!(writer.wait(), Some(0));
    // Nor does one that is gone.
    drop(manager);
    let gone = dir.path().join("gone");
    let variables = [("NOTIFY_SOCKET", gone.to_str().unwrap())];
    let mut writer = Writer::start_with(&dir, &["--feed", "sim", "--users", "4"], &variables);
    writer.line("cannot tell systemd");
    writer.signal(Signal::TERM);
    assert_eq!(writer.wait(), Some(0));
}
