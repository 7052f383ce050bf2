//! What feeds brought, recorded by a running writer, and replayed into other regions.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use driftshm_layout::journal::Next;
use driftshm_layout::profile::Kind;
use driftshm_layout::{Capacities, Region, State};
use driftshm_writer::feeds::Feed;
use driftshm_writer::feeds::replay::{self, ReplayOptions};
use driftshm_writer::feeds::sim::{self, SimOptions};
use driftshm_writer::recording::{Next as Read, Recording, Said};
use driftshm_writer::serve::ServeOptions;

use crate::support::*;

fn counter(region: &Region, name: &str) -> u64 {
    region.counters().find(|(known, _)| *known == name).map_or(0, |(_, count)| count)
}

fn serve(dir: &Path, record: Option<PathBuf>) -> ServeOptions {
    let capacities = Capacities { journal: 1 << 18, ..Capacities::default() };
    ServeOptions { capacities, record, ..options(dir) }
}

/// Every account's bytes, version and stamp, in the records' order.
fn accounts(region: &Region) -> String {
    let mut text = String::new();
    for record in Kind::ALL.into_iter().flat_map(|kind| region.accounts(kind)) {
        let (Some(pubkey), Ok(known)) = (region.pubkey(&record), region.snapshot(&record)) else {
            continue;
        };
        let meta = known.meta;
        let _ = writeln!(
            text,
            "{} {} {pubkey} {} {} {} {} {:?}",
            record.number,
            record.kind,
            meta.version,
            meta.slot,
            meta.write_version,
            meta.source,
            known.data
        );
    }
    text
}

/// What was published, in its order: record, version, slot.
fn journal(region: &Region) -> Vec<(u32, u64, u64)> {
    let mut entries = Vec::new();
    loop {
        match region.journal(entries.len() as u64) {
            Next::Entry(entry) => {
                let account = region.record(entry.record).unwrap();
                let version = entry.version(region.version(&account));
                entries.push((entry.record, version, entry.slot));
            }
            Next::Empty => return entries,
            Next::Lapped(count) => panic!("the journal is too small: {count}"),
        }
    }
}

fn simulate(dir: &Path, file: &Path) -> Arc<Region> {
    let options = SimOptions { users: 60, cold_users: 0, rate: 5_000, ..SimOptions::default() };
    let feed = Feed::new("sim", move |slot, sink| {
        sim::run(profile(), &options, slot, sink);
        Ok(())
    });
    let (stop, thread) = run(serve(dir, Some(file.to_owned())), vec![feed]);
    until("the region opens", || Region::open(dir).is_ok());
    let region = Arc::new(Region::open(dir).unwrap());
    until("much is published", || counter(&region, "published") > 8_000);
    drop(stop);
    thread.join().unwrap().unwrap();
    assert_eq!(region.state(), Some(State::Stopped));
    region
}

fn replayed(dir: &Path, file: &Path, published: u64) -> Arc<Region> {
    let options = ReplayOptions { path: file.to_owned(), repeat: false, speed: f64::INFINITY };
    let feed = Feed::new("replay", move |slot, sink| {
        replay::run(&options, slot, sink).map_err(|error| error.to_string())
    });
    let (stop, thread) = run(serve(dir, None), vec![feed]);
    until("the region opens", || Region::open(dir).is_ok());
    let region = Arc::new(Region::open(dir).unwrap());
    until("all is published", || counter(&region, "published") >= published);
    // Whatever else might come, and must not.
    std::thread::sleep(NOTHING);
    drop(stop);
    thread.join().unwrap().unwrap();
    region
}

#[test]
fn a_recording_gives_the_same_region_each_time_it_is_replayed() {
    let dir = temp_dir();
    let file = dir.path().join("recording");
    let original = simulate(&dir.path().join("a"), &file);
    let published = counter(&original, "published");
    let first = replayed(&dir.path().join("b"), &file, published);
    let second = replayed(&dir.path().join("c"), &file, published);
    assert_eq!(journal(&first), journal(&second));
    assert_eq!(accounts(&first), accounts(&second));
    assert_eq!(counter(&original, "conflated"), 0, "else the comparison means less");
    assert_eq!(journal(&first), journal(&original));
    assert_eq!(accounts(&first), accounts(&original));
    assert!(accounts(&first).lines().count() > 80);
    let size = file.metadata().unwrap().len();
    let bytes: usize = original.accounts(Kind::User).count() * 4376;
    println!("{published} versions in a recording of {size} bytes; the users alone have {bytes}");
}

#[test]
fn a_recording_that_begins_later_begins_with_what_the_region_has() {
    let dir = temp_dir();
    let (region, file) = (dir.path().join("a"), dir.path().join("recording"));
    let writer = Writer::start(&region);
    writer.bring([perp(0, 8), pyth(key(200), 5, 10), user(key(1), 10), user(key(2), 10)]);
    let old = accounts(&writer.region());
    writer.stop().unwrap();
    let writer = Writer::with(ServeOptions { record: Some(file.clone()), ..options(&region) });
    writer.bring([user(key(3), 20)]);
    let all = accounts(&writer.region());
    writer.stop().unwrap();
    assert!(all.len() > old.len());
    let mut recording = Recording::open(&file).unwrap();
    let mut seen = Vec::new();
    while let Read::Item(item) = recording.read_next().unwrap().0 {
        if let Said::Account(update) = item.said {
            seen.push((update.pubkey, item.at_first));
        }
    }
    // What came while the region was read may be in its state already.
    let expected = [(key(200), true), (key(1), true), (key(2), true)];
    assert_eq!(seen[1..4], expected, "after the market, its oracle and the users");
    assert!(seen[0].1 && seen.last() == Some(&(key(3), false)));
    let again = replayed(&dir.path().join("b"), &file, 5);
    for key in [1, 2, 3].map(key) {
        let bytes = |region: &Region| region.snapshot(&region.find(&key).unwrap()).unwrap().data;
        assert_eq!(bytes(&again), bytes(&Region::open(&region).unwrap()));
    }
    assert_eq!(price_of(&again, Kind::PerpMarket, 0), Some(5_000_000));
}

#[test]
fn a_file_that_cannot_be_recorded_to_is_said_before_anything_is_touched() {
    let dir = temp_dir();
    let file = dir.path().join("precious");
    std::fs::write(&file, "precious").unwrap();
    let region = dir.path().join("a");
    let options = ServeOptions { record: Some(file.clone()), ..options(&region) };
    let (_stop, thread) = run(options, vec![feed().0]);
    let error = thread.join().unwrap().unwrap_err().to_string();
    assert!(
        error.contains("something else in it already") && error.contains("--record"),
        "{error}"
    );
    assert!(!region.exists());
    assert_eq!(std::fs::read(&file).unwrap(), b"precious");
}

#[test]
fn what_comes_just_before_the_writer_ends_is_recorded_and_that_it_ended() {
    let dir = temp_dir();
    let file = dir.path().join("recording");
    let writer =
        Writer::with(ServeOptions { record: Some(file.clone()), ..options(&dir.path().join("a")) });
    for slot in 1..50 {
        writer.bring([user(key(1), slot)]);
    }
    writer.stop().unwrap();
    let mut recording = Recording::open(&file).unwrap();
    let (mut last, mut ended) = (0, false);
    while let Read::Item(item) = recording.read_next().unwrap().0 {
        match item.said {
            Said::Account(update) => last = update.slot,
            Said::End => ended = true,
            _ => {}
        }
    }
    assert_eq!((last, ended), (49, true));
}
