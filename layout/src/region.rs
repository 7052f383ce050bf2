//! A region opened for reading: everything in it is checked before it is used.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::Pubkey;
use crate::directory;
use crate::geometry::{Geometry, Section};
use crate::header::{Header, HeaderView, Pulse};
use crate::journal::{self, Next};
use crate::mapping::Mapping;
use crate::oracle_price::{OraclePointer, OraclePrice};
use crate::profile::{Kind, Profile};
use crate::record::{self, Buffer, Meta, Presence, Shape, Unread};
use crate::sync::Word;

mod check;
mod open;
mod status;

/// The writer counts as dead when its heartbeat (every 100 ms) is older than this.
pub const HEARTBEAT_TIMEOUT_NS: u64 = 700_000_000;

/// A mapped region.
pub struct Region {
    mapping: Mapping,
    geometry: Geometry,
    profile: Arc<Profile>,
    schema: Arc<[u8]>,
    schema_hash: [u8; 32],
    hash_key: [u64; 2],
    cluster: String,
    this_boot: bool,
    path: PathBuf,
    /// Whose file it must be, root's apart, where that matters: see [`crate::dir::Place::owner`].
    expected_owner: Option<u32>,
}

/// One account's record: where it is and the identity it had when it was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordRef {
    /// What the record holds.
    pub kind: Kind,
    /// Its number in the region.
    pub number: u32,
    /// Its place in its section: the market index, for markets.
    pub place: u32,
    /// The identity.
    pub epoch: u64,
    start: usize,
    shape: Shape,
}

impl RecordRef {
    /// Words between meta and payload.
    pub fn extra_words(&self) -> usize {
        self.shape.extra_words
    }
}

/// A copy of one version of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// What the version says beside its bytes.
    pub meta: Meta,
    /// The account, as far as the record holds it.
    pub data: Vec<u8>,
}

impl Region {
    #[inline(always)]
    pub(crate) fn words(&self) -> &[Word] {
        self.mapping.words()
    }

    /// What the header says.
    #[inline(always)]
    pub fn header(&self) -> HeaderView<'_> {
        HeaderView::new(self.header_words())
    }

    /// The header's words, to be stored to by the writer alone.
    #[inline(always)]
    pub(crate) fn header_words(&self) -> Header<'_> {
        match Header::new(self.words()) {
            Some(header) => header,
            // `open` has refused anything shorter.
            None => unreachable!("a region is never shorter than its header"),
        }
    }

    /// The region's file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What accounts look like here.
    pub fn profile(&self) -> &Arc<Profile> {
        &self.profile
    }

    /// The schema section: the profile as compact JSON.
    pub fn schema(&self) -> &Arc<[u8]> {
        &self.schema
    }

    /// SHA-256 of the schema section.
    pub fn schema_hash(&self) -> &[u8; 32] {
        &self.schema_hash
    }

    /// The cluster whose accounts these are.
    pub fn cluster(&self) -> &str {
        &self.cluster
    }

    /// Where everything is.
    pub fn geometry(&self) -> &Geometry {
        &self.geometry
    }

    pub(crate) fn hash_key(&self) -> [u64; 2] {
        self.hash_key
    }

    /// Whether its CLOCK_MONOTONIC times are of this boot; of another one they mean nothing.
    pub fn is_of_this_boot(&self) -> bool {
        self.this_boot
    }

    pub(crate) fn identity(&self) -> (u64, u64) {
        self.mapping.identity()
    }

    pub(crate) fn directory(&self) -> &[Word] {
        let start = self.geometry.directory_offset / 8;
        self.words().get(start..start + self.geometry.directory_entries).unwrap_or_default()
    }

    pub(crate) fn journal_ring(&self) -> &[Word] {
        let start = self.geometry.journal_offset / 8;
        let len = self.geometry.journal_entries * journal::ENTRY_WORDS;
        self.words().get(start..start + len).unwrap_or_default()
    }

    // ------------------------------------------------------------------------ accounts

    #[inline]
    pub(crate) fn record_start(section: &Section, place: usize) -> usize {
        section.offset / 8 + place * section.shape.stride()
    }

    #[inline(always)]
    pub(crate) fn record_words(&self, start: usize, shape: Shape) -> &[Word] {
        self.words().get(start..start + shape.stride()).unwrap_or_default()
    }

    /// The account at a place of its section: a market by its index.
    pub fn at(&self, kind: Kind, place: usize) -> Option<RecordRef> {
        self.named_at(self.geometry.section(kind), place).map(|(account, _)| account)
    }

    /// The account with that address at a place of its section, if it is there.
    #[inline(always)]
    pub(crate) fn of_at(&self, kind: Kind, place: usize, pubkey: &Pubkey) -> Option<RecordRef> {
        self.of_in(self.geometry.section(kind), place, pubkey)
    }

    #[inline(always)]
    fn of_in(&self, section: &Section, place: usize, pubkey: &Pubkey) -> Option<RecordRef> {
        if place >= section.capacity {
            return None;
        }
        let start = Self::record_start(section, place);
        let epoch = record::epoch_of(self.words().get(start..)?, pubkey.to_words())?;
        Some(Self::record_ref(section, place, start, epoch))
    }

    #[inline(always)]
    fn record_ref(section: &Section, place: usize, start: usize, epoch: u64) -> RecordRef {
        RecordRef {
            kind: section.kind,
            number: section.first_record + place as u32,
            place: place as u32,
            epoch,
            start,
            shape: section.shape,
        }
    }

    /// The words of an account's record.
    #[inline(always)]
    pub(crate) fn words_of(&self, account: &RecordRef) -> (&[Word], Shape) {
        (self.record_words(account.start, account.shape), account.shape)
    }

    /// The account in the record with that number.
    pub fn record(&self, number: u32) -> Option<RecordRef> {
        let (section, place) = self.geometry.locate(number)?;
        self.named_at(section, place).map(|(account, _)| account)
    }

    /// The account with that address.
    pub fn find(&self, pubkey: &Pubkey) -> Option<RecordRef> {
        let hash = directory::hash(self.hash_key, pubkey);
        directory::lookup(self.directory(), hash, |number| {
            let (section, place) = self.geometry.locate(number)?;
            self.of_in(section, place, pubkey)
        })
    }

    /// Epoch and address are from one look at the record: between two it may change hands.
    #[inline]
    fn named_at(&self, section: &Section, place: usize) -> Option<(RecordRef, Pubkey)> {
        if place >= section.capacity {
            return None;
        }
        let start = Self::record_start(section, place);
        let (epoch, pubkey) = record::identity(self.record_words(start, section.shape))?;
        let account = Self::record_ref(section, place, start, epoch);
        Some((account, pubkey))
    }

    /// All accounts of a kind, also closed ones and those that nothing was published of yet.
    pub fn accounts(&self, kind: Kind) -> impl Iterator<Item = RecordRef> + '_ {
        (0..self.places_in_use(kind)).filter_map(move |place| self.at(kind, place))
    }

    /// An upper bound of the places at which there are accounts of a kind.
    pub fn places_in_use(&self, kind: Kind) -> usize {
        let in_use = usize::try_from(self.header().in_use(kind as usize)).unwrap_or(usize::MAX);
        in_use.min(self.geometry.section(kind).capacity)
    }

    /// The account's address; `None` if the record is another's by now.
    pub fn pubkey(&self, account: &RecordRef) -> Option<Pubkey> {
        let (epoch, pubkey) = record::identity(self.record_words(account.start, account.shape))?;
        (epoch == account.epoch).then_some(pubkey)
    }

    /// Reads one version with `read`, which runs again if it was torn.
    #[inline(always)]
    pub fn read<T>(
        &self,
        account: &RecordRef,
        read: impl Fn(Buffer<'_>) -> T,
    ) -> Result<T, Unread> {
        record::read(
            self.record_words(account.start, account.shape),
            account.shape,
            account.epoch,
            read,
        )
    }

    /// Words of the newest version from the account's byte `offset` on, rounded down to a word, if all
    /// is as usual: see [`record::peek`].
    #[inline(always)]
    pub fn peek<const N: usize>(&self, account: &RecordRef, offset: usize) -> Option<[u64; N]> {
        let record = self.record_words(account.start, account.shape);
        record::peek(record, account.shape, account.epoch, offset)
    }

    /// The newest version's number, without a look at anything else.
    #[inline]
    pub fn version(&self, account: &RecordRef) -> u64 {
        record::version(self.record_words(account.start, account.shape))
    }

    /// What the newest version says beside its bytes.
    pub fn meta(&self, account: &RecordRef) -> Result<Meta, Unread> {
        self.read(account, |buffer| buffer.meta())
    }

    /// A copy of the newest version.
    pub fn snapshot(&self, account: &RecordRef) -> Result<Snapshot, Unread> {
        let room = account.shape.payload_words * 8;
        let data = RefCell::new(Vec::new());
        let meta = self.read(account, |buffer| {
            let meta = buffer.meta();
            let mut data = data.borrow_mut();
            data.resize((meta.data_len as usize).min(room), 0);
            buffer.copy_payload(&mut data);
            meta
        })?;
        Ok(Snapshot { meta, data: data.into_inner() })
    }

    /// Meta, extra words and payload of the newest version in one allocation, see
    /// [`Buffer::copy_words`].
    #[inline]
    pub fn frozen(&self, account: &RecordRef) -> Result<Arc<[u64]>, Unread> {
        self.read(account, |buffer| buffer.copy_words())
    }

    /// Whether the account is there to be read.
    #[inline]
    pub fn presence(&self, account: &RecordRef) -> Presence {
        record::presence(self.record_words(account.start, account.shape), account.epoch)
    }

    /// When the account was last known to be what the chain says: CLOCK_MONOTONIC ns.
    ///
    /// While its feed is live and the writer's heart beats, that is the last heartbeat, however
    /// long ago the account itself changed; else the time it was received, if that is later.
    pub fn vouched_ns(&self, account: &RecordRef, received_ns: u64) -> u64 {
        if !self.this_boot {
            return 0;
        }
        let words = self.record_words(account.start, account.shape);
        let vouched = match record::unfollowed_ns(words) {
            0 => self.header().pulse(Pulse::LiveNs),
            unfollowed => unfollowed.min(self.header().pulse(Pulse::LiveNs)),
        };
        vouched.max(received_ns)
    }

    /// Whether the writer's feeds follow the account.
    pub fn is_followed(&self, account: &RecordRef) -> bool {
        record::unfollowed_ns(self.record_words(account.start, account.shape)) == 0
    }

    // ------------------------------------------------------------------------- oracles

    /// The oracle record that a market reads its price from, and by which source.
    pub fn oracle_of(&self, market: &RecordRef) -> Option<(RecordRef, u8)> {
        let pointer = self.read(market, |b| OraclePointer::from_extra(|i| b.extra(i))).ok()??;
        let oracle = self.record(pointer.record)?;
        (oracle.epoch == pointer.epoch && oracle.kind == Kind::Oracle)
            .then_some((oracle, pointer.source))
    }

    /// An oracle's price by one of the sources in use, with the version it is from.
    pub fn oracle_price(&self, oracle: &RecordRef, source: u8) -> Option<(OraclePrice, Meta)> {
        let read = |b: Buffer<'_>| (OraclePrice::find(source, |i| b.extra(i)), b.meta());
        let (price, meta) = self.read(oracle, read).ok()?;
        price.map(|price| (price, meta))
    }

    // ------------------------------------------------------------------------- journal

    /// The journal entry with number `cursor`.
    #[inline]
    pub fn journal(&self, cursor: u64) -> Next {
        journal::read(self.journal_ring(), self.header_words().journal_head(), cursor)
    }

    /// Number of the next journal entry.
    #[inline]
    pub fn journal_head(&self) -> u64 {
        journal::head(self.header_words().journal_head())
    }
}
