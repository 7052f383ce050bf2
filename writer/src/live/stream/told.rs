//! Whether slots are told one after the other: one that nobody told of, and that others build on,
//! shows that messages were lost, however short the silence was.

use std::collections::BTreeSet;

use super::SlotUpdate;

/// Slots that are remembered: a slot's parent is seldom older.
const REMEMBERED: usize = 512;
/// There are providers that leave out slots: where so many of the last 64 came without their
/// parents, that says nothing any more.
const AS_A_RULE: u32 = 16;

/// The slots that a connection has told of.
#[derive(Default)]
pub(super) struct Told {
    slots: BTreeSet<u64>,
    /// A bit for each of the last slots: whether its parent was missing.
    missing: u64,
}

/// What word of a slot shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Heard {
    /// Nothing.
    Fine,
    /// This slot, its parent, was not told of: what came beside it is lost, too.
    Lost(u64),
    /// The provider leaves out slots as a rule, as turns out just now.
    LeavesOut,
}

impl Told {
    /// Word of a slot, of whatever kind.
    pub fn hear(&mut self, update: &SlotUpdate) -> Heard {
        let first = self.slots.first().copied();
        let is_new = self.slots.insert(update.slot);
        while self.slots.len() > REMEMBERED {
            self.slots.pop_first();
        }
        let parent = update.parent.filter(|parent| {
            // From before the connection nothing was to be told.
            let is_since = first.is_some_and(|first| *parent > first);
            is_since && *parent < update.slot && self.slots.insert(*parent)
        });
        if !is_new && parent.is_none() {
            return Heard::Fine;
        }
        let left_out = self.leaves_out();
        self.missing = self.missing << 1 | u64::from(parent.is_some());
        match parent {
            Some(_) if left_out => Heard::Fine,
            Some(_) if self.leaves_out() => Heard::LeavesOut,
            Some(parent) => Heard::Lost(parent),
            None => Heard::Fine,
        }
    }

    fn leaves_out(&self) -> bool {
        self.missing.count_ones() >= AS_A_RULE
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
        let mut told = Told::default();
        assert_eq!(told.hear(&word(10, 9)), Heard::Fine, "the first one's parent was before");
        assert_eq!(told.hear(&word(11, 10)), Heard::Fine);
        // 12 was skipped by its leader, 13 builds on 11.
        assert_eq!(told.hear(&word(13, 11)), Heard::Fine);
        assert_eq!(told.hear(&word(16, 15)), Heard::Lost(15));
        assert_eq!(told.hear(&word(17, 15)), Heard::Fine, "that is known by now");
        assert_eq!(told.hear(&word(18, 5)), Heard::Fine, "a parent from before the connection");
    }

    #[test]
    fn each_loss_counts_however_soon_it_comes_after_another() {
        let mut told = Told::default();
        let mut losses = 0;
        for slot in (10..10 + 40 * 15).step_by(10) {
            for slot in slot..slot + 9 {
                // The tenth is left out.
                losses += u32::from(matches!(told.hear(&word(slot, slot - 1)), Heard::Lost(_)));
            }
        }
        assert_eq!(losses, 59);
        assert!(told.slots.len() <= REMEMBERED + 1);
    }

    #[test]
    fn a_provider_that_leaves_out_slots_as_a_rule_is_not_taken_at_its_word() {
        let mut told = Told::default();
        let heard: Vec<_> =
            (10..2000).step_by(2).map(|slot| told.hear(&word(slot, slot - 1))).collect();
        let losses = heard.iter().filter(|it| matches!(it, Heard::Lost(_))).count();
        assert_eq!(losses as u32, AS_A_RULE - 1);
        assert_eq!(heard.iter().filter(|it| **it == Heard::LeavesOut).count(), 1, "said once");
        for slot in 2000..2100 {
            told.hear(&word(slot, slot - 1));
        }
        assert_eq!(told.hear(&word(2110, 2109)), Heard::Lost(2109), "it no longer does");
    }
}
