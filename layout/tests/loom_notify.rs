//! Models of waking a subscriber: no wake-up is lost, and none is sent twice.
//!
//! The doorbell is a counter under a mutex: ringing adds one, a wait takes all. A mutex orders more
//! than the kernel promises, so no model relies on it for more than the wake-up itself. Loom lets
//! a SeqCst fence synchronise with every later one, which the language does not: that the journal
//! and `armed` are seen is argued from the fences' order alone in `notify`. It orders the stores of
//! a word by what their threads have read, so a swap among plain stores could read one and be
//! ordered before another, which the language rules out: one reason why `armed` is only swapped.
//! Nor does it ever let a load see a store that is made later in the order of its execution: that
//! `since` is not stored too early for who still reads the last one is argued in `notify`, too.
//! See `loom_record.rs` for loom's limits; here too the publisher runs first.
#![cfg(driftshm_loom)]

use std::collections::BTreeSet;
use std::sync::Mutex as StdMutex;

use driftshm_layout::journal::{self, ENTRY_WORDS, Next, Publish};
use driftshm_layout::notify::{self, Page};
use driftshm_layout::sync::Word;
use loom::sync::{Arc, Condvar, Mutex};
use loom::thread;

/// What happened in some execution of a model: one that never gets there proves nothing.
type Seen = StdMutex<BTreeSet<&'static str>>;

fn note(seen: &Seen, what: &'static str) {
    seen.lock().unwrap().insert(what);
}

fn all_seen(seen: &Seen, expected: &[&'static str]) {
    let seen = seen.lock().unwrap();
    for what in expected {
        assert!(seen.contains(what), "no execution with: {what}; only {seen:?}");
    }
}

struct Doorbell {
    count: Mutex<u64>,
    rung: Condvar,
}

impl Doorbell {
    fn new() -> Self {
        Self { count: Mutex::new(0), rung: Condvar::new() }
    }

    fn ring(&self) {
        *self.count.lock().unwrap() += 1;
        self.rung.notify_one();
    }

    /// Sleeps until there is something, and takes it.
    fn wait(&self) -> u64 {
        let mut count = self.count.lock().unwrap();
        while *count == 0 {
            count = self.rung.wait(count).unwrap();
        }
        std::mem::take(&mut *count)
    }

    fn count(&self) -> u64 {
        *self.count.lock().unwrap()
    }
}

struct Subscriber {
    words: [Word; 2],
    bell: Doorbell,
}

impl Subscriber {
    fn new() -> Self {
        Self { words: [Word::new(0), Word::new(0)], bell: Doorbell::new() }
    }

    fn page(&self) -> Page<'_> {
        Page::new(&self.words).unwrap()
    }

    /// The publisher's part, after its fence.
    fn wake(&self, since: u64) {
        if self.page().ring(since) {
            self.bell.ring();
        }
    }
}

/// Whose entry it is, by its record.
const OTHERS: u32 = 0;
const OURS: u32 = 1;

struct Shared {
    ring: Vec<Word>,
    head: Word,
    subscribers: Vec<Subscriber>,
}

impl Shared {
    fn new(subscribers: usize) -> Arc<Self> {
        Arc::new(Self {
            ring: (0..4 * ENTRY_WORDS).map(|_| Word::new(0)).collect(),
            head: Word::new(0),
            subscribers: (0..subscribers).map(|_| Subscriber::new()).collect(),
        })
    }

    fn publish_batch(&self) {
        self.publish(OURS);
    }

    /// A batch of one entry. Nobody is woken by what is others'.
    fn publish(&self, record: u32) {
        let since = append(&self.ring, &self.head, record);
        notify::after_append();
        for subscriber in self.subscribers.iter().filter(|_| record == OURS) {
            subscriber.wake(since);
        }
    }

    /// Moves the cursor over all that is there; how much of it is ours.
    fn look(&self, cursor: &mut u64) -> u64 {
        let mut ours = 0;
        while let Next::Entry(entry) = journal::read(&self.ring, &self.head, *cursor) {
            *cursor += 1;
            ours += u64::from(entry.record == OURS);
        }
        ours
    }

    /// Moves the cursor over all that is there.
    fn drain(&self, cursor: &mut u64) -> bool {
        let before = *cursor;
        while let Next::Entry(_) = journal::read(&self.ring, &self.head, *cursor) {
            *cursor += 1;
        }
        *cursor > before
    }

    /// The subscriber's part until it would sleep; false if it found something after all.
    fn falls_asleep(&self, subscriber: &Subscriber, cursor: &mut u64) -> bool {
        subscriber.page().arm();
        let found = self.drain(cursor);
        if found {
            subscriber.page().disarm();
        }
        !found
    }
}

fn append(ring: &[Word], head: &Word, record: u32) -> u64 {
    journal::append(ring, head, &Publish { record, ..Publish::default() })
}

#[test]
fn who_sleeps_without_an_entry_is_woken_for_it() {
    static SEEN: Seen = StdMutex::new(BTreeSet::new());
    loom::model(|| {
        let shared = Shared::new(1);
        let reader = {
            let shared = shared.clone();
            thread::spawn(move || {
                let mut cursor = 0;
                let asleep = shared.falls_asleep(&shared.subscribers[0], &mut cursor);
                (asleep, cursor)
            })
        };
        shared.publish_batch();
        let (asleep, cursor) = reader.join().unwrap();
        let wakes = shared.subscribers[0].bell.count();
        if asleep {
            assert_eq!((cursor, wakes), (0, 1), "a lost wake-up");
            note(&SEEN, "woken");
        } else {
            assert_eq!(cursor, 1);
            assert!(wakes <= 1);
            note(&SEEN, if wakes == 0 { "looked" } else { "looked and woken" });
        }
    });
    all_seen(&SEEN, &["woken", "looked", "looked and woken"]);
}

#[test]
fn many_batches_wake_a_sleeper_once() {
    loom::model(|| {
        let shared = Shared::new(1);
        let reader = {
            let shared = shared.clone();
            thread::spawn(move || {
                let mut cursor = 0;
                (shared.falls_asleep(&shared.subscribers[0], &mut cursor), cursor)
            })
        };
        for _ in 0..3 {
            shared.publish_batch();
        }
        let (asleep, cursor) = reader.join().unwrap();
        let wakes = shared.subscribers[0].bell.count();
        assert!(wakes <= 1, "armed once, woken {wakes} times");
        assert!(!asleep || cursor == 3 || wakes == 1, "a lost wake-up at {cursor}");
    });
}

#[test]
fn a_subscriber_that_sleeps_in_between_gets_everything() {
    // A lost wake-up is a deadlock here, which loom reports.
    loom::model(|| {
        let shared = Shared::new(1);
        let reader = {
            let shared = shared.clone();
            thread::spawn(move || {
                let subscriber = &shared.subscribers[0];
                let mut cursor = 0;
                let (mut armed, mut woken) = (0, 0);
                while cursor < 2 {
                    if shared.drain(&mut cursor) {
                        continue;
                    }
                    armed += 1;
                    if shared.falls_asleep(subscriber, &mut cursor) {
                        woken += subscriber.bell.wait();
                    }
                }
                assert!(woken <= armed, "armed {armed} times, woken {woken} times");
            })
        };
        shared.publish_batch();
        shared.publish_batch();
        reader.join().unwrap();
    });
}

#[test]
fn who_is_woken_passes_over_what_is_others_and_over_nothing_else() {
    static SEEN: Seen = StdMutex::new(BTreeSet::new());
    loom::model(|| {
        let shared = Shared::new(1);
        let reader = {
            let shared = shared.clone();
            thread::spawn(move || {
                let subscriber = &shared.subscribers[0];
                let (mut cursor, mut ours) = (0, 0);
                while ours < 2 {
                    subscriber.page().arm();
                    let looked = shared.look(&mut cursor);
                    ours += looked;
                    // As in production: who found something looks again before it sleeps.
                    if looked > 0 {
                        subscriber.page().disarm();
                        continue;
                    }
                    subscriber.bell.wait();
                    let Some(since) = subscriber.page().disarm() else {
                        // The bell of an earlier ring, which came when it was up already.
                        note(&SEEN, "a late bell");
                        continue;
                    };
                    if since > cursor {
                        cursor = since;
                        note(&SEEN, "passed over");
                    }
                    let looked = shared.look(&mut cursor);
                    // A ring may also be for what it had found before it armed again.
                    note(&SEEN, ["a late ring", "one", "two"][looked as usize]);
                    ours += looked;
                }
            })
        };
        for record in [OTHERS, OURS, OURS] {
            shared.publish(record);
        }
        // One that passed over an entry of its own waits for ever, which loom reports.
        reader.join().unwrap();
    });
    all_seen(&SEEN, &["passed over", "one", "two", "a late ring", "a late bell"]);
}

#[test]
fn who_gets_up_by_itself_just_when_it_is_rung_knows_from_where_on() {
    static SEEN: Seen = StdMutex::new(BTreeSet::new());
    loom::model(|| {
        let shared = Shared::new(1);
        let reader = {
            let shared = shared.clone();
            // No bell here, which would order all that the number and its entry need.
            thread::spawn(move || {
                let page = shared.subscribers[0].page();
                let mut cursor = 0;
                page.arm();
                if shared.look(&mut cursor) > 0 {
                    return note(&SEEN, "looked");
                }
                match page.disarm() {
                    None => note(&SEEN, "not rung"),
                    Some(since) => {
                        assert_eq!(since, 1);
                        cursor = cursor.max(since);
                        assert_eq!(shared.look(&mut cursor), 1, "what it was rung for");
                        note(&SEEN, "rung");
                    }
                }
            })
        };
        for record in [OTHERS, OURS] {
            shared.publish(record);
        }
        reader.join().unwrap();
    });
    all_seen(&SEEN, &["looked", "not rung", "rung"]);
}

#[test]
fn one_fence_of_the_publisher_does_for_all_subscribers() {
    loom::model(|| {
        let shared = Shared::new(2);
        let readers = [0, 1].map(|who| {
            let shared = shared.clone();
            thread::spawn(move || {
                let mut cursor = 0;
                shared.falls_asleep(&shared.subscribers[who], &mut cursor)
            })
        });
        shared.publish_batch();
        for (reader, subscriber) in readers.into_iter().zip(&shared.subscribers) {
            let asleep = reader.join().unwrap();
            assert!(!asleep || subscriber.bell.count() == 1, "a lost wake-up");
        }
    });
}
