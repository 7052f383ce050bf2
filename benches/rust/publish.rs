//! Publishing one account: bare stores of its bytes, into its record, and into a region with all
//! that belongs to it (directory, comparison, clock, journal).

use divan::Bencher;
use divan::counter::BytesCount;
use driftshm_benches::places::Place;
use driftshm_benches::publish::{Changing, Record};
use driftshm_layout::profile::Kind;

const KINDS: [Kind; 2] = [Kind::PerpMarket, Kind::User];

fn bytes(kind: Kind) -> BytesCount {
    let len = driftshm_benches::accounts::profile().account(kind).map_or(0, |def| def.len);
    BytesCount::new(len)
}

#[divan::bench(args = KINDS)]
fn stores(bencher: Bencher<'_, '_>, kind: Kind) {
    let place = Place::new(1, 1).expect("a region");
    let mut record = Record::of(&place, kind).expect("a record");
    bencher.counter(bytes(kind)).bench_local(|| record.store());
}

#[divan::bench(args = KINDS)]
fn record(bencher: Bencher<'_, '_>, kind: Kind) {
    let place = Place::new(1, 1).expect("a region");
    let mut record = Record::of(&place, kind).expect("a record");
    bencher.counter(bytes(kind)).bench_local(|| record.publish());
}

#[divan::bench(args = KINDS)]
fn region(bencher: Bencher<'_, '_>, kind: Kind) {
    let mut region = Changing::new(Place::new(1, 1).expect("a region"), kind, 1);
    bencher.counter(bytes(kind)).bench_local(|| region.apply());
}

/// The caches are cold: the accounts are more than they hold.
#[divan::bench(args = KINDS)]
fn region_of_many(bencher: Bencher<'_, '_>, kind: Kind) {
    let (markets, users) = (256, 4096);
    let place = Place::new(markets, users).expect("a region");
    let accounts = if kind == Kind::PerpMarket { markets.into() } else { users as usize };
    let mut region = Changing::new(place, kind, accounts);
    bencher.counter(bytes(kind)).bench_local(|| region.apply());
}
