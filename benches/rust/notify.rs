//! A batch of 256 updates of one market through a whole writer, with one subscriber to that market
//! and with 99 more who want to hear of something else.

use std::cell::RefCell;

use divan::Bencher;
use divan::counter::ItemsCount;
use driftshm_benches::notify::Changes;

const BATCH: u64 = 256;

#[divan::bench(args = [0, 99])]
fn others(bencher: Bencher<'_, '_>, others: usize) {
    let changes = RefCell::new(Changes::new());
    changes.borrow_mut().set_others(others);
    bencher
        .counter(ItemsCount::new(BATCH))
        .with_inputs(|| changes.borrow_mut().updates(BATCH))
        .bench_local_values(|updates| changes.borrow_mut().publish(updates));
    assert_eq!(changes.borrow().woken_in_vain(), 0, "others were woken");
}
