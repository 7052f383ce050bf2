//! Whole files, played through the queue.

mod recorded;

use std::fs;
use std::io::Write;
use std::sync::{Arc, Mutex};
use std::thread;

use std::time::Instant;

use crossbeam_channel::{Sender, unbounded};
use driftshm_layout::{Counter, FeedState, Pubkey};
use tempfile::NamedTempFile;

use super::*;
use crate::feeds::{AccountUpdate, Batch, FeedCommand, FeedEvent, Queue};

fn key(number: u8) -> Pubkey {
    Pubkey([number; 32])
}

/// A line for this account, with one byte of data and what else there is to say.
fn line(account: u8, rest: &str) -> String {
    format!("{{\"pubkey\":\"{}\",\"data\":\"AQ==\"{rest}}}\n", key(account))
}

fn file(text: &str) -> NamedTempFile {
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file
}

struct Running {
    queue: Arc<Queue>,
    commands: Sender<FeedCommand>,
    thread: thread::JoinHandle<Result<(), ReplayError>>,
    updates: Vec<AccountUpdate>,
    events: Vec<FeedEvent>,
}

fn start(options: ReplayOptions) -> Running {
    let queue = Queue::new();
    let (commands, receiver) = unbounded();
    let sink = Sink::new(Arc::clone(&queue), 1, receiver);
    let thread = thread::spawn(move || run(&options, 1_000, &sink));
    Running { queue, commands, thread, updates: Vec::new(), events: Vec::new() }
}

fn play(file: &NamedTempFile) -> Running {
    start(ReplayOptions { path: file.path().to_owned(), repeat: false, speed: 1.0 })
}

impl Running {
    /// Collects what comes until `enough` says so, which must be within ten seconds.
    fn until(&mut self, mut enough: impl FnMut(&Self) -> bool) -> &mut Self {
        let watchdog = Instant::now() + Duration::from_secs(10);
        let mut batch = Batch::default();
        while !enough(self) {
            assert!(Instant::now() < watchdog, "{:?} {:?}", self.updates, self.events);
            self.queue.wait(Instant::now() + Duration::from_millis(50));
            self.queue.take(&mut batch);
            self.updates.append(&mut batch.updates);
            self.events.extend(batch.events.drain(..).map(|(_, event)| event));
        }
        self
    }

    fn until_updates(&mut self, count: usize) -> &mut Self {
        self.until(|it| it.updates.len() >= count)
    }

    fn stop(self) {
        drop(self.commands);
        self.thread.join().unwrap().unwrap();
    }

    fn slots(&self) -> Vec<u64> {
        self.updates.iter().map(|update| update.slot).collect()
    }

    fn bad_input(&self) -> u64 {
        let counts = self.events.iter().map(|event| match event {
            FeedEvent::Count(Counter::BadInput, count) => *count,
            _ => 0,
        });
        counts.sum()
    }
}

#[test]
fn lines_come_in_order_with_what_they_say_and_the_feed_then_stays_live() {
    let text = [
        line(1, ""),
        line(2, ",\"slot\":2000,\"write_version\":5,\"lamports\":6"),
        line(3, &format!(",\"owner\":\"{}\"", key(9))),
    ];
    let file = file(&text.concat());
    let mut running = play(&file);
    running.until(|it| it.events.iter().any(|event| matches!(event, FeedEvent::Slot(2003))));
    assert_eq!(running.slots(), [1000, 2000, 2001]);
    let [first, second, third] = &running.updates[..] else { panic!("{:?}", running.updates) };
    assert_eq!((first.pubkey, first.lamports, first.write_version), (key(1), 1, 0));
    assert_eq!((second.pubkey, second.lamports, second.write_version), (key(2), 6, 5));
    assert_eq!((third.owner, &third.data[..]), (Some(key(9)), &[1][..]));
    assert!(running.updates.iter().all(|update| update.received_ns > 0));
    let states: Vec<_> =
        running.events.iter().filter(|event| matches!(event, FeedEvent::State(_))).collect();
    assert_eq!(states, [&FeedEvent::State(FeedState::Syncing), &FeedEvent::State(FeedState::Live)]);
    running.stop();
}

#[test]
fn closed_accounts_are_brought_as_closed() {
    let closed = format!("{{\"pubkey\":\"{}\",\"data\":null}}\n", key(1));
    let file = file(&[line(1, ""), closed, line(2, ",\"lamports\":0")].concat());
    let mut running = play(&file);
    running.until_updates(3);
    let found: Vec<_> = running.updates.iter().map(|it| (it.lamports, it.data.len())).collect();
    assert_eq!(found, [(1, 1), (0, 0), (0, 0)]);
    running.stop();
}

/// Collects what is logged on this thread.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_bad_line_is_reported_with_its_number_counted_and_skipped() {
    let text = format!("\n{}{{\"pubkey\":\n\n{}junk\n", line(1, ""), line(2, ""));
    let file = file(&text);
    let queue = Queue::new();
    let (commands, receiver) = unbounded();
    let sink = Sink::new(Arc::clone(&queue), 1, receiver);
    let options = ReplayOptions { path: file.path().to_owned(), repeat: false, speed: 1.0 };
    let log = Log::default();
    let writer = log.clone();
    let thread = thread::spawn(move || {
        let log = tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone());
        tracing::subscriber::with_default(log.finish(), || run(&options, 1_000, &sink))
    });
    let (updates, events) = (Vec::new(), Vec::new());
    let mut running = Running { queue, commands, thread, updates, events };
    running.until(|it| it.updates.len() == 2 && it.bad_input() == 2);
    assert_eq!(running.slots(), [1000, 1001]);
    running.stop();
    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    let name = file.path().display();
    assert!(log.contains(&format!("{name}: line 3 is skipped: it is not the JSON")), "{log}");
    assert!(log.contains(&format!("{name}: line 6 is skipped")), "{log}");
    // The end of the file is logged, too, unless the feed is stopped before.
    assert_eq!(log.matches("is skipped").count(), 2, "{log}");
}

#[test]
fn repeated_lines_keep_rising_and_bad_ones_are_counted_once() {
    let text = [line(1, ",\"slot\":5,\"delay_ms\":1"), "junk\n".to_owned(), line(2, ",\"slot\":7")];
    let file = file(&text.concat());
    let mut running =
        start(ReplayOptions { path: file.path().to_owned(), repeat: true, speed: 1.0 });
    running.until_updates(6);
    assert_eq!(running.slots()[..6], [1000, 1002, 1003, 1005, 1006, 1008]);
    assert_eq!(running.bad_input(), 1);
    let complete = running.events.iter().filter(|event| **event == FeedEvent::Complete);
    assert_eq!(complete.count(), 1, "after the first pass");
    running.stop();
}

#[test]
fn repeating_nothing_waits_ticks_and_sees_what_is_added() {
    let mut file = file("\njunk\n");
    let mut running =
        start(ReplayOptions { path: file.path().to_owned(), repeat: true, speed: 1.0 });
    running.until(|it| it.events.iter().any(|event| matches!(event, FeedEvent::Slot(1001))));
    assert_eq!((running.updates.len(), running.bad_input()), (0, 1));
    file.write_all(line(1, "").as_bytes()).unwrap();
    running.until_updates(1);
    running.stop();
}

#[test]
fn delays_are_kept_scaled_by_the_speed_and_slots_tick_meanwhile() {
    let text = [line(1, ""), line(2, ",\"delay_ms\":12000"), line(3, ",\"delay_ms\":1e7")];
    let file = file(&text.concat());
    let began = Instant::now();
    let mut running =
        start(ReplayOptions { path: file.path().to_owned(), repeat: false, speed: 10.0 });
    running.until_updates(2);
    assert!(began.elapsed() >= Duration::from_millis(1_200));
    assert!(running.events.contains(&FeedEvent::Slot(1002)));
    // A slot that has ticked by does not change what the lines say.
    assert_eq!(running.slots(), [1000, 1001]);
    // The third line is a quarter of an hour away: it must not keep the feed from stopping.
    running.queue.stop();
    running.thread.join().unwrap().unwrap();
}

#[test]
fn an_account_that_is_asked_for_is_brought_again_as_its_last_line_has_it() {
    let text = [line(1, ""), line(2, ""), line(1, ",\"write_version\":3")];
    let file = file(&text.concat());
    let mut running = play(&file);
    running.until_updates(3);
    for account in [1, 7, 2] {
        running.commands.send(FeedCommand::Follow(key(account))).unwrap();
    }
    running.until_updates(5);
    let again: Vec<_> =
        running.updates[3..].iter().map(|it| (it.pubkey, it.slot, it.write_version)).collect();
    assert_eq!(again, [(key(1), 1002, 3), (key(2), 1001, 0)]);
    // A file that was overwritten is not trusted.
    fs::write(file.path(), "x".repeat(1_000)).unwrap();
    running.commands.send(FeedCommand::Follow(key(1))).unwrap();
    running.until(|it| it.commands.is_empty());
    running.stop();
}

#[test]
fn what_cannot_be_replayed_is_an_error_that_says_so() {
    let queue = Queue::new();
    let (_commands, receiver) = unbounded();
    let sink = Sink::new(queue, 1, receiver);
    let play = |path: &Path, speed| {
        let options = ReplayOptions { path: path.to_owned(), repeat: false, speed };
        run(&options, 0, &sink).unwrap_err()
    };
    let missing = play(Path::new("/no/such/file.jsonl"), 1.0);
    assert!(matches!(missing, ReplayError::Open { .. }));
    assert!(missing.to_string().contains("/no/such/file.jsonl: No such file"), "{missing}");
    assert!(matches!(play(Path::new("/"), 1.0), ReplayError::Open { .. }));
    for speed in [0.0, -1.0, f64::NAN] {
        assert!(matches!(play(Path::new("/dev/null"), speed), ReplayError::Speed { .. }));
    }
}

#[test]
fn real_accounts_are_played_as_they_are() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/drift/accounts.jsonl");
    if !path.exists() {
        assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "{} is missing", path.display());
        println!("skipped: {} is missing", path.display());
        return;
    }
    let lines = fs::read_to_string(&path).unwrap().lines().count();
    let mut running = start(ReplayOptions { path, repeat: false, speed: 1.0 });
    running.until_updates(lines);
    assert_eq!(running.slots(), (1_000..1_000 + lines as u64).collect::<Vec<_>>());
    assert_eq!(running.bad_input(), 0);
    let profile = driftshm_layout::profile::Profile::builtin("drift-v2").unwrap();
    assert!(running.updates.iter().all(|update| profile.classify(&update.data).is_some()));
    running.stop();
}
