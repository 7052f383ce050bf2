//! Each feed brings every followed account, and each change of it.

use std::time::Duration;

use crate::support::{Chain, Feeds, Followed, LiveWriter, Order, WATCHDOG, small};

fn follows(feeds: Feeds) {
    let chain = Chain::start(small());
    let writer = LiveWriter::start(&chain, feeds, &["--poll-interval", "0.2"]);
    writer.await_live();
    writer.assert_equals(&chain, &Followed::MARKETS, Duration::from_secs(2));
    let order = Order::watch(writer.region().clone());
    for _ in 0..5 {
        chain.touch_all();
        chain.confirm();
    }
    writer.assert_equals(&chain, &Followed::MARKETS, WATCHDOG);
    let seen = order.seen();
    assert!(seen.published > 0 && seen.back.is_empty(), "{seen:?}");
    assert!(writer.stop().success());
}

#[test]
fn rpc_alone_brings_everything() {
    follows(Feeds::Rpc);
}

#[test]
fn ws_alone_brings_everything() {
    follows(Feeds::Ws);
}

#[test]
fn grpc_alone_brings_everything() {
    follows(Feeds::Grpc);
}

#[test]
fn all_feeds_at_once_bring_everything() {
    follows(Feeds::All);
}
