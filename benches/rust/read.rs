//! Reading an account: one field, four of one version, the whole.

use divan::{Bencher, black_box};
use driftshm_benches::places::Place;

fn place() -> Place {
    Place::new(16, 16).expect("a region")
}

#[divan::bench]
fn one_field(bencher: Bencher<'_, '_>) {
    let place = place();
    let (region, market) = (place.writer.region(), place.market(3));
    bencher.bench(|| region.read(black_box(&market), |buffer| buffer.payload_u64(80)));
}

#[divan::bench]
fn four_fields(bencher: Bencher<'_, '_>) {
    let place = place();
    let (region, market) = (place.writer.region(), place.market(3));
    bencher.bench(|| {
        let offsets = black_box([80, 160, 840, 1184]);
        region.read(black_box(&market), |buffer| offsets.map(|o| buffer.payload_u64(o)))
    });
}

#[divan::bench]
fn meta(bencher: Bencher<'_, '_>) {
    let place = place();
    let (region, market) = (place.writer.region(), place.market(3));
    bencher.bench(|| region.meta(black_box(&market)));
}

#[divan::bench]
fn snapshot_of_a_perp_market(bencher: Bencher<'_, '_>) {
    let place = place();
    let (region, market) = (place.writer.region(), place.market(3));
    bencher.bench(|| region.frozen(black_box(&market)));
}

#[divan::bench]
fn snapshot_of_a_user(bencher: Bencher<'_, '_>) {
    let place = place();
    let (region, user) = (place.writer.region(), place.user(3));
    bencher.bench(|| region.frozen(black_box(&user)));
}
