//! A writer that has no time for whoever connects.

use std::sync::Arc;
use std::time::Duration;

use driftshm_layout::Region;
use driftshm_layout::control::{Filter, Link, LinkError, Subscription};

use crate::support::{temp_dir, tiny};
use crate::writer::{WATCHDOG, Writer, fill, listen, subscribe};

/// How long one waits for a writer that never gets round to it.
const PATIENCE: Duration = Duration::from_millis(200);

#[test]
fn who_is_hung_up_on_tries_again_and_gets_in() {
    let dir = temp_dir();
    let _writer = Writer::start_on(listen(dir.path()), dir.path(), 3);
    let changes = subscribe(dir.path(), &Filter::everything(), true);
    assert!(changes.is_connected());
    assert_eq!(changes.times_connected(), 1);
    assert!(changes.last_error().is_none());
}

#[test]
fn who_finds_the_queue_full_tries_again_and_gets_in() {
    let dir = temp_dir();
    drop(tiny::writer(dir.path()));
    let listener = listen(dir.path());
    let queue = fill(dir.path());
    let region = Arc::new(Region::open(dir.path()).unwrap());
    let all = Filter::everything();
    let mut changes = Subscription::begin(dir.path(), region, &all, true).unwrap();
    assert!(!changes.settle().unwrap(), "not yet, and no error");
    assert!(matches!(changes.last_error(), Some(LinkError::Busy { .. })));
    drop(queue);
    let _writer = Writer::start_on(listener, dir.path(), 0);
    while !changes.settle().unwrap() {
        assert!(changes.wait(Some(WATCHDOG)).unwrap(), "it looks again by itself");
    }
    assert!(changes.is_connected());
}

#[test]
fn who_is_out_of_patience_is_told_what_kept_it_out() {
    let dir = temp_dir();
    let listener = listen(dir.path());
    let mut link = Link::new(dir.path(), &Filter::everything()).unwrap();
    let error = link.connect(PATIENCE).unwrap_err();
    assert!(matches!(error, LinkError::Timeout { .. }), "{error}: connected, and no answer");

    let queue = fill(dir.path());
    let mut link = Link::new(dir.path(), &Filter::everything()).unwrap();
    let error = link.connect(PATIENCE).unwrap_err();
    assert!(matches!(error, LinkError::Busy { .. }), "{error}");
    drop((listener, queue));

    let listener = listen(dir.path());
    let mut link = Link::new(dir.path(), &Filter::everything()).unwrap();
    drop(rustix::net::accept(&listener).unwrap());
    let error = link.connect(Duration::ZERO).unwrap_err();
    assert!(matches!(error, LinkError::HungUp { .. }), "{error}");
}

#[test]
fn what_kept_it_out_is_not_forgotten_in_the_middle_of_the_last_attempt() {
    let dir = temp_dir();
    let listener = listen(dir.path());
    let mut link = Link::new(dir.path(), &Filter::everything()).unwrap();
    drop(rustix::net::accept(&listener).unwrap());
    // The next attempt is connected, and nobody answers it.
    let error = link.connect(PATIENCE).unwrap_err();
    assert!(matches!(error, LinkError::HungUp { .. }), "{error}");
}
