//! What bots are told of a network that is gone, and of a program that is merely quiet.

use std::time::{Duration, Instant};

use driftshm_cluster::{Fault, Protocol};
use driftshm_layout::FeedState;
use libtest_mimic::Trial;

use crate::support::{Chain, Feeds, Followed, LiveWriter, WATCHDOG, small, until};
use crate::trial;

pub fn trials() -> Vec<Trial> {
    let mut trials = Vec::new();
    for feeds in Feeds::EACH {
        let name = format!("pulse::{feeds}_is_stalled_in_a_black_hole_and_back_soon_after_it");
        trials.push(trial(name, move || black_hole(feeds)));
        let name = format!("pulse::{feeds}_stays_live_while_nothing_but_slots_comes");
        trials.push(trial(name, move || quiet(feeds)));
    }
    for feeds in [Feeds::Ws, Feeds::Grpc] {
        let name = format!("pulse::{feeds}_tells_of_a_cut_at_once");
        trials.push(trial(name, move || cut(feeds)));
    }
    trials.push(trial("pulse::one_live_stream_is_enough", one_is_enough));
    trials
}

/// The figures that are promised, and a second for a machine that is busy elsewhere.
const STALLED: Duration = Duration::from_secs(5 + 1);
const RECONNECTED: Duration = Duration::from_secs(15 + 1);

/// Long enough for the longest pause between tries.
fn black_hole(feeds: Feeds) {
    let chain = Chain::start(small());
    let writer = LiveWriter::start(&chain, feeds, &["--audit-period", "0"]);
    writer.await_all_live(feeds);
    let began = Instant::now();
    chain.fault(Fault::BlackHole {});
    let told = writer.await_state(FeedState::Stalled, STALLED);
    while began.elapsed() < Duration::from_secs(40) {
        assert_ne!(writer.region().feed_state(), FeedState::Live);
        std::thread::sleep(Duration::from_millis(20));
    }
    chain.touch_all();
    chain.confirm();
    chain.heal();
    let back = writer.await_state(FeedState::Live, RECONNECTED);
    writer.assert_equals(&chain, &Followed::MARKETS, Duration::from_secs(2));
    println!("{feeds}: stalled after {told:.1?}, live {back:.1?} after the network's return");
}

fn cut(feeds: Feeds) {
    let chain = Chain::start(small());
    let writer = LiveWriter::start(&chain, feeds, &[]);
    writer.await_live();
    // Of three times the best: one may have had to wait for a processor.
    let told = (0..3).map(|_| {
        chain.fault(Fault::Refuse { keep_connections: false });
        let told = writer.await_state(FeedState::Down, WATCHDOG);
        chain.heal();
        writer.await_live();
        told
    });
    let told = told.min().unwrap();
    assert!(told < Duration::from_secs(1), "told after {told:?}; the log:\n{}", writer.log());
}

fn quiet(feeds: Feeds) {
    let chain = Chain::start(small());
    let writer = LiveWriter::start(&chain, feeds, &[]);
    writer.await_live();
    writer.assert_equals(&chain, &Followed::MARKETS, Duration::from_secs(2));
    let (published, slot) = (writer.counter("published"), writer.region().slot());
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(12) {
        assert_eq!(writer.said_state(), Some(FeedState::Live), "the log:\n{}", writer.log());
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(writer.counter("published"), published);
    assert!(writer.region().slot() > slot + 50);
}

fn one_is_enough() {
    let chain = Chain::start(small());
    let writer = LiveWriter::start(&chain, Feeds::All, &["--audit-period", "0"]);
    writer.await_all_live(Feeds::All);
    chain.fault_on(Protocol::Grpc, Fault::Refuse { keep_connections: false });
    until("grpc is down", WATCHDOG, || (writer.feed("grpc").state != "live").then_some(()));
    chain.touch_all();
    writer.assert_equals(&chain, &Followed::MARKETS, Duration::from_secs(5));
    assert_eq!(writer.said_state(), Some(FeedState::Live));
}
