//! Finding a user by its address.

use divan::{Bencher, black_box};
use driftshm_benches::accounts;
use driftshm_benches::places::Place;

const USERS: [u64; 3] = [16, 1024, 8192];

#[divan::bench(args = USERS)]
fn the_same_user(bencher: Bencher<'_, '_>, users: u64) {
    let place = Place::new(1, users).expect("a region");
    let (region, pubkey) = (place.writer.region(), place.users[3].pubkey);
    bencher.bench(|| region.find(black_box(&pubkey)));
}

#[divan::bench(args = USERS)]
fn all_users_in_turn(bencher: Bencher<'_, '_>, users: u64) {
    let place = Place::new(1, users).expect("a region");
    let region = place.writer.region();
    let mut next = place.users.iter().cycle();
    bencher.bench_local(|| next.next().and_then(|user| region.find(black_box(&user.pubkey))));
}

#[divan::bench(args = USERS)]
fn nobody(bencher: Bencher<'_, '_>, users: u64) {
    let place = Place::new(1, users).expect("a region");
    let (region, pubkey) = (place.writer.region(), accounts::key(u64::MAX));
    bencher.bench(|| region.find(black_box(&pubkey)));
}
