//! Models of the journal: a reader gets every entry whole, or is told how many it lost.
//!
//! See `loom_record.rs` for loom's limits; here too the writer runs first.
#![cfg(driftshm_loom)]

use std::collections::BTreeSet;
use std::sync::Mutex;

use driftshm_layout::Pubkey;
use driftshm_layout::journal::{self, ENTRY_WORDS, Entry, Next, Publish};
use driftshm_layout::record::{self, Shape, Version};
use driftshm_layout::sync::{Ordering, Word, fence};
use loom::sync::Arc;
use loom::thread;

struct Ring {
    words: Vec<Word>,
    head: Word,
}

impl Ring {
    fn new(entries: usize) -> Arc<Self> {
        let words = (0..entries * ENTRY_WORDS).map(|_| Word::new(0)).collect();
        Arc::new(Self { words, head: Word::new(0) })
    }

    /// Every word of an entry says which one it is.
    fn append(&self) -> u64 {
        let number = self.head.load(Ordering::Relaxed);
        journal::append(&self.words, &self.head, &publish(number))
    }

    fn read(&self, cursor: u64) -> Next {
        let next = journal::read(&self.words, &self.head, cursor);
        if let Next::Entry(entry) = next {
            assert!(is_whole(&entry, cursor), "{entry:?}");
        }
        next
    }
}

fn publish(number: u64) -> Publish {
    Publish {
        record: number as u32 + 10,
        epoch: 2 * number + 50,
        version: number + 20,
        slot: number + 30,
        publish_ns: number + 40,
    }
}

fn is_whole(entry: &Entry, number: u64) -> bool {
    let Publish { record, epoch, version, slot, publish_ns } = publish(number);
    (entry.number, entry.record) == (number, record)
        && entry.is_of(epoch)
        && entry.version(version) == version
        && (entry.slot, entry.publish_ns) == (slot, publish_ns)
}

/// Whether entry `number` is there; [`Ring::read`] looks whether it is whole.
fn is_there(ring: &Ring, number: u64) -> bool {
    matches!(ring.read(number), Next::Entry(entry) if entry.number == number)
}

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

#[test]
fn a_reader_that_keeps_up_gets_every_entry_whole() {
    static SEEN: Seen = Mutex::new(BTreeSet::new());
    loom::model(|| {
        let ring = Ring::new(4);
        let reader = {
            let ring = ring.clone();
            thread::spawn(move || {
                let mut cursor = 0;
                for _ in 0..3 {
                    match ring.read(cursor) {
                        Next::Entry(_) => cursor += 1,
                        Next::Empty => {}
                        Next::Lapped(lost) => panic!("lost {lost} of a ring that was never full"),
                    }
                }
                note(&SEEN, ["none", "one", "two"][cursor as usize]);
            })
        };
        ring.append();
        ring.append();
        reader.join().unwrap();
    });
    all_seen(&SEEN, &["none", "one", "two"]);
}

#[test]
fn a_reader_that_is_lapped_knows_by_how_much() {
    static SEEN: Seen = Mutex::new(BTreeSet::new());
    loom::model(|| {
        let ring = Ring::new(2);
        ring.append();
        ring.append();
        let reader = {
            let ring = ring.clone();
            thread::spawn(move || match ring.read(0) {
                Next::Entry(_) => note(&SEEN, "in time"),
                Next::Empty => panic!("the entry was there before the reader"),
                Next::Lapped(lost) => {
                    note(&SEEN, ["", "one lost", "two lost"][lost as usize]);
                    // What is not counted as lost is there, or not seen yet, or lost by now.
                    match ring.read(lost) {
                        Next::Entry(entry) => assert_eq!(entry.number, lost),
                        Next::Empty => {}
                        Next::Lapped(more) => assert!(lost + more <= 2),
                    }
                }
            })
        };
        ring.append();
        ring.append();
        reader.join().unwrap();
        assert_eq!(ring.read(0), Next::Lapped(2));
        assert!(is_there(&ring, 2) && is_there(&ring, 3));
        assert_eq!(ring.read(4), Next::Empty);
    });
    all_seen(&SEEN, &["in time", "one lost", "two lost"]);
}

#[test]
fn a_writer_that_dies_in_an_append_leaves_no_half_entry() {
    static SEEN: Seen = Mutex::new(BTreeSet::new());
    loom::model(|| {
        let ring = Ring::new(2);
        ring.append();
        ring.append();
        let reader = {
            let ring = ring.clone();
            thread::spawn(move || {
                match ring.read(0) {
                    Next::Entry(_) => note(&SEEN, "in time"),
                    Next::Lapped(lost) => {
                        assert_eq!(lost, 1);
                        note(&SEEN, "lost");
                    }
                    Next::Empty => panic!("the entry was there before the reader"),
                }
                ring.read(2);
            })
        };
        // The first stores of `append`, in place of entry 0.
        ring.words[0].store(0, Ordering::Relaxed);
        fence(Ordering::Release);
        ring.words[1].store(u64::MAX, Ordering::Relaxed);
        ring.words[2].store(u64::MAX, Ordering::Relaxed);
        // Its successor appends the same number.
        assert_eq!(ring.append(), 2);
        reader.join().unwrap();
        assert!(is_there(&ring, 1) && is_there(&ring, 2));
    });
    all_seen(&SEEN, &["in time", "lost"]);
}

#[test]
fn whoever_reads_an_entry_sees_its_version_in_the_record() {
    const BARE: Shape = Shape { extra_words: 0, payload_words: 0 };
    static SEEN: Seen = Mutex::new(BTreeSet::new());
    loom::model(|| {
        let ring = Ring::new(2);
        let record: Arc<Vec<Word>> = Arc::new((0..BARE.stride()).map(|_| Word::new(0)).collect());
        let epoch = record::rename(&record, BARE, &Pubkey([7; 32]));
        let reader = {
            let (ring, record) = (ring.clone(), record.clone());
            thread::spawn(move || {
                let Next::Entry(entry) = journal::read(&ring.words, &ring.head, 0) else { return };
                let read = record::read(&record, BARE, epoch, |buffer| buffer.version()).unwrap();
                assert!(entry.is_of(epoch));
                // Were the version still to come, this would be far below 0.
                assert_eq!(entry.version(read), entry.slot);
                note(&SEEN, "an entry");
            })
        };
        for slot in 1..=2 {
            let update = Version { slot, ..Version::default() };
            let version = record::publish(&record, BARE, &update);
            let publish = Publish { epoch, version, slot, ..Publish::default() };
            journal::append(&ring.words, &ring.head, &publish);
        }
        reader.join().unwrap();
    });
    all_seen(&SEEN, &["an entry"]);
}
