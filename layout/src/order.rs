//! What is newer: the one comparator, per account.

/// Where an update stands in its account's history.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stamp {
    /// The slot whose state it is.
    pub slot: u64,
    /// Orders updates of one source within a slot; 0 = the source has none (snapshots, pubsub).
    pub write_version: u64,
    /// The source's rank; no two sources share one, and the higher is trusted more within a slot.
    pub source: u8,
}

impl Stamp {
    /// Whether this update replaces one with the stamp `seen`.
    ///
    /// Slot first. Within a slot and a source by write version, or by arrival where it has none.
    /// Write versions of two sources say nothing about each other: within a slot the higher rank
    /// stands.
    pub fn replaces(&self, seen: &Stamp) -> bool {
        if self.slot != seen.slot {
            return self.slot > seen.slot;
        }
        if self.source != seen.source {
            return self.source > seen.source;
        }
        if self.write_version == 0 || seen.write_version == 0 {
            return true;
        }
        self.write_version > seen.write_version
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stamp(slot: u64, write_version: u64, source: u8) -> Stamp {
        Stamp { slot, write_version, source }
    }

    #[test]
    fn the_slot_decides_first_whatever_the_write_version() {
        assert!(stamp(11, 1, 1).replaces(&stamp(10, 999, 9)));
        assert!(!stamp(9, 999, 9).replaces(&stamp(10, 1, 1)));
    }

    #[test]
    fn within_a_source_the_write_version_and_a_duplicate_is_not_newer() {
        assert!(stamp(10, 6, 3).replaces(&stamp(10, 5, 3)));
        assert!(!stamp(10, 5, 3).replaces(&stamp(10, 5, 3)));
        assert!(!stamp(10, 4, 3).replaces(&stamp(10, 5, 3)));
    }

    #[test]
    fn across_sources_the_rank_since_write_versions_do_not_compare() {
        assert!(stamp(10, 1, 4).replaces(&stamp(10, 900, 3)));
        assert!(!stamp(10, 900, 3).replaces(&stamp(10, 1, 4)));
    }

    #[test]
    fn without_write_versions_the_last_to_arrive() {
        assert!(stamp(10, 0, 3).replaces(&stamp(10, 0, 3)));
    }

    /// Every stamp of a few slots, write versions and sources.
    fn all() -> Vec<Stamp> {
        let mut all = Vec::new();
        for slot in 1..4 {
            for write_version in 1..4 {
                all.extend((1..4).map(|source| stamp(slot, write_version, source)));
            }
        }
        all
    }

    #[test]
    fn of_two_different_stamps_exactly_one_is_newer() {
        for a in all() {
            for b in all() {
                assert_eq!(a.replaces(&b) || b.replaces(&a), a != b, "{a:?} {b:?}");
                assert!(!(a.replaces(&b) && b.replaces(&a)), "{a:?} {b:?}");
            }
        }
    }

    #[test]
    fn newer_than_what_is_newer_is_newer() {
        for a in all() {
            for b in all().into_iter().filter(|b| a.replaces(b)) {
                for c in all().into_iter().filter(|c| b.replaces(c)) {
                    assert!(a.replaces(&c), "{a:?} {b:?} {c:?}");
                }
            }
        }
    }
}
