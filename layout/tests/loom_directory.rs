//! Models of the directory: an account that is there is found whatever comes and goes beside it,
//! and what is found is that account, never another one.
//!
//! See `loom_record.rs` for loom's limits; here too the writer runs first.
#![cfg(driftshm_loom)]

use std::collections::BTreeSet;
use std::sync::Mutex;

use driftshm_layout::Pubkey;
use driftshm_layout::directory;
use driftshm_layout::record::{self, Shape, Unread, Version};
use driftshm_layout::sync::Word;
use loom::sync::Arc;
use loom::thread;

const BARE: Shape = Shape { extra_words: 0, payload_words: 0 };
const ALICE: Pubkey = Pubkey([0xaa; 32]);
const BOB: Pubkey = Pubkey([0xbb; 32]);
/// They share the place where their probe begins, and each has its own tag.
const ALICES_HASH: u64 = 0xaaaa << 32 | 1;
const BOBS_HASH: u64 = 0xbbbb << 32 | 1;
const CAROLS_HASH: u64 = 0xcccc << 32 | 1;

fn words(count: usize) -> Arc<Vec<Word>> {
    Arc::new((0..count).map(|_| Word::new(0)).collect())
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

fn publish(record: &[Word], slot: u64) {
    record::publish(record, BARE, &Version { slot, ..Version::default() });
}

/// As the region looks an account up: its epoch, and only if the record is that account's.
fn find(table: &[Word], record: &[Word], hash: u64, pubkey: Pubkey) -> Option<u64> {
    directory::lookup(table, hash, |number| {
        assert_eq!(number, 0, "there is one record");
        let (epoch, found) = record::identity(record)?;
        (found == pubkey).then_some(epoch)
    })
}

#[test]
fn an_entry_leads_to_a_record_that_has_its_name_already() {
    static SEEN: Seen = Mutex::new(BTreeSet::new());
    loom::model(|| {
        let (table, record) = (words(4), words(BARE.stride()));
        let reader = {
            let (table, record) = (table.clone(), record.clone());
            thread::spawn(move || {
                let found = directory::lookup(&table, ALICES_HASH, |number| {
                    assert_eq!(number, 0);
                    Some(record::identity(&record))
                });
                match found {
                    Some(identity) => {
                        assert_eq!(identity, Some((2, ALICE)), "an entry for nobody");
                        note(&SEEN, "found");
                    }
                    None => note(&SEEN, "not yet"),
                }
            })
        };
        record::rename(&record, BARE, &ALICE);
        assert!(directory::insert(&table, ALICES_HASH, 0));
        reader.join().unwrap();
    });
    all_seen(&SEEN, &["found", "not yet"]);
}

#[test]
fn an_account_is_found_while_its_neighbours_come_and_go() {
    loom::model(|| {
        let table = words(4);
        // Alice before Bob and Carol behind him, on the probe of all three.
        assert!(directory::insert(&table, ALICES_HASH, 0));
        assert!(directory::insert(&table, BOBS_HASH, 1));
        assert!(directory::insert(&table, CAROLS_HASH, 2));
        let reader = {
            let table = table.clone();
            thread::spawn(move || {
                let found =
                    directory::lookup(&table, BOBS_HASH, |number| (number == 1).then_some(number));
                assert_eq!(found, Some(1));
            })
        };
        assert!(directory::remove(&table, ALICES_HASH, 0));
        assert!(directory::remove(&table, CAROLS_HASH, 2));
        assert!(directory::insert(&table, CAROLS_HASH, 2));
        assert!(directory::remove(&table, CAROLS_HASH, 2));
        assert!(directory::insert(&table, ALICES_HASH, 0));
        reader.join().unwrap();
    });
}

/// Alice's record becomes Bob's, as when a section is full and nobody follows her.
fn reclaim(table: &[Word], record: &[Word]) {
    assert!(directory::remove(table, ALICES_HASH, 0));
    record::rename(record, BARE, &BOB);
    assert!(directory::insert(table, BOBS_HASH, 0));
    publish(record, 2222);
}

fn of_alice() -> (Arc<Vec<Word>>, Arc<Vec<Word>>) {
    let (table, record) = (words(4), words(BARE.stride()));
    record::rename(&record, BARE, &ALICE);
    assert!(directory::insert(&table, ALICES_HASH, 0));
    publish(&record, 1111);
    (table, record)
}

#[test]
fn who_looks_for_the_old_owner_of_a_record_never_reads_the_new_one() {
    static SEEN: Seen = Mutex::new(BTreeSet::new());
    loom::model(|| {
        let (table, record) = of_alice();
        let reader = {
            let (table, record) = (table.clone(), record.clone());
            thread::spawn(move || {
                let Some(epoch) = find(&table, &record, ALICES_HASH, ALICE) else {
                    note(&SEEN, "not found");
                    return;
                };
                match record::read(&record, BARE, epoch, |buffer| buffer.meta().slot) {
                    Ok(slot) => {
                        assert_eq!(slot, 1111, "somebody else's");
                        note(&SEEN, "read");
                    }
                    Err(why) => {
                        assert_eq!(why, Unread::Gone);
                        note(&SEEN, "gone");
                    }
                }
            })
        };
        reclaim(&table, &record);
        reader.join().unwrap();
        assert_eq!(find(&table, &record, ALICES_HASH, ALICE), None);
    });
    all_seen(&SEEN, &["not found", "read", "gone"]);
}

#[test]
fn who_looks_for_the_new_owner_never_reads_the_old_one() {
    static SEEN: Seen = Mutex::new(BTreeSet::new());
    loom::model(|| {
        let (table, record) = of_alice();
        let reader = {
            let (table, record) = (table.clone(), record.clone());
            thread::spawn(move || {
                let Some(epoch) = find(&table, &record, BOBS_HASH, BOB) else {
                    note(&SEEN, "not yet");
                    return;
                };
                match record::read(&record, BARE, epoch, |buffer| buffer.meta().slot) {
                    Ok(slot) => {
                        assert_eq!(slot, 2222, "somebody else's");
                        note(&SEEN, "read");
                    }
                    Err(why) => {
                        assert_eq!(why, Unread::Empty);
                        note(&SEEN, "empty");
                    }
                }
            })
        };
        reclaim(&table, &record);
        reader.join().unwrap();
        assert!(find(&table, &record, BOBS_HASH, BOB).is_some());
    });
    all_seen(&SEEN, &["not yet", "read", "empty"]);
}
