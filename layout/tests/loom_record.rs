//! Models of the record: a reader gets whole versions of the account it asked for, whatever the
//! writer is doing, and wherever a writer died.
//!
//! Loom tries every order of the threads' steps (with a bounded number of preemptions) and, for
//! every relaxed load, every value that the orderings allow. What it leaves out: a load never
//! sees a store that the other thread has not executed yet, so reordering of a load with a later
//! store of the same thread is not tried; and it treats a record as independent words, which
//! they are.
#![cfg(driftshm_loom)]

use std::collections::BTreeSet;
use std::sync::Mutex;

use driftshm_layout::Pubkey;
use driftshm_layout::record::{self, HEADER_WORDS, Shape, Unread, Version};
use driftshm_layout::sync::{Ordering, Word, fence};
use loom::sync::Arc;
use loom::thread;

/// Meta only: the pair of equal words is (slot, lamports). Keeps the models of a rename, which
/// zeroes everything, small.
const BARE: Shape = Shape { extra_words: 0, payload_words: 0 };
const WITH_PAYLOAD: Shape = Shape { extra_words: 1, payload_words: 2 };

const SEQUENCE: usize = 0;
const EPOCH: usize = 1;
const FLAGS: usize = 2;
const PUBKEY: usize = 4;

const ALICE: Pubkey = Pubkey([0xaa; 32]);
const BOB: Pubkey = Pubkey([0xbb; 32]);

fn words(shape: Shape) -> Arc<Vec<Word>> {
    Arc::new((0..shape.stride()).map(|_| Word::new(0)).collect())
}

/// Buffers take turns, so a flag changes between the versions of one buffer: 2 and 3 have it,
/// 4 and 5 have not.
fn closed(version: u64) -> bool {
    version & 2 != 0
}

fn mismatch(version: u64) -> bool {
    version & 2 == 0
}

/// Publishes a version of `who` whose every part says which version it is.
fn publish(record: &[Word], shape: Shape, who: u64) -> u64 {
    let mark = who + record::version(record) + 1;
    let data: Vec<u8> = [mark, mark].iter().flat_map(|word| word.to_le_bytes()).collect();
    let data = &data[..shape.payload_words * 8];
    let version = mark - who;
    let update = Version {
        data,
        extra: &[mark],
        slot: mark,
        lamports: mark,
        closed: closed(version),
        layout_mismatch: mismatch(version),
        ..Version::default()
    };
    record::publish(record, shape, &update)
}

/// A model's one account when it begins: version 1 of Alice's.
fn of_alice(shape: Shape) -> (Arc<Vec<Word>>, u64) {
    let record = words(shape);
    let epoch = record::rename(&record, shape, &ALICE);
    assert_eq!(publish(&record, shape, 0), 1);
    (record, epoch)
}

/// Reads payload, extra and flags, and checks that they are of the version that they say.
fn read_whole(record: &[Word], epoch: u64, runs: &mut u32) -> u64 {
    let runs = std::cell::RefCell::new(runs);
    let read = record::read(record, WITH_PAYLOAD, epoch, |buffer| {
        **runs.borrow_mut() += 1;
        let words = [buffer.payload(0), buffer.payload(1), buffer.extra(0)];
        (buffer.version(), words, buffer.unreadable())
    });
    let (version, words, unreadable) = read.expect("Alice's record stays hers");
    assert_eq!(words, [version; 3], "a torn version");
    assert!(unreadable, "either flag is set in every version");
    version
}

/// What happened in some execution of a model: a model that never overtakes its reader is none.
static N: Mutex<u64> = Mutex::new(0);
type Seen = Mutex<BTreeSet<&'static str>>;

fn note(seen: &Seen, what: &'static str) {
    seen.lock().unwrap().insert(what);
}

fn overtaken_by(versions: u64) {
    static SEEN: Seen = Mutex::new(BTreeSet::new());
    loom::model(move || {
        let (record, epoch) = of_alice(WITH_PAYLOAD);
        let reader = {
            let record = record.clone();
            thread::spawn(move || {
                let mut runs = 0;
                let version = read_whole(&record, epoch, &mut runs);
                assert!((1..=versions + 1).contains(&version));
                *N.lock().unwrap() += 1;
                if runs > 1 {
                    note(&SEEN, "read again");
                }
                if version > 1 {
                    note(&SEEN, "newer");
                }
            })
        };
        for _ in 0..versions {
            publish(&record, WITH_PAYLOAD, 0);
        }
        reader.join().unwrap();
        assert_eq!(read_whole(&record, epoch, &mut 0), versions + 1);
    });
    println!("{}", N.lock().unwrap());
    let seen = SEEN.lock().unwrap();
    assert!(seen.contains("newer"));
    // One version goes into the other buffer: only the second can disturb a reader.
    assert!(versions == 1 || seen.contains("read again"));
}

#[test]
fn a_reader_overtaken_by_one_version_gets_a_whole_one() {
    overtaken_by(1);
}

#[test]
fn a_reader_overtaken_by_two_versions_gets_a_whole_one() {
    overtaken_by(2);
}

#[test]
fn a_reader_overtaken_by_three_versions_gets_a_whole_one() {
    overtaken_by(3);
}
