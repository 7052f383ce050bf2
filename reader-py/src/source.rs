//! Where the bytes of a view come from: the region as it is now, or a copy of one version.

use std::sync::Arc;

use driftshm_layout::profile::Kind;
use driftshm_layout::record::{Buffer, Meta};
use driftshm_layout::{Pubkey, RecordRef, Region};
use pyo3::prelude::*;

use crate::errors;
use crate::follow::Handle;

/// A copy of one version.
#[derive(Clone)]
pub struct Frozen {
    /// Meta words as a copy has them, extra words, the account.
    words: Arc<[u64]>,
    pubkey: Pubkey,
    kind: Kind,
    extra_words: u32,
    is_of_this_boot: bool,
}

const META: usize = driftshm_layout::record::META_WORDS;
const FLAGS: usize = META - 1;

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
            Self::Frozen(frozen) if index < frozen.extra_words() => frozen.word(META + index),
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
    fn readable(&self) -> bool {
        match self {
            Self::Live(buffer) => !buffer.unreadable(),
            Self::Frozen(frozen) => frozen.word(FLAGS) & 0b11 == 0,
        }
    }
}

impl Frozen {
    /// Copies the newest version of an account.
    #[inline(always)]
    pub fn of(handle: &Handle) -> PyResult<Self> {
        let here = here(handle)?;
        Self::of_record(here.region(), &here.record, &handle.pubkey)
    }

    /// Copies the newest version of a record.
    #[inline(always)]
    pub fn of_record(region: &Region, record: &RecordRef, pubkey: &Pubkey) -> PyResult<Self> {
        let words = region.frozen(record).map_err(|_| errors::account_gone(pubkey))?;
        let copy = Self::new(words, record.kind, record.extra_words(), pubkey);
        Ok(copy.of_boot(region.is_of_this_boot()))
    }

    /// A copy from meta words, extra words and account.
    #[inline(always)]
    pub fn new(words: Arc<[u64]>, kind: Kind, extra_words: usize, pubkey: &Pubkey) -> Self {
        let extra_words = extra_words as u32;
        Self { words, pubkey: *pubkey, kind, extra_words, is_of_this_boot: true }
    }

    /// The same, whose times may be of another boot.
    #[inline(always)]
    pub fn of_boot(self, is_of_this_boot: bool) -> Self {
        Self { is_of_this_boot, ..self }
    }

    /// Whether its CLOCK_MONOTONIC times mean something.
    pub fn is_of_this_boot(&self) -> bool {
        self.is_of_this_boot
    }

    #[inline(always)]
    fn word(&self, index: usize) -> u64 {
        self.words.get(index).copied().unwrap_or(0)
    }

    #[inline(always)]
    fn u64_at(&self, offset: usize) -> u64 {
        let (index, shift) = (META + self.extra_words() + offset / 8, (offset % 8) as u32 * 8);
        let low = self.word(index) >> shift;
        if shift == 0 { low } else { low | self.word(index + 1) << (64 - shift) }
    }

    /// How many extra words there are.
    #[inline(always)]
    pub fn extra_words(&self) -> usize {
        self.extra_words as usize
    }

    /// What it is.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Its address.
    pub fn pubkey(&self) -> Pubkey {
        self.pubkey
    }

    /// What it says beside its bytes.
    pub fn meta(&self) -> Meta {
        self.words.first_chunk::<META>().map(Meta::from_copy).unwrap_or_default()
    }

    /// Meta words, extra words and account.
    pub fn words(&self) -> &[u64] {
        &self.words
    }

    /// The account's words.
    pub fn payload(&self) -> &[u64] {
        self.words.get(META + self.extra_words()..).unwrap_or_default()
    }

    /// The account, byte for byte, as far as the record held it.
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes: Vec<u8> =
            self.payload().iter().flat_map(|word| word.to_le_bytes()).collect();
        bytes.truncate(self.meta().data_len as usize);
        bytes
    }
}

#[inline(always)]
fn here(handle: &Handle) -> PyResult<&Handle> {
    handle.current().ok_or_else(|| errors::schema_changed(&handle.pubkey))
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
                let here = here(handle)?;
                here.region()
                    .read(&here.record, |buffer| read(Words::Live(buffer)))
                    .map_err(|_| errors::account_gone(&handle.pubkey))
            }
            Self::Frozen(frozen) => Ok(read(Words::Frozen(frozen))),
        }
    }

    /// Reads fields from one version; raises if it has none.
    #[inline(always)]
    pub fn read<T>(&self, read: impl Fn(Words<'_>) -> T) -> PyResult<T> {
        self.readable(self.read_any(|words| words.readable().then(|| read(words)))?)
    }

    /// Words of the newest version from the account's byte `offset` on, rounded down to a word: quicker
    /// than [`Source::read`], which is for the cases in which this gives `None`.
    #[inline(always)]
    pub fn peek<const N: usize>(&self, offset: usize) -> Option<[u64; N]> {
        let Self::Live(handle) = self else { return None };
        let here = handle.current()?;
        here.region().peek(&here.record, offset)
    }

    #[inline(always)]
    fn readable<T>(&self, found: Option<T>) -> PyResult<T> {
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
