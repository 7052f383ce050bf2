//! Starting, ending, and what gets lost in between.

use std::os::unix::fs::FileTypeExt;
use std::sync::Mutex;
use std::sync::mpsc::channel;
use std::time::Duration;

use driftshm_layout::control::{Filter, Subscription};
use driftshm_layout::profile::Kind;
use driftshm_layout::{FeedState, Region, State, WriterError, dir};
use driftshm_writer::feeds::{FeedCommand, Sink};
use driftshm_writer::serve::{Feed, ServeError, ServeOptions, serve_feeds};

use crate::clients::Raw;
use crate::support::*;

#[test]
fn an_orderly_end_publishes_what_waits_says_stopped_and_takes_the_socket_away() {
    let dir = temp_dir();
    let writer = Writer::start(dir.path());
    let region = writer.region();
    assert!(dir::socket_path(dir.path()).metadata().unwrap().file_type().is_socket());
    is_alive(&region);
    writer.send((0..16).map(|number| user(key(number), 10)));
    writer.stop().unwrap();
    assert_eq!(region.state(), Some(State::Stopped));
    assert!(!region.writer_alive());
    assert_eq!(region.accounts(Kind::User).count(), 16);
    assert!(!dir::socket_path(dir.path()).exists());
}

#[test]
fn a_feed_that_does_not_stop_holds_up_nothing() {
    let dir = temp_dir();
    let (sender, started) = channel();
    let stubborn = Feed::new("stubborn", move |_, _| {
        sender.send(()).unwrap();
        loop {
            std::thread::park();
        }
    });
    let (stop, thread) = run(options(dir.path()), vec![stubborn]);
    started.recv_timeout(PATIENCE).unwrap();
    drop(stop);
    thread.join().unwrap().unwrap();
    assert_eq!(Region::open(dir.path()).unwrap().state(), Some(State::Stopped));
}

#[test]
fn a_second_writer_is_refused_and_the_first_goes_on() {
    let dir = temp_dir();
    let writer = Writer::start(dir.path());
    let mut subscription = writer.subscribe(Filter::everything());
    let second = serve_feeds(&options(dir.path()), vec![feed().0], std::future::pending());
    assert!(matches!(second, Err(ServeError::Region(WriterError::Locked { .. }))), "{second:?}");
    let mut items = Vec::new();
    subscription.drain(10, &mut items);
    writer.bring([user(key(1), 10)]);
    assert!(subscription.wait(Some(PATIENCE)).unwrap());
    drop(Raw::greeted(dir.path()));
}

#[test]
fn a_stale_socket_file_is_no_hindrance() {
    let dir = temp_dir();
    drop(std::os::unix::net::UnixListener::bind(dir::socket_path(dir.path())).unwrap());
    let _writer = Writer::start(dir.path());
    drop(Raw::greeted(dir.path()));
}

#[test]
fn what_is_wrong_with_the_options_is_said_before_anything_is_touched() {
    let dir = temp_dir();
    let deep = dir.path().join("x".repeat(100));
    let outcome = serve_feeds(&options(&deep), vec![feed().0], std::future::pending());
    let Err(ServeError::Options(what)) = outcome else { panic!("{outcome:?}") };
    assert!(what.contains("--dir"), "{what}");
    assert!(!deep.exists());
    let outcome = serve_feeds(&options(dir.path()), Vec::new(), std::future::pending());
    assert!(matches!(outcome, Err(ServeError::Options(_))), "{outcome:?}");
    assert!(!dir::region_path(dir.path()).exists());
}

#[test]
fn a_restarted_writer_has_every_account_and_knows_again_who_reads_which_oracle() {
    let dir = temp_dir();
    let first = Writer::start(dir.path());
    first.bring([
        pyth(key(200), 5, 10),
        market(Kind::PerpMarket, 0, key(200), "Pyth", 10),
        market(Kind::PerpMarket, 1, key(200), "Pyth1K", 10),
        market(Kind::SpotMarket, 0, key(0), "QuoteAsset", 10),
        market(Kind::SpotMarket, 1, key(201), "Pyth", 12),
        user(key(1), 10),
    ]);
    let published = first.counter("published");
    let region = first.region();
    first.stop().unwrap();

    let second = Writer::start(dir.path());
    assert_eq!(second.start_slot, 13, "behind everything that is there");
    assert_eq!(second.counter("published"), published, "and nothing had to be mended");
    assert!(region.find(&key(1)).is_some(), "it is the same region");
    is_alive(&region);
    // The oracle moves, no market does.
    second.bring([pyth(key(200), 6, 20), pyth(key(201), 9, 20)]);
    assert_eq!(price_of(&region, Kind::PerpMarket, 0), Some(6_000_000));
    assert_eq!(price_of(&region, Kind::PerpMarket, 1), Some(6_000_000_000));
    assert_eq!(price_of(&region, Kind::SpotMarket, 0), Some(1_000_000));
    assert_eq!(price_of(&region, Kind::SpotMarket, 1), Some(9_000_000));
    let follows: Vec<_> = second.sink.commands().try_iter().collect();
    assert!(follows.contains(&FeedCommand::Follow(key(200))));
    assert!(follows.contains(&FeedCommand::Follow(key(201))));
    second.bring([market(Kind::PerpMarket, 1, key(200), "Pyth", 21)]);
    assert_eq!(price_of(&region, Kind::PerpMarket, 1), Some(6_000_000));
}

#[test]
fn a_region_that_is_removed_is_made_anew_and_subscriptions_go_on() {
    let dir = temp_dir();
    let writer = Writer::start(dir.path());
    writer.bring([perp(0, 10), user(key(1), 10)]);
    let old = writer.region();
    let mut subscription = writer.subscribe(Filter { pubkeys: vec![key(1)], ..Filter::default() });
    let mut items = Vec::new();
    subscription.drain(10, &mut items);
    std::fs::remove_file(dir::region_path(dir.path())).unwrap();
    until("another takes its place", || matches!(old.successor(), Ok(Some(_))));
    assert_eq!(old.state(), Some(State::Superseded));
    let new = writer.region();
    assert_eq!(new.state(), Some(State::Live));
    until("that is counted", || writer.counter("remade") == 1);
    assert!(new.find(&key(1)).is_some() && new.at(Kind::PerpMarket, 0).is_some());
    writer.bring([user(key(1), 11)]);
    until_change(&mut subscription);
    assert_eq!(subscription.region().meta(&new.find(&key(1)).unwrap()).unwrap().slot, 11);
    assert!(subscription.is_connected());
}

fn until_change(subscription: &mut Subscription) {
    let mut items = Vec::new();
    until("a change", || {
        subscription.drain(10, &mut items);
        if items.is_empty() {
            subscription.wait(Some(Duration::from_millis(100))).unwrap();
        }
        !items.is_empty()
    });
}

#[test]
fn a_directory_that_is_removed_is_made_anew_with_lock_and_socket() {
    let dir = temp_dir();
    let home = dir.path().join("home");
    let writer = Writer::start(&home);
    writer.bring([user(key(1), 10)]);
    let old = Raw::greeted(&home);
    // In one step: the writer may be making it anew before all of it is gone.
    std::fs::rename(&home, dir.path().join("gone")).unwrap();
    std::fs::remove_dir_all(dir.path().join("gone")).unwrap();
    until("all is back", || dir::region_path(&home).exists() && dir::socket_path(&home).exists());
    until("it answers", || Raw::greeted(&home).status().connections >= 2);
    old.status();
    let second = serve_feeds(&options(&home), vec![feed().0], std::future::pending());
    assert!(matches!(second, Err(ServeError::Region(WriterError::Locked { .. }))), "{second:?}");
    writer.bring([user(key(1), 11)]);
    let region = writer.region();
    assert_eq!(region.meta(&region.find(&key(1)).unwrap()).unwrap().slot, 11);
}

#[test]
fn a_socket_that_is_removed_is_made_anew() {
    let dir = temp_dir();
    let _writer = Writer::start(dir.path());
    let path = dir::socket_path(dir.path());
    std::fs::remove_file(&path).unwrap();
    until("it is back", || path.exists());
    drop(Raw::greeted(dir.path()));
}

/// A newcomer's directory under the name that the writer's had, made in one step.
fn swap(
    home: &std::path::Path,
    orphan: &Writer,
) -> (Running, std::sync::mpsc::Receiver<(u64, Sink)>) {
    let beside = home.with_extension("new");
    std::fs::create_dir(&beside).unwrap();
    // Held until the orphan has seen it: it would take a lock that nobody has.
    let held = std::fs::File::create(dir::lock_path(&beside)).unwrap();
    rustix::fs::flock(&held, rustix::fs::FlockOperation::LockExclusive).unwrap();
    std::fs::rename(home, home.with_extension("old")).unwrap();
    std::fs::rename(&beside, home).unwrap();
    until("the orphan ends", || orphan.has_ended());
    drop(held);
    let (newcomer, sinks) = feed();
    (run(options(home), vec![newcomer]), sinks)
}

#[test]
fn a_writer_whose_directory_another_has_taken_ends_and_touches_nothing_of_the_others() {
    let dir = temp_dir();
    let home = dir.path().join("home");
    let orphan = Writer::start(&home);
    orphan.bring([user(key(1), 10)]);
    let old = orphan.region();
    let ((stop, thread), sinks) = swap(&home, &orphan);
    let outcome = orphan.ended();
    let Err(ServeError::Replaced(why)) = outcome else { panic!("{outcome:?}") };
    assert!(why.contains("already runs"), "{why}");
    assert_eq!(old.state(), Some(State::Live), "not `stopped`: readers look for another");
    let (_, sink) = sinks.recv_timeout(PATIENCE).unwrap();
    sink.state(FeedState::Live);
    let new = Region::open(&home).unwrap();
    until("it is live", || new.state() == Some(State::Live));
    assert!(new.find(&key(1)).is_none(), "it is the newcomer's own");
    is_alive(&new);
    assert_eq!(Raw::greeted(&home).status().feeds.len(), 1);
    assert!(dir::socket_path(&home).exists());
    drop(stop);
    thread.join().unwrap().unwrap();
}

fn is_locked(path: &std::path::Path) -> bool {
    let now = rustix::fs::FlockOperation::NonBlockingLockShared;
    std::fs::File::open(path).is_ok_and(|lock| rustix::fs::flock(&lock, now).is_err())
}

#[test]
fn a_lock_that_is_removed_is_made_anew_and_if_another_has_it_the_writer_ends() {
    let dir = temp_dir();
    let writer = Writer::start(dir.path());
    let path = dir::lock_path(dir.path());
    std::fs::remove_file(&path).unwrap();
    until("it is back", || is_locked(&path));
    let second = serve_feeds(&options(dir.path()), vec![feed().0], std::future::pending());
    assert!(matches!(second, Err(ServeError::Region(WriterError::Locked { .. }))), "{second:?}");
    std::fs::remove_file(dir::socket_path(dir.path())).unwrap();
    until("the socket is made anew all the same", || dir::socket_path(dir.path()).exists());

    let others = dir.path().join("others");
    let held = std::fs::File::create(&others).unwrap();
    rustix::fs::flock(&held, rustix::fs::FlockOperation::LockExclusive).unwrap();
    std::fs::rename(&others, &path).unwrap();
    let region = writer.region();
    let outcome = writer.ended();
    assert!(matches!(outcome, Err(ServeError::Replaced(_))), "{outcome:?}");
    assert_eq!(region.state(), Some(State::Live), "the region is the other's now");
}

#[test]
fn what_a_feed_does_not_bring_after_a_restart_is_not_vouched_for_until_it_does() {
    let dir = temp_dir();
    let first = Writer::start(dir.path());
    let quote = market(Kind::SpotMarket, 0, key(0), "QuoteAsset", 10);
    first.bring([quote, user(key(1), 10), user(key(2), 10), user(key(3), 10)]);
    first.bring([closed(key(3), 11)]);
    first.stop().unwrap();
    let second = Writer::start(dir.path());
    let region = second.region();
    let is_followed = |number| region.is_followed(&region.find(&key(number)).unwrap());
    let mut same = user(key(1), 10);
    same.slot = 20;
    second.bring([same]);
    assert!((0..4).all(is_followed), "the feed has not brought all yet");
    second.sink.complete();
    second.bring([]);
    assert!(is_followed(1), "brought, though unchanged");
    assert!(!is_followed(2), "it may be gone");
    assert!(is_followed(3), "closed, as it was");
    assert!(is_followed(0), "the quote asset is on no chain");
    second.bring([user(key(2), 21)]);
    assert!(is_followed(2));
    second.sink.complete();
    second.bring([]);
    assert!((0..4).all(is_followed), "said once");
}

#[test]
fn nothing_is_vouched_for_unless_all_feeds_are_live() {
    let dir = temp_dir();
    let (one, ones) = feed_named("one");
    let (two, twos) = feed_named("two");
    let (stop, thread) = run(options(dir.path()), vec![one, two]);
    let one = ones.recv_timeout(PATIENCE).unwrap().1;
    let two = twos.recv_timeout(PATIENCE).unwrap().1;
    one.send(&mut vec![user(key(1), 10)]);
    one.state(FeedState::Live);
    let region = Region::open(dir.path()).unwrap();
    until("the best one is shown", || region.feed_state() == FeedState::Live);
    until("it is there", || region.find(&key(1)).is_some());
    let record = region.find(&key(1)).unwrap();
    std::thread::sleep(NOTHING * 2);
    assert_eq!(region.vouched_ns(&record, 0), 0, "the other one may have more");
    two.state(FeedState::Live);
    until("vouched for", || region.vouched_ns(&record, 0) > 0);
    drop(stop);
    thread.join().unwrap().unwrap();
}

#[test]
fn a_feed_that_is_named_twice_is_refused() {
    let dir = temp_dir();
    let outcome = serve_feeds(&options(dir.path()), vec![feed().0, feed().0], async {});
    let Err(ServeError::Options(what)) = outcome else { panic!("{outcome:?}") };
    assert!(what.contains("test"), "{what}");
}

#[test]
fn a_feed_that_panics_or_fails_is_down_and_started_again_with_all_it_must_follow() {
    let dir = temp_dir();
    let (sender, sinks) = channel();
    let mishaps = Mutex::new(0);
    let clumsy = Feed::new("clumsy", move |_, sink| {
        sender.send(sink.clone()).unwrap();
        sink.state(FeedState::Live);
        let mut mishaps = mishaps.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        *mishaps += 1;
        match *mishaps {
            1 => panic!("oh"),
            2 => Err("well".to_owned()),
            _ => {
                while !sink.is_stopped() {
                    std::thread::sleep(Duration::from_millis(5));
                }
                Ok(())
            }
        }
    });
    let options = ServeOptions { users: vec![key(1)], ..options(dir.path()) };
    let (stop, thread) = run(options, vec![clumsy]);
    sinks.recv_timeout(PATIENCE).unwrap();
    let region = Region::open(dir.path()).unwrap();
    until("down", || region.feed_state() == FeedState::Down);
    is_alive(&region);
    sinks.recv_timeout(PATIENCE).expect("again after the panic");
    let sink = sinks.recv_timeout(PATIENCE).expect("again after the error");
    until("live", || region.feed_state() == FeedState::Live);
    let command = sink.commands().recv_timeout(PATIENCE).unwrap();
    assert_eq!(command, FeedCommand::Follow(key(1)));
    drop(stop);
    thread.join().unwrap().unwrap();
}

#[test]
fn a_feed_that_has_come_to_its_end_leaves_the_region_up() {
    let dir = temp_dir();
    let brief = Feed::new("brief", |slot, sink| {
        sink.send(&mut vec![user(key(1), slot)]);
        sink.state(FeedState::Live);
        Ok(())
    });
    let (stop, thread) = run(options(dir.path()), vec![brief]);
    let open = || Region::open(dir.path()).ok();
    until("its account is there", || open().is_some_and(|region| region.find(&key(1)).is_some()));
    let region = open().unwrap();
    until("it is down, whatever it said last", || region.feed_state() == FeedState::Down);
    is_alive(&region);
    drop(stop);
    thread.join().unwrap().unwrap();
}
