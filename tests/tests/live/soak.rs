//! A day of the live feeds in miniature: five thousand updates a second, and something goes wrong
//! every five seconds.
//!
//! `DRIFTSHM_SOAK_SECONDS` says how long (each of the two feeds, side by side), and
//! `DRIFTSHM_SOAK_SEED` repeats what went wrong.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use driftshm_cluster::{
    Commitment, Fault, FaultOrder, Options, Pace, Protocol, Protocols, Sim, SimOptions,
};
use driftshm_layout::Pubkey;
use libtest_mimic::Trial;

use crate::support::{Chain, Dice, Feeds, Followed, Footprint, LiveWriter, WATCHDOG, until};
use crate::trial;

/// In each slot many accounts are written, and few of them twice: what is confirmed comes once a
/// slot, and is to be five thousand a second.
const SLOT: Duration = Duration::from_millis(100);
const RATE: u64 = 6400;
const EVERY: Duration = Duration::from_secs(5);
/// After a fault that was answered, a feed may wait so long before it tries again.
const BACK: Duration = Duration::from_secs(75);

pub fn trials() -> Vec<Trial> {
    vec![trial("soak::five_thousand_updates_a_second_and_a_fault_every_five_seconds", soak)]
}

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable} is no number: {text}")))
}

fn soak() {
    let lasts = Duration::from_secs(number("DRIFTSHM_SOAK_SECONDS").unwrap_or(120));
    let random = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as u64;
    let seed = number("DRIFTSHM_SOAK_SEED").unwrap_or_else(random);
    println!("soak: {} s each, DRIFTSHM_SOAK_SEED={seed}", lasts.as_secs());
    let accounts = SimOptions {
        markets: 40,
        spot_markets: 20,
        users: 4000,
        cold_users: 0,
        ..SimOptions::default()
    };
    let chain = Chain::start(Options {
        sim: Some(Sim { accounts, rate: 0 }),
        pace: Pace::Every(SLOT),
        ..Options::default()
    });
    let flags = [
        "--users",
        "all",
        "--max-users",
        "4096",
        "--max-oracles",
        "128",
        "--journal",
        "65536",
        "--audit-period",
        "15",
        "--max-message",
        "1048576",
    ];
    let writers =
        [Feeds::Ws, Feeds::Grpc].map(|feeds| (feeds, LiveWriter::start(&chain, feeds, &flags)));
    for (feeds, writer) in &writers {
        writer.await_all_live(*feeds);
        writer.assert_equals(&chain, &Followed::AllUsers, WATCHDOG);
    }
    let at_first = writers.each_ref().map(|(_, writer)| Footprint::of(writer.pid()).descriptors);
    let generations = writers.each_ref().map(|(_, writer)| writer.region().generation());

    let (stop, written) = (AtomicBool::new(false), AtomicU64::new(0));
    let (samples, rates) = std::thread::scope(|scope| {
        scope.spawn(|| write(&chain, seed, &stop, &written));
        let outcome = go_wrong(&chain, &writers, seed, lasts);
        stop.store(true, Ordering::Relaxed);
        outcome
    });
    assert!(rates.iter().all(|rate| *rate >= 5000), "the cluster does not keep up: {rates:?}");

    let (sent, written) = (chain.counts(), written.load(Ordering::Relaxed));
    println!(
        "soak: {written} written, {} sent over ws, {} over grpc",
        sent.ws.sent, sent.grpc.sent
    );
    assert!(written >= 5000 * lasts.as_secs(), "{written} in {} s", lasts.as_secs());
    chain.heal();
    chain.confirm();
    let all = writers.iter().zip(samples).zip(generations).zip(at_first);
    for ((((feeds, writer), samples), generation), at_first) in all {
        writer.assert_equals(&chain, &Followed::AllUsers, BACK);
        until("it is live again", BACK, || {
            (writer.region().feed_state() == driftshm_layout::FeedState::Live).then_some(())
        });
        assert_eq!(writer.region().generation(), generation, "it was started anew");
        assert!(!writer.log().contains("panicked"), "{}", writer.log());
        let figures = ["published", "reconnects", "bad_input", "audit_mismatches", "gap_slots"];
        let figures = figures.map(|name| format!("{name} {}", writer.counter(name)));
        println!("soak {feeds}: {}", figures.join(", "));
        for line in writer.log().lines().filter(|line| line.contains("audit")) {
            println!("soak {feeds}: {line}");
        }
        // What is published in the same slot is published once, and faults take their share.
        let published = writer.counter("published");
        assert!(published >= written / 3, "{published} of {written}");
        steady(*feeds, &samples);
        let descriptors = || Footprint::of(writer.pid()).descriptors;
        println!(
            "soak {feeds}: {at_first} descriptors before the first fault, {} now",
            descriptors()
        );
        // RPC's connection may or may not be kept.
        until("no descriptor is left of a fault", WATCHDOG, || {
            (descriptors() <= at_first + 1).then_some(())
        });
    }
    let counts = chain.counts();
    assert_eq!((counts.ws.lagged, counts.grpc.lagged), (0, 0), "a writer was too slow");
}

/// Writes at the rate until it is told to stop.
fn write(chain: &Chain, seed: u64, stop: &AtomicBool, written: &AtomicU64) {
    let accounts = Followed::AllUsers.of(chain, &chain.snapshot(Commitment::Processed));
    let state = chain.profile().state_address();
    let keys: Vec<Pubkey> = accounts.into_keys().filter(|key| Some(*key) != state).collect();
    let mut dice = Dice::new(seed ^ 1);
    let began = Instant::now();
    while !stop.load(Ordering::Relaxed) {
        let due = (began.elapsed().as_secs_f64() * RATE as f64) as u64;
        while written.load(Ordering::Relaxed) < due {
            let key = &keys[dice.below(keys.len())];
            let edited = chain.edit_account(key, |data| {
                if let Some(last) = data.last_mut() {
                    *last = last.wrapping_add(1);
                }
            });
            assert!(edited.is_some());
            written.fetch_add(1, Ordering::Relaxed);
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Something every five seconds; how the writers were all the while, and how many updates a second
/// each was sent before.
fn go_wrong(
    chain: &Chain,
    writers: &[(Feeds, LiveWriter); 2],
    seed: u64,
    lasts: Duration,
) -> ([Vec<Footprint>; 2], [u64; 2]) {
    let mut rates = [0; 2];
    let mut dice = Dice::new(seed);
    let mut samples = [Vec::new(), Vec::new()];
    let (began, mut next) = (Instant::now(), EVERY);
    let sent = || {
        let counts = chain.counts();
        (counts.ws.sent, counts.grpc.sent)
    };
    let at_first = sent();
    while began.elapsed() < lasts {
        for ((_, writer), samples) in writers.iter().zip(&mut samples) {
            samples.push(Footprint::of(writer.pid()));
        }
        if began.elapsed() >= next {
            if next == EVERY {
                let seconds = began.elapsed().as_secs();
                let rate = |now: u64, then: u64| (now - then) / seconds;
                rates = [rate(sent().0, at_first.0), rate(sent().1, at_first.1)];
                let [ws, grpc] = rates;
                println!("soak: {ws} a second over ws and {grpc} over grpc before the first fault");
            }
            next += EVERY;
            let order = order(chain, &mut dice);
            println!("soak at {:>3} s: {order:?}", began.elapsed().as_secs());
            chain.order(order);
        }
        std::thread::sleep(Duration::from_millis(500));
    }
    (samples, rates)
}

fn order(chain: &Chain, dice: &mut Dice) -> FaultOrder {
    let places: [Protocols; 5] = [
        Protocol::Ws.into(),
        Protocol::Grpc.into(),
        Protocol::Rpc.into(),
        [Protocol::Ws, Protocol::Grpc].into(),
        Protocols::ALL,
    ];
    let on = places[dice.below(places.len())];
    let count = Some(20);
    let faults = [
        Fault::Cut {},
        Fault::EndStreams {},
        Fault::Refuse { keep_connections: false },
        Fault::Eof {},
        Fault::HalfOpen {},
        Fault::BlackHole {},
        Fault::Silence {},
        Fault::Stall {},
        Fault::TooManyRequests { retry_after_s: None, count: Some(2) },
        Fault::HttpStatus { status: 503, count: Some(2) },
        Fault::Reorder { pubkey: None },
        Fault::Duplicate {},
        Fault::Malformed { count },
        Fault::Truncated { count },
        Fault::BadBase64 { count },
        Fault::Oversized { bytes: 2 << 20, count: Some(2) },
        Fault::Skip { pubkey: chain.market(dice.below(40) as u16), count: 5 },
        Fault::RpcLag { slots: 5 },
        Fault::SlotsBack { by: 20 },
        Fault::Slow { ms: 500 },
        Fault::Restart { slots: 5, down_ms: 1000, touch: true },
    ];
    let fault = faults[dice.below(faults.len())].clone();
    FaultOrder { fault, on, for_ms: Some(500 + dice.below(3500) as u64) }
}

/// After the first minute nothing grows.
fn steady(feeds: Feeds, samples: &[Footprint]) {
    let (before, after) = samples.split_at(samples.len() * 3 / 4);
    let before = &before[samples.len() / 2..];
    let most = |samples: &[Footprint]| {
        let anonymous = samples.iter().map(|sample| sample.anonymous).max().unwrap_or_default();
        let descriptors = samples.iter().map(|sample| sample.descriptors).max().unwrap_or_default();
        (anonymous, descriptors)
    };
    let least = |samples: &[Footprint]| {
        samples.iter().map(|sample| sample.anonymous).min().unwrap_or_default()
    };
    println!(
        "soak {feeds}: at least {} KiB in the third quarter, {} in the last",
        least(before),
        least(after)
    );
    let (before, after) = (most(before), most(after));
    println!(
        "soak {feeds}: at most {} KiB and {} descriptors in the third quarter, {} KiB and {} in the last",
        before.0, before.1, after.0, after.1
    );
    // What is under way at a time differs; what is lost with every fault adds up.
    assert!(after.0 <= before.0 + before.0 / 8 + 4096, "{before:?} {after:?}");
    assert!(after.1 <= before.1 + 4, "{before:?} {after:?}");
}
