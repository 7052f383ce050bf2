//! Each feed brings every followed account, and each change of it.

use std::time::Duration;

use libtest_mimic::Trial;

use crate::support::{Chain, Feeds, Followed, LiveWriter, Order, WATCHDOG, small};
use crate::trial;

pub fn trials() -> Vec<Trial> {
    let each = Feeds::EACH.into_iter();
    each.map(|feeds| trial(format!("follow::{feeds}_brings_everything"), move || follows(feeds)))
        .collect()
}

fn follows(feeds: Feeds) {
    let chain = Chain::start(small());
    let writer = LiveWriter::start(&chain, feeds, &["--poll-interval", "0.2"]);
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
