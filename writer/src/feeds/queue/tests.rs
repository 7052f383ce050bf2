use super::super::Sink;
use super::*;
use driftshm_layout::profile::Kind;
use driftshm_layout::{FeedState, Pubkey};

fn update(account: u8, write_version: u64) -> AccountUpdate {
    AccountUpdate {
        pubkey: Pubkey([account; 32]),
        owner: None,
        slot: 1,
        write_version,
        lamports: 1,
        data: vec![account],
        received_ns: 0,
        source: 0,
    }
}

fn sink(queue: &Arc<Queue>) -> Sink {
    Sink::new(Arc::clone(queue), 7, crossbeam_channel::unbounded().1)
}

fn take(queue: &Queue, batch: &mut Batch, deadline: Instant) {
    queue.wait(deadline);
    queue.take(batch);
}

#[test]
fn every_update_passes_in_order_while_the_publisher_keeps_up() {
    let queue = Queue::new();
    sink(&queue).send(&mut (0..100).map(|n| update(1, n)).collect());
    let mut batch = Batch::default();
    queue.take(&mut batch);
    let got: Vec<_> = batch.updates.iter().map(|u| u.write_version).collect();
    assert_eq!(got, (0..100).collect::<Vec<_>>());
    assert!(batch.updates.iter().all(|update| update.source == 7));
    assert_eq!(batch.conflated, 0);
}

#[test]
fn a_burst_costs_overwritten_versions_never_memory() {
    let queue = Queue::new();
    let sink = sink(&queue);
    let total = CONFLATE_AT as u64 * 10;
    for n in 0..total {
        sink.send(&mut vec![update((n % 3) as u8, n)]);
    }
    let mut batch = Batch::default();
    queue.take(&mut batch);
    assert!(batch.updates.len() < CONFLATE_AT);
    assert_eq!(batch.updates.len() as u64 + batch.conflated, total);
    for account in 0..3u64 {
        let newest = batch.updates.iter().rfind(|u| u.pubkey.0[0] == account as u8);
        let expected = (0..total).rev().find(|n| n % 3 == account);
        assert_eq!(newest.map(|update| update.write_version), expected);
    }
}

#[test]
fn a_burst_leaves_the_newest_version_also_if_it_did_not_come_last() {
    let queue = Queue::new();
    let sink = sink(&queue);
    let at = |slot, write_version| AccountUpdate { slot, ..update(1, write_version) };
    let mut burst = vec![at(9, 1), at(9, 5), at(9, 4), at(8, 7)];
    burst.extend((0..CONFLATE_AT as u64).map(|_| AccountUpdate { data: vec![8], ..update(2, 0) }));
    burst.push(AccountUpdate { data: vec![9], ..update(2, 0) });
    sink.send(&mut burst);
    let mut batch = Batch::default();
    queue.take(&mut batch);
    let left: Vec<_> = batch.updates.iter().map(|u| (u.slot, u.write_version, u.data[0])).collect();
    assert_eq!(left, [(9, 5, 1), (1, 0, 9)], "and of equal ones that which came last");
}

#[test]
fn a_batch_says_until_when_it_is_whole_unless_a_feed_waits_for_room() {
    let queue = Queue::new();
    let mut batch = Batch::default();
    let before = clock::monotonic_ns();
    queue.take(&mut batch);
    let whole = batch.whole_until_ns.unwrap();
    assert!((before..=clock::monotonic_ns()).contains(&whole));
    let many = |from: u32, count: u32| {
        let one = |n: u32| {
            let pubkey = Pubkey::from_words([u64::from(from + n), 0, 0, 0]);
            AccountUpdate { pubkey, ..update(1, 0) }
        };
        (0..count).map(one).collect::<Vec<_>>()
    };
    sink(&queue).send(&mut many(0, HOLD_BACK_AT as u32));
    let waiting = sink(&queue);
    let feed = std::thread::spawn(move || waiting.send(&mut many(1 << 20, 1)));
    while queue.lock().held_back == 0 {
        std::thread::yield_now();
    }
    // It may look for room just now, and then wait again.
    queue.take(&mut batch);
    assert_eq!(batch.updates.len(), HOLD_BACK_AT);
    let first = batch.whole_until_ns;
    feed.join().unwrap();
    queue.take(&mut batch);
    assert!(first.is_none() && batch.whole_until_ns.is_some());
}

#[test]
fn what_was_recorded_waits_for_the_publisher_and_is_never_conflated() {
    let queue = Queue::new();
    let total = CONFLATE_AT as u64 * 3;
    let feed = sink(&queue);
    let recorded = move || {
        for n in 0..total {
            feed.send_as_recorded(&mut vec![AccountUpdate { source: 3, ..update(1, n) }]);
        }
    };
    let feed = std::thread::spawn(recorded);
    let mut got = Vec::new();
    let mut batch = Batch::default();
    while got.len() < total as usize {
        take(&queue, &mut batch, Instant::now() + Duration::from_secs(10));
        assert!(batch.updates.len() <= CONFLATE_AT / 2 && batch.conflated == 0);
        assert!(batch.updates.iter().all(|update| update.source == 3));
        got.extend(batch.updates.iter().map(|update| update.write_version));
    }
    feed.join().unwrap();
    assert!(got.into_iter().eq(0..total));
}

#[test]
fn slots_that_wait_are_one_event() {
    let queue = Queue::new();
    let sink = sink(&queue);
    sink.slot(5);
    sink.slot(9);
    sink.slot(8);
    sink.state(FeedState::Live);
    let mut batch = Batch::default();
    queue.take(&mut batch);
    assert_eq!(batch.events, [(7, FeedEvent::Slot(9)), (7, FeedEvent::State(FeedState::Live))]);
}

#[test]
fn few_are_those_that_are_soon_done_while_nobody_calls() {
    let (queue, mut batch) = (Queue::new(), Batch::default());
    let sink = sink(&queue);
    let mut is_few = |bring: &dyn Fn()| {
        bring();
        let is_few = queue.take_few(&mut batch);
        queue.take(&mut batch);
        is_few
    };
    let updates = |count| (0..count).map(|n| update(1, n as u64)).collect::<Vec<_>>();
    assert!(is_few(&|| sink.send(&mut updates(FEW))));
    assert!(!is_few(&|| sink.send(&mut updates(FEW + 1))));
    assert!(is_few(&|| sink.slot(5)));
    assert!(is_few(&|| sink.vouch(5)));
    // These go through whole sections.
    assert!(!is_few(&|| sink.complete()));
    assert!(!is_few(&|| sink.later(Kind::User)));
    assert!(!is_few(&|| sink.doubt(Kind::User)));
    assert!(!is_few(&|| {
        sink.send(&mut updates(1));
        queue.wake();
    }));
}

#[test]
fn nobody_waits_once_it_is_stopped() {
    let queue = Queue::new();
    queue.stop();
    let hour = Instant::now() + Duration::from_secs(3600);
    // Whoever takes what is left has heard all calls.
    queue.take(&mut Batch::default());
    queue.wait(hour);
    assert!(queue.is_stopped());
}
