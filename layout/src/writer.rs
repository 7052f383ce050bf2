//! The writer of a region: one per directory, by the lock it holds.

use std::collections::VecDeque;
use std::fs::File;
use std::path::{Path, PathBuf};

use crate::Pubkey;
use crate::clock;
use crate::dir;
use crate::error::WriterError;
use crate::geometry::{Geometry, Section};
use crate::header::{Counter, Header, Owner, State};
use crate::journal::{self, Publish};
use crate::mapping::{self, Mapping};
use crate::order::Stamp;
use crate::profile::Kind;
use crate::record::{self, Version};
use crate::region::{RecordRef, Region};
use crate::region_file::{self, Origin, RegionOptions};
use crate::sync::{Ordering, Word};

mod lifecycle;
mod places;
mod reclaim;
mod republish;

/// One account as a feed brought it, ready for its record.
#[derive(Debug, Clone, Copy)]
pub struct AccountUpdate<'a> {
    /// Which section.
    pub kind: Kind,
    /// The account's address.
    pub pubkey: Pubkey,
    /// Its place in the section for markets, whose index decides; `None` for others.
    pub index: Option<u16>,
    /// Where the update stands in the account's history.
    pub stamp: Stamp,
    /// CLOCK_MONOTONIC when it came in.
    pub received_ns: u64,
    /// The balance.
    pub lamports: u64,
    /// The account; empty when closed.
    pub data: &'a [u8],
    /// Extra words of the section's kind.
    pub extra: &'a [u64],
    /// The account is no more.
    pub closed: bool,
    /// The profile does not trust the data's length.
    pub layout_mismatch: bool,
}

/// What became of an update.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Applied {
    /// Readers see it as this version of this record.
    Published {
        /// The record's number.
        record: u32,
        /// The version.
        version: u64,
    },
    /// It changed nothing.
    Absorbed,
    /// Something newer is there.
    Stale,
    /// There is no room for another account of its kind.
    SectionFull,
}

/// The writing side of a region.
pub struct RegionWriter {
    dir: PathBuf,
    options: RegionOptions,
    region: Region,
    /// Held for as long as the writer lives.
    lock: File,
    /// Closed accounts whose records may be taken.
    closed: reclaim::Closed,
    /// Records that nobody follows, oldest first: (since, place, epoch), checked when used.
    unfollowed: [VecDeque<(u64, u32, u64)>; Kind::ALL.len()],
    free: [Vec<u32>; Kind::ALL.len()],
}

impl RegionWriter {
    /// Takes the directory's lock and adopts its region, or makes one.
    pub fn open(dir: &Path, options: RegionOptions) -> Result<(Self, Origin), WriterError> {
        region_file::prepare_dir(dir)?;
        let lock = region_file::lock(dir)?;
        let (region, origin) = region_file::open_or_create(dir, &options)?;
        let mut writer = Self {
            dir: dir.into(),
            options,
            region,
            lock,
            closed: Default::default(),
            unfollowed: Default::default(),
            free: Default::default(),
        };
        writer.take_over();
        Ok((writer, origin))
    }

    /// The region, for reading.
    pub fn region(&self) -> &Region {
        &self.region
    }

    /// The directory.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The header, for storing to it.
    pub fn header(&self) -> Header<'_> {
        self.region.header_words()
    }

    fn words_of(&self, section: &Section, place: usize) -> &[Word] {
        self.region.record_words(Region::record_start(section, place), section.shape)
    }

    /// Makes room in an account's history: `slot` turned out not to be part of the chain, so what it
    /// brought no longer keeps older updates out. False if what is there is not of that slot.
    pub fn take_back(&self, pubkey: &Pubkey, slot: u64) -> bool {
        let Some(account) = self.region.find(pubkey) else { return false };
        let section = self.region.geometry().section(account.kind);
        let words = self.words_of(section, account.place as usize);
        let is_of_slot = record::seen(words, section.shape).is_some_and(|seen| seen.0 == slot);
        if is_of_slot {
            record::set_seen(words, section.shape, 0, 0, 0);
        }
        is_of_slot
    }

    /// Adds to a counter.
    #[inline]
    pub fn count(&self, which: Counter, more: u64) {
        self.header().count(which, more);
    }

    /// Whether the region's file is no longer at its path: systemd's RemoveIPC does that.
    pub fn is_unlinked(&self) -> bool {
        mapping::identity(self.region.path()).ok() != Some(self.region.identity())
    }

    /// Whether the lock that this writer holds is the one at its path. Where it is not, somebody
    /// removed it, and another writer can start: see [`RegionWriter::retake_lock`].
    pub fn holds_lock(&self) -> bool {
        region_file::is_at(&self.lock, &dir::lock_path(&self.dir))
    }

    /// Takes the lock that is at the path now, made again if need be. An error means that another
    /// writer has it, and the region with it: this one must stop writing.
    pub fn retake_lock(&mut self) -> Result<(), WriterError> {
        region_file::prepare_dir(&self.dir)?;
        if !self.holds_lock() {
            self.lock = region_file::lock(&self.dir)?;
        }
        Ok(())
    }

    /// Makes the file anew with all it holds, and sends readers of the old one there.
    ///
    /// If the directory is gone too, it is made again and its lock taken; another writer that was
    /// quicker keeps it.
    pub fn remake(&mut self) -> Result<(), WriterError> {
        self.retake_lock()?;
        let _ = std::fs::remove_file(dir::new_region_path(&self.dir));
        let path = dir::new_region_path(&self.dir);
        let len = self.region.geometry().total_len as u64;
        let file = region_file::allocate(&path, len, self.options.mode)?;
        let io = |action| move |source| WriterError::Io { action, path, source };
        let mapping = Mapping::writable(file).map_err(io("map"))?;
        // All but the ready word, which comes last.
        for (new, old) in mapping.words().iter().zip(self.region.words()).skip(1) {
            let value = old.load(Ordering::Relaxed);
            if value != 0 {
                new.store(value, Ordering::Relaxed);
            }
        }
        if let Some(header) = Header::new(mapping.words()) {
            header.set_ready();
        }
        // Before the new one has the path, as where a region is replaced: a writer killed in between
        // shall not leave readers behind.
        let state = self.region.state().unwrap_or(State::Live);
        self.header().set_state(State::Superseded);
        region_file::publish_file(&self.dir).inspect_err(|_| self.header().set_state(state))?;
        self.region = Region::from_mapping(mapping, &dir::region_path(&self.dir))
            .map_err(|error| WriterError::Options(format!("the remade region: {error}")))?;
        self.count(Counter::Remade, 1);
        Ok(())
    }

    // ------------------------------------------------------------------------- accounts

    /// The account's record, if it has one of that kind.
    pub fn find(&self, kind: Kind, pubkey: &Pubkey) -> Option<RecordRef> {
        self.region.find(pubkey).filter(|record| record.kind == kind)
    }

    /// Publishes an update unless something newer is there, or it changes nothing.
    pub fn apply(&mut self, update: &AccountUpdate<'_>) -> Applied {
        // A market is where its index says: that is one look, the directory some more.
        let there = update
            .index
            .and_then(|index| self.region.of_at(update.kind, index.into(), &update.pubkey));
        let account = match there {
            Some(account) if !self.replaces(&account, &update.stamp) => return self.stale(),
            Some(account) => account,
            None => match self.find_or_place(update) {
                Ok(account) => account,
                Err(applied) => return applied,
            },
        };
        let Stamp { slot, write_version, source } = update.stamp;
        let mut version = Version {
            data: update.data,
            extra: update.extra,
            slot,
            write_version,
            source,
            received_ns: update.received_ns,
            publish_ns: 0,
            lamports: update.lamports,
            closed: update.closed,
            layout_mismatch: update.layout_mismatch,
        };
        let (words, shape) = self.region.words_of(&account);
        if record::is_same(words, shape, &version) {
            record::set_seen(words, shape, slot, write_version, source);
            self.count(Counter::Absorbed, 1);
            return Applied::Absorbed;
        }
        version.publish_ns = clock::monotonic_ns();
        let number = self.publish(&account, &version);
        for (counter, is_it) in [
            (Counter::Closed, update.closed),
            (Counter::LayoutMismatch, update.layout_mismatch),
            (Counter::Truncated, update.data.len() > shape.payload_words * 8),
        ] {
            if is_it {
                self.count(counter, 1);
            }
        }
        Applied::Published { record: account.number, version: number }
    }

    /// The record of an account that is not where its index says, or has none.
    #[inline]
    fn find_or_place(&mut self, update: &AccountUpdate<'_>) -> Result<RecordRef, Applied> {
        let found = self.region.find(&update.pubkey);
        // Before anything moves: an older update must not take a newer account's record away.
        if !self.outdoes(found, update.kind, update.index, &update.stamp) {
            return Err(self.stale());
        }
        match found {
            Some(found) if update.index.is_none() && found.kind == update.kind => Ok(found),
            _ => self.place(found, update.kind, &update.pubkey, update.index).ok_or_else(|| {
                self.count(Counter::SectionFull, 1);
                Applied::SectionFull
            }),
        }
    }

    fn stale(&self) -> Applied {
        self.count(Counter::Stale, 1);
        Applied::Stale
    }

    /// Whether nothing newer than `stamp` has been seen of the account, nor of the one that has
    /// its market's index now, also if that one was closed.
    fn outdoes(
        &self,
        found: Option<RecordRef>,
        kind: Kind,
        index: Option<u16>,
        stamp: &Stamp,
    ) -> bool {
        let there = index.and_then(|index| self.region.at(kind, index.into()));
        [found, there].iter().flatten().all(|account| self.replaces(account, stamp))
    }

    /// Whether nothing newer than `stamp` has been seen of the account.
    #[inline(always)]
    fn replaces(&self, account: &RecordRef, stamp: &Stamp) -> bool {
        let (words, shape) = self.region.words_of(account);
        record::seen(words, shape).is_none_or(|(slot, write_version, source)| {
            stamp.replaces(&Stamp { slot, write_version, source })
        })
    }

    /// The next version, with its journal entry.
    fn publish(&self, account: &RecordRef, version: &Version<'_>) -> u64 {
        let (words, shape) = self.region.words_of(account);
        let header = self.header();
        header.set_owner(Owner::Publishing, u64::from(account.number) + 1);
        let number = record::publish(words, shape, version);
        self.journal(account, number, version.slot, version.publish_ns);
        header.set_owner(Owner::Publishing, 0);
        header.count(Counter::Published, 1);
        number
    }

    fn journal(&self, account: &RecordRef, version: u64, slot: u64, publish_ns: u64) {
        let RecordRef { number: record, epoch, .. } = *account;
        let publish = Publish { record, epoch, version, slot, publish_ns };
        journal::append(self.region.journal_ring(), self.header().journal_head(), &publish);
    }

    /// The layout of the region.
    pub fn geometry(&self) -> &Geometry {
        self.region.geometry()
    }
}
