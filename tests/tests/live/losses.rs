//! What is lost on a connection that goes on: it is found out and made good by the feed itself, with
//! no audit, and nobody is told otherwise meanwhile.

use std::time::{Duration, Instant};

use driftshm_cluster::{Commitment, Fault, FaultOrder, Protocol};
use driftshm_layout::FeedState;
use libtest_mimic::Trial;

use crate::support::{Chain, Feeds, Followed, LiveWriter, WATCHDOG, small, until};
use crate::trial;

/// From the end of a fault to when the region is what the chain is.
const MENDED: Duration = Duration::from_secs(2);
/// A machine that is busy elsewhere has so much more.
const GRACE: Duration = Duration::from_secs(1);
/// By then a change has come, or it is known that it was lost.
const KNOWN: Duration = Duration::from_millis(1500);

const STREAMS: [(Feeds, Protocol); 2] = [(Feeds::Ws, Protocol::Ws), (Feeds::Grpc, Protocol::Grpc)];

pub fn trials() -> Vec<Trial> {
    let mut trials = Vec::new();
    for (feeds, protocol) in STREAMS {
        let name = format!("losses::{feeds}_makes_good_one_message_that_cannot_be_read");
        let strike = Fault::Malformed { count: Some(1) };
        trials.push(trial(name, move || one_message(feeds, protocol, &strike)));
        let name = format!("losses::{feeds}_makes_good_one_silence_after_another");
        trials.push(trial(name, move || silences(feeds, protocol)));
        let name = format!("losses::{feeds}_does_not_take_a_snapshot_for_whole_that_was_not");
        trials.push(trial(name, move || snapshot(feeds, protocol)));
    }
    let name = "losses::ws_makes_good_one_account_whose_data_cannot_be_read";
    let strike = Fault::BadBase64 { count: Some(1) };
    trials.push(trial(name, move || one_message(Feeds::Ws, Protocol::Ws, &strike)));
    let name = "losses::ws_makes_good_one_message_that_was_cut";
    let strike = Fault::Truncated { count: Some(1) };
    trials.push(trial(name, move || one_message(Feeds::Ws, Protocol::Ws, &strike)));
    trials
}

fn start(chain: &Chain, feeds: Feeds) -> LiveWriter {
    let writer = LiveWriter::start(chain, feeds, &["--audit-period", "0"]);
    writer.await_all_live(feeds);
    writer.assert_equals(chain, &Followed::MARKETS, WATCHDOG);
    writer
}

/// Waits until the region is what the chain is, within `MENDED`; and while it is not, it does not
/// say that it was for longer than it takes to find out.
fn mended(chain: &Chain, writer: &LiveWriter) {
    let (began, mut quietly_wrong) = (Instant::now(), None);
    loop {
        let vouched = is_vouched_for(writer);
        let different = writer.differences(chain, &Followed::MARKETS);
        if different.is_empty() {
            println!("mended after {:.1?}", began.elapsed());
            return;
        }
        if !vouched {
            quietly_wrong = None;
        } else {
            let since = *quietly_wrong.get_or_insert_with(Instant::now);
            assert!(since.elapsed() < KNOWN, "quietly wrong: {different:#?}:\n{}", writer.log());
        }
        assert!(began.elapsed() < MENDED + GRACE, "{different:#?}; the log:\n{}", writer.log());
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Whether bots are told that all accounts are as the chain has them.
fn is_vouched_for(writer: &LiveWriter) -> bool {
    let region = writer.region();
    let mut accounts = driftshm_layout::profile::Kind::ALL
        .into_iter()
        .flat_map(|kind| region.accounts(kind).collect::<Vec<_>>());
    region.feed_state() == FeedState::Live && accounts.all(|account| region.is_followed(&account))
}

fn one_message(feeds: Feeds, protocol: Protocol, strike: &Fault) {
    let chain = Chain::start(small());
    let writer = start(&chain, feeds);
    for _ in 0..5 {
        let bad_input = writer.counter("bad_input");
        chain.fault_on(protocol, strike.clone());
        chain.touch(&chain.market(0));
        let counted = || (writer.counter("bad_input") > bad_input).then_some(());
        until("it could not be read", WATCHDOG, counted);
        mended(&chain, &writer);
        writer.await_live();
        until("all is vouched for", WATCHDOG, || is_vouched_for(&writer).then_some(()));
    }
    assert_eq!(writer.counter("reconnects"), 0, "on the same connection:\n{}", writer.log());
}

/// Each too short for anything but the slots that were not told to show it; each with a change in
/// it that nobody tells of later.
fn silences(feeds: Feeds, protocol: Protocol) {
    let chain = Chain::start(small());
    let writer = start(&chain, feeds);
    for round in 0..5 {
        chain.fault_on(protocol, Fault::Silence {});
        chain.touch(&chain.market(round % 2));
        let slot = chain.slot(Commitment::Processed);
        until("slots pass", WATCHDOG, || {
            (chain.slot(Commitment::Confirmed) > slot + 2).then_some(())
        });
        chain.heal();
        mended(&chain, &writer);
    }
    assert_eq!(writer.counter("reconnects"), 0, "on the same connection:\n{}", writer.log());
}

/// The stream is away while accounts change, and of the answer that is to make that good, most
/// cannot be read.
fn snapshot(feeds: Feeds, protocol: Protocol) {
    let chain = Chain::start(small());
    let writer = start(&chain, feeds);
    let fault = Fault::Refuse { keep_connections: false };
    chain.order(FaultOrder { fault, on: protocol.into(), for_ms: Some(2500) });
    until("it is away", WATCHDOG, || (!is_vouched_for(&writer)).then_some(()));
    chain.touch_all();
    chain.confirm();
    let bad_input = writer.counter("bad_input");
    chain.fault_on(Protocol::Rpc, Fault::BadBase64 { count: Some(2) });
    let counted = || (writer.counter("bad_input") > bad_input).then_some(());
    until("it could not be read", WATCHDOG, counted);
    mended(&chain, &writer);
    until("all is vouched for", WATCHDOG, || is_vouched_for(&writer).then_some(()));
}
