//! The journal: an entry appended, an entry read, a look that finds nothing new.

use divan::{Bencher, black_box};
use driftshm_benches::memory;
use driftshm_layout::journal::{ENTRY_WORDS, Publish, append, read};
use driftshm_layout::sync::{Ordering, Word};

const ENTRIES: usize = 65_536;

fn publish(record: u32, nth: u64) -> Publish {
    Publish { record, epoch: 2, version: nth, slot: nth, publish_ns: nth }
}

#[divan::bench]
fn append_an_entry(bencher: Bencher<'_, '_>) {
    let ring = memory::shared(ENTRIES * ENTRY_WORDS).expect("memory");
    let head = Word::new(0);
    let mut nth = 0;
    bencher.bench_local(|| {
        nth += 1;
        append(ring.words(), &head, &publish(black_box(7), nth))
    });
}

#[divan::bench]
fn read_an_entry(bencher: Bencher<'_, '_>) {
    let ring = memory::shared(ENTRIES * ENTRY_WORDS).expect("memory");
    let head = Word::new(0);
    for nth in 0..ENTRIES as u64 {
        append(ring.words(), &head, &publish(7, nth));
    }
    let mut cursor = 0;
    bencher.bench_local(|| {
        cursor = (cursor + 1) % ENTRIES as u64;
        read(ring.words(), &head, black_box(cursor))
    });
}

#[divan::bench]
fn nothing_new(bencher: Bencher<'_, '_>) {
    let ring = memory::shared(ENTRIES * ENTRY_WORDS).expect("memory");
    let head = Word::new(0);
    append(ring.words(), &head, &publish(7, 1));
    bencher.bench(|| read(ring.words(), &head, black_box(head.load(Ordering::Relaxed))));
}
