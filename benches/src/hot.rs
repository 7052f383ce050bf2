//! The hot paths, each run so many times between two marks: callgrind counts their instructions.

use std::hint::black_box;

use driftshm_layout::journal::{self, Publish};
use driftshm_layout::profile::Kind;
use driftshm_layout::sync::{Ordering, Word};

use crate::memory;
use crate::places::{NoRegion, Place};
use crate::publish::{Changing, Record};

/// How often each path is run.
pub const TIMES: u64 = 1000;
const MARKETS: u16 = 16;
const USERS: u64 = 512;
const JOURNAL: usize = 1024;

/// Callgrind is told to write down what it counted whenever this function returns.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn driftshm_bench_mark() {
    black_box(());
}

/// Runs all paths in turn, and returns their names in that order. The first is no path at all:
/// what the loop costs.
pub fn run() -> Result<Vec<&'static str>, NoRegion> {
    let place = Place::new(MARKETS, USERS)?;
    let (market, user) = (place.market(3), place.user(3));
    let mut names = Vec::new();
    let mut measure = |name, path: &mut dyn FnMut(u64)| {
        path(0);
        driftshm_bench_mark();
        for nth in 0..TIMES {
            path(nth);
        }
        driftshm_bench_mark();
        names.push(name);
    };
    measure("loop", &mut |nth| {
        black_box(nth);
    });
    let region = place.writer.region();
    measure("read one field", &mut |_| {
        let _ = black_box(region.read(&market, |buffer| buffer.payload_u64(black_box(80))));
    });
    measure("read four fields", &mut |_| {
        let offsets = black_box([80, 160, 840, 1184]);
        let _ = black_box(region.read(&market, |buffer| offsets.map(|o| buffer.payload_u64(o))));
    });
    measure("snapshot of a perp market", &mut |_| {
        let _ = black_box(region.frozen(&market));
    });
    measure("snapshot of a user", &mut |_| {
        let _ = black_box(region.frozen(&user));
    });
    measure("find a user", &mut |nth| {
        black_box(region.find(&place.users[nth as usize % USERS as usize].pubkey));
    });
    let ring = memory::shared(JOURNAL * journal::ENTRY_WORDS)?;
    let head = Word::new(0);
    measure("journal: append", &mut |nth| {
        let (record, epoch, version) = (nth as u32, nth, nth);
        let publish = Publish { record, epoch, version, slot: nth, publish_ns: nth };
        journal::append(ring.words(), &head, &publish);
    });
    let newest = head.load(Ordering::Relaxed) - 1;
    measure("journal: read", &mut |_| {
        black_box(journal::read(ring.words(), &head, black_box(newest)));
    });
    for (name, kind) in [
        ("publish a perp market in its record", Kind::PerpMarket),
        ("publish a user in its record", Kind::User),
    ] {
        let mut record = Record::of(&place, kind)?;
        measure(name, &mut |_| record.publish());
    }
    for (name, kind) in [("apply a perp market", Kind::PerpMarket), ("apply a user", Kind::User)] {
        let mut region = Changing::new(Place::new(MARKETS, USERS)?, kind, 1);
        measure(name, &mut |_| region.apply());
    }
    Ok(names)
}
