//! A recording of the live feeds gives the region that they gave.

use std::collections::BTreeMap;
use std::time::Duration;

use driftshm_cluster::{Commitment, Fault};
use driftshm_layout::profile::Kind;
use driftshm_layout::{Pubkey, Region};
use libtest_mimic::Trial;

use crate::support::{Chain, Feeds, Followed, LiveWriter, WATCHDOG, small, until};
use crate::trial;

pub fn trials() -> Vec<Trial> {
    let each = [Feeds::Ws, Feeds::Grpc, Feeds::All].into_iter();
    each.map(|feeds| trial(format!("recorded::{feeds}_is_played_as_it_was"), move || played(feeds)))
        .collect()
}

/// All accounts, byte for byte, and as of which slot.
fn content(region: &Region) -> BTreeMap<Pubkey, (u64, Vec<u8>)> {
    let records = Kind::ALL.into_iter().flat_map(|kind| region.accounts(kind));
    let known = |record| Some((region.pubkey(&record)?, region.snapshot(&record).ok()?));
    let content = records.filter_map(known);
    content.map(|(pubkey, it)| (pubkey, (it.meta.slot, it.data.to_vec()))).collect()
}

/// Changes, a cut, and a slot that is taken back.
fn played(feeds: Feeds) {
    let chain = Chain::start(small());
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("session.rec");
    let file = file.to_str().unwrap();
    let flags = ["--commitment", "processed", "--audit-period", "0", "--record", file];
    let writer = LiveWriter::start(&chain, feeds, &flags);
    writer.await_all_live(feeds);
    let back = writer.counter("rolled_back");
    for round in 0..10 {
        chain.touch_all();
        chain.confirm();
        if round == 3 {
            chain.fault(Fault::Cut {});
        }
        if round == 7 {
            chain.touch_all();
            chain.fault(Fault::Orphan { slots: 1, announce: true });
        }
    }
    writer.assert_equals_at(&chain, &Followed::MARKETS, Commitment::Processed, WATCHDOG);
    let back = writer.counter("rolled_back") - back;
    println!("{feeds}: {back} taken back");
    // Pubsub does not say that a slot is dead, and by the time it shows all has changed again.
    assert!(back > 0 || feeds != Feeds::Grpc, "{}", writer.log());
    let live = content(writer.region());
    assert!(live.len() > 10);
    assert!(writer.stop().success());
    for speed in ["max", "50"] {
        let arguments =
            ["--cluster", "local", "--feed", "replay", "--replay", file, "--speed", speed];
        let replay = LiveWriter::spawn(&arguments, &[]);
        until("it has played to the end", WATCHDOG, || {
            (content(replay.region()) == live).then_some(())
        });
        // And there it stays.
        std::thread::sleep(Duration::from_millis(300));
        assert_eq!(content(replay.region()), live, "at speed {speed}");
    }
}
