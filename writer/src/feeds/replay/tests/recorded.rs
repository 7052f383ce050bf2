//! Recordings, played as they were made.

use driftshm_layout::Stamp;

use super::*;
use crate::recording::{Guard, RecorderOptions, Session, append_to, start as record};

fn update(account: u8, slot: u64, source: u8) -> AccountUpdate {
    AccountUpdate {
        pubkey: key(account),
        owner: Some(key(200)),
        slot,
        write_version: slot * 2,
        lamports: 1,
        data: vec![account; 100],
        received_ns: driftshm_layout::clock::monotonic_ns(),
        source,
    }
}

/// Records batches, some time after one another.
fn recording(pause: Duration, batches: &[Batch]) -> NamedTempFile {
    let file = NamedTempFile::new().unwrap();
    let options = RecorderOptions { dir: "/nonexistent".into(), session: Session::default() };
    let guard = Guard::new();
    let (mut tap, thread) = record(append_to(file.path()).unwrap(), options, &guard).unwrap();
    tap.attach([(3, FeedState::Live)].into_iter(), 41);
    for batch in batches {
        let now = driftshm_layout::clock::monotonic_ns();
        let mut updates = batch.updates.clone();
        updates.iter_mut().for_each(|update| update.received_ns = now);
        assert!(tap.record(&Batch { updates, events: batch.events.clone(), ..Batch::default() }));
        thread::sleep(pause);
    }
    drop(tap);
    thread.join().unwrap();
    file
}

fn options(file: &NamedTempFile, speed: f64) -> ReplayOptions {
    ReplayOptions { path: file.path().to_owned(), repeat: false, speed }
}

fn batches() -> Vec<Batch> {
    let states = vec![(3, FeedEvent::Slot(60)), (3, FeedEvent::State(FeedState::Stalled))];
    vec![
        Batch { updates: vec![update(1, 50, 3), update(2, 49, 4)], ..Batch::default() },
        Batch { updates: vec![update(1, 51, 3)], events: states, ..Batch::default() },
        Batch { updates: vec![update(3, 52, 4)], ..Batch::default() },
    ]
}

#[test]
fn updates_keep_order_rank_slot_and_write_version_and_states_come_between_them() {
    let file = recording(Duration::ZERO, &batches());
    let mut running = start(options(&file, f64::INFINITY));
    running.until_updates(4).until(|it| it.events.contains(&FeedEvent::Complete));
    let stamps: Vec<_> = running
        .updates
        .iter()
        .map(|it| {
            (it.pubkey, Stamp { slot: it.slot, write_version: it.write_version, source: it.source })
        })
        .collect();
    let expected =
        [(1, 50, 3), (2, 49, 4), (1, 51, 3), (3, 52, 4)].map(|(account, slot, source)| {
            (key(account), Stamp { slot, write_version: slot * 2, source })
        });
    assert_eq!(stamps, expected);
    assert!(running.updates.iter().all(|it| it.owner == Some(key(200)) && it.received_ns > 0));
    let states: Vec<_> =
        running.events.iter().filter(|it| matches!(it, FeedEvent::State(_))).collect();
    let expected = [FeedState::Syncing, FeedState::Live, FeedState::Stalled, FeedState::Live];
    assert_eq!(states, expected.map(FeedEvent::State).iter().collect::<Vec<_>>());
    assert!(running.events.contains(&FeedEvent::Slot(60)));
    assert_eq!(running.bad_input(), 0);
    running.stop();
}

#[test]
fn what_was_taken_back_is_so_again_after_what_came_before_it_and_before_the_rest() {
    let before = update(1, 49, 4);
    let back = FeedEvent::TakeBack { slot: 50, before: Box::new(before.clone()) };
    let events = vec![(4, back), (4, FeedEvent::Confirmed(48))];
    let batches = [
        Batch { updates: vec![update(1, 50, 4)], events, ..Batch::default() },
        Batch { updates: vec![update(1, 51, 4)], ..Batch::default() },
    ];
    let file = recording(Duration::ZERO, &batches);
    let mut running = start(options(&file, f64::INFINITY));
    running.until(|it| it.events.iter().any(|it| matches!(it, FeedEvent::TakeBack { .. })));
    assert_eq!(running.slots(), [50], "what comes later waits until it is taken back");
    let taken_back = running.events.iter().find_map(|it| match it {
        FeedEvent::TakeBack { slot, before } => Some((*slot, before.clone())),
        _ => None,
    });
    let (slot, found) = taken_back.unwrap();
    assert_eq!((slot, found.slot, found.source, &found.data), (50, 49, 4, &before.data));
    running.until_updates(2);
    assert!(running.events.contains(&FeedEvent::Confirmed(48)));
    running.stop();
}

#[test]
fn the_time_between_updates_is_kept_scaled_by_the_speed() {
    let file = recording(Duration::from_millis(300), &batches());
    let began = Instant::now();
    let mut running = start(options(&file, 2.0));
    running.until_updates(4);
    assert!(began.elapsed() >= Duration::from_millis(280), "{:?}", began.elapsed());
    running.stop();
}

#[test]
fn an_account_that_is_asked_for_is_brought_again_as_it_came_last() {
    let file = recording(Duration::ZERO, &batches());
    let mut running = start(options(&file, f64::INFINITY));
    running.until_updates(4);
    running.commands.send(FeedCommand::Follow(key(1))).unwrap();
    running.until_updates(5);
    let again = &running.updates[4];
    assert_eq!((again.pubkey, again.slot, again.source), (key(1), 51, 3));
    running.stop();
}

#[test]
fn a_recording_that_is_repeated_rises_by_its_span_each_time() {
    let file = recording(Duration::ZERO, &batches());
    let mut running = start(ReplayOptions { repeat: true, ..options(&file, f64::INFINITY) });
    running.until_updates(12);
    // It begins at the region's slot, 1,000, and has a span of four slots.
    assert_eq!(running.slots()[..4], [1001, 1000, 1002, 1003]);
    assert_eq!(running.slots()[4..8], [1005, 1004, 1006, 1007]);
    running.stop();
}

#[test]
fn damage_is_reported_and_what_is_behind_it_is_played() {
    let file = recording(Duration::from_millis(1_100), &batches());
    let mut bytes = fs::read(file.path()).unwrap();
    let blocks: Vec<_> =
        (0..bytes.len() - 16).filter(|at| &bytes[*at + 8..*at + 16] == b"DRIFTBLK").collect();
    bytes[blocks[1] + 40] ^= 1;
    fs::write(file.path(), &bytes).unwrap();
    let mut running = start(options(&file, f64::INFINITY));
    running.until(|it| it.events.contains(&FeedEvent::Complete));
    assert_eq!(running.bad_input(), 2, "the block, and the items that were in it");
    assert_eq!(running.updates.last().unwrap().pubkey, key(3));
    running.stop();
}

#[test]
fn a_recording_of_a_newer_version_is_refused() {
    let file = recording(Duration::ZERO, &[]);
    let mut bytes = fs::read(file.path()).unwrap();
    bytes[16..24].copy_from_slice(&[9, 0, 0, 0, 246, 255, 255, 255]);
    fs::write(file.path(), &bytes).unwrap();
    let running = start(options(&file, 1.0));
    let error = running.thread.join().unwrap().unwrap_err().to_string();
    assert!(error.contains("format 9"), "{error}");
}
