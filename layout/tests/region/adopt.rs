//! A writer that comes to a directory with a region in it.

use driftshm_layout::header::{ABI_VERSION, FIXED};
use driftshm_layout::journal::Next;
use driftshm_layout::profile::Kind;
use driftshm_layout::{
    Capacities, OpenError, Origin, Region, RegionOptions, RegionWriter, State, WriterError, dir,
};

use crate::support::image::Image;
use crate::support::{temp_dir, tiny, walk};

#[test]
fn a_restart_keeps_every_account_and_goes_on_counting() {
    let dir = temp_dir();
    let mut writer = tiny::writer(dir.path());
    tiny::populate(&mut writer);
    let reader = tiny::reader(dir.path());
    let before = walk::everything(&reader);
    assert_eq!(before.findable, before.accounts);
    let held = tiny::find(&reader, Kind::User, 0).unwrap();
    let whole = reader.snapshot(&held).unwrap();
    let (generation, head) = (reader.generation(), reader.journal_head());
    let counters: Vec<_> = reader.counters().collect();
    drop(writer);

    let (mut writer, origin) = tiny::open(dir.path());
    assert_eq!(origin, Origin::Adopted);
    assert_eq!(reader.state(), Some(State::Starting));
    assert!(reader.generation() > generation);
    assert!(reader.successor().unwrap().is_none());
    assert_eq!(reader.snapshot(&held).unwrap(), whole);
    assert_eq!(reader.find(&reader.pubkey(&held).unwrap()), Some(held));
    assert_eq!(reader.journal_head(), head);
    assert_eq!(reader.counters().collect::<Vec<_>>(), counters);
    assert_eq!(walk::everything(&reader), before);
    let version = tiny::version_of(writer.apply(&tiny::user(0, 100, &[1; 40])));
    assert_eq!(version, whole.meta.version + 1);
    let Next::Entry(entry) = reader.journal(head) else { panic!() };
    assert_eq!((entry.record, entry.version(version)), (held.number, version));
}

#[test]
fn what_was_seen_is_remembered_over_a_restart() {
    use driftshm_layout::Applied;
    let dir = temp_dir();
    let mut writer = tiny::writer(dir.path());
    writer.apply(&tiny::user(0, 10, &[1; 40]));
    assert_eq!(writer.apply(&tiny::user(0, 20, &[1; 40])), Applied::Absorbed);
    drop(writer);
    let mut writer = tiny::writer(dir.path());
    assert_eq!(writer.apply(&tiny::user(0, 15, &[2; 40])), Applied::Stale);
    assert_eq!(tiny::data(writer.region(), Kind::User, 0), Some(vec![1; 40]));
}

/// Opens a writer with other options on a directory with a populated region. Returns why the
/// old one was superseded.
fn superseded_by(change: impl Fn(&mut RegionOptions)) -> String {
    let dir = temp_dir();
    tiny::populate(&mut tiny::writer(dir.path()));
    let old = tiny::reader(dir.path());
    let held = tiny::find(&old, Kind::User, 0).unwrap();
    let mut options = tiny::options();
    change(&mut options);

    let (writer, origin) = RegionWriter::open(dir.path(), options.clone()).unwrap();
    let Origin::Superseded(why) = origin else { panic!("{origin:?}") };
    assert_eq!(old.state(), Some(State::Superseded));
    assert!(old.header().is_superseded() && !old.writer_alive());
    // What was there stays readable to whoever has it mapped.
    assert!(old.snapshot(&held).is_ok());
    let new = old.successor().unwrap().expect("a successor");
    assert!(!new.header().is_superseded() && new.successor().unwrap().is_none());
    assert!(new.generation() > old.generation());
    assert_eq!(walk::everything(&new).accounts, 0);
    assert_eq!(new.cluster(), options.cluster);
    drop(writer);
    let (_writer, origin) = RegionWriter::open(dir.path(), options).unwrap();
    assert_eq!(origin, Origin::Adopted, "the new one is as asked for");
    why
}

#[test]
fn a_region_for_something_else_is_superseded() {
    let other = |records: [usize; 6], journal, headroom| {
        move |o: &mut RegionOptions| o.capacities = Capacities { records, journal, headroom }
    };
    for why in [
        superseded_by(other([4, 2, 3, 5, 2, 1], 64, 512)),
        superseded_by(other([4, 2, 3, 4, 2, 1], 128, 512)),
        superseded_by(other([4, 2, 3, 4, 2, 1], 64, 520)),
    ] {
        assert_eq!(why, "its capacities are others");
    }
    let why = superseded_by(|o| o.profile = tiny::profile_named("huge"));
    assert_eq!(why, "its profile is another one");
}

#[test]
fn a_region_of_another_cluster_is_left_alone() {
    let dir = temp_dir();
    tiny::populate(&mut tiny::writer(dir.path()));
    let old = tiny::reader(dir.path());
    let (before, state) = (walk::everything(&old), old.state());
    let mut options = tiny::options();
    options.cluster = "devnet".into();
    let error = RegionWriter::open(dir.path(), options).err().expect("refused");
    let WriterError::OtherCluster { found, wanted, .. } = &error else { panic!("{error}") };
    assert_eq!((found.as_str(), wanted.as_str()), ("testnet", "devnet"));
    assert!(error.to_string().contains("choose another --dir, or remove it"), "{error}");
    assert_eq!((walk::everything(&old), old.state()), (before, state));
    assert!(!old.header().is_superseded() && old.successor().unwrap().is_none());
}

#[test]
fn an_adopted_region_gets_the_mode_that_is_asked_for() {
    use std::os::unix::fs::PermissionsExt;
    let dir = temp_dir();
    drop(tiny::writer(dir.path()));
    for mode in [0o600, 0o644] {
        let options = RegionOptions { mode, ..tiny::options() };
        let (_writer, origin) = RegionWriter::open(dir.path(), options).unwrap();
        assert_eq!(origin, Origin::Adopted);
        let meta = dir::region_path(dir.path()).metadata().unwrap();
        assert_eq!(meta.permissions().mode() & 0o777, mode);
    }
}

#[test]
fn a_region_that_is_a_link_is_not_followed() {
    let (dir, other) = (temp_dir(), temp_dir());
    tiny::populate(&mut tiny::writer(other.path()));
    let target = dir::region_path(other.path());
    std::os::unix::fs::symlink(&target, dir::region_path(dir.path())).unwrap();
    let error = RegionWriter::open(dir.path(), tiny::options()).err().expect("refused");
    assert!(matches!(error, WriterError::Io { action: "open", .. }), "{error}");
}

#[test]
fn a_writer_whose_lock_was_removed_takes_it_again_unless_another_was_quicker() {
    let dir = temp_dir();
    let mut writer = tiny::writer(dir.path());
    assert!(writer.holds_lock());
    let path = dir::lock_path(dir.path());
    std::fs::remove_file(&path).unwrap();
    assert!(!writer.holds_lock());
    writer.retake_lock().unwrap();
    assert!(writer.holds_lock());
    let second = RegionWriter::open(dir.path(), tiny::options()).err();
    assert!(matches!(second, Some(WriterError::Locked { .. })), "{second:?}");

    std::fs::remove_file(&path).unwrap();
    let quicker = tiny::writer(dir.path());
    assert!(quicker.holds_lock() && !writer.holds_lock());
    let error = writer.retake_lock().unwrap_err();
    assert!(matches!(error, WriterError::Locked { .. }), "{error}");
}

/// Damages a populated region and lets a writer come to it. Returns why it was superseded, and
/// how a reader that had it mapped sees it.
fn superseded_after(damage: impl Fn(&mut Image)) -> (String, Option<Region>) {
    let dir = temp_dir();
    tiny::populate(&mut tiny::writer(dir.path()));
    let mut image = Image::of(dir.path());
    damage(&mut image);
    image.put(dir.path());
    let old = Region::open(dir.path()).ok();
    let (mut writer, origin) = tiny::open(dir.path());
    let Origin::Superseded(why) = origin else { panic!("{origin:?}") };
    tiny::populate(&mut writer);
    assert!(tiny::data(&tiny::reader(dir.path()), Kind::User, 0).is_some());
    (why, old)
}

#[test]
fn a_region_of_another_boot_is_superseded() {
    let (why, old) = superseded_after(|image| image.set(FIXED, !image.word(FIXED)));
    assert_eq!(why, "it is from before the machine was started");
    let old = old.expect("it can be read");
    assert!(old.header().is_superseded());
    // Its times mean nothing.
    assert_eq!(old.heartbeat_age_ns(), u64::MAX);
}

#[test]
fn a_region_whose_successor_never_came_is_taken_up_again() {
    let dir = temp_dir();
    tiny::populate(&mut tiny::writer(dir.path()));
    // As a writer leaves it that was killed before the new one had the path.
    let mut image = Image::of(dir.path());
    image.set(2, State::Superseded as u64);
    image.put(dir.path());
    let reader = tiny::reader(dir.path());
    let before = walk::everything(&reader);
    assert!(reader.header().is_superseded() && reader.successor().unwrap().is_none());
    let (_writer, origin) = tiny::open(dir.path());
    assert_eq!(origin, Origin::Adopted);
    assert!(!reader.header().is_superseded() && reader.successor().unwrap().is_none());
    assert_eq!(walk::everything(&reader), before);
}

#[test]
fn a_region_of_another_abi_is_superseded_and_its_readers_are_told() {
    let dir = temp_dir();
    tiny::populate(&mut tiny::writer(dir.path()));
    let old = tiny::reader(dir.path());
    // A reader of that version has it mapped: the words that never move are all it needs.
    std::os::unix::fs::FileExt::write_all_at(
        &std::fs::OpenOptions::new().write(true).open(dir::region_path(dir.path())).unwrap(),
        &(ABI_VERSION + 1).to_le_bytes(),
        4,
    )
    .unwrap();
    let Err(OpenError::Incompatible { found, expected, .. }) = Region::open(dir.path()) else {
        panic!()
    };
    assert_eq!((found, expected), (ABI_VERSION + 1, ABI_VERSION));
    let (_writer, origin) = tiny::open(dir.path());
    let Origin::Superseded(why) = origin else { panic!("{origin:?}") };
    assert!(why.contains(&format!("format {}", ABI_VERSION + 1)), "{why}");
    assert!(old.header().is_superseded());
    assert!(old.successor().unwrap().is_some());
}

#[test]
fn what_is_no_region_is_put_aside() {
    let (why, _) = superseded_after(|image| image.set(0, 0));
    assert!(why.contains("still being made"), "{why}");
    let (why, _) = superseded_after(|image| image.0.truncate(0));
    assert!(why.contains("empty"), "{why}");
    let (why, _) = superseded_after(|image| image.0.truncate(100));
    assert!(why.contains("shorter than the header"), "{why}");
    let (why, _) = superseded_after(|image| image.0.truncate(3 * 4096));
    assert!(why.contains("length"), "{why}");
    let (why, _) = superseded_after(|image| image.0 = b"#!/bin/sh\n".repeat(1000));
    assert!(why.contains("magic"), "{why}");
}

#[test]
fn a_region_that_was_half_made_is_made_again() {
    let dir = temp_dir();
    let mut writer = tiny::writer(dir.path());
    tiny::populate(&mut writer);
    std::fs::write(dir::new_region_path(dir.path()), [1; 5000]).unwrap();
    drop(writer);
    let (writer, origin) = tiny::open(dir.path());
    assert_eq!(origin, Origin::Adopted);
    assert!(!dir::new_region_path(dir.path()).exists());
    drop(writer);

    std::fs::remove_file(dir::region_path(dir.path())).unwrap();
    std::fs::write(dir::new_region_path(dir.path()), [1; 5000]).unwrap();
    let (_writer, origin) = tiny::open(dir.path());
    assert_eq!(origin, Origin::Created);
    assert!(!dir::new_region_path(dir.path()).exists());
}
