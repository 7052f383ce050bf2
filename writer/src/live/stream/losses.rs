//! What a connection has lost, by all signs, and when it is fetched: once the chain has moved on,
//! since what was lost may be of a slot that was yet to come; and not each time.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use driftshm_layout::Pubkey;

/// A loss comes seldom alone. What is fetched makes good all that went before: not more often than
/// this,
const SPACING: Duration = Duration::from_millis(500);
/// everything so many times in a row,
const BURST: u32 = 6;
/// then as often as this.
const REFILL: Duration = Duration::from_secs(10);
/// Accounts that are fetched one by one.
const MOST: usize = 1000;

/// Losses of which nobody knows what they were: they are made good by fetching everything, and
/// until then nothing that the connection brings is vouched for.
pub(super) struct Losses {
    open: Open,
    left: u32,
    refilled: Instant,
}

/// Changes that could not be read, of accounts that are known.
#[derive(Default)]
pub(super) struct Unread {
    open: Open,
    accounts: BTreeSet<Pubkey>,
}

/// What is yet to be made good.
#[derive(Default)]
struct Open {
    /// The slots that the connection was at at the first and the last loss.
    slots: Option<(u64, u64)>,
    fetched: Option<Instant>,
}

impl Open {
    fn lose(&mut self, slot: u64) {
        let first = self.slots.map_or(slot, |(first, _)| first);
        self.slots = Some((first, slot.max(first)));
    }

    fn is_due(&self, slot: u64, now: Instant) -> bool {
        let is_later = self.slots.is_some_and(|(first, _)| slot > first);
        let is_soon = self.fetched.is_some_and(|last| now.duration_since(last) < SPACING);
        is_later && !is_soon
    }

    /// All is fetched as of this slot. What was lost since is lost still.
    fn fetched(&mut self, slot: u64) {
        self.slots = self.slots.filter(|(_, last)| slot <= *last).map(|(_, last)| (last, last));
    }
}

impl Losses {
    pub fn new(now: Instant) -> Self {
        Self { open: Open::default(), left: BURST, refilled: now }
    }

    /// Something was lost while the connection was at this slot.
    pub fn lose(&mut self, slot: u64) {
        self.open.lose(slot);
    }

    /// Whether something is yet to be made good.
    pub fn are_open(&self) -> bool {
        self.open.slots.is_some()
    }

    /// Whether everything is to be fetched now, as of this slot.
    pub fn make_good(&mut self, slot: u64, now: Instant) -> bool {
        while now.saturating_duration_since(self.refilled) >= REFILL {
            self.refilled += REFILL;
            self.left = self.left.saturating_add(1).min(BURST);
        }
        if !self.open.is_due(slot, now) || self.left == 0 {
            return false;
        }
        self.left -= 1;
        self.open.fetched = Some(now);
        self.open.fetched(slot);
        true
    }

    /// Everything is fetched as of this slot, for another reason.
    pub fn fetched(&mut self, slot: u64) {
        self.open.fetched(slot);
    }
}

impl Unread {
    /// A change could not be read while the connection was at this slot. False if there is no room
    /// for one more: the other side may name whatever it likes.
    pub fn add(&mut self, pubkey: Pubkey, slot: u64) -> bool {
        if self.accounts.len() >= MOST && !self.accounts.contains(&pubkey) {
            return false;
        }
        self.accounts.insert(pubkey);
        self.open.lose(slot);
        true
    }

    /// Those that are to be fetched now, as of this slot.
    pub fn take(&mut self, slot: u64, now: Instant) -> Option<Vec<Pubkey>> {
        if !self.open.is_due(slot, now) {
            return None;
        }
        self.open.fetched = Some(now);
        self.open.fetched(slot);
        let accounts = self.accounts.iter().copied().collect();
        if self.open.slots.is_none() {
            self.accounts.clear();
        }
        Some(accounts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loss_is_made_good_by_a_later_slot_and_once() {
        let now = Instant::now();
        let mut losses = Losses::new(now);
        assert!(!losses.make_good(100, now), "nothing is lost");
        losses.lose(100);
        assert!(losses.are_open());
        assert!(!losses.make_good(100, now), "what was lost may be of the next one");
        assert!(losses.make_good(101, now));
        assert!(!losses.are_open() && !losses.make_good(102, now));
    }

    #[test]
    fn one_that_comes_soon_after_another_waits_and_is_not_forgotten() {
        let mut now = Instant::now();
        let mut losses = Losses::new(now);
        losses.lose(100);
        assert!(losses.make_good(101, now));
        losses.lose(101);
        assert!(!losses.make_good(102, now) && losses.are_open());
        now += SPACING;
        assert!(losses.make_good(102, now));
    }

    #[test]
    fn endless_losses_do_not_cost_endless_requests() {
        let mut now = Instant::now();
        let mut losses = Losses::new(now);
        let mut fetches = 0;
        for slot in 0..600 {
            losses.lose(slot);
            fetches += u32::from(losses.make_good(slot + 1, now));
            now += Duration::from_millis(100);
        }
        assert!((BURST..=BURST + 6).contains(&fetches), "{fetches} in a minute");
        losses.lose(600);
        now += REFILL;
        assert!(losses.make_good(601, now), "after a while there is always another");
    }

    #[test]
    fn what_is_lost_again_and_again_is_fetched_all_the_same() {
        let now = Instant::now();
        let mut losses = Losses::new(now);
        losses.lose(100);
        losses.lose(101);
        assert!(losses.make_good(101, now), "the first one");
        assert!(losses.are_open() && !losses.make_good(101, now + SPACING), "not the second");
        assert!(losses.make_good(102, now + SPACING));
        assert!(!losses.are_open());
    }

    #[test]
    fn accounts_are_fetched_until_they_were_later_than_what_could_not_be_read() {
        let (now, one, other) = (Instant::now(), Pubkey([1; 32]), Pubkey([2; 32]));
        let mut unread = Unread::default();
        assert!(unread.add(one, 100));
        assert_eq!(unread.take(100, now), None);
        assert!(unread.add(other, 101));
        assert_eq!(unread.take(101, now), Some(vec![one, other]));
        assert_eq!(unread.take(102, now), None, "too soon");
        assert_eq!(unread.take(102, now + SPACING), Some(vec![one, other]));
        assert_eq!(unread.take(103, now + 2 * SPACING), None);
        let mut keys = (0..=MOST as u64).map(|number| {
            let mut key = [0; 32];
            key[..8].copy_from_slice(&number.to_le_bytes());
            Pubkey(key)
        });
        assert!(keys.by_ref().take(MOST).all(|key| unread.add(key, 104)));
        assert!(!unread.add(keys.next().unwrap(), 104), "there is no end of keys");
    }

    #[test]
    fn what_is_fetched_for_another_reason_makes_good_what_was_lost_before() {
        let now = Instant::now();
        let mut losses = Losses::new(now);
        losses.lose(100);
        losses.fetched(100);
        assert!(losses.are_open());
        losses.fetched(101);
        assert!(!losses.are_open());
    }
}
