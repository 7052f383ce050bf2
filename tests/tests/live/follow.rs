//! Each feed brings every followed account, and each change of it.

use std::sync::Arc;
use std::time::Duration;

use driftshm_cluster::Options;
use driftshm_layout::profile::Profile;
use libtest_mimic::Trial;

use crate::support::{Chain, Feeds, Followed, LiveWriter, Order, WATCHDOG, small};
use crate::trial;

pub fn trials() -> Vec<Trial> {
    let mut trials = Vec::new();
    for profile in ["drift-v2", "velocity"] {
        for feeds in Feeds::EACH {
            let name = format!("follow::{feeds}_brings_everything_of_{profile}");
            trials.push(trial(name, move || follows(feeds, profile)));
        }
    }
    trials
}

fn follows(feeds: Feeds, name: &str) {
    let profile = Arc::new(Profile::builtin(name).unwrap());
    let chain = Chain::start(Options { profile, ..small() });
    let flags = ["--profile", name, "--poll-interval", "0.2"];
    let writer = LiveWriter::start(&chain, feeds, &flags);
    writer.await_live();
    writer.assert_equals(&chain, &Followed::MARKETS, Duration::from_secs(2));
    let order = Order::watch(writer.region());
    for _ in 0..5 {
        chain.touch_all();
        chain.confirm();
    }
    writer.assert_equals(&chain, &Followed::MARKETS, WATCHDOG);
    let seen = order.seen();
    assert!(seen.published > 0 && seen.back.is_empty(), "{seen:?}");
    assert!(writer.stop().success());
}
