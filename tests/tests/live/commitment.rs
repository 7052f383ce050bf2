//! What may be taken back: at `processed` it is, and at `confirmed` it is never there.

use std::sync::Arc;
use std::time::{Duration, Instant};

use driftshm_cluster::{Commitment, Fault, Options, Pace};
use driftshm_layout::control::{Filter, Item, Subscription};
use driftshm_layout::{FeedState, Pubkey, Region};
use libtest_mimic::Trial;

use crate::support::{Chain, Feeds, Followed, LiveWriter, WATCHDOG, small};
use crate::trial;

pub fn trials() -> Vec<Trial> {
    let mut trials = Vec::new();
    for (name, announce) in [("announced", true), ("only_left_aside", false)] {
        for feeds in [Feeds::Ws, Feeds::Grpc, Feeds::All] {
            let name = format!("commitment::{feeds}_takes_back_an_orphaned_slot_that_is_{name}");
            trials.push(trial(name, move || taken_back(feeds, announce)));
        }
    }
    for feeds in Feeds::EACH {
        let name = format!("commitment::{feeds}_at_confirmed_shows_nothing_of_an_orphaned_slot");
        trials.push(trial(name, move || never_shown(feeds)));
    }
    trials
}

/// Slots on command, so that it is known what is in which.
fn on_command() -> Options {
    Options { pace: Pace::OnCommand, ..small() }
}

/// Lets slots pass until something is so.
#[track_caller]
fn pass_until(chain: &Chain, writer: &LiveWriter, what: &str, mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < WATCHDOG, "never: {what}; the log:\n{}", writer.log());
        chain.advance();
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Waits, without another slot.
#[track_caller]
fn wait_until(writer: &LiveWriter, what: &str, mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < WATCHDOG, "never: {what}; the log:\n{}", writer.log());
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn start(feeds: Feeds, commitment: &str) -> (Chain, LiveWriter) {
    let chain = Chain::start(on_command());
    let flags = ["--commitment", commitment, "--audit-period", "0", "--poll-interval", "0.2"];
    let writer = LiveWriter::start(&chain, feeds, &flags);
    let region = Arc::clone(writer.region());
    pass_until(&chain, &writer, "live", || region.feed_state() == FeedState::Live);
    writer.assert_equals(&chain, &Followed::MARKETS, WATCHDOG);
    (chain, writer)
}

fn bytes(region: &Region, pubkey: &Pubkey) -> Vec<u8> {
    let record = region.find(pubkey).unwrap();
    region.snapshot(&record).unwrap().data.to_vec()
}

fn taken_back(feeds: Feeds, announce: bool) {
    let (chain, writer) = start(feeds, "processed");
    let region = Arc::clone(writer.region());
    let market = chain.market(1);
    chain.touch(&market);
    chain.advance_by(2);
    pass_until(&chain, &writer, "the confirmed state is there", || {
        writer.differences(&chain, &Followed::MARKETS).is_empty()
    });
    let confirmed = chain.account(&market, Commitment::Confirmed).unwrap();

    let filter = Filter { perp_markets: vec![1], ..Filter::default() };
    let bot = Subscription::new(writer.dir(), Arc::clone(&region), &filter, false, WATCHDOG);
    let mut bot = bot.unwrap();
    chain.touch(&market);
    let doomed = chain.account(&market, Commitment::Processed).unwrap();
    assert_ne!(confirmed.data, doomed.data);
    wait_until(&writer, "what is processed is there", || {
        bytes(&region, &market) == doomed.data[..]
    });

    chain.fault(Fault::Orphan { slots: 1, announce });
    pass_until(&chain, &writer, "it is taken back", || {
        bytes(&region, &market) == confirmed.data[..]
    });
    assert!(writer.counter("rolled_back") >= 1);
    let mut changes = Vec::new();
    wait_until(&writer, "the bot is told of both", || {
        bot.drain(16, &mut changes);
        changes.len() >= 2
    });
    let slots: Vec<u64> = changes
        .iter()
        .map(|item| match item {
            Item::Change(change) => change.slot,
            Item::Lagged(_) => panic!("{changes:?}"),
        })
        .collect();
    assert_eq!(slots[0], doomed.slot);
    // With polling beside, the same state comes as that of a later slot, too.
    assert!(slots[1] == confirmed.slot || feeds == Feeds::All, "{slots:?}");

    // What comes after is taken as ever.
    chain.touch(&market);
    let after = chain.account(&market, Commitment::Processed).unwrap();
    pass_until(&chain, &writer, "the next state", || bytes(&region, &market) == after.data[..]);
    pass_until(&chain, &writer, "all of it", || {
        writer.differences(&chain, &Followed::MARKETS).is_empty()
    });
}

fn never_shown(feeds: Feeds) {
    let (chain, writer) = start(feeds, "confirmed");
    let region = Arc::clone(writer.region());
    let market = chain.market(1);
    let record = region.find(&market).unwrap();
    let before = region.version(&record);
    chain.touch(&market);
    let doomed = chain.account(&market, Commitment::Processed).unwrap();
    chain.fault(Fault::Orphan { slots: 1, announce: true });
    // Long enough for every other change to come.
    let other = chain.market(2);
    for _ in 0..20 {
        chain.touch(&other);
        chain.advance();
        std::thread::sleep(Duration::from_millis(30));
    }
    pass_until(&chain, &writer, "what happened since", || {
        writer.differences(&chain, &Followed::MARKETS).is_empty()
    });
    assert_eq!(region.version(&record), before, "something was published of it");
    assert_ne!(bytes(&region, &market), doomed.data[..]);
    assert_eq!(writer.counter("rolled_back"), 0);
}
