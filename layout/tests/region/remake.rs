//! A region whose file is taken away under its writer.

use driftshm_layout::profile::Kind;
use driftshm_layout::{Counter, Origin, State, WriterError, dir};

use crate::support::{temp_dir, tiny, walk};

#[test]
fn a_writer_notices_that_its_file_is_gone_or_another() {
    let dir = temp_dir();
    let writer = tiny::writer(dir.path());
    assert!(!writer.is_unlinked());
    let path = dir::region_path(dir.path());
    std::fs::rename(&path, dir.path().join("aside")).unwrap();
    assert!(writer.is_unlinked());
    std::fs::write(&path, "something else").unwrap();
    assert!(writer.is_unlinked());
    std::fs::rename(dir.path().join("aside"), &path).unwrap();
    assert!(!writer.is_unlinked());
}

#[test]
fn an_unlinked_region_is_made_anew_with_all_it_holds() {
    let dir = temp_dir();
    let mut writer = tiny::writer(dir.path());
    tiny::populate(&mut writer);
    let old = tiny::reader(dir.path());
    let before = walk::everything(&old);
    let held = tiny::find(&old, Kind::User, 0).unwrap();
    let whole = old.snapshot(&held).unwrap();
    std::fs::remove_file(dir::region_path(dir.path())).unwrap();
    // Until then readers keep what they have, and there is no other.
    assert!(old.successor().unwrap().is_none() && !old.header().is_superseded());
    // A leftover of an earlier attempt is in nobody's way.
    std::fs::write(dir::new_region_path(dir.path()), "half").unwrap();

    writer.remake().unwrap();
    assert!(!writer.is_unlinked());
    assert!(!dir::new_region_path(dir.path()).exists());
    assert_eq!(old.state(), Some(State::Superseded));
    let new = old.successor().unwrap().expect("the region made anew");
    assert!(new.is_copy_of(&old));
    assert_eq!(new.state(), Some(State::Live));
    assert_eq!(new.generation(), old.generation());
    assert_eq!(new.journal_head(), old.journal_head());
    assert_eq!(walk::everything(&new), before);
    assert_eq!(new.snapshot(&held).unwrap(), whole);
    assert_eq!(new.header().counter(Counter::Remade), 1);

    tiny::version_of(writer.apply(&tiny::user(0, 100, &[3; 40])));
    assert_eq!(new.snapshot(&held).unwrap().data, [3; 40]);
    assert_eq!(old.snapshot(&held).unwrap(), whole, "the old one is left alone");
    drop(writer);
    assert_eq!(tiny::open(dir.path()).1, Origin::Adopted);
}

#[test]
fn a_directory_that_is_gone_is_made_and_locked_again() {
    let parent = temp_dir();
    let dir = parent.path().join("cluster");
    let mut writer = tiny::writer(&dir);
    tiny::populate(&mut writer);
    std::fs::remove_dir_all(&dir).unwrap();
    assert!(writer.is_unlinked());
    writer.remake().unwrap();
    assert!(tiny::data(&tiny::reader(&dir), Kind::User, 0).is_some());
    let refused = driftshm_layout::RegionWriter::open(&dir, tiny::options()).err().unwrap();
    assert!(matches!(refused, WriterError::Locked { .. }), "{refused}");
}

#[test]
fn a_writer_that_was_quicker_keeps_the_directory() {
    let parent = temp_dir();
    let dir = parent.path().join("cluster");
    let mut writer = tiny::writer(&dir);
    std::fs::remove_dir_all(&dir).unwrap();
    let mut quicker = tiny::writer(&dir);
    tiny::version_of(quicker.apply(&tiny::user(0, 1, &[9; 40])));

    assert!(writer.is_unlinked());
    let refused = writer.remake().unwrap_err();
    assert!(matches!(refused, WriterError::Locked { .. }), "{refused}");
    assert!(!quicker.is_unlinked());
    assert_eq!(tiny::data(&tiny::reader(&dir), Kind::User, 0), Some(vec![9; 40]));
}
