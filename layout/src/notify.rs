//! Waking a subscriber without ever losing a wake-up, and without waking it twice.
//!
//! ```text
//!  publisher                               subscriber
//!  append journal entries                  armed = 1
//!  fence(SeqCst)          ◄── (a) ──►      fence(SeqCst)
//!  armed.swap(0) == 1 ?                    journal empty ?
//!    yes: ring doorbell                     yes: sleep on the doorbell
//! ```
//!
//! Both sides store and then load what the other stores. The two fences are totally ordered: if the
//! publisher's is first, the subscriber sees the entry; if the subscriber's is first, the publisher
//! sees `armed`. One of them always notices. A busy reader is never armed and costs no write.
//!
//! # Orderings
//! | operation | ordering | why | pairs with |
//! |---|---|---|---|
//! | both fences | SeqCst | store → load order on each side, see above | each other |
//! | every write of `armed` | relaxed swap | each follows right upon the one it reads, so no swap of an earlier batch can undo an arming unseen; the doorbell's write and read order all else | |

use crate::sync::{Ordering, Word, fence};

/// The publisher's fence: once after a batch of journal entries, before [`take_armed`].
#[inline]
pub fn after_append() {
    // SYNC(notify): sequentially consistent; pairs with the fence in `arm`.
    fence(Ordering::SeqCst);
}

/// Whether the subscriber sleeps and is to be woken; it is then no longer armed.
#[inline]
pub fn take_armed(armed: &Word) -> bool {
    armed.load(Ordering::Relaxed) != 0 && armed.swap(0, Ordering::Relaxed) != 0
}

/// The subscriber's half: afterwards it must look into the journal once more before it sleeps.
#[inline]
pub fn arm(armed: &Word) {
    armed.swap(1, Ordering::Relaxed);
    // SYNC(notify): sequentially consistent; pairs with the fence in `after_append`.
    fence(Ordering::SeqCst);
}

/// The subscriber found something after all.
#[inline]
pub fn disarm(armed: &Word) {
    armed.swap(0, Ordering::Relaxed);
}

#[cfg(all(test, not(driftshm_loom)))]
mod tests {
    use super::*;

    #[test]
    fn only_who_is_armed_is_woken_and_only_once() {
        let armed = Word::new(0);
        assert!(!take_armed(&armed));
        arm(&armed);
        assert!(take_armed(&armed));
        assert!(!take_armed(&armed));
        arm(&armed);
        disarm(&armed);
        assert!(!take_armed(&armed));
    }

    #[test]
    fn a_word_that_no_subscriber_would_store_wakes_it_once_too() {
        let armed = Word::new(u64::MAX);
        assert!(take_armed(&armed));
        assert!(!take_armed(&armed));
    }
}
