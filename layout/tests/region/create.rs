//! Making a region, and the lock that keeps writers apart.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use driftshm_layout::profile::Kind;
use driftshm_layout::{OpenError, Origin, Region, RegionWriter, State, WriterError, dir};

use crate::support::{temp_dir, tiny};

fn names(dir: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(dir).unwrap();
    let mut names: Vec<_> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_new_region_is_whole_and_for_the_group_to_read() {
    let dir = temp_dir();
    let place = dir.path().join("deep/er");
    let (writer, origin) = tiny::open(&place);
    assert_eq!(origin, Origin::Created);
    assert_eq!(names(&place), ["lock", "region"]);
    let meta = std::fs::metadata(dir::region_path(&place)).unwrap();
    assert_eq!(meta.permissions().mode() & 0o777, 0o640);
    assert_eq!(meta.len(), writer.geometry().total_len as u64);

    let reader = tiny::reader(&place);
    assert_eq!(reader.cluster(), "testnet");
    assert_eq!(**reader.profile(), tiny::profile());
    assert_eq!(reader.schema()[..], tiny::profile().to_json()[..]);
    assert_eq!(*reader.schema_hash(), tiny::profile().schema_hash());
    assert_eq!(reader.geometry(), writer.geometry());
    assert_eq!(reader.state(), Some(State::Starting));
    writer.set_live();
    assert_eq!(reader.state(), Some(State::Live));
    writer.heartbeat(None);
    assert!(reader.writer_alive());
    writer.set_stopped();
    assert!(!reader.writer_alive());
    assert!(Kind::ALL.into_iter().all(|kind| reader.accounts(kind).count() == 0));
    assert_eq!(reader.journal_head(), 0);
}

#[test]
fn what_is_not_there_is_not_found() {
    let dir = temp_dir();
    for place in [dir.path().to_path_buf(), dir.path().join("nowhere")] {
        let Err(OpenError::NotFound { path }) = Region::open(&place) else { panic!() };
        assert_eq!(path, dir::region_path(&place));
    }
}

#[test]
fn a_second_writer_is_refused_for_as_long_as_the_first_lives() {
    let dir = temp_dir();
    let first = tiny::writer(dir.path());
    for _ in 0..2 {
        let refused = RegionWriter::open(dir.path(), tiny::options()).err().unwrap();
        let WriterError::Locked { dir: at, pid } = &refused else { panic!("{refused}") };
        assert_eq!((at.as_path(), *pid), (dir.path(), Some(std::process::id())));
        assert!(refused.to_string().contains(&format!("(pid {})", std::process::id())));
    }
    drop(first);
    // A lock file of a dead writer is no lock.
    assert!(dir::lock_path(dir.path()).exists());
    let (_second, origin) = tiny::open(dir.path());
    assert_eq!(origin, Origin::Adopted);
}

#[test]
fn options_that_make_no_region_are_refused_and_leave_nothing_behind() {
    let dir = temp_dir();
    let refuse = |change: &dyn Fn(&mut driftshm_layout::RegionOptions), says: &str| {
        let mut options = tiny::options();
        change(&mut options);
        let error = RegionWriter::open(dir.path(), options).err().unwrap();
        assert!(matches!(error, WriterError::Options(_)), "{error}");
        assert!(error.to_string().contains(says), "{error}");
        assert_eq!(names(dir.path()), ["lock"]);
    };
    refuse(&|o| o.cluster = "a/b".into(), "a/b");
    refuse(&|o| o.capacities.journal = 100, "journal is 100");
    refuse(&|o| o.capacities.records[3] = 0, "user capacity is 0");
    refuse(&|o| o.capacities.headroom = 2 << 20, "headroom");
}

#[test]
fn what_is_no_directory_is_an_error_that_names_it() {
    let dir = temp_dir();
    let file = dir.path().join("file");
    std::fs::write(&file, "x").unwrap();
    let error = RegionWriter::open(&file, tiny::options()).err().unwrap();
    assert!(error.to_string().contains(file.to_str().unwrap()), "{error}");
}
