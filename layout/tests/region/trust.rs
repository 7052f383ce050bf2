//! Whose region a reader goes over to.

use std::os::unix::fs::chown;

use driftshm_layout::dir::{self, Place};
use driftshm_layout::{OpenError, Region};

use crate::support::{temp_dir, tiny};

const BOT: u32 = 54_321;
const STRANGER: u32 = 54_322;

/// Only root can make files of others.
fn is_root() -> bool {
    let is_root = rustix::process::getuid().is_root();
    assert!(is_root || std::env::var_os("CI").is_none(), "CI must run this as root");
    if !is_root {
        eprintln!("skipped: it needs root");
    }
    is_root
}

#[test]
fn a_region_of_a_stranger_is_no_successor_of_ones_own() {
    if !is_root() {
        return;
    }
    let dir = temp_dir();
    let path = dir::region_path(dir.path());
    let make = |owner| {
        drop(std::fs::remove_file(&path));
        tiny::populate(&mut tiny::writer(dir.path()));
        chown(&path, Some(owner), None).unwrap();
    };
    make(BOT);
    let place = |owner| Place { owner, ..Place::named(dir.path().to_owned(), None) };
    let own = Region::open_at(&place(Some(BOT))).unwrap();
    let any = Region::open_at(&place(None)).unwrap();
    make(STRANGER);
    let Err(OpenError::ForeignOwner { found, expected, .. }) = own.successor() else { panic!() };
    assert_eq!((found, expected), (STRANGER, BOT));
    assert!(any.successor().unwrap().is_some(), "a directory that was named may be anybody's");
    // What is refused is not looked at either.
    std::fs::write(&path, "no region").unwrap();
    chown(&path, Some(STRANGER), None).unwrap();
    assert!(matches!(own.successor(), Err(OpenError::ForeignOwner { .. })));

    make(0);
    let roots = own.successor().unwrap().expect("root's");
    make(STRANGER);
    assert!(matches!(roots.successor(), Err(OpenError::ForeignOwner { .. })), "nor the next one");
    make(BOT);
    assert!(roots.successor().unwrap().is_some());
}
