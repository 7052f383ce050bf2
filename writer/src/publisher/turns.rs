//! Whose turn it is to publish: one thread's at a time.
//!
//! ```text
//!                          few wait, nobody's turn
//!   feed ──► queue ──┬──────────────────────────────► the feed's own thread publishes
//!                    └─ else ──► the publisher is woken, and its thread publishes
//! ```
//! Handing over to another thread costs more than publishing does, and where that thread is put on
//! a sleeping core it costs the bots' time, too. See `docs/decisions/feeds-publish.md`.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};

enum Held<P> {
    Whole(Box<P>),
    /// It panicked in a feed's thread, and was dropped there.
    Broken(Box<dyn Any + Send>),
    Over,
}

/// What takes turns, and whether it is somebody's.
pub(super) struct Turns<P>(Mutex<Held<P>>);

impl<P> Turns<P> {
    pub fn new(publisher: P) -> Self {
        Self(Mutex::new(Held::Whole(Box::new(publisher))))
    }

    /// A turn for a guest, unless it is somebody's already or all is over. If it panics, that is
    /// the owner's to tell.
    pub fn try_turn<T>(&self, act: impl FnOnce(&mut P) -> T) -> Option<T> {
        let mut held = match self.0.try_lock() {
            Ok(held) => held,
            Err(TryLockError::WouldBlock) => return None,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
        };
        let Held::Whole(publisher) = &mut *held else { return None };
        // What a panic leaves half done is dropped before anybody sees it.
        match catch_unwind(AssertUnwindSafe(|| act(publisher))) {
            Ok(done) => Some(done),
            Err(panic) => {
                *held = Held::Broken(panic);
                None
            }
        }
    }

    /// A turn for the owner, who waits for it.
    ///
    /// # Panics
    /// If a guest's turn has: the same panic goes on here.
    pub fn turn<T>(&self, act: impl FnOnce(&mut P) -> T) -> T {
        let mut held = self.lock();
        let mut publisher = taken(&mut held);
        let done = act(&mut publisher);
        *held = Held::Whole(publisher);
        done
    }

    /// The owner's last turn: there are none afterwards, and what took them is dropped.
    ///
    /// # Panics
    /// As [`Turns::turn`].
    pub fn end(&self, act: impl FnOnce(&mut P)) {
        act(&mut taken(&mut self.lock()));
    }

    fn lock(&self) -> MutexGuard<'_, Held<P>> {
        // Where the owner's turn panicked, it is over.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn taken<P>(held: &mut Held<P>) -> Box<P> {
    match std::mem::replace(held, Held::Over) {
        Held::Whole(publisher) => publisher,
        Held::Broken(panic) => resume_unwind(panic),
        Held::Over => unreachable!("its owner has ended it"),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::{Duration, Instant};

    use driftshm_layout::Pubkey;

    use super::*;
    use crate::feeds::{AccountUpdate, Batch, FEW, Queue, Sink, Taker};
    use crate::publisher::panic_text;

    #[test]
    fn a_guest_has_a_turn_unless_it_is_somebodys() {
        let turns = Turns::new(1);
        assert_eq!(turns.try_turn(|number| *number + 1), Some(2));
        let within = turns.turn(|number| {
            *number = 7;
            turns.try_turn(|number| *number)
        });
        assert_eq!(within, None);
        assert_eq!(turns.try_turn(|number| *number), Some(7));
        turns.end(|number| assert_eq!(*number, 7));
        assert_eq!(turns.try_turn(|number| *number), None);
    }

    #[test]
    fn a_guests_panic_is_the_owners() {
        struct Told(std::sync::mpsc::Sender<()>);
        impl Drop for Told {
            fn drop(&mut self) {
                let _ = self.0.send(());
            }
        }
        let (dropped, is_dropped) = std::sync::mpsc::channel();
        let turns = Turns::new(Told(dropped));
        assert_eq!(turns.try_turn(|_| panic!("in a feed")), None::<()>);
        assert_eq!(is_dropped.try_recv(), Ok(()), "half done, it is seen by nobody");
        assert_eq!(turns.try_turn(|_| ()), None);
        let panic = catch_unwind(AssertUnwindSafe(|| turns.turn(|_| ()))).unwrap_err();
        assert_eq!(panic_text(panic.as_ref()), "in a feed");
    }

    struct Counted {
        queue: Arc<Queue>,
        batch: Batch,
        /// By source, the write version of the last one.
        last: [u64; FEEDS as usize],
    }

    const FEEDS: u8 = 3;
    const UPDATES: u64 = 100_000;

    impl Counted {
        fn count(&mut self) {
            for update in &self.batch.updates {
                let last = &mut self.last[usize::from(update.source)];
                assert_eq!(update.write_version, *last + 1, "in order, and none is missing");
                *last += 1;
            }
        }
    }

    impl Taker for Turns<Counted> {
        fn take_at_once(&self) -> bool {
            let turn = |counted: &mut Counted| {
                let is_taken = counted.queue.take_few(&mut counted.batch);
                if is_taken {
                    counted.count();
                }
                is_taken
            };
            self.try_turn(turn) == Some(true)
        }
    }

    fn update(write_version: u64) -> AccountUpdate {
        AccountUpdate {
            pubkey: Pubkey([0; 32]),
            owner: None,
            slot: 1,
            write_version,
            lamports: 1,
            data: Vec::new(),
            received_ns: 0,
            source: 0,
        }
    }

    /// The owner never wakes by itself here: what nobody takes would wait for ever.
    #[test]
    fn whatever_feeds_bring_is_taken_in_order_without_the_owners_clock() {
        let queue = Queue::new();
        let batch = Batch::default();
        let turns = Arc::new(Turns::new(Counted {
            queue: Arc::clone(&queue),
            batch,
            last: [0; FEEDS as usize],
        }));
        queue.set_taker(Arc::clone(&turns) as Arc<dyn Taker>);
        let hour = Instant::now() + Duration::from_secs(3600);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !queue.is_stopped() {
                    queue.wait(hour);
                    turns.turn(|counted| {
                        counted.queue.take(&mut counted.batch);
                        counted.count();
                    });
                }
            });
            for source in 0..FEEDS {
                let queue = Arc::clone(&queue);
                scope.spawn(move || {
                    let sink = Sink::new(queue, source, crossbeam_channel::unbounded().1);
                    let mut said = 0;
                    while said < UPDATES {
                        let several = (said % (FEW as u64 + 3) + 1).min(UPDATES - said);
                        // As recorded: nothing is conflated, and feeds wait for the owner.
                        let brought = (said + 1..=said + several)
                            .map(|version| AccountUpdate { source, ..update(version) });
                        sink.send_as_recorded(&mut brought.collect());
                        said += several;
                    }
                });
            }
            let end = Instant::now() + Duration::from_secs(60);
            while turns.try_turn(|counted| counted.last) != Some([UPDATES; FEEDS as usize]) {
                if Instant::now() >= end {
                    queue.stop();
                    panic!("what was brought is not taken");
                }
                std::thread::yield_now();
            }
            queue.stop();
        });
    }

    #[test]
    fn after_the_owners_panic_there_are_no_turns() {
        let turns = Turns::new(1);
        assert!(catch_unwind(AssertUnwindSafe(|| turns.turn(|_| panic!("here")))).is_err());
        assert_eq!(turns.try_turn(|_| ()), None);
    }
}
