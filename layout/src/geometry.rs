//! Where everything is in a region, computed from its capacities.
//!
//! ```text
//!  header (one page) │ schema │ directory │ journal │ perp markets │ spot markets │ oracles │ …
//! ```
//! Every section starts on a page; each offset is computed from the section before it.

use crate::profile::{Kind, Profile};
use crate::record::Shape;
use crate::{directory, journal, oracle_price};

/// Bytes of the header, and the alignment of every section.
pub const PAGE: usize = 4096;
/// Extra words of a market record: where its oracle's price is.
pub const MARKET_EXTRA_WORDS: usize = 8;
/// Payload bytes of an oracle record at least: the largest known (Switchboard's aggregator) fits.
const ORACLE_PAYLOAD: usize = 4096;
/// No more records than this in one section, so that sizes cannot overflow.
pub const MAX_CAPACITY: usize = 1 << 22;

/// How many records of each kind a region has room for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capacities {
    /// By [`Kind`]'s number.
    pub records: [usize; Kind::ALL.len()],
    /// Entries of the journal, a power of two.
    pub journal: usize,
    /// Bytes of a record beyond the profile's length, for accounts that grow.
    pub headroom: usize,
}

impl Default for Capacities {
    fn default() -> Self {
        // perp markets, spot markets, oracles, users, user stats, state
        Self { records: [256, 256, 1024, 8192, 2048, 1], journal: 65_536, headroom: 512 }
    }
}

impl Capacities {
    /// How many records of `kind`.
    pub fn of(&self, kind: Kind) -> usize {
        self.records[kind as usize]
    }

    /// The same with another number of records of `kind`.
    #[must_use]
    pub fn with(mut self, kind: Kind, records: usize) -> Self {
        self.records[kind as usize] = records;
        self
    }

    /// The first reason why a region cannot have these capacities.
    pub fn check(&self) -> Result<(), String> {
        for kind in Kind::ALL {
            let records = self.of(kind);
            if records == 0 || records > MAX_CAPACITY {
                return Err(format!(
                    "{kind} capacity is {records}, allowed are 1 to {MAX_CAPACITY}"
                ));
            }
        }
        if !self.journal.is_power_of_two() || !(64..=1 << 28).contains(&self.journal) {
            let is = self.journal;
            return Err(format!(
                "journal is {is} entries, allowed are powers of two from 64 to 2^28"
            ));
        }
        if self.headroom > 1 << 20 {
            return Err(format!("headroom is {} bytes, allowed are 0 to 1048576", self.headroom));
        }
        Ok(())
    }
}

/// One array of records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Section {
    /// What it holds.
    pub kind: Kind,
    /// Byte offset of its first record.
    pub offset: usize,
    /// How many records.
    pub capacity: usize,
    /// The words of one record.
    pub shape: Shape,
    /// The number of its first record among all records of the region.
    pub first_record: u32,
}

impl Section {
    /// Bytes of the whole section.
    pub fn len(&self) -> usize {
        self.capacity * self.shape.stride() * 8
    }

    /// Never: a section has at least one record.
    pub fn is_empty(&self) -> bool {
        self.capacity == 0
    }
}

/// Byte offsets and lengths of all sections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Geometry {
    /// The profile, as JSON.
    pub schema_offset: usize,
    /// Its length.
    pub schema_len: usize,
    /// The directory.
    pub directory_offset: usize,
    /// Its entries, a power of two.
    pub directory_entries: usize,
    /// The journal.
    pub journal_offset: usize,
    /// Its entries, a power of two.
    pub journal_entries: usize,
    /// The record sections, by [`Kind`]'s number.
    pub sections: [Section; Kind::ALL.len()],
    /// Bytes of the whole file.
    pub total_len: usize,
}

impl Geometry {
    /// Lays a region out for `profile`.
    pub fn new(profile: &Profile, schema_len: usize, capacities: &Capacities) -> Self {
        let schema_offset = PAGE;
        let records: usize = capacities.records.iter().sum();
        let directory_offset = page_up(schema_offset + schema_len);
        let directory_entries = directory::entries_for(records);
        let journal_offset = page_up(directory_offset + directory_entries * 8);
        let mut offset = page_up(journal_offset + capacities.journal * journal::ENTRY_WORDS * 8);
        let mut first_record = 0;
        let sections = Kind::ALL.map(|kind| {
            let shape = shape(profile, kind, capacities.headroom);
            let capacity = capacities.of(kind);
            let section = Section { kind, offset, capacity, shape, first_record };
            offset = page_up(offset + section.len());
            first_record += capacity as u32;
            section
        });
        Self {
            schema_offset,
            schema_len,
            directory_offset,
            directory_entries,
            journal_offset,
            journal_entries: capacities.journal,
            sections,
            total_len: offset,
        }
    }

    /// The section of a kind.
    #[inline(always)]
    pub fn section(&self, kind: Kind) -> &Section {
        &self.sections[kind as usize]
    }

    /// Section and place of a record by its number in the whole region.
    #[inline]
    pub fn locate(&self, record: u32) -> Option<(&Section, usize)> {
        self.sections.iter().find_map(|section| {
            let place = record.checked_sub(section.first_record)? as usize;
            (place < section.capacity).then_some((section, place))
        })
    }

    /// The capacities that give this geometry (the headroom in whole words).
    pub fn capacities(&self, headroom: usize) -> Capacities {
        Capacities {
            records: self.sections.map(|section| section.capacity),
            journal: self.journal_entries,
            headroom,
        }
    }
}

fn shape(profile: &Profile, kind: Kind, headroom: usize) -> Shape {
    let len = profile.accounts().iter().filter(|a| a.kind == kind).map(|a| a.len).max();
    let (extra_words, len) = match kind {
        Kind::Oracle => (oracle_price::EXTRA_WORDS, len.unwrap_or(0).max(ORACLE_PAYLOAD)),
        Kind::PerpMarket | Kind::SpotMarket => (MARKET_EXTRA_WORDS, len.unwrap_or(0)),
        _ => (0, len.unwrap_or(0)),
    };
    Shape { extra_words, payload_words: (len + headroom).div_ceil(8) }
}

fn page_up(offset: usize) -> usize {
    offset.next_multiple_of(PAGE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capacities_are_by_kind() {
        let capacities = Capacities::default().with(Kind::Oracle, 7);
        assert_eq!((capacities.of(Kind::Oracle), capacities.of(Kind::State)), (7, 1));
        assert_eq!(capacities.with(Kind::Oracle, 1024), Capacities::default());
    }

    #[test]
    fn a_record_is_found_by_its_number() {
        let profile = Profile::builtin("drift-v2").unwrap();
        let geometry = Geometry::new(&profile, 1, &Capacities::default());
        let mut number = 0;
        for kind in Kind::ALL {
            for place in [0, 1, geometry.section(kind).capacity - 1] {
                if place < geometry.section(kind).capacity {
                    let (section, found) = geometry.locate(number + place as u32).unwrap();
                    assert_eq!((section.kind, found), (kind, place));
                }
            }
            number += geometry.section(kind).capacity as u32;
        }
        assert_eq!(geometry.locate(number), None);
    }

    #[test]
    fn every_account_of_the_profile_fits_with_the_headroom() {
        let profile = Profile::builtin("drift-v2").unwrap();
        let capacities = Capacities { headroom: 100, ..Capacities::default() };
        let geometry = Geometry::new(&profile, 1, &capacities);
        for account in profile.accounts() {
            let payload = geometry.section(account.kind).shape.payload_words * 8;
            assert!(payload >= account.len + 100, "{}", account.name);
        }
        assert!(geometry.section(Kind::Oracle).shape.payload_words * 8 >= ORACLE_PAYLOAD + 100);
    }
}
