//! What bots are told is fresh: no more than what was heard of the chain.

use std::time::{Duration, Instant};

use driftshm_cluster::{Commitment, Fault, Protocol};
use driftshm_layout::profile::Kind;
use driftshm_layout::{FeedState, Pubkey, clock};
use libtest_mimic::Trial;

use crate::support::{Chain, Feeds, Followed, LiveWriter, WATCHDOG, small, two_hundred, until};
use crate::trial;

pub fn trials() -> Vec<Trial> {
    let mut trials = Vec::new();
    for feeds in Feeds::EACH {
        let name = format!("honest::{feeds}_vouches_for_nothing_after_the_last_word_of_the_chain");
        trials.push(trial(name, move || last_word(feeds)));
        let name = format!("honest::{feeds}_vouches_for_no_account_that_has_changed_unheard_of");
        trials.push(trial(name, move || unheard_of(feeds)));
    }
    for feeds in [Feeds::Ws, Feeds::Grpc] {
        let name = format!("honest::{feeds}_is_not_live_before_rpc_has_caught_up_with_it");
        trials.push(trial(name, move || lagging_rpc(feeds)));
    }
    let name = "honest::polling_is_live_again_once_everything_was_fetched_and_not_before";
    trials.push(trial(name, polled_as_a_whole));
    let name = "honest::users_that_only_streams_bring_are_in_doubt_while_there_are_none";
    trials.push(trial(name, users_without_streams));
    trials
}

/// When an account was last known to be what the chain says.
fn vouched_ns(writer: &LiveWriter, pubkey: &Pubkey) -> u64 {
    let region = writer.region();
    let record = region.find(pubkey).unwrap();
    let meta = region.meta(&record).unwrap();
    region.vouched_ns(&record, meta.received_ns)
}

/// A connection that is cut in silence is noticed after seconds. What came last is not called fresh
/// meanwhile.
fn last_word(feeds: Feeds) {
    let chain = Chain::start(small());
    let flags = ["--audit-period", "0", "--poll-interval", "0.2"];
    let writer = LiveWriter::start(&chain, feeds, &flags);
    writer.await_all_live(feeds);
    let market = chain.market(0);
    until("it is vouched for", WATCHDOG, || {
        let ages = clock::monotonic_ns().saturating_sub(vouched_ns(&writer, &market));
        (ages < 1_000_000_000).then_some(())
    });
    chain.fault(Fault::BlackHole {});
    // What is on its way may still arrive.
    let hole_ns = clock::monotonic_ns() + 300_000_000;
    let waited_ns = writer.waited_ns();
    let began = Instant::now();
    let mut was_live_for = Duration::ZERO;
    while began.elapsed() < Duration::from_secs(6) {
        if writer.region().feed_state() == FeedState::Live {
            was_live_for = began.elapsed();
        }
        let vouched_ns = vouched_ns(&writer, &market);
        // A writer that has to wait for a processor reads late what came in time.
        let late =
            vouched_ns.saturating_sub(hole_ns + writer.waited_ns().saturating_sub(waited_ns));
        assert!(late == 0, "{} ms after the hole", late / 1_000_000);
        std::thread::sleep(Duration::from_millis(20));
    }
    // Else there was nothing to be told wrongly.
    assert!(was_live_for > Duration::from_secs(1), "{was_live_for:?}");
}

/// Between a change and its arrival, nobody is told that the old state is of now.
fn unheard_of(feeds: Feeds) {
    let chain = Chain::start(small());
    let flags = ["--audit-period", "0", "--poll-interval", "1"];
    let writer = LiveWriter::start(&chain, feeds, &flags);
    writer.await_all_live(feeds);
    let market = chain.market(0);
    let region = writer.region();
    let record = region.find(&market).unwrap();
    for _ in 0..5 {
        chain.touch(&market);
        chain.confirm();
        let confirmed_ns = clock::monotonic_ns();
        let now = chain.account(&market, Commitment::Confirmed).unwrap();
        let began = Instant::now();
        loop {
            // In this order: what has come since may be vouched for.
            let vouched_ns = vouched_ns(&writer, &market);
            if region.snapshot(&record).unwrap().data[..] == now.data[..] {
                break;
            }
            // Streams tell of slots and accounts one after the other.
            let limit_ns = confirmed_ns + if feeds == Feeds::Rpc { 0 } else { 250_000_000 };
            assert!(vouched_ns <= limit_ns, "vouched for, and old");
            assert!(began.elapsed() < WATCHDOG, "it never comes");
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

/// Two hundred accounts take two requests. After an outage, the first answer says nothing of what
/// is in the second.
fn polled_as_a_whole() {
    let chain = Chain::start(two_hundred());
    let flags = ["--max-oracles", "256", "--audit-period", "0", "--poll-interval", "0.3"];
    let writer = LiveWriter::start(&chain, Feeds::Rpc, &flags);
    writer.await_live();
    writer.assert_equals(&chain, &Followed::MARKETS, WATCHDOG);
    chain.fault(Fault::Silence {});
    writer.await_state(FeedState::Stalled, WATCHDOG);
    chain.touch_all();
    chain.confirm();
    // Each answer takes so long that there is time to look between the two.
    chain.heal();
    chain.fault(Fault::Slow { ms: 1500 });
    let began = Instant::now();
    while writer.region().feed_state() != FeedState::Live {
        assert!(began.elapsed() < WATCHDOG, "never live; the log:\n{}", writer.log());
        std::thread::sleep(Duration::from_millis(5));
    }
    let different = writer.differences(&chain, &Followed::MARKETS);
    assert!(different.is_empty(), "live, and {} are old", different.len());
}

/// An account that changed during a cut only is in no stream. RPC has it, seconds late.
fn lagging_rpc(feeds: Feeds) {
    let chain = Chain::start(small());
    let writer = LiveWriter::start(&chain, feeds, &["--audit-period", "0"]);
    writer.await_live();
    chain.fault(Fault::Refuse { keep_connections: false });
    writer.await_state(FeedState::Down, WATCHDOG);
    chain.touch(&chain.market(1));
    chain.confirm();
    chain.heal();
    chain.fault(Fault::RpcLag { slots: 50 });
    let began = Instant::now();
    while writer.region().feed_state() != FeedState::Live {
        assert!(began.elapsed() < WATCHDOG, "never live; the log:\n{}", writer.log());
        std::thread::sleep(Duration::from_millis(5));
    }
    let different = writer.differences(&chain, &Followed::MARKETS);
    assert!(different.is_empty(), "live, and old: {different:?}");
    let figures = writer.feed("rpc").figures;
    assert!(figures.contains_key("error_behind"), "RPC did not lag: {figures:?}");
}

/// Polling brings what is named; of all the others only streams tell.
fn users_without_streams() {
    let chain = Chain::start(small());
    let users = chain.users();
    let named = users[0].to_string();
    let flags =
        ["--users", "all", "--user", &named, "--audit-period", "0", "--poll-interval", "0.3"];
    let writer = LiveWriter::start(&chain, Feeds::All, &flags);
    writer.await_all_live(Feeds::All);
    writer.assert_equals(&chain, &Followed::AllUsers, WATCHDOG);
    let region = writer.region();
    let in_doubt = || -> Vec<Pubkey> {
        let users = region.accounts(Kind::User);
        users.filter(|it| !region.is_followed(it)).filter_map(|it| region.pubkey(&it)).collect()
    };
    until("each has come", WATCHDOG, || in_doubt().is_empty().then_some(()));
    let streams = [Protocol::Ws, Protocol::Grpc];
    chain.fault_on(streams, Fault::Refuse { keep_connections: false });
    until("they are in doubt", WATCHDOG, || (in_doubt().len() == users.len() - 1).then_some(()));
    assert!(!in_doubt().contains(&users[0]), "it is named, and polled");
    assert_eq!(writer.said_state(), Some(FeedState::Live), "of everything else polling tells");
    chain.touch_all();
    chain.confirm();
    chain.heal();
    until("they are as they are now", WATCHDOG, || in_doubt().is_empty().then_some(()));
    assert!(writer.differences(&chain, &Followed::AllUsers).is_empty());
}
