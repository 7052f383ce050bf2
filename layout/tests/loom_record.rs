//! Models of the record: a reader gets whole versions of the account it asked for, whatever the
//! writer is doing, and wherever a writer died.
//!
//! Loom runs every order of the two threads' steps (with a bounded number of preemptions) and, for
//! every load, every value that the orderings allow. Its limits, and what is done about them:
//! - It looks for orders to try by comparing each step with the last one on the same word. A load
//!   by the writer of its own word would hide the reader's load before it; hence the writer is
//!   the thread that runs first, and readers are moved ahead of its stores one by one.
//! - A load never sees a store that is yet to be executed, so a load is never reordered with a
//!   later store of its thread. Readers store nothing.
//! - It remembers the last seven stores of a word: three versions are as many as it can model.
#![cfg(driftshm_loom)]

use std::cell::Cell;
use std::collections::BTreeSet;
use std::sync::Mutex;

use driftshm_layout::Pubkey;
use driftshm_layout::record::{self, Buffer, HEADER_WORDS, Presence, Shape, Unread, Version};
use driftshm_layout::sync::{Ordering, Word, fence};
use loom::sync::Arc;
use loom::thread;

/// Meta only: what a version says is in its slot and lamports. A rename zeroes every word, so
/// this keeps its models small.
const BARE: Shape = Shape { extra_words: 0, payload_words: 0 };
const WITH_PAYLOAD: Shape = Shape { extra_words: 1, payload_words: 2 };

const SEQUENCE: usize = 0;
const EPOCH: usize = 1;
const FLAGS: usize = 2;
const PUBKEY: usize = 4;

const ALICE: Pubkey = Pubkey([0xaa; 32]);
const BOB: Pubkey = Pubkey([0xbb; 32]);
/// Added to the words of Bob's versions.
const BOBS: u64 = 1000;

type Record = Arc<Vec<Word>>;

/// What happened in some execution of a model: one that never gets there proves nothing.
type Seen = Mutex<BTreeSet<&'static str>>;

fn note(seen: &Seen, what: &'static str) {
    seen.lock().unwrap().insert(what);
}

fn all_seen(seen: &Seen, expected: &[&'static str]) {
    let seen = seen.lock().unwrap();
    for what in expected {
        assert!(seen.contains(what), "no execution with: {what}; only {seen:?}");
    }
}

/// Buffers take turns, so what distinguishes versions of one buffer is the second bit.
fn closed(version: u64) -> bool {
    version & 2 != 0
}

/// Publishes a version whose every part says which version it is, and whose.
fn publish(record: &[Word], shape: Shape, whose: u64) -> u64 {
    let version = record::version(record) + 1;
    let mark = whose + version;
    let data: Vec<u8> = [mark, mark].iter().flat_map(|word| word.to_le_bytes()).collect();
    let update = Version {
        data: &data[..shape.payload_words * 8],
        extra: &[mark],
        slot: mark,
        lamports: mark,
        closed: closed(version),
        layout_mismatch: !closed(version),
        ..Version::default()
    };
    assert_eq!(record::publish(record, shape, &update), version);
    version
}

/// The record as models begin with it: Alice's, with version 1.
fn of_alice(shape: Shape) -> (Record, u64) {
    let record: Record = Arc::new((0..shape.stride()).map(|_| Word::new(0)).collect());
    let epoch = record::rename(&record, shape, &ALICE);
    publish(&record, shape, 0);
    (record, epoch)
}

/// The version that payload and extra agree on. Either flag is set in every version.
fn whole_payload(buffer: Buffer<'_>) -> Result<u64, String> {
    let words = [buffer.payload(0), buffer.payload(1), buffer.extra(0)];
    let version = buffer.version();
    let whole = words == [version; 3] && buffer.unreadable();
    if whole { Ok(version) } else { Err(format!("version {version} with words {words:?}")) }
}

/// The version that meta and flags agree on, with whose mark it carries.
fn whole_meta(buffer: Buffer<'_>) -> Result<u64, String> {
    let meta = buffer.meta();
    let version = buffer.version();
    let whole = (meta.slot == version || meta.slot == BOBS + version)
        && meta.lamports == meta.slot
        && meta.closed == closed(version)
        && meta.layout_mismatch != closed(version);
    if whole { Ok(meta.slot) } else { Err(format!("version {version} with {meta:?}")) }
}

/// Reads once; also returns how often a torn read was thrown away.
fn read(
    record: &Record,
    shape: Shape,
    epoch: u64,
    look: fn(Buffer<'_>) -> Result<u64, String>,
) -> (Result<u64, Unread>, u32) {
    let runs = Cell::new(0);
    let found = record::read(record, shape, epoch, |buffer| {
        runs.set(runs.get() + 1);
        look(buffer)
    });
    let found = found.map(|whole| whole.unwrap_or_else(|torn| panic!("torn: {torn}")));
    (found, runs.get() - 1)
}

fn overtaken_by(versions: u64, look: fn(Buffer<'_>) -> Result<u64, String>, seen: &'static Seen) {
    loom::model(move || {
        let (record, epoch) = of_alice(WITH_PAYLOAD);
        let reader = {
            let record = record.clone();
            thread::spawn(move || {
                let (found, again) = read(&record, WITH_PAYLOAD, epoch, look);
                let version = found.expect("Alice keeps her record");
                assert!((1..=versions + 1).contains(&version));
                note(seen, if again > 0 { "again" } else { "at once" });
                note(seen, if version == 1 { "oldest" } else { "newer" });
            })
        };
        for _ in 0..versions {
            publish(&record, WITH_PAYLOAD, 0);
        }
        reader.join().unwrap();
        assert_eq!(read(&record, WITH_PAYLOAD, epoch, look).0, Ok(versions + 1));
    });
}

#[test]
fn one_version_overtakes_a_reader_and_disturbs_it_never() {
    static SEEN: Seen = Mutex::new(BTreeSet::new());
    overtaken_by(1, whole_payload, &SEEN);
    all_seen(&SEEN, &["oldest", "newer"]);
    assert!(!SEEN.lock().unwrap().contains("again"), "the other buffer is not the reader's");
}

#[test]
fn two_versions_overtake_a_reader_that_gets_a_whole_one() {
    static SEEN: Seen = Mutex::new(BTreeSet::new());
    overtaken_by(2, whole_payload, &SEEN);
    all_seen(&SEEN, &["oldest", "newer", "again"]);
}

#[test]
fn three_versions_overtake_a_reader_that_gets_a_whole_one() {
    static SEEN: Seen = Mutex::new(BTreeSet::new());
    overtaken_by(3, whole_payload, &SEEN);
    all_seen(&SEEN, &["oldest", "newer", "again"]);
}

#[test]
fn meta_and_flags_belong_to_the_version_that_is_read() {
    static SEEN: Seen = Mutex::new(BTreeSet::new());
    overtaken_by(2, whole_meta, &SEEN);
    all_seen(&SEEN, &["oldest", "newer", "again"]);
}

#[test]
fn versions_never_go_back() {
    loom::model(|| {
        let (record, epoch) = of_alice(BARE);
        let reader = {
            let record = record.clone();
            thread::spawn(move || {
                let slot = |buffer: Buffer<'_>| Ok(buffer.version());
                let first = read(&record, BARE, epoch, slot).0.unwrap();
                let second = record::version(&record);
                let third = read(&record, BARE, epoch, slot).0.unwrap();
                assert!(first <= second && second <= third, "{first}, {second}, {third}");
            })
        };
        publish(&record, BARE, 0);
        publish(&record, BARE, 0);
        reader.join().unwrap();
    });
}

#[test]
fn a_closed_account_is_not_called_so_before_that_version_is_there() {
    static SEEN: Seen = Mutex::new(BTreeSet::new());
    loom::model(|| {
        // Versions 4 and 5 are open, 6 is closed and goes where 4 is.
        let (record, epoch) = of_alice(BARE);
        while record::version(&record) < 4 {
            publish(&record, BARE, 0);
        }
        let reader = {
            let record = record.clone();
            thread::spawn(move || match record::presence(&record, epoch) {
                Presence::Here => note(&SEEN, "here"),
                Presence::Closed => {
                    assert!(record::version(&record) >= 6);
                    note(&SEEN, "closed");
                }
                other => panic!("{other:?}"),
            })
        };
        publish(&record, BARE, 0);
        publish(&record, BARE, 0);
        reader.join().unwrap();
    });
    all_seen(&SEEN, &["here", "closed"]);
}

#[test]
fn a_record_that_changes_hands_is_gone_for_those_who_held_it() {
    static SEEN: Seen = Mutex::new(BTreeSet::new());
    loom::model(|| {
        let (record, epoch) = of_alice(BARE);
        let reader = {
            let record = record.clone();
            thread::spawn(move || match read(&record, BARE, epoch, whole_meta).0 {
                Ok(whole) => {
                    assert_eq!(whole, 1, "Alice's only version");
                    note(&SEEN, "still Alice's");
                }
                Err(why) => {
                    assert_eq!(why, Unread::Gone);
                    note(&SEEN, "gone");
                }
            })
        };
        record::rename(&record, BARE, &BOB);
        publish(&record, BARE, BOBS);
        reader.join().unwrap();
    });
    all_seen(&SEEN, &["still Alice's", "gone"]);
}

/// Publishes a version of fields that can be read, two words of the same number.
fn publish_open(record: &[Word], mark: u64) {
    let data: Vec<u8> = [mark, mark].iter().flat_map(|word| word.to_le_bytes()).collect();
    record::publish(record, WITH_PAYLOAD, &Version { data: &data, ..Version::default() });
}

/// What a single look at the record gives of such a version.
fn peek(record: &[Word], epoch: u64) -> Option<u64> {
    let [first, second] = record::peek(record, WITH_PAYLOAD, epoch, 0)?;
    assert_eq!(first, second, "torn");
    Some(first)
}

fn open_record() -> (Record, u64) {
    let record: Record = Arc::new((0..WITH_PAYLOAD.stride()).map(|_| Word::new(0)).collect());
    let epoch = record::rename(&record, WITH_PAYLOAD, &ALICE);
    publish_open(&record, 1);
    (record, epoch)
}

#[test]
fn a_single_look_gives_a_whole_version_or_nothing() {
    static SEEN: Seen = Mutex::new(BTreeSet::new());
    loom::model(|| {
        let (record, epoch) = open_record();
        let reader = {
            let record = record.clone();
            thread::spawn(move || match peek(&record, epoch) {
                Some(version) => {
                    assert!((1..=3).contains(&version));
                    note(&SEEN, if version == 1 { "oldest" } else { "newer" });
                }
                None => note(&SEEN, "torn"),
            })
        };
        publish_open(&record, 2);
        publish_open(&record, 3);
        reader.join().unwrap();
        assert_eq!(peek(&record, epoch), Some(3));
    });
    all_seen(&SEEN, &["oldest", "newer", "torn"]);
}

#[test]
fn a_single_look_by_who_held_a_record_never_gives_the_next_owners_words() {
    static SEEN: Seen = Mutex::new(BTreeSet::new());
    loom::model(|| {
        let (record, epoch) = open_record();
        let reader = {
            let record = record.clone();
            thread::spawn(move || match peek(&record, epoch) {
                Some(version) => {
                    assert_eq!(version, 1, "Alice's only version");
                    note(&SEEN, "still Alice's");
                }
                None => note(&SEEN, "gone"),
            })
        };
        record::rename(&record, WITH_PAYLOAD, &BOB);
        publish_open(&record, BOBS);
        reader.join().unwrap();
        assert_eq!(peek(&record, epoch), None);
    });
    all_seen(&SEEN, &["still Alice's", "gone"]);
}

#[test]
fn an_identity_is_one_owners_and_leads_to_that_owners_versions() {
    static SEEN: Seen = Mutex::new(BTreeSet::new());
    loom::model(|| {
        let (record, alices) = of_alice(BARE);
        let reader = {
            let record = record.clone();
            thread::spawn(move || {
                let Some((epoch, pubkey)) = record::identity(&record) else {
                    note(&SEEN, "changing");
                    return;
                };
                assert_eq!(pubkey, if epoch == alices { ALICE } else { BOB });
                match read(&record, BARE, epoch, whole_meta).0 {
                    Ok(whole) if pubkey == ALICE => assert_eq!(whole, 1),
                    Ok(whole) => {
                        assert_eq!(whole, BOBS + 2);
                        note(&SEEN, "Bob's version");
                    }
                    Err(Unread::Empty) => {
                        assert_eq!(pubkey, BOB, "Alice's record was never empty");
                        note(&SEEN, "Bob's, empty");
                    }
                    Err(Unread::Gone) => assert_eq!(pubkey, ALICE),
                }
            })
        };
        record::rename(&record, BARE, &BOB);
        publish(&record, BARE, BOBS);
        reader.join().unwrap();
    });
    all_seen(&SEEN, &["changing", "Bob's version", "Bob's, empty"]);
}

#[test]
fn an_epoch_is_that_of_the_address_that_was_asked_for() {
    static SEEN: Seen = Mutex::new(BTreeSet::new());
    loom::model(|| {
        let (record, alices) = of_alice(BARE);
        let reader = {
            let record = record.clone();
            thread::spawn(move || match record::epoch_of(&record, BOB.to_words()) {
                Some(epoch) => {
                    assert_eq!(epoch, alices + 2);
                    note(&SEEN, "Bob's");
                }
                None => note(&SEEN, "not Bob's"),
            })
        };
        record::rename(&record, BARE, &BOB);
        reader.join().unwrap();
    });
    all_seen(&SEEN, &["Bob's", "not Bob's"]);
}

// ------------------------------------------------------------------- writers that die half-way

/// The first stores of [`record::publish`]: all but the last, of the sequence.
fn begin_publish(record: &[Word], shape: Shape) {
    let sequence = record[SEQUENCE].load(Ordering::Relaxed);
    let version = sequence / 2 + 1;
    record[SEQUENCE].store(2 * version - 1, Ordering::Release);
    fence(Ordering::Release);
    let start = HEADER_WORDS + (version & 1) as usize * shape.buffer_words();
    // Nobody's values, in the words that the models look at.
    for word in &record[start..start + shape.buffer_words()] {
        word.store(u64::MAX, Ordering::Relaxed);
    }
    let flags = record[FLAGS].load(Ordering::Relaxed);
    record[FLAGS].store(flags | 0b1111 << (version & 1), Ordering::Relaxed);
}

#[test]
fn a_writer_that_dies_in_a_publish_delays_and_tears_nothing() {
    loom::model(|| {
        let (record, epoch) = of_alice(WITH_PAYLOAD);
        let reader = {
            let record = record.clone();
            thread::spawn(move || {
                let (found, again) = read(&record, WITH_PAYLOAD, epoch, whole_payload);
                assert_eq!((found, again), (Ok(1), 0));
            })
        };
        begin_publish(&record, WITH_PAYLOAD);
        reader.join().unwrap();
        assert_eq!(read(&record, WITH_PAYLOAD, epoch, whole_payload), (Ok(1), 0));
    });
}

#[test]
fn its_successor_publishes_the_same_version_anew() {
    static SEEN: Seen = Mutex::new(BTreeSet::new());
    loom::model(|| {
        let (record, epoch) = of_alice(WITH_PAYLOAD);
        let reader = {
            let record = record.clone();
            thread::spawn(move || {
                let (found, _) = read(&record, WITH_PAYLOAD, epoch, whole_payload);
                note(&SEEN, if found.unwrap() == 1 { "oldest" } else { "newer" });
            })
        };
        begin_publish(&record, WITH_PAYLOAD);
        // The lock makes the successor come after, as the same thread does here.
        assert_eq!(publish(&record, WITH_PAYLOAD, 0), 2);
        reader.join().unwrap();
        assert_eq!(read(&record, WITH_PAYLOAD, epoch, whole_payload).0, Ok(2));
    });
    all_seen(&SEEN, &["oldest", "newer"]);
}

/// The first stores of [`record::rename`]: half of the new name, half of the zeroes.
fn begin_rename(record: &[Word], pubkey: &Pubkey) {
    record::release(record);
    for (word, value) in record[PUBKEY..].iter().zip(pubkey.to_words()).take(2) {
        word.store(value, Ordering::Relaxed);
    }
    record[HEADER_WORDS].store(0, Ordering::Relaxed);
}

#[test]
fn a_writer_that_dies_in_a_rename_leaves_a_record_that_is_nobodys() {
    loom::model(|| {
        let (record, epoch) = of_alice(BARE);
        let reader = {
            let record = record.clone();
            thread::spawn(move || {
                if let Some(found) = record::identity(&record) {
                    assert_eq!(found, (epoch, ALICE));
                }
                let found = read(&record, BARE, epoch, whole_meta).0;
                assert!(matches!(found, Ok(1) | Err(Unread::Gone)), "{found:?}");
            })
        };
        begin_rename(&record, &BOB);
        reader.join().unwrap();
        assert_eq!(record::identity(&record), None);
        assert_eq!(record[EPOCH].load(Ordering::Relaxed) % 2, 1);
    });
}

#[test]
fn its_successor_gives_the_record_away_as_if_nothing_had_been() {
    loom::model(|| {
        let (record, epoch) = of_alice(BARE);
        let reader = {
            let record = record.clone();
            thread::spawn(move || {
                let found = read(&record, BARE, epoch, whole_meta).0;
                assert!(matches!(found, Ok(1) | Err(Unread::Gone)), "{found:?}");
                if let Some(found) = record::identity(&record) {
                    assert!(found == (epoch, ALICE) || found == (epoch + 2, BOB), "{found:?}");
                }
            })
        };
        begin_rename(&record, &ALICE);
        let bobs = record::rename(&record, BARE, &BOB);
        publish(&record, BARE, BOBS);
        reader.join().unwrap();
        assert_eq!(bobs, epoch + 2);
        assert_eq!(read(&record, BARE, bobs, whole_meta).0, Ok(BOBS + 2));
    });
}
