//! Which record an account gets, and when it loses it.

use super::RegionWriter;
use crate::geometry::Section;
use crate::header::Counter;
use crate::profile::Kind;
use crate::region::RecordRef;
use crate::{Pubkey, clock, directory, record};

impl RegionWriter {
    /// The account's record, made for it if need be; `None` if its section is full.
    pub fn reserve(
        &mut self,
        kind: Kind,
        pubkey: &Pubkey,
        index: Option<u16>,
    ) -> Option<RecordRef> {
        self.place(self.region.find(pubkey), kind, pubkey, index)
    }

    /// [`RegionWriter::reserve`] for who has already looked for the account.
    pub(super) fn place(
        &mut self,
        found: Option<RecordRef>,
        kind: Kind,
        pubkey: &Pubkey,
        index: Option<u16>,
    ) -> Option<RecordRef> {
        let in_place = |found: &RecordRef| {
            found.kind == kind && index.is_none_or(|index| u32::from(index) == found.place)
        };
        if let Some(found) = found.filter(in_place) {
            return Some(found);
        }
        let section = *self.region.geometry().section(kind);
        let place = match index {
            Some(index) if usize::from(index) < section.capacity => u32::from(index),
            Some(_) => return None,
            None => self.free_place(&section)?,
        };
        // Only now: an account for which there is no room stays where it was.
        if let Some(found) = found {
            self.release(&found);
            if !matches!(found.kind, Kind::PerpMarket | Kind::SpotMarket) {
                self.free[found.kind as usize].push(found.place);
            }
        }
        if let Some(old) = self.region.at(kind, place as usize) {
            self.release(&old);
        }
        record::rename(self.words_of(&section, place as usize), section.shape, pubkey);
        if !self.enter(pubkey, section.first_record + place) {
            return None;
        }
        let in_use = self.header().in_use(kind as usize).max(u64::from(place) + 1);
        self.header().set_in_use(kind as usize, in_use);
        self.region.at(kind, place as usize)
    }

    fn free_place(&mut self, section: &Section) -> Option<u32> {
        let kind = section.kind as usize;
        if let Some(place) = self.free[kind].pop() {
            return Some(place);
        }
        let in_use = self.header().in_use(kind);
        if in_use < section.capacity as u64 {
            return Some(in_use as u32);
        }
        while let Some(entry) = self.unfollowed[kind].pop_front() {
            if self.is_unfollowed(section, entry) {
                self.count(Counter::Reclaimed, 1);
                return Some(entry.1);
            }
        }
        self.closed_place(section, clock::monotonic_ns())
    }

    /// Whether the record is still the account's and unfollowed since then.
    fn is_unfollowed(&self, section: &Section, (since, place, epoch): (u64, u32, u64)) -> bool {
        let account = self.region.at(section.kind, place as usize);
        let words = self.words_of(section, place as usize);
        account.is_some_and(|account| account.epoch == epoch)
            && record::unfollowed_ns(words) == since
    }

    /// Takes the account out: whoever still holds its record reads it as gone.
    fn release(&mut self, account: &RecordRef) {
        let section = *self.region.geometry().section(account.kind);
        if let Some(pubkey) = self.region.pubkey(account) {
            let hash = directory::hash(self.region.hash_key(), &pubkey);
            directory::remove(self.region.directory(), hash, account.number);
        }
        record::release(self.words_of(&section, account.place as usize));
    }

    pub(super) fn enter(&self, pubkey: &Pubkey, number: u32) -> bool {
        let hash = directory::hash(self.region.hash_key(), pubkey);
        directory::insert(self.region.directory(), hash, number)
    }

    /// Says whether feeds follow an account. One that nobody follows is no longer vouched for,
    /// and its record may be reclaimed when the section is full.
    pub fn set_followed(&mut self, account: &RecordRef, followed: bool) {
        let section = *self.region.geometry().section(account.kind);
        let words = self.words_of(&section, account.place as usize);
        if record::epoch(words) != account.epoch || followed == (record::unfollowed_ns(words) == 0)
        {
            return;
        }
        let since = if followed { 0 } else { clock::monotonic_ns() };
        record::set_unfollowed_ns(words, since);
        if followed {
            return;
        }
        let mut queue = std::mem::take(&mut self.unfollowed[account.kind as usize]);
        // Those that are followed again stay in the queue until there are many.
        if queue.len() >= 2 * section.capacity {
            queue.retain(|entry| self.is_unfollowed(&section, *entry));
        }
        queue.push_back((since, account.place, account.epoch));
        self.unfollowed[account.kind as usize] = queue;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::Capacities;
    use crate::profile::Profile;
    use crate::region_file::RegionOptions;

    #[test]
    fn who_follows_and_unfollows_all_day_costs_no_memory() {
        let dir = tempfile::tempdir().unwrap();
        let profile = Profile::builtin("drift-v2").unwrap();
        let mut options = RegionOptions::new("test", profile);
        options.capacities = Capacities { records: [1, 1, 1, 3, 1, 1], journal: 64, headroom: 0 };
        let mut writer = RegionWriter::open(dir.path(), options).unwrap().0;
        let users: Vec<_> = (0..3)
            .map(|number| writer.reserve(Kind::User, &Pubkey([number; 32]), None).unwrap())
            .collect();
        writer.set_followed(&users[2], false);
        for _ in 0..100 {
            for user in &users[..2] {
                writer.set_followed(user, false);
                writer.set_followed(user, true);
            }
        }
        assert!(writer.unfollowed[Kind::User as usize].len() <= 7);
        // The one that nobody followed all the while is still known.
        let newcomer = writer.reserve(Kind::User, &Pubkey([9; 32]), None).unwrap();
        assert_eq!(newcomer.number, users[2].number);
    }
}
