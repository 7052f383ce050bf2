//! What the tests of the region share: a small profile, updates, images of regions, a reader of
//! everything. Each test binary uses its part of it.
#![allow(dead_code)]

pub mod facts;
pub mod image;
pub mod rng;
pub mod smash;
pub mod tiny;
pub mod walk;
pub mod watchdog;

/// A directory that goes when the test is over: on a tmpfs, as regions are, where there is one.
pub fn temp_dir() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

/// Whether a test that needs something of the machine may be left out: never in CI.
pub fn may_skip(why: &str) -> bool {
    let ci = std::env::var("CI").is_ok_and(|ci| ci == "true");
    assert!(!ci, "cannot be left out in CI: {why}");
    println!("skipped: {why}");
    true
}
