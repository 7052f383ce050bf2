//! What the writer costs a provider.

use std::sync::Arc;
use std::time::{Duration, Instant};

use driftshm_cluster::{Commitment, Fault, Protocol};
use driftshm_layout::control::{Filter, Subscription};
use libtest_mimic::Trial;

use crate::support::{Chain, Feeds, Followed, LiveWriter, WATCHDOG, small, two_hundred, until};
use crate::trial;

pub fn trials() -> Vec<Trial> {
    let mut trials = Vec::new();
    for feeds in Feeds::EACH {
        let name = format!("requests::{feeds}_makes_at_most_ten_in_a_storm_of_a_minute");
        trials.push(trial(name, move || storm(feeds)));
    }
    for feeds in Feeds::EACH {
        let name = format!("requests::{feeds}_starts_with_at_most_five_and_then_one_a_second");
        trials.push(trial(name, move || cold_and_steady(feeds)));
    }
    for (feeds, protocol) in [(Feeds::Ws, Protocol::Ws), (Feeds::Grpc, Protocol::Grpc)] {
        let name = format!("requests::{feeds}_does_not_hammer_who_accepts_and_hangs_up");
        trials.push(trial(name, move || hangs_up(feeds, protocol)));
    }
    trials
}

/// Each connection is a success at first: the pauses grow all the same.
fn hangs_up(feeds: Feeds, protocol: Protocol) {
    let chain = Chain::start(small());
    let writer = LiveWriter::start(&chain, feeds, &["--audit-period", "0"]);
    writer.await_live();
    let before = chain.counts().of(protocol).connections;
    chain.fault_on(protocol, Fault::Eof {});
    chain.fault_on(protocol, Fault::Cut {});
    std::thread::sleep(Duration::from_secs(20));
    let connections = chain.counts().of(protocol).connections - before;
    println!("{feeds}: {connections} connections in 20 s");
    assert!((2..=10).contains(&connections), "{connections}; the log:\n{}", writer.log());
    chain.heal();
}

fn all(chain: &Chain) -> u64 {
    let counts = chain.counts();
    counts.rpc.requests + counts.ws.requests + counts.grpc.requests
}

fn storm(feeds: Feeds) {
    let chain = Chain::start(small());
    let writer = LiveWriter::start(&chain, feeds, &[]);
    writer.await_live();
    chain.fault(Fault::TooManyRequests { retry_after_s: None, count: None });
    let before = all(&chain);
    chain.fault(Fault::Cut {});
    std::thread::sleep(Duration::from_secs(60));
    let requests = all(&chain) - before;
    println!("{feeds}: {requests} requests in a storm of a minute");
    assert!((1..=10).contains(&requests), "{requests}; the log:\n{}", writer.log());
    let said =
        writer.status().feeds.iter().any(|feed| {
            feed.error.as_deref().is_some_and(|error| error.contains("too many requests"))
        });
    assert!(said, "{:#?}", writer.status());
    chain.heal();
}

fn cold_and_steady(feeds: Feeds) {
    let chain = Chain::start(two_hundred());
    chain.unshare_oracles();
    let followed = Followed::MARKETS.of(&chain, &chain.snapshot(Commitment::Confirmed)).len();
    let writer = LiveWriter::start(&chain, feeds, &["--max-oracles", "256"]);
    let data = || {
        let counts = chain.counts();
        ["getMultipleAccounts", "getProgramAccounts", "getAccountInfo"]
            .iter()
            .map(|method| counts.rpc_calls(method))
            .sum::<u64>()
    };
    writer.await_live();
    let live = data();
    writer.assert_equals(&chain, &Followed::MARKETS, Duration::from_secs(5));
    let cold = data();
    assert!(followed >= 200, "there are but {followed}");
    println!("{feeds}: {followed} accounts, {cold} requests until all are there ({live} to live)");
    assert!(cold <= 5, "{cold} requests for {followed} accounts; the log:\n{}", writer.log());

    let filters = [
        Filter::everything(),
        Filter { perp_markets: (0..62).collect(), ..Filter::default() },
        Filter { pubkeys: chain.users(), ..Filter::default() },
    ];
    let bots: Vec<Subscription> = filters
        .iter()
        .map(|filter| {
            let region = Arc::clone(writer.region());
            Subscription::new(writer.dir(), region, filter, true, WATCHDOG).unwrap()
        })
        .collect();
    until("the bots are known", WATCHDOG, || (writer.status().subscriptions == 3).then_some(()));
    // What the bots named is fetched, and fetched again once it is subscribed to.
    std::thread::sleep(Duration::from_secs(3));
    let (before, began) = (all(&chain), Instant::now());
    std::thread::sleep(Duration::from_secs(20));
    let (requests, seconds) = (all(&chain) - before, began.elapsed().as_secs_f64());
    println!("{feeds}: {requests} requests in {seconds:.0} s, with three bots");
    let counts = chain.counts();
    assert!(counts.ws.connections <= 1 && counts.grpc.connections <= 1, "{counts:?}");
    // The last one may just have come.
    assert!(requests as f64 <= seconds + 1.0, "{requests} in {seconds:.1} s");
    drop(bots);
}
