//! A writer in a process of its own: signals, descriptors, and sudden death.

use std::path::Path;
use std::process::Child;
use std::time::Duration;

use driftshm_layout::control::{ErrorCode, Filter};
use driftshm_layout::profile::Kind;
use driftshm_layout::{Region, State, dir};
use driftshm_writer::feeds::replay::ReplayOptions;
use driftshm_writer::feeds::sim::SimOptions;
use driftshm_writer::serve::{FeedSpec, ServeError, ServeOptions, serve};
use rustix::process::{Pid, Resource, Rlimit, Signal, kill_process, setrlimit};

use crate::clients::{Raw, helper, helper_dir, kill};
use crate::support::*;

#[test]
#[ignore = "the other process of tests below"]
fn a_writer_by_itself() {
    if let Ok(limit) = std::env::var("HELPER_FILES") {
        let limit = limit.parse().ok();
        setrlimit(Resource::Nofile, Rlimit { current: limit, maximum: limit }).unwrap();
    }
    let sim =
        SimOptions { markets: 4, spot_markets: 2, users: 5, rate: 200, ..SimOptions::default() };
    let feeds = vec![FeedSpec::Sim(sim)];
    serve(ServeOptions { feeds, ..options(&helper_dir()) }, std::future::pending()).unwrap();
}

fn start(directory: &Path, files: Option<u32>) -> Child {
    let mut command = helper("processes::a_writer_by_itself", directory);
    if let Some(files) = files {
        command.env("HELPER_FILES", files.to_string());
    }
    let child = command.spawn().unwrap();
    until("the writer is live", || {
        Region::open(directory).is_ok_and(|region| {
            region.writer_alive()
                && region.state() == Some(State::Live)
                && region.accounts(Kind::User).count() > 0
        })
    });
    child
}

fn signal(child: &Child, signal: Signal) {
    kill_process(Pid::from_child(child), signal).unwrap();
}

fn descriptors(child: &Child) -> usize {
    std::fs::read_dir(format!("/proc/{}/fd", child.id())).unwrap().count()
}

/// Processor time so far, in hundredths of a second.
fn processor_time(child: &Child) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", child.id())).unwrap();
    let fields: Vec<_> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
}

#[test]
fn both_signals_end_it_in_an_orderly_way() {
    for wish in [Signal::TERM, Signal::INT] {
        let dir = temp_dir();
        let mut child = start(dir.path(), None);
        signal(&child, wish);
        assert!(child.wait().unwrap().success());
        assert_eq!(Region::open(dir.path()).unwrap().state(), Some(State::Stopped));
        assert!(!dir::socket_path(dir.path()).exists());
    }
}

#[test]
fn a_writer_that_is_killed_leaves_a_region_that_the_next_one_carries_on_with() {
    let dir = temp_dir();
    let child = start(dir.path(), None);
    let region = Region::open(dir.path()).unwrap();
    let users: Vec<_> =
        region.accounts(Kind::User).filter_map(|user| region.pubkey(&user)).collect();
    kill(child);
    until("it is seen to be dead", || !region.writer_alive());
    let price = price_of(&region, Kind::PerpMarket, 0);
    let slot = region.slot();
    assert!(dir::socket_path(dir.path()).exists(), "nobody has tidied up");

    let writer = Writer::start(dir.path());
    is_alive(&region);
    assert!(writer.start_slot > slot);
    assert!(users.len() > 1 && users.iter().all(|user| region.find(user).is_some()));
    assert_eq!(price_of(&region, Kind::PerpMarket, 0), price);
    drop(Raw::greeted(dir.path()));
}

#[test]
fn bots_that_come_and_go_leave_no_descriptor_behind() {
    let dir = temp_dir();
    let child = start(dir.path(), None);
    let client = Raw::greeted(dir.path());
    client.status();
    let before = descriptors(&child);
    for _ in 0..4 {
        let bots: Vec<_> = (0..50).map(|_| Raw::greeted(dir.path())).collect();
        for bot in &bots {
            bot.subscribe(&Filter::everything()).unwrap();
            bot.subscribe(&Filter { pubkeys: vec![key(1)], ..Filter::default() }).unwrap();
        }
        let junk = Raw::connect(dir.path());
        junk.send(b"junk");
        let status = client.status();
        assert_eq!((status.subscriptions, status.watched), (100, 1));
        assert!(descriptors(&child) >= before + 150);
        drop(bots);
        drop(junk);
        until("all is given back", || {
            let status = client.status();
            status.connections == 1 && status.subscriptions == 0 && descriptors(&child) == before
        });
    }
    kill(child);
}

#[test]
fn without_descriptors_bots_are_told_and_the_writer_neither_spins_nor_falls() {
    let dir = temp_dir();
    let child = start(dir.path(), Some(40));
    let bots: Vec<_> = (0..20).map(|_| Raw::greeted(dir.path())).collect();
    let refused = bots.iter().find_map(|bot| bot.subscribe(&Filter::everything()).err());
    assert_eq!(refused, Some(ErrorCode::Resources));
    // These cannot even be accepted; they wait where they are.
    let waiting: Vec<_> = (0..30).map(|_| Raw::connect(dir.path())).collect();
    let before = processor_time(&child);
    std::thread::sleep(Duration::from_secs(1));
    let used = processor_time(&child) - before;
    assert!(used < 30, "{used} hundredths of a second of processor time in one second");
    drop(bots);
    drop(waiting);
    until("there is room again", || {
        Raw::greeted(dir.path()).subscribe(&Filter::everything()).is_ok()
    });
    is_alive(&Region::open(dir.path()).unwrap());
    kill(child);
}

#[test]
fn a_recording_that_is_not_there_is_said_before_anything_is_touched() {
    let dir = temp_dir();
    for path in [dir.path().join("no such file"), dir.path().to_owned()] {
        let replay =
            FeedSpec::Replay(ReplayOptions { path: path.clone(), repeat: false, speed: 1.0 });
        let options = ServeOptions { feeds: vec![replay], ..options(&dir.path().join("home")) };
        let outcome = serve(options, std::future::pending());
        let Err(ServeError::Recording { path: said, .. }) = outcome else { panic!("{outcome:?}") };
        assert_eq!(said, path);
    }
    assert!(!dir.path().join("home").exists());
}
