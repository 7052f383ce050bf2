//! Records of closed accounts, for new ones when a section is full.

use std::collections::VecDeque;

use super::RegionWriter;
use crate::geometry::Section;
use crate::header::Counter;
use crate::profile::Kind;

/// An account closed later than this may still be spoken of by updates from before, which would
/// raise it if nothing remembered that it was closed.
const REMEMBERED_NS: u64 = 60_000_000_000;
/// A full section is not looked through more often than that.
const LOOK_EVERY_NS: u64 = 1_000_000_000;

/// What the last look through a section found.
#[derive(Default)]
pub(super) struct Closed {
    /// Oldest first: (place, epoch, version), checked when used.
    found: [VecDeque<(u32, u64, u64)>; Kind::ALL.len()],
    /// CLOCK_MONOTONIC of the look; 0 = none yet.
    looked_ns: [u64; Kind::ALL.len()],
}

impl RegionWriter {
    /// The place of the account that was closed the longest ago, for another one.
    pub(super) fn closed_place(&mut self, section: &Section, now: u64) -> Option<u32> {
        let kind = section.kind as usize;
        let looked = self.closed.looked_ns[kind];
        if self.closed.found[kind].is_empty()
            && (looked == 0 || now.saturating_sub(looked) >= LOOK_EVERY_NS)
        {
            self.closed.looked_ns[kind] = now;
            self.closed.found[kind] = self.look_for_closed(section, now);
        }
        while let Some((place, epoch, version)) = self.closed.found[kind].pop_front() {
            let account = self.region.at(section.kind, place as usize);
            let still = account.is_some_and(|account| {
                account.epoch == epoch && self.region.version(&account) == version
            });
            if still {
                self.count(Counter::Reclaimed, 1);
                return Some(place);
            }
        }
        None
    }

    fn look_for_closed(&self, section: &Section, now: u64) -> VecDeque<(u32, u64, u64)> {
        let accounts = self.region.accounts(section.kind).filter_map(|account| {
            let meta = self.region.meta(&account).ok()?;
            let forgotten = now.saturating_sub(meta.publish_ns) >= REMEMBERED_NS;
            (meta.closed && forgotten)
                .then_some((meta.publish_ns, (account.place, account.epoch, meta.version)))
        });
        let mut closed: Vec<_> = accounts.collect();
        closed.sort_unstable();
        closed.into_iter().map(|(_, entry)| entry).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::Capacities;
    use crate::order::Stamp;
    use crate::profile::Profile;
    use crate::region_file::RegionOptions;
    use crate::writer::AccountUpdate;
    use crate::{Pubkey, clock};

    fn user(number: u8, slot: u64, closed: bool) -> AccountUpdate<'static> {
        AccountUpdate {
            kind: Kind::User,
            pubkey: Pubkey([number; 32]),
            index: None,
            stamp: Stamp { slot, write_version: 0, source: 1 },
            received_ns: 0,
            lamports: 0,
            data: &[],
            extra: &[],
            closed,
            layout_mismatch: false,
        }
    }

    #[test]
    fn closed_accounts_give_their_records_once_nothing_late_can_raise_them() {
        let dir = tempfile::tempdir().unwrap();
        let mut options = RegionOptions::new("test", Profile::builtin("drift-v2").unwrap());
        options.capacities = Capacities { records: [1, 1, 1, 3, 1, 1], journal: 64, headroom: 0 };
        let mut writer = RegionWriter::open(dir.path(), options).unwrap().0;
        for number in 0..3 {
            writer.apply(&user(number, 1, false));
        }
        for number in [2, 0] {
            writer.apply(&user(number, 2, true));
        }
        let section = *writer.geometry().section(Kind::User);
        let now = clock::monotonic_ns();
        assert_eq!(writer.closed_place(&section, now), None, "just closed");
        let later = now + REMEMBERED_NS;
        // One that came back meanwhile is not taken.
        assert_eq!(writer.closed_place(&section, later), Some(2));
        writer.apply(&user(0, 3, false));
        assert_eq!(writer.closed_place(&section, later), None);
        assert_eq!(writer.region().header().counter(Counter::Reclaimed), 1);
        // A full section is not looked through for every update that it refuses.
        writer.apply(&user(0, 4, true));
        assert_eq!(writer.closed_place(&section, later + REMEMBERED_NS / 100), None);
        assert_eq!(writer.closed_place(&section, later + 2 * REMEMBERED_NS), Some(2));
    }
}
