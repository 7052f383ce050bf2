//! A writer comes, lives and goes: what it says of itself in the header.

use super::RegionWriter;
use crate::header::{FeedState, Owner, Pulse, State};
use crate::journal::Next;
use crate::record::Meta;
use crate::region::RecordRef;
use crate::{clock, directory, record};

impl RegionWriter {
    /// Makes a region whole that its last writer may have left in the middle of anything.
    pub(super) fn take_over(&mut self) {
        let now = clock::monotonic_ns();
        let header = self.header();
        header.set_state(State::Starting);
        // A number that no earlier writer had, also when an earlier region is lost.
        let next = header.owner(Owner::Generation).wrapping_add(1);
        let generation = next.max(clock::unix_ns() / 1_000_000);
        header.set_owner(Owner::Generation, generation);
        header.set_owner(Owner::WriterPid, u64::from(std::process::id()));
        header.set_owner(Owner::WriterStartNs, now);
        self.set_feed_state(FeedState::Connecting);
        self.heartbeat(None);
        self.rebuild_directory();
        self.finish_interrupted_publish();
    }

    fn rebuild_directory(&mut self) {
        let geometry = *self.region.geometry();
        for (index, number, _tag) in directory::records(self.region.directory()) {
            let named = self.region.record(number).and_then(|record| self.region.pubkey(&record));
            if named.is_none() {
                directory::clear(self.region.directory(), index);
            }
        }
        for section in &geometry.sections {
            let kind = section.kind;
            let mut in_use = 0;
            for place in 0..section.capacity {
                let words = self.words_of(section, place);
                let Some((epoch, pubkey)) = record::identity(words) else { continue };
                in_use = place + 1;
                let number = section.first_record + place as u32;
                if self.region.find(&pubkey).is_none_or(|found| found.number != number) {
                    self.enter(&pubkey, number);
                }
                let since = record::unfollowed_ns(self.words_of(section, place));
                if since != 0 {
                    self.unfollowed[kind as usize].push_back((since, place as u32, epoch));
                }
            }
            let free = (0..in_use as u32).rev().filter(|place| {
                record::identity(self.words_of(section, *place as usize)).is_none()
            });
            self.free[kind as usize] = free.collect();
            self.unfollowed[kind as usize].make_contiguous().sort_unstable();
            self.header().set_in_use(kind as usize, in_use as u64);
        }
    }

    /// The last writer may have died between a record's publish and its journal entry.
    fn finish_interrupted_publish(&mut self) {
        let number = self.header().owner(Owner::Publishing);
        let Some(record) = number.checked_sub(1).and_then(|n| self.region.record(n as u32)) else {
            return;
        };
        if let Ok(meta) = self.region.meta(&record) {
            // It may also have died before its version was there, or after its entry was.
            if !self.is_announced(&record, &meta) {
                self.journal(&record, meta.version, meta.slot, meta.publish_ns);
            }
        }
        self.header().set_owner(Owner::Publishing, 0);
    }

    /// Whether a version has its journal entry, or had it before the journal ran over it. The
    /// journal's times never go back, so only the entries that are not older need be looked at.
    fn is_announced(&self, record: &RecordRef, meta: &Meta) -> bool {
        for cursor in (0..self.region.journal_head()).rev() {
            match self.region.journal(cursor) {
                Next::Entry(entry) if entry.publish_ns < meta.publish_ns => return false,
                Next::Entry(entry)
                    if entry.record == record.number
                        && entry.is_of(record.epoch)
                        && entry.version(meta.version) == meta.version =>
                {
                    return true;
                }
                Next::Entry(_) => {}
                Next::Lapped(_) => return true,
                Next::Empty => return false,
            }
        }
        false
    }

    /// Says that the region is served.
    pub fn set_live(&self) {
        self.header().set_pulse(Pulse::ConfirmedSlot, u64::MAX);
        self.heartbeat(None);
        self.header().set_state(State::Live);
    }

    /// Says that the writer goes away in an orderly way.
    pub fn set_stopped(&self) {
        self.header().set_state(State::Stopped);
    }

    /// To be called every 100 ms. `live_ns`: what is followed is known to be what the chain said
    /// then (CLOCK_MONOTONIC); `None`: that is not known.
    pub fn heartbeat(&self, live_ns: Option<u64>) {
        let now = clock::monotonic_ns();
        let header = self.header();
        header.set_pulse(Pulse::HeartbeatNs, now);
        header.set_pulse(Pulse::HeartbeatUnixNs, clock::unix_ns());
        if let Some(live_ns) = live_ns {
            header.set_pulse(Pulse::LiveNs, live_ns.min(now));
        }
    }

    /// Stores the feeds' state, and since when it is so.
    pub fn set_feed_state(&self, state: FeedState) {
        let header = self.header();
        if header.owner(Owner::FeedState) != state as u64 {
            header.set_owner(Owner::FeedState, state as u64);
            header.set_owner(Owner::FeedSinceNs, clock::monotonic_ns());
        }
    }

    /// Stores the Solana slot, if it is a newer one.
    pub fn set_slot(&self, slot: u64) {
        let header = self.header();
        if slot > header.pulse(Pulse::Slot) {
            header.set_pulse(Pulse::Slot, slot);
            header.set_pulse(Pulse::SlotNs, clock::monotonic_ns());
        }
    }

    /// What is of this slot or an older one is confirmed, and what is of a newer one may be taken
    /// back; until this is called for the first time, everything counts as confirmed.
    pub fn confirm(&self, slot: u64) {
        let header = self.header();
        let known = Some(header.pulse(Pulse::ConfirmedSlot)).filter(|known| *known != u64::MAX);
        header.set_pulse(Pulse::ConfirmedSlot, slot.max(known.unwrap_or_default()));
    }
}
