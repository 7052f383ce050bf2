//! Which slot each line of a recording belongs to.

/// Gives lines their slots, pass after pass.
#[derive(Debug)]
pub(super) struct Slots {
    /// For the first line, if it has no slot of its own.
    start: u64,
    /// The highest slot so far.
    highest: Option<u64>,
    /// The lowest slot that a line of this file has of its own.
    lowest_own: Option<u64>,
    /// What is added to lines' own slots in this pass.
    shift: u64,
}

impl Slots {
    /// Lines without a slot count up from `start`.
    pub fn new(start: u64) -> Self {
        Self { start, highest: None, lowest_own: None, shift: 0 }
    }

    /// The slot of the next line: its own, or the first above all before it.
    pub fn of_line(&mut self, own: Option<u64>) -> u64 {
        let slot = match own {
            Some(own) => {
                self.lowest_own = Some(self.lowest_own.map_or(own, |lowest| lowest.min(own)));
                own.saturating_add(self.shift)
            }
            None => self.highest.map_or(self.start, |slot| self.start.max(slot.saturating_add(1))),
        };
        self.highest = Some(self.highest.map_or(slot, |highest| highest.max(slot)));
        slot
    }

    /// A slot that the recording was at, in this pass.
    pub fn shifted(&self, slot: u64) -> u64 {
        slot.saturating_add(self.shift)
    }

    /// The first pass is shifted too: its lines' lowest own slot must not be older than `start`.
    pub fn begin_above_start(&mut self, lowest_own: Option<u64>) {
        self.shift = lowest_own.map_or(0, |lowest| self.start.saturating_sub(lowest));
    }

    /// Whether a line has the first own slot of all, and it is older than `start`.
    pub fn is_first_and_old(&self, own: Option<u64>) -> bool {
        self.lowest_own.is_none() && own.is_some_and(|own| own < self.start)
    }

    /// The file begins anew: lines' own slots are shifted so that the lowest comes right after the
    /// highest of the pass before.
    pub fn begin_again(&mut self) {
        if let (Some(highest), Some(lowest)) = (self.highest, self.lowest_own) {
            self.shift = highest.saturating_add(1).saturating_sub(lowest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passes(start: u64, lines: &[Option<u64>], passes: usize) -> Vec<Vec<u64>> {
        let mut slots = Slots::new(start);
        let mut pass = || {
            let given = lines.iter().map(|own| slots.of_line(*own)).collect();
            slots.begin_again();
            given
        };
        (0..passes).map(|_| pass()).collect()
    }

    #[test]
    fn lines_without_a_slot_count_up_also_from_pass_to_pass() {
        assert_eq!(passes(100, &[None; 3], 2), [[100, 101, 102], [103, 104, 105]]);
    }

    #[test]
    fn own_slots_are_shifted_by_their_span_each_pass() {
        let lines = [Some(7), Some(9), Some(8), Some(10)];
        let expected = [[7, 9, 8, 10], [11, 13, 12, 14], [15, 17, 16, 18]];
        assert_eq!(passes(100, &lines, 3), expected);
    }

    #[test]
    fn a_line_without_a_slot_comes_after_all_before_it() {
        let lines = [Some(200), None, Some(150), None];
        let expected = [[200, 201, 150, 202], [253, 254, 203, 255]];
        assert_eq!(passes(100, &lines, 2), expected);
        assert_eq!(passes(100, &[Some(7), None], 1), [[7, 100]]);
    }

    #[test]
    fn a_recording_that_is_older_than_the_region_is_lifted_above_it_and_a_newer_one_is_not() {
        let lifted = |start, lowest| {
            let mut slots = Slots::new(start);
            slots.begin_above_start(lowest);
            let first = [Some(9), Some(7)].map(|own| slots.of_line(own));
            slots.begin_again();
            (first, [Some(9), Some(7)].map(|own| slots.of_line(own)))
        };
        assert_eq!(lifted(100, Some(7)), ([102, 100], [105, 103]));
        assert_eq!(lifted(3, Some(7)), ([9, 7], [12, 10]));
    }

    #[test]
    fn only_the_first_own_slot_can_be_found_too_old() {
        let mut slots = Slots::new(100);
        assert!(!slots.is_first_and_old(None) && !slots.is_first_and_old(Some(100)));
        assert!(slots.is_first_and_old(Some(99)));
        slots.of_line(Some(99));
        assert!(!slots.is_first_and_old(Some(98)));
    }

    #[test]
    fn the_highest_slot_there_is_does_not_overflow() {
        let top = u64::MAX;
        assert_eq!(passes(0, &[Some(top), None], 2), [[top, top], [top, top]]);
    }
}
