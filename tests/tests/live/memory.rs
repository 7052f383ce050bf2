//! What the writer needs for every market and twenty thousand users.

use std::time::Duration;

use driftshm_cluster::{Options, Pace, Sim, SimOptions};
use libtest_mimic::Trial;

use crate::support::{Chain, Feeds, Followed, Footprint, LiveWriter};
use crate::trial;

const USERS: u32 = 20_000;
/// In KiB.
const LIMIT: u64 = 100 << 10;
/// All users come in one answer of a hundred megabytes, made by a cluster that is not optimized.
const PATIENCE: Duration = Duration::from_secs(150);

pub fn trials() -> Vec<Trial> {
    vec![trial("memory::every_market_and_twenty_thousand_users_fit_100_mib", everybody)]
}

fn everybody() {
    let accounts = SimOptions {
        markets: 62,
        spot_markets: 38,
        users: USERS,
        cold_users: 0,
        ..SimOptions::default()
    };
    let chain = Chain::start(Options {
        sim: Some(Sim { accounts, rate: 0 }),
        pace: Pace::Every(Duration::from_millis(400)),
        ..Options::default()
    });
    let users = chain.users();
    assert_eq!(users.len(), USERS as usize);
    for feeds in [Feeds::Ws, Feeds::Grpc] {
        let flags = [
            "--users",
            "all",
            "--max-users",
            "20480",
            "--max-oracles",
            "256",
            "--journal",
            "65536",
        ];
        let writer = LiveWriter::start(&chain, feeds, &flags);
        writer.await_live();
        writer.assert_equals(&chain, &Followed::AllUsers, PATIENCE);
        report(feeds, "after the start", &writer);
        for user in users.iter().step_by(4) {
            chain.edit_account(user, |data| *data.last_mut().unwrap() ^= 1).unwrap();
        }
        chain.confirm();
        writer.assert_equals(&chain, &Followed::AllUsers, PATIENCE);
        report(feeds, "after a burst of 5,000", &writer);
        assert!(writer.stop().success());
    }
}

fn report(feeds: Feeds, when: &str, writer: &LiveWriter) {
    let footprint = Footprint::of(writer.pid());
    let mib = |kib: u64| kib as f64 / 1024.0;
    println!(
        "{feeds} {when}: {:.1} MiB anonymous, {:.1} MiB private, {:.1} MiB at the peak",
        mib(footprint.anonymous),
        mib(footprint.private),
        mib(footprint.peak)
    );
    assert!(footprint.private <= LIMIT && footprint.peak <= LIMIT, "{footprint:?}");
}
