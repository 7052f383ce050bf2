//! Models of the header's words that let a reader go on: `ready` and the count of records in use.
//!
//! See `loom_record.rs` for loom's limits; here too the writer runs first.
#![cfg(driftshm_loom)]

use std::collections::BTreeSet;
use std::sync::Mutex;

use driftshm_layout::Pubkey;
use driftshm_layout::header::{ABI_VERSION, Fixed, HEADER_WORDS, Header};
use driftshm_layout::record::{self, Shape};
use driftshm_layout::sync::{Ordering, Word};
use loom::sync::Arc;
use loom::thread;

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

fn fixed() -> Fixed {
    let mut fixed: Fixed = bytemuck::Zeroable::zeroed();
    bytemuck::bytes_of_mut(&mut fixed).fill(0x5a);
    fixed
}

#[test]
fn a_region_that_is_ready_is_whole() {
    static SEEN: Seen = Mutex::new(BTreeSet::new());
    // The header's page, and one word that stands for the schema section.
    loom::model(|| {
        let page = words(HEADER_WORDS);
        let schema = words(1);
        let opener = {
            let (page, schema) = (page.clone(), schema.clone());
            thread::spawn(move || {
                let header = Header::new(&page).unwrap();
                match header.abi_version() {
                    Ok(None) => note(&SEEN, "not ready"),
                    Ok(Some(version)) => {
                        assert_eq!(version, ABI_VERSION);
                        assert_eq!(header.total_len(), 12_345);
                        assert!(bytemuck::bytes_of(&header.fixed()).iter().all(|b| *b == 0x5a));
                        assert_eq!(schema[0].load(Ordering::Relaxed), 7);
                        note(&SEEN, "ready");
                    }
                    Err(word) => panic!("half a ready word: {word:#x}"),
                }
            })
        };
        let header = Header::new(&page).unwrap();
        schema[0].store(7, Ordering::Relaxed);
        header.set_total_len(12_345);
        header.set_fixed(fixed());
        header.set_ready();
        opener.join().unwrap();
    });
    all_seen(&SEEN, &["not ready", "ready"]);
}

#[test]
fn a_record_that_is_counted_has_its_name() {
    const BARE: Shape = Shape { extra_words: 0, payload_words: 0 };
    const NAME: Pubkey = Pubkey([9; 32]);
    static SEEN: Seen = Mutex::new(BTreeSet::new());
    loom::model(|| {
        let (page, record) = (words(HEADER_WORDS), words(BARE.stride()));
        let reader = {
            let (page, record) = (page.clone(), record.clone());
            thread::spawn(move || {
                if Header::new(&page).unwrap().in_use(3) == 0 {
                    return note(&SEEN, "none");
                }
                assert_eq!(record::identity(&record), Some((2, NAME)));
                note(&SEEN, "one");
            })
        };
        record::rename(&record, BARE, &NAME);
        Header::new(&page).unwrap().set_in_use(3, 1);
        reader.join().unwrap();
    });
    all_seen(&SEEN, &["none", "one"]);
}
