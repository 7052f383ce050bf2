//! What was published, in which order: nothing older ever replaces something newer.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use driftshm_layout::Region;
use driftshm_layout::journal::Next;

/// Watches the journal from when it was made until it is asked what it saw.
pub struct Order {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<Seen>>,
}

/// What the journal said.
#[derive(Debug, Default)]
pub struct Seen {
    /// Publishes.
    pub published: u64,
    /// Records whose slot went back: the record, from, to.
    pub back: Vec<(u32, u64, u64)>,
}

impl Order {
    pub fn watch(region: &Arc<Region>) -> Self {
        let region = Arc::clone(region);
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            let mut cursor = region.journal_head();
            let (mut seen, mut slots) = (Seen::default(), HashMap::new());
            for record in 0..u32::MAX {
                match region.record(record) {
                    Some(record) => {
                        if let Ok(meta) = region.meta(&record) {
                            slots.insert(record.number, meta.slot);
                        }
                    }
                    None => break,
                }
            }
            loop {
                let is_last = stopped.load(Ordering::Relaxed);
                cursor = drain(&region, cursor, &mut slots, &mut seen);
                if is_last {
                    return seen;
                }
                std::thread::sleep(Duration::from_millis(5));
            }
        });
        Self { stop, thread: Some(thread) }
    }

    /// Stops, and says what was seen.
    pub fn seen(mut self) -> Seen {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.take().unwrap().join().unwrap()
    }
}

fn drain(region: &Region, mut cursor: u64, slots: &mut HashMap<u32, u64>, seen: &mut Seen) -> u64 {
    loop {
        match region.journal(cursor) {
            Next::Entry(entry) => {
                let before = slots.insert(entry.record, entry.slot);
                if let Some(before) = before.filter(|before| *before > entry.slot) {
                    seen.back.push((entry.record, before, entry.slot));
                }
                seen.published += 1;
                cursor = entry.number + 1;
            }
            Next::Lapped { .. } => panic!("the journal is too small for this test"),
            _ => return cursor,
        }
    }
}

impl Drop for Order {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}
