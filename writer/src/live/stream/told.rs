//! Whether slots are told one after the other: one that nobody told of, and that others build on,
//! shows that messages were lost, however short the silence was.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use super::SlotUpdate;

/// Slots that are remembered: a slot's parent is seldom older.
const REMEMBERED: usize = 512;
/// Everything is fetched again after a loss. Not more often than this,
const PAUSE: Duration = Duration::from_secs(10);
/// and on one connection no more than so many times: there are providers that leave out slots.
const LOSSES: u32 = 3;

/// The slots that a connection has told of.
#[derive(Default)]
pub(super) struct Told {
    slots: BTreeSet<u64>,
    losses: u32,
    last_loss: Option<Instant>,
}

impl Told {
    /// Word of a slot, of whatever kind. Whether word of its parent was lost.
    pub fn hear(&mut self, update: &SlotUpdate, now: Instant) -> bool {
        let first = self.slots.first().copied();
        self.slots.insert(update.slot);
        while self.slots.len() > REMEMBERED {
            self.slots.pop_first();
        }
        let parent = update.parent.filter(|parent| *parent < update.slot);
        let is_missing = parent.is_some_and(|parent| {
            // From before the connection nothing was to be told.
            first.is_some_and(|first| parent > first) && self.slots.insert(parent)
        });
        let is_due = self.last_loss.is_none_or(|last| now.duration_since(last) >= PAUSE);
        if !is_missing || !is_due || self.losses >= LOSSES {
            return false;
        }
        self.losses += 1;
        self.last_loss = Some(now);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::live::stream::SlotStatus;

    fn word(slot: u64, parent: u64) -> SlotUpdate {
        SlotUpdate { slot, parent: Some(parent), status: SlotStatus::Processed }
    }

    #[test]
    fn a_parent_that_nobody_told_of_is_a_loss_once() {
        let (mut told, now) = (Told::default(), Instant::now());
        assert!(!told.hear(&word(10, 9), now), "the first one's parent was before");
        assert!(!told.hear(&word(11, 10), now));
        // 12 was skipped by its leader, 13 builds on 11.
        assert!(!told.hear(&word(13, 11), now));
        assert!(told.hear(&word(16, 15), now), "15 was not told of");
        assert!(!told.hear(&word(17, 15), now), "that is known by now");
        assert!(!told.hear(&word(18, 5), now), "a parent from before the connection");
    }

    #[test]
    fn a_provider_that_leaves_out_slots_is_not_taken_at_its_word_for_ever() {
        let (mut told, mut now) = (Told::default(), Instant::now());
        let mut losses = 0;
        for slot in (10..2000).step_by(2) {
            // Each second one is left out.
            losses += u32::from(told.hear(&word(slot, slot - 1), now));
            now += Duration::from_millis(800);
        }
        assert_eq!(losses, LOSSES);
        assert!(told.slots.len() <= REMEMBERED + 1);
    }

    #[test]
    fn losses_in_a_row_are_made_good_together() {
        let (mut told, now) = (Told::default(), Instant::now());
        told.hear(&word(10, 9), now);
        assert!(told.hear(&word(13, 12), now));
        assert!(!told.hear(&word(16, 15), now + Duration::from_secs(1)));
        assert!(told.hear(&word(19, 18), now + PAUSE));
    }
}
