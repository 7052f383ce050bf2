//! Where the bytes of a view come from: the region as it is now, or a copy of one version.

use std::sync::Arc;

use driftshm_layout::profile::Kind;
use driftshm_layout::record::{Buffer, Meta};
use driftshm_layout::{Pubkey, RecordRef, Region};
use pyo3::prelude::*;

use crate::errors;
use crate::follow::Handle;

/// A copy of one version, in one allocation.
///
/// ```text
///  word 0  version, slot, write_version, received_ns, publish_ns, lamports
///       6  data_len │ source << 32 │ kind << 40 │ closed, mismatch, truncated << 48
///       7  extra words
///       8  pubkey (4 words)
///      12  extra words, then the account
/// ```
#[derive(Clone)]
pub struct Frozen(Arc<[u64]>);

const HEAD: usize = 12;

/// Live or frozen.
#[derive(Clone)]
pub enum Source {
    /// Each read is of the newest version.
    Live(Arc<Handle>),
    /// All reads are of the same one.
    Frozen(Frozen),
}

/// One version's words, live (perhaps torn, checked by the caller's caller) or frozen.
#[derive(Clone, Copy)]
pub enum Words<'a> {
    /// In the region.
    Live(Buffer<'a>),
    /// In a copy.
    Frozen(&'a Frozen),
}

impl Words<'_> {
    /// Eight bytes of the account from byte `offset` on, little-endian.
    #[inline(always)]
    pub fn u64_at(&self, offset: usize) -> u64 {
        match self {
            Self::Live(buffer) => buffer.payload_u64(offset),
            Self::Frozen(frozen) => frozen.u64_at(offset),
        }
    }

    /// An extra word.
    #[inline(always)]
    pub fn extra(&self, index: usize) -> u64 {
        match self {
            Self::Live(buffer) => buffer.extra(index),
            Self::Frozen(frozen) if index < frozen.extra_words() => frozen.word(HEAD + index),
            Self::Frozen(_) => 0,
        }
    }

    /// What the version says beside its bytes.
    pub fn meta(&self) -> Meta {
        match self {
            Self::Live(buffer) => buffer.meta(),
            Self::Frozen(frozen) => frozen.meta(),
        }
    }

    #[inline(always)]
    fn unreadable(&self) -> bool {
        match self {
            Self::Live(buffer) => buffer.unreadable(),
            Self::Frozen(frozen) => frozen.word(6) >> 48 & 0b11 != 0,
        }
    }
}

impl Frozen {
    /// Copies the newest version of an account.
    pub fn of(handle: &Handle) -> PyResult<Self> {
        let here = handle.current().ok_or_else(errors::schema_changed)?;
        Self::of_record(here.region(), &here.record, &handle.pubkey)
    }

    /// Copies the newest version of a record.
    pub fn of_record(region: &Region, record: &RecordRef, pubkey: &Pubkey) -> PyResult<Self> {
        let (meta, mut words) = region.frozen(record, HEAD).map_err(|_| errors::gone())?;
        let head = Self::head(&meta, record.kind, record.extra_words(), pubkey);
        for (to, from) in Arc::get_mut(&mut words).unwrap_or_default().iter_mut().zip(head) {
            *to = from;
        }
        Ok(Self(words))
    }

    /// A copy from what a pickle holds: extra words and account.
    pub fn from_parts(
        meta: &Meta,
        kind: Kind,
        extra_words: usize,
        pubkey: &Pubkey,
        words: impl Iterator<Item = u64>,
    ) -> Self {
        Self(Self::head(meta, kind, extra_words, pubkey).into_iter().chain(words).collect())
    }

    fn head(meta: &Meta, kind: Kind, extra_words: usize, pubkey: &Pubkey) -> [u64; HEAD] {
        let flags = [meta.closed, meta.layout_mismatch, meta.truncated].map(u64::from);
        let flags = flags[0] | flags[1] << 1 | flags[2] << 2;
        let what = u64::from(meta.data_len)
            | u64::from(meta.source) << 32
            | u64::from(kind as u8) << 40
            | flags << 48;
        let [a, b, c, d] = pubkey.to_words();
        [
            meta.version,
            meta.slot,
            meta.write_version,
            meta.received_ns,
            meta.publish_ns,
            meta.lamports,
            what,
            extra_words as u64,
            a,
            b,
            c,
            d,
        ]
    }

    #[inline(always)]
    fn word(&self, index: usize) -> u64 {
        self.0.get(index).copied().unwrap_or(0)
    }

    #[inline(always)]
    fn u64_at(&self, offset: usize) -> u64 {
        let (index, shift) = (HEAD + self.extra_words() + offset / 8, (offset % 8) as u32 * 8);
        let low = self.word(index) >> shift;
        if shift == 0 { low } else { low | self.word(index + 1) << (64 - shift) }
    }

    /// How many extra words there are.
    #[inline(always)]
    pub fn extra_words(&self) -> usize {
        self.word(7) as usize
    }

    /// What it is; `None` for a number that no kind has.
    pub fn kind(&self) -> Option<Kind> {
        Kind::from_index((self.word(6) >> 40) as u8)
    }

    /// Its address.
    pub fn pubkey(&self) -> Pubkey {
        Pubkey::from_words([8, 9, 10, 11].map(|i| self.word(i)))
    }

    /// What it says beside its bytes.
    pub fn meta(&self) -> Meta {
        let what = self.word(6);
        Meta {
            version: self.word(0),
            slot: self.word(1),
            write_version: self.word(2),
            received_ns: self.word(3),
            publish_ns: self.word(4),
            lamports: self.word(5),
            data_len: what as u32,
            source: (what >> 32) as u8,
            closed: what >> 48 & 1 != 0,
            layout_mismatch: what >> 48 & 2 != 0,
            truncated: what >> 48 & 4 != 0,
        }
    }

    /// Extra words and account.
    pub fn words(&self) -> &[u64] {
        self.0.get(HEAD..).unwrap_or_default()
    }

    /// The account's words.
    pub fn payload(&self) -> &[u64] {
        self.words().get(self.extra_words()..).unwrap_or_default()
    }

    /// The account, byte for byte, as far as the record held it.
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes: Vec<u8> = self.payload().iter().flat_map(|word| word.to_le_bytes()).collect();
        bytes.truncate(self.meta().data_len as usize);
        bytes
    }
}

impl Source {
    /// The address of the account.
    pub fn pubkey(&self) -> Pubkey {
        match self {
            Self::Live(handle) => handle.pubkey,
            Self::Frozen(frozen) => frozen.pubkey(),
        }
    }

    /// Reads from one version, whatever its state.
    #[inline(always)]
    pub fn read_any<T>(&self, read: impl Fn(Words<'_>) -> T) -> PyResult<T> {
        match self {
            Self::Live(handle) => {
                let Some(here) = handle.current() else { return Err(errors::schema_changed()) };
                here.region()
                    .read(&here.record, |buffer| read(Words::Live(buffer)))
                    .map_err(|_| errors::gone())
            }
            Self::Frozen(frozen) => Ok(read(Words::Frozen(frozen))),
        }
    }

    /// Reads fields from one version; raises if it has none.
    #[inline(always)]
    pub fn read<T>(&self, read: impl Fn(Words<'_>) -> T) -> PyResult<T> {
        let found =
            self.read_any(|words| if words.unreadable() { None } else { Some(read(words)) })?;
        match found {
            Some(value) => Ok(value),
            None => Err(self.why_unreadable()),
        }
    }

    #[cold]
    fn why_unreadable(&self) -> PyErr {
        match self.read_any(|words| words.meta()) {
            Ok(meta) if meta.closed => errors::closed(&self.pubkey()),
            Ok(meta) => errors::layout_mismatch(&self.pubkey(), meta.data_len),
            Err(error) => error,
        }
    }
}
