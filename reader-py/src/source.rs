//! Where the bytes of a view come from: the region as it is now, or a copy of one version.

use std::sync::Arc;

use driftshm_layout::profile::Kind;
use driftshm_layout::record::{Buffer, Meta};
use driftshm_layout::{Pubkey, RecordRef};
use pyo3::prelude::*;

use crate::errors;
use crate::follow::Handle;

/// A copy of one version.
#[derive(Clone)]
pub struct Frozen {
    /// What it says beside its bytes.
    pub meta: Meta,
    /// Extra words, then the account.
    pub words: Arc<[u64]>,
    /// How many extra words.
    pub extra_words: usize,
    /// What it is.
    pub kind: Kind,
    /// Its address.
    pub pubkey: Pubkey,
}

/// Live or frozen.
#[derive(Clone)]
pub enum Source {
    /// Each read is of the newest version.
    Live(Arc<Handle>),
    /// All reads are of the same one.
    Frozen(Arc<Frozen>),
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
            Self::Frozen(frozen) if index < frozen.extra_words => {
                frozen.words.get(index).copied().unwrap_or(0)
            }
            Self::Frozen(_) => 0,
        }
    }

    /// What the version says beside its bytes.
    pub fn meta(&self) -> Meta {
        match self {
            Self::Live(buffer) => buffer.meta(),
            Self::Frozen(frozen) => frozen.meta,
        }
    }

    #[inline(always)]
    fn unreadable(&self) -> bool {
        match self {
            Self::Live(buffer) => buffer.unreadable(),
            Self::Frozen(frozen) => frozen.meta.closed || frozen.meta.layout_mismatch,
        }
    }
}

impl Frozen {
    #[inline(always)]
    fn u64_at(&self, offset: usize) -> u64 {
        let word = |index: usize| self.words.get(self.extra_words + index).copied().unwrap_or(0);
        let (index, shift) = (offset / 8, (offset % 8) as u32 * 8);
        let low = word(index) >> shift;
        if shift == 0 { low } else { low | word(index + 1) << (64 - shift) }
    }

    /// The account, byte for byte, as far as the record held it.
    pub fn bytes(&self) -> Vec<u8> {
        let words = self.words.get(self.extra_words..).unwrap_or_default();
        let mut bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        bytes.truncate(self.meta.data_len as usize);
        bytes
    }

    /// Copies the newest version of an account.
    pub fn of(handle: &Handle) -> PyResult<Self> {
        let here = handle.current().ok_or_else(errors::schema_changed)?;
        let RecordRef { kind, .. } = here.record;
        let (meta, words) = here.region().frozen(&here.record).map_err(|_| errors::gone())?;
        let extra_words = here.record.extra_words();
        Ok(Self { meta, words, extra_words, kind, pubkey: handle.pubkey })
    }
}

impl Source {
    /// The address of the account.
    pub fn pubkey(&self) -> Pubkey {
        match self {
            Self::Live(handle) => handle.pubkey,
            Self::Frozen(frozen) => frozen.pubkey,
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
