//! The record: a seqlock over two buffers, whose readers never wait for the writer.
//!
//! ```text
//!  word 0   sequence        2v−1 while version v is being written, 2v when it is there
//!       1   epoch           identity: even = somebody's, odd = nobody's or changing, 0 = never used
//!       2   flags           per buffer: closed, mismatch, truncated, empty; the last source seen
//!       3   unfollowed_ns   0 = followed, else CLOCK_MONOTONIC when its feed stopped following
//!       4   pubkey (4 words)
//!       8   buffer 0:  meta (8) │ extra │ payload, zero behind the account's end
//!       …   buffer 1:  the same
//! ```
//!
//! Version v lives in buffer v & 1. While v+1 is written into the other buffer, v stays readable:
//!
//! - reader before the writer: sees 2v, reads buffer v&1, sees 2v again: good;
//! - reader during the write of v+1 (sequence 2v+1): still reads buffer v&1, nobody touches it: good;
//! - reader overtaken by v+1 (sequence 2v+2): v is old but whole: good, it was current when it began;
//! - reader overtaken by the beginning of v+2 (sequence 2v+3): v's buffer is being overwritten: again.
//!
//! A writer that dies in mid-write leaves 2v+1: readers go on with v, its successor writes v+1 anew.
//!
//! # Orderings
//! | operation | ordering | why | pairs with |
//! |---|---|---|---|
//! | writer: `sequence = 2v−1` | release | whoever sees 2v−1 reads v−1, and sees the whole of it | the reader's first look |
//! | … and then | release fence | no payload word of v may be seen without 2v−1 | the reader's acquire fence before its second look |
//! | writer: payload, meta, flags | relaxed | ordered by the fence before and the release after | |
//! | writer: `sequence = 2v` | release | whoever sees 2v sees the whole of v | the reader's first look |
//! | reader: first look | relaxed + acquire fence | see `load_acquire` | `sequence = 2v` and `2v−1` |
//! | reader: words | relaxed | may be torn until checked | |
//! | reader: second look (sequence, epoch) | acquire fence, then relaxed | having seen a word of v+2 it must see 2v+3; having seen a word of another identity, its epoch | the writer's release fence |

use std::mem::MaybeUninit;
use std::sync::Arc;

use crate::Pubkey;
use crate::sync::{Ordering, Word, fence, load_acquire};
use crate::torn::MaybeTorn;

/// Words of a record before its first buffer.
pub const HEADER_WORDS: usize = 8;
/// Words of a buffer before its extra words.
pub const META_WORDS: usize = 8;

const SEQUENCE: usize = 0;
const EPOCH: usize = 1;
const FLAGS: usize = 2;
const UNFOLLOWED_NS: usize = 3;
const PUBKEY: usize = 4;

const META_SLOT: usize = 0;
const META_WRITE_VERSION: usize = 1;
const META_RECEIVED_NS: usize = 2;
const META_PUBLISH_NS: usize = 3;
const META_LEN_AND_SOURCE: usize = 4;
const META_LAMPORTS: usize = 5;
/// Slot and write version of the newest update seen, also one that changed nothing.
/// Written outside the seqlock, read by the writer alone.
const META_SEEN_SLOT: usize = 6;
const META_SEEN_WRITE_VERSION: usize = 7;

const CLOSED: u64 = 0b01;
const MISMATCH: u64 = 0b01 << 2;
const TRUNCATED: u64 = 0b01 << 4;
/// Nothing of the record's present owner is in that buffer. Versions go on counting across
/// owners, so a (record, version) pair never means two things.
const EMPTY: u64 = 0b01 << 6;
const SEEN_SOURCE_SHIFT: u32 = 8;

/// How the words of a record are divided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// Words between a buffer's meta and its payload.
    pub extra_words: usize,
    /// Words for the account itself.
    pub payload_words: usize,
}

impl Shape {
    /// Words of one buffer, a whole number of cache lines.
    pub const fn buffer_words(&self) -> usize {
        (META_WORDS + self.extra_words + self.payload_words).next_multiple_of(8)
    }

    /// Words from one record to the next.
    pub const fn stride(&self) -> usize {
        HEADER_WORDS + 2 * self.buffer_words()
    }

    #[inline(always)]
    fn buffer_start(&self, version: u64) -> usize {
        HEADER_WORDS + (version & 1) as usize * self.buffer_words()
    }
}

/// What one version says beside the account's bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Meta {
    /// 1 for the first version; 0 = nothing published.
    pub version: u64,
    /// The slot of the update that brought these bytes.
    pub slot: u64,
    /// Orders updates of one source within a slot; 0 = the source has none.
    pub write_version: u64,
    /// CLOCK_MONOTONIC when the writer received it.
    pub received_ns: u64,
    /// CLOCK_MONOTONIC when it was published.
    pub publish_ns: u64,
    /// The account's balance.
    pub lamports: u64,
    /// The account's real length in bytes, also where it does not fit the record.
    pub data_len: u32,
    /// Rank of the source that brought it.
    pub source: u8,
    /// The account was closed; it has no bytes.
    pub closed: bool,
    /// The length is not one that the profile trusts: bytes only, no fields.
    pub layout_mismatch: bool,
    /// The account is longer than the record: its tail is missing.
    pub truncated: bool,
}

impl Meta {
    /// From the meta words of a copy, with the version and the flags (closed, mismatch, truncated)
    /// that the copy keeps beside.
    pub fn from_copy(words: [u64; META_WORDS], version: u64, flags: u64) -> Self {
        Self {
            version,
            slot: words[META_SLOT],
            write_version: words[META_WRITE_VERSION],
            received_ns: words[META_RECEIVED_NS],
            publish_ns: words[META_PUBLISH_NS],
            lamports: words[META_LAMPORTS],
            data_len: words[META_LEN_AND_SOURCE] as u32,
            source: (words[META_LEN_AND_SOURCE] >> 32) as u8,
            closed: flags & 1 != 0,
            layout_mismatch: flags & 2 != 0,
            truncated: flags & 4 != 0,
        }
    }
}

/// A version to be published.
#[derive(Debug, Clone, Copy, Default)]
pub struct Version<'a> {
    /// The account, byte for byte.
    pub data: &'a [u8],
    /// Words that go between meta and payload; missing ones are zero.
    pub extra: &'a [u64],
    /// See [`Meta::slot`].
    pub slot: u64,
    /// See [`Meta::write_version`].
    pub write_version: u64,
    /// See [`Meta::source`].
    pub source: u8,
    /// See [`Meta::received_ns`].
    pub received_ns: u64,
    /// See [`Meta::publish_ns`].
    pub publish_ns: u64,
    /// See [`Meta::lamports`].
    pub lamports: u64,
    /// See [`Meta::closed`].
    pub closed: bool,
    /// See [`Meta::layout_mismatch`].
    pub layout_mismatch: bool,
}

// ---------------------------------------------------------------------------------- reader

/// One version's buffer while it is being read: every word may still be torn.
#[derive(Clone, Copy)]
pub struct Buffer<'a> {
    words: &'a [Word],
    version: u64,
    flags: u64,
    shape: Shape,
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
        let start = META_WORDS + self.shape.extra_words;
        let words = self.words.get(start..).unwrap_or_default();
        if data.len() > words.len() * 8 {
            return false;
        }
        let chunks = data.chunks_exact(8);
        let tail = chunks.remainder();
        let whole = chunks.len();
        chunks.zip(words).all(|(chunk, word)| word.load(Ordering::Relaxed).to_le_bytes() == chunk)
            && tail.iter().zip(self.payload(whole).to_le_bytes()).all(|(a, b)| *a == b)
    }

    /// Meta, extra words, and the payload as far as the account goes.
    #[inline]
    pub fn copy_words(&self) -> Arc<[u64]> {
        let payload = (self.data_len() as usize).div_ceil(8).min(self.shape.payload_words);
        let words = META_WORDS + self.shape.extra_words + payload;
        let words = self.words.get(..words).unwrap_or_default();
        let mut copy = Arc::new_uninit_slice(words.len());
        let out: &mut [MaybeUninit<u64>] = Arc::get_mut(&mut copy).unwrap_or_default();
        let mut to = out.chunks_exact_mut(8);
        let mut from = words.chunks_exact(8);
        for (to, from) in to.by_ref().zip(from.by_ref()) {
            for (to, from) in to.iter_mut().zip(from) {
                to.write(from.load(Ordering::Relaxed));
            }
        }
        for (to, from) in to.into_remainder().iter_mut().zip(from.remainder()) {
            to.write(from.load(Ordering::Relaxed));
        }
        // SAFETY: both slices have the same length, so the two loops wrote every word; `get_mut`
        // gave the whole of it, since nobody else has the new allocation.
        unsafe { copy.assume_init() }
    }

    /// The account's length, see [`Meta::data_len`].
    #[inline(always)]
    pub fn data_len(&self) -> u32 {
        self.word(META_LEN_AND_SOURCE) as u32
    }

    /// Copies the account's first bytes into `out`, as many as fit.
    pub fn copy_payload(&self, out: &mut [u8]) {
        let start = META_WORDS + self.shape.extra_words;
        let words = self.words.get(start..).unwrap_or_default();
        let mut chunks = out.chunks_exact_mut(8);
        let mut source = words.iter();
        for (chunk, word) in chunks.by_ref().zip(source.by_ref()) {
            chunk.copy_from_slice(&word.load(Ordering::Relaxed).to_le_bytes());
        }
        let rest = chunks.into_remainder();
        if let Some(word) = source.next() {
            let bytes = word.load(Ordering::Relaxed).to_le_bytes();
            rest.copy_from_slice(&bytes[..rest.len()]);
        }
    }
}

/// Why a record gave nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unread {
    /// Nothing has been published in it.
    Empty,
    /// The record is another account's now, or is just becoming it.
    Gone,
}

/// Reads one version with `read`, which sees a buffer that may be torn and runs again if it was.
///
/// `epoch` is the identity that the caller expects. Lock-free: it runs again only if the writer
/// began two newer versions meanwhile.
#[inline(always)]
pub fn read<T>(
    record: &[Word],
    shape: Shape,
    epoch: u64,
    read: impl Fn(Buffer<'_>) -> T,
) -> Result<T, Unread> {
    let Some(header) = record.first_chunk::<HEADER_WORDS>() else { return Err(Unread::Empty) };
    loop {
        // SYNC(record-publish): acquire; pairs with the release store of 2v in `publish`.
        let version = load_acquire(&header[SEQUENCE]) / 2;
        let start = shape.buffer_start(version);
        let Some(words) = record.get(start..start + shape.buffer_words()) else {
            return Err(Unread::Empty);
        };
        let flags = header[FLAGS].load(Ordering::Relaxed);
        let torn = MaybeTorn::new(read(Buffer { words, version, flags, shape }));
        // SYNC(record-overwrite): acquire; pairs with the release fences in `publish` and `rename`.
        fence(Ordering::Acquire);
        let now = header[SEQUENCE].load(Ordering::Relaxed);
        let identity = header[EPOCH].load(Ordering::Relaxed);
        if identity != epoch {
            return Err(Unread::Gone);
        }
        // Wrapping, for a sequence that no writer wrote.
        if now.wrapping_sub(2 * version) < 3 {
            let empty = version == 0 || flags & (EMPTY << (version & 1)) != 0;
            return if empty { Err(Unread::Empty) } else { Ok(torn.assume_consistent()) };
        }
        std::hint::spin_loop();
    }
}

/// Who a record belongs to: its epoch and address, or `None` while that changes or if it is free.
pub fn identity(record: &[Word]) -> Option<(u64, Pubkey)> {
    let header = record.first_chunk::<HEADER_WORDS>()?;
    // SYNC(record-rename): acquire; pairs with the release store of the even epoch in `rename`.
    let epoch = load_acquire(&header[EPOCH]);
    if epoch == 0 || epoch % 2 == 1 {
        return None;
    }
    let words = [0, 1, 2, 3].map(|i| header[PUBKEY + i].load(Ordering::Relaxed));
    // SYNC(record-overwrite): acquire; pairs with the release fence in `rename`.
    fence(Ordering::Acquire);
    (header[EPOCH].load(Ordering::Relaxed) == epoch).then(|| (epoch, Pubkey::from_words(words)))
}

/// The newest whole version; 0 if there is none.
#[inline]
pub fn version(record: &[Word]) -> u64 {
    record.first().map_or(0, |sequence| load_acquire(sequence) / 2)
}

/// What a look at the record's first cache line tells, without reading a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// There is something to read.
    Here,
    /// The account was closed.
    Closed,
    /// Nothing was published yet.
    Empty,
    /// The record is another account's now.
    Gone,
}

/// Whether the account of that epoch is there.
#[inline]
pub fn presence(record: &[Word], epoch: u64) -> Presence {
    let Some(header) = record.first_chunk::<HEADER_WORDS>() else { return Presence::Empty };
    loop {
        let version = load_acquire(&header[SEQUENCE]) / 2;
        let flags = header[FLAGS].load(Ordering::Relaxed) >> (version & 1);
        // SYNC(record-overwrite): as in `read`; the flags may be those of a version to come.
        fence(Ordering::Acquire);
        let now = header[SEQUENCE].load(Ordering::Relaxed);
        if header[EPOCH].load(Ordering::Relaxed) != epoch {
            return Presence::Gone;
        }
        if now.wrapping_sub(2 * version) < 3 {
            return match flags {
                _ if version == 0 || flags & EMPTY != 0 => Presence::Empty,
                _ if flags & CLOSED != 0 => Presence::Closed,
                _ => Presence::Here,
            };
        }
        std::hint::spin_loop();
    }
}

/// When its feed stopped following the account (CLOCK_MONOTONIC); 0 while it is followed.
#[inline]
pub fn unfollowed_ns(record: &[Word]) -> u64 {
    record.get(UNFOLLOWED_NS).map_or(0, |word| word.load(Ordering::Relaxed))
}

// ---------------------------------------------------------------------------------- writer

/// Publishes the next version and returns its number. One writer at a time, by the region's lock.
pub fn publish(record: &[Word], shape: Shape, update: &Version<'_>) -> u64 {
    let Some(header) = record.first_chunk::<HEADER_WORDS>() else { return 0 };
    let sequence = header[SEQUENCE].load(Ordering::Relaxed);
    let version = sequence / 2 + 1;
    let start = shape.buffer_start(version);
    let Some(buffer) = record.get(start..start + shape.buffer_words()) else { return 0 };

    // SYNC(record-publish): release; a reader that sees 2v−1 goes on with v−1, so it must see the
    // whole of that: the release store of 2(v−1) is hidden from it by this one.
    header[SEQUENCE].store(version.wrapping_mul(2).wrapping_sub(1), Ordering::Release);
    // SYNC(record-overwrite): release; pairs with the acquire fence before the reader's second look.
    fence(Ordering::Release);

    let capacity = shape.payload_words * 8;
    // What a writer left that died in this version is as long as the buffer: its length, too, may
    // be half-written.
    let old_len = match sequence % 2 {
        0 => buffer[META_LEN_AND_SOURCE].load(Ordering::Relaxed) as u32 as usize,
        _ => capacity,
    };
    let stored = &update.data[..update.data.len().min(capacity)];
    write_buffer(buffer, shape, update, stored, old_len.min(capacity));
    write_flags(header, version, update, stored.len() < update.data.len());

    // SYNC(record-publish): release; pairs with the reader's first look.
    header[SEQUENCE].store(version.wrapping_mul(2), Ordering::Release);
    version
}

fn write_buffer(
    buffer: &[Word],
    shape: Shape,
    update: &Version<'_>,
    stored: &[u8],
    old_len: usize,
) {
    let len_and_source = update.data.len() as u32 as u64 | u64::from(update.source) << 32;
    let meta = [
        update.slot,
        update.write_version,
        update.received_ns,
        update.publish_ns,
        len_and_source,
        update.lamports,
        update.slot,
        update.write_version,
    ];
    let (head, rest) = buffer.split_at(META_WORDS);
    for (word, value) in head.iter().zip(meta) {
        word.store(value, Ordering::Relaxed);
    }
    let (extra, payload) = rest.split_at(shape.extra_words);
    let values = update.extra.iter().copied().chain(std::iter::repeat(0));
    for (word, value) in extra.iter().zip(values) {
        word.store(value, Ordering::Relaxed);
    }
    let chunks = stored.chunks_exact(8);
    let tail = chunks.remainder();
    for (word, chunk) in payload.iter().zip(chunks) {
        word.store(u64::from_le_bytes(chunk.try_into().unwrap_or_default()), Ordering::Relaxed);
    }
    let mut written = stored.len() / 8;
    if !tail.is_empty() {
        let mut bytes = [0; 8];
        bytes[..tail.len()].copy_from_slice(tail);
        if let Some(word) = payload.get(written) {
            word.store(u64::from_le_bytes(bytes), Ordering::Relaxed);
        }
        written += 1;
    }
    for word in payload.iter().take(old_len.div_ceil(8)).skip(written) {
        word.store(0, Ordering::Relaxed);
    }
}

fn write_flags(header: &[Word; 8], version: u64, update: &Version<'_>, truncated: bool) {
    let buffer = version & 1;
    let mut flags = header[FLAGS].load(Ordering::Relaxed);
    let set = [
        (CLOSED, update.closed),
        (MISMATCH, update.layout_mismatch),
        (TRUNCATED, truncated),
        (EMPTY, false),
    ];
    for (flag, on) in set {
        flags = (flags & !(flag << buffer)) | (u64::from(on) * (flag << buffer));
    }
    flags = (flags & !(0xff << SEEN_SOURCE_SHIFT)) | u64::from(update.source) << SEEN_SOURCE_SHIFT;
    header[FLAGS].store(flags, Ordering::Relaxed);
}

/// Gives the record to `pubkey` and returns its new epoch: whoever holds it by an older epoch
/// reads it as gone. A writer that dies in between leaves an odd epoch, which is nobody's.
pub fn rename(record: &[Word], shape: Shape, pubkey: &Pubkey) -> u64 {
    let changing = release(record);
    let Some(header) = record.first_chunk::<HEADER_WORDS>() else { return 0 };
    for (i, word) in pubkey.to_words().into_iter().enumerate() {
        header[PUBKEY + i].store(word, Ordering::Relaxed);
    }
    header[FLAGS].store(EMPTY | EMPTY << 1, Ordering::Relaxed);
    header[UNFOLLOWED_NS].store(0, Ordering::Relaxed);
    let buffers = record.get(HEADER_WORDS..shape.stride()).unwrap_or_default();
    for word in buffers {
        word.store(0, Ordering::Relaxed);
    }
    // SYNC(record-rename): release; pairs with the acquire load in `identity`.
    let epoch = changing.wrapping_add(1);
    header[EPOCH].store(epoch, Ordering::Release);
    epoch
}

/// Makes the record nobody's and returns its odd epoch.
pub fn release(record: &[Word]) -> u64 {
    let Some(epoch) = record.get(EPOCH) else { return 1 };
    let changing = epoch.load(Ordering::Relaxed) | 1;
    epoch.store(changing, Ordering::Relaxed);
    // SYNC(record-overwrite): release; pairs with the acquire fences in `read` and `identity`.
    fence(Ordering::Release);
    changing
}

/// The epoch as it stands, for the writer.
pub fn epoch(record: &[Word]) -> u64 {
    record.get(EPOCH).map_or(0, |word| word.load(Ordering::Relaxed))
}

/// Says since when the account is no longer followed; 0 = it is.
pub fn set_unfollowed_ns(record: &[Word], since_ns: u64) {
    if let Some(word) = record.get(UNFOLLOWED_NS) {
        word.store(since_ns, Ordering::Relaxed);
    }
}

/// The newest update seen: slot, write version, source. For the writer alone.
pub fn seen(record: &[Word], shape: Shape) -> Option<(u64, u64, u8)> {
    let header = record.first_chunk::<HEADER_WORDS>()?;
    let version = header[SEQUENCE].load(Ordering::Relaxed) / 2;
    let meta = record.get(shape.buffer_start(version)..)?.first_chunk::<META_WORDS>()?;
    let source = (header[FLAGS].load(Ordering::Relaxed) >> SEEN_SOURCE_SHIFT) as u8;
    let slot = meta[META_SEEN_SLOT].load(Ordering::Relaxed);
    let write_version = meta[META_SEEN_WRITE_VERSION].load(Ordering::Relaxed);
    let empty =
        version == 0 || header[FLAGS].load(Ordering::Relaxed) & (EMPTY << (version & 1)) != 0;
    (!empty).then_some((slot, write_version, source))
}

/// Remembers an update that changed no byte, so that an older one cannot follow it.
pub fn set_seen(record: &[Word], shape: Shape, slot: u64, write_version: u64, source: u8) {
    let Some(header) = record.first_chunk::<HEADER_WORDS>() else { return };
    let version = header[SEQUENCE].load(Ordering::Relaxed) / 2;
    let start = shape.buffer_start(version);
    if let Some(meta) = record.get(start..).and_then(|words| words.first_chunk::<META_WORDS>()) {
        meta[META_SEEN_SLOT].store(slot, Ordering::Relaxed);
        meta[META_SEEN_WRITE_VERSION].store(write_version, Ordering::Relaxed);
        let flags = header[FLAGS].load(Ordering::Relaxed) & !(0xff << SEEN_SOURCE_SHIFT);
        header[FLAGS].store(flags | u64::from(source) << SEEN_SOURCE_SHIFT, Ordering::Relaxed);
    }
}

#[cfg(all(test, not(driftshm_loom)))]
mod tests;
