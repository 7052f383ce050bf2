//! Waking a subscriber without ever losing a wake-up, and without waking it twice.
//!
//! ```text
//!  publisher                               subscriber
//!  append journal entries                  armed = 1
//!  fence(SeqCst)          ◄── (a) ──►      fence(SeqCst)
//!  armed == 1 ?                            journal empty ?
//!    yes: since = number                     yes: sleep on the doorbell
//!         armed.swap(0) == 1 ?             woken: armed.swap(0) == 0 ?
//!           yes: ring doorbell               yes: nothing below `since` concerns it
//! ```
//!
//! Both sides store and then load what the other stores. The two fences are totally ordered: if the
//! publisher's is first, the subscriber sees the entry; if the subscriber's is first, the publisher
//! sees `armed`. One of them always notices. A busy reader is never armed and costs no write.
//!
//! A subscriber that sleeps while the journal runs over its cursor has lost nothing, if nothing of
//! it was for it: `since` says from which entry on anything may be. It is right for who has looked
//! to the journal's end after arming: an entry that it has not seen then was appended in the batch
//! that rings, or after that. So `since` must not move on between the ring and the next arming: it
//! is stored for who is armed only.
//!
//! # Orderings
//! | operation | ordering | why | pairs with |
//! |---|---|---|---|
//! | both fences | SeqCst | store → load order on each side, see above | each other |
//! | publisher: load of `armed` | relaxed + acquire fence | the subscriber is done with the last `since` before the next is stored | `armed = 1` |
//! | publisher: `since` | relaxed | ordered by the two around it | |
//! | publisher: `armed.swap(0)` | release | `since` is there | the subscriber's `armed.swap(0)` |
//! | subscriber: `armed.swap(0)` | acquire | who was rung sees that ring's `since` | the publisher's |
//! | subscriber: `armed.swap(1)` | release | it has read the last `since` | the publisher's load |
//! | every write of `armed` | a swap | each follows right upon the one it reads, so no swap of an earlier batch can undo an arming unseen; the doorbell's write and read order all else | |

use crate::sync::{Ordering, Word, fence, load_acquire};

/// The words that a subscriber shares with the publisher. Neither trusts the other's.
#[derive(Clone, Copy)]
pub struct Page<'a> {
    armed: &'a Word,
    since: &'a Word,
}

impl<'a> Page<'a> {
    /// In the first words of a page.
    pub fn new(words: &'a [Word]) -> Option<Self> {
        let [armed, since] = words.first_chunk()?;
        Some(Self { armed, since })
    }

    /// The publisher's half, behind [`after_append`]: whether the subscriber sleeps and is to be
    /// woken; it is then no longer armed. Of what was appended since it was looked at last, nothing
    /// before the journal entry `since` concerns it.
    #[inline]
    pub fn ring(&self, since: u64) -> bool {
        // SYNC(notify-since): acquire; pairs with the release in `arm`.
        if load_acquire(self.armed) == 0 {
            return false;
        }
        self.since.store(since, Ordering::Relaxed);
        // SYNC(notify-since): release; pairs with the acquire in `disarm`.
        self.armed.swap(0, Ordering::Release) != 0
    }

    /// The subscriber's half: afterwards it must look into the journal once more before it sleeps.
    #[inline]
    pub fn arm(&self) {
        // SYNC(notify-since): release; pairs with the acquire in `ring`.
        self.armed.swap(1, Ordering::Release);
        // SYNC(notify): sequentially consistent; pairs with the fence in `after_append`.
        fence(Ordering::SeqCst);
    }

    /// Whether nobody has rung since it was armed.
    #[inline]
    pub fn is_armed(&self) -> bool {
        self.armed.load(Ordering::Relaxed) != 0
    }

    /// The subscriber, once armed, looks by itself, or was rung: then the number of the journal
    /// entry before which nothing is for it that it has not seen.
    #[inline]
    pub fn disarm(&self) -> Option<u64> {
        // SYNC(notify-since): acquire; pairs with the release in `ring`.
        let was_rung = self.armed.swap(0, Ordering::Acquire) == 0;
        was_rung.then(|| self.since.load(Ordering::Relaxed))
    }
}

/// The publisher's fence: once after a batch of journal entries, before [`Page::ring`].
#[inline]
pub fn after_append() {
    // SYNC(notify): sequentially consistent; pairs with the fence in `arm`.
    fence(Ordering::SeqCst);
}

#[cfg(all(test, not(driftshm_loom)))]
mod tests {
    use super::*;

    #[test]
    fn only_who_is_armed_is_woken_and_only_once() {
        let words = [Word::new(0), Word::new(0)];
        let page = Page::new(&words).unwrap();
        assert!(!page.ring(1));
        page.arm();
        assert!(page.is_armed() && page.ring(2));
        assert!(!page.is_armed() && !page.ring(3));
        page.arm();
        assert_eq!(page.disarm(), None);
        assert!(!page.ring(4));
    }

    #[test]
    fn who_was_woken_gets_the_number_of_that_ring_and_of_no_later_batch() {
        let words = [Word::new(0), Word::new(0)];
        let page = Page::new(&words).unwrap();
        page.arm();
        assert!(page.ring(7));
        assert!(!page.ring(9));
        assert_eq!(page.disarm(), Some(7));
    }

    #[test]
    fn a_word_that_no_subscriber_would_store_wakes_it_once_too() {
        let words = [Word::new(u64::MAX), Word::new(u64::MAX)];
        let page = Page::new(&words).unwrap();
        assert!(page.ring(1));
        assert!(!page.ring(1));
    }

    #[test]
    fn a_page_without_room_for_both_words_is_none() {
        assert!(Page::new(&[Word::new(1)]).is_none());
    }
}
