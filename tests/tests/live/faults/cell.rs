//! One fault with one choice of feeds.

use std::time::{Duration, Instant};

use driftshm_cluster::Commitment;
use driftshm_layout::FeedState;

use super::{AUDITED, Case, Mended};
use crate::support::{Chain, Feeds, Followed, LiveWriter, Order, small, until};

/// So soon the region says that accounts cannot arrive.
const TOLD: Duration = Duration::from_secs(5);
/// So soon after the network's return the feed is connected again.
const RECONNECTED: Duration = Duration::from_secs(15);
/// So soon after that the region is what the chain is.
const MENDED: Duration = Duration::from_secs(2);
/// So soon the audit has been everywhere: a round, the grace, and a busy machine.
const AUDITED_WITHIN: Duration = Duration::from_secs(10);

pub struct Cell {
    pub feeds: Feeds,
    pub case: Case,
}

impl Cell {
    pub fn run(self) {
        let Self { feeds, case } = self;
        let chain = Chain::start(small());
        let users = chain.users();
        let followed = Followed::Named(users[..2].to_vec());
        let named = users[..2].iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
        let mut flags = vec!["--poll-interval", "0.3", "--user", &named];
        flags.extend(case.flags);
        flags.extend(if case.mended == Mended::ByAudit {
            AUDITED
        } else {
            &["--audit-period", "0"]
        });
        let writer = LiveWriter::start(&chain, feeds, &flags);
        writer.await_all_live(feeds);
        writer.assert_equals(&chain, &followed, MENDED);
        let order = Order::watch(writer.region());
        let before = Returns::new(&writer);
        let counted = sum(&writer, case.counted);

        std::thread::scope(|scope| {
            scope.spawn(|| strike(&chain, &case));
            self::while_it_lasts(&chain, &writer, &case);
        });

        let slot = chain.slot(Commitment::Processed);
        chain.heal();
        let (back, mended) = before.mended(&chain, &writer, feeds, &followed, slot);
        let figures = || format!("{:#?}\nthe log:\n{}", writer.status(), writer.log());
        assert!(back <= RECONNECTED, "back only after {back:?}; {}", figures());
        let within = if case.mended == Mended::ByAudit { AUDITED_WITHIN } else { MENDED };
        let within = within + case.asks;
        assert!(mended <= within, "back after {back:?}, mended {mended:?} later; {}", figures());
        writer.await_live();
        let seen = order.seen();
        assert!(seen.back.is_empty(), "slots went back: {:?}", seen.back);
        // Where it is to show, it did: else this would be a test of nothing.
        if !case.counted.is_empty() && !feeds.has("rpc") {
            assert!(sum(&writer, case.counted) > counted, "{:?}: {}", case.counted, figures());
        }
        println!("{feeds} {}: back after {back:.1?}, mended {mended:.1?} later", case.name);
        assert!(writer.stop().success());
    }
}

fn strike(chain: &Chain, case: &Case) {
    for fault in (case.strike)(chain) {
        chain.fault(fault);
    }
}

/// Accounts change; and where they cannot arrive, bots are told, and are not told otherwise.
fn while_it_lasts(chain: &Chain, writer: &LiveWriter, case: &Case) {
    let began = Instant::now();
    let is_live = || writer.region().feed_state() == FeedState::Live;
    let mut rounds = 0;
    let mut change = || {
        rounds += 1;
        // In slot after slot, so that updates have others to be mixed up with.
        if rounds <= 15 {
            chain.touch_all();
        }
    };
    if case.hides {
        // A machine that is busy elsewhere has a second more.
        let patience = TOLD + Duration::from_secs(1);
        until("bots are told that accounts cannot arrive", patience, || (!is_live()).then_some(()));
    }
    while began.elapsed() < case.lasts {
        change();
        std::thread::sleep(Duration::from_millis(70));
        assert!(!case.hides || !is_live(), "live while accounts cannot arrive:\n{}", writer.log());
    }
    change();
}

fn sum(writer: &LiveWriter, counters: &[&str]) -> u64 {
    counters.iter().map(|name| writer.counter(name)).sum()
}

/// When feeds come back.
struct Returns {
    connects: [u64; 2],
}

const STREAMS: [&str; 2] = ["ws", "grpc"];

impl Returns {
    fn new(writer: &LiveWriter) -> Self {
        Self { connects: STREAMS.map(|name| connects(writer, name)) }
    }

    /// Waits until the region is what the chain is. How long after the healing the first feed that
    /// then stayed was back, and how long after that it was so.
    fn mended(
        &self,
        chain: &Chain,
        writer: &LiveWriter,
        feeds: Feeds,
        followed: &Followed,
        slot: u64,
    ) -> (Duration, Duration) {
        let healed = Instant::now();
        let mut back: [Option<Instant>; 3] = [None; 3];
        loop {
            for report in writer.status().feeds.iter().filter(|report| feeds.has(&report.name)) {
                let figure = |name| report.figures.get(name).copied().unwrap_or_default();
                let is_up = report.state == "live" || report.state == "syncing";
                let (place, is_back) = match STREAMS.iter().position(|name| *name == report.name) {
                    Some(stream) => (
                        stream,
                        is_up
                            && (report.state == "live"
                                || figure("connects") > self.connects[stream]),
                    ),
                    None => (2, figure("slot") > slot),
                };
                match is_back {
                    true => _ = back[place].get_or_insert_with(Instant::now),
                    false => back[place] = None,
                }
            }
            let first = back.iter().flatten().min();
            if let Some(first) = first
                && writer.differences(chain, followed).is_empty()
            {
                return (first.duration_since(healed), first.elapsed());
            }
            assert!(
                healed.elapsed() < Duration::from_secs(45),
                "never mended: {:#?}; {:#?}; the log:\n{}",
                writer.differences(chain, followed),
                writer.status(),
                writer.log()
            );
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

fn connects(writer: &LiveWriter, name: &str) -> u64 {
    let status = writer.status();
    let feed = status.feeds.iter().find(|feed| feed.name == name);
    feed.and_then(|feed| feed.figures.get("connects").copied()).unwrap_or_default()
}
