//! A version's buffer, for who reads it.

use std::mem::MaybeUninit;
use std::sync::Arc;

use super::words;
use super::{
    CLOSED, META_LAMPORTS, META_LEN_AND_SOURCE, META_PUBLISH_NS, META_RECEIVED_NS, META_SLOT,
    META_WORDS, META_WRITE_VERSION, MISMATCH, Meta, Shape, TRUNCATED,
};
use crate::sync::{Ordering, Word};

/// One version's buffer while it is being read: every word may still be torn.
#[derive(Clone, Copy)]
pub struct Buffer<'a> {
    pub(super) words: &'a [Word],
    pub(super) version: u64,
    pub(super) flags: u64,
    pub(super) shape: Shape,
}

impl Buffer<'_> {
    #[inline(always)]
    fn word(&self, index: usize) -> u64 {
        self.words.get(index).map_or(0, |word| word.load(Ordering::Relaxed))
    }

    /// The version being read.
    #[inline(always)]
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Whether fields cannot be read: closed, or of a length that the profile does not know.
    #[inline(always)]
    pub fn unreadable(&self) -> bool {
        self.flags & ((CLOSED | MISMATCH) << (self.version & 1)) != 0
    }

    #[inline(always)]
    fn flag(&self, flag: u64) -> bool {
        self.flags & (flag << (self.version & 1)) != 0
    }

    /// See [`Meta::slot`].
    #[inline(always)]
    pub fn slot(&self) -> u64 {
        self.word(META_SLOT)
    }

    /// All of the meta words.
    pub fn meta(&self) -> Meta {
        let len_and_source = self.word(META_LEN_AND_SOURCE);
        Meta {
            version: self.version,
            slot: self.word(META_SLOT),
            write_version: self.word(META_WRITE_VERSION),
            received_ns: self.word(META_RECEIVED_NS),
            publish_ns: self.word(META_PUBLISH_NS),
            lamports: self.word(META_LAMPORTS),
            data_len: len_and_source as u32,
            source: (len_and_source >> 32) as u8,
            closed: self.flag(CLOSED),
            layout_mismatch: self.flag(MISMATCH),
            truncated: self.flag(TRUNCATED),
        }
    }

    /// Word `index` of the extra words.
    #[inline(always)]
    pub fn extra(&self, index: usize) -> u64 {
        if index < self.shape.extra_words { self.word(META_WORDS + index) } else { 0 }
    }

    /// Word `index` of the account; zero behind the record's end.
    #[inline(always)]
    pub fn payload(&self, index: usize) -> u64 {
        self.word(META_WORDS + self.shape.extra_words + index)
    }

    /// Eight bytes of the account from byte `offset` on, as a little-endian number.
    #[inline(always)]
    pub fn payload_u64(&self, offset: usize) -> u64 {
        let (index, shift) = (offset / 8, (offset % 8) as u32 * 8);
        let start = META_WORDS + self.shape.extra_words + index;
        match self.words.get(start..).and_then(|words| words.first_chunk()) {
            // Both, also where one would do: that is less work than a decision.
            Some([low, high]) => {
                let high = high.load(Ordering::Relaxed) << 1;
                low.load(Ordering::Relaxed) >> shift | high << (63 - shift)
            }
            None => self.payload(index) >> shift,
        }
    }

    /// Whether the account's first bytes are these.
    pub fn payload_equals(&self, data: &[u8]) -> bool {
        words::equal(self.payload_words(), data)
    }

    /// Meta, extra words, and the payload as far as the account goes, for [`Meta::from_copy`].
    #[inline]
    pub fn copy_words(&self) -> Arc<[u64]> {
        let payload = (self.data_len() as usize).div_ceil(8).min(self.shape.payload_words);
        let words = META_WORDS + self.shape.extra_words + payload;
        let words = self.words.get(..words).unwrap_or_default();
        let mut copy = Arc::new_uninit_slice(words.len());
        let out: &mut [MaybeUninit<u64>] = Arc::get_mut(&mut copy).unwrap_or_default();
        words::copy(words, out);
        let flags = u64::from(self.flag(CLOSED))
            | u64::from(self.flag(MISMATCH)) << 1
            | u64::from(self.flag(TRUNCATED)) << 2;
        if let Some([.., version, place]) = out.first_chunk_mut::<META_WORDS>() {
            version.write(self.version);
            place.write(flags);
        }
        // SAFETY: `words::copy` wrote all of `out`, which is as long as `words` and the whole of the
        // allocation: `get_mut` gave it, since nobody else has it yet.
        unsafe { copy.assume_init() }
    }

    /// The account's length, see [`Meta::data_len`].
    #[inline(always)]
    pub fn data_len(&self) -> u32 {
        self.word(META_LEN_AND_SOURCE) as u32
    }

    #[inline(always)]
    fn payload_words(&self) -> &[Word] {
        self.words.get(META_WORDS + self.shape.extra_words..).unwrap_or_default()
    }

    /// Copies the account's first bytes into `out`, as many as fit.
    pub fn copy_payload(&self, out: &mut [u8]) {
        words::copy_bytes(self.payload_words(), out);
    }

    /// Copies the account's first words into `out`; behind the record's end they are zero.
    #[inline]
    pub fn copy_payload_words(&self, out: &mut [MaybeUninit<u64>]) {
        let payload = self.payload_words();
        let (own, behind) = out.split_at_mut(out.len().min(payload.len()));
        words::copy(payload, own);
        behind.fill(MaybeUninit::new(0));
    }
}
