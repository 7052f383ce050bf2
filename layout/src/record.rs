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

use crate::Pubkey;
use crate::sync::{Ordering, Word, fence, load_acquire};
use crate::torn::MaybeTorn;

mod buffer;
mod publish;
mod turn;
mod words;

pub use buffer::Buffer;
pub use publish::{epoch, is_same, publish, release, rename, seen, set_seen, set_unfollowed_ns};

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
    /// From the first words of a copy ([`Buffer::copy_words`]), of which the last two are the version
    /// and whether it is closed, mismatched, truncated: 1, 2, 4.
    #[inline]
    pub fn from_copy(words: &[u64; META_WORDS]) -> Self {
        let [.., version, flags] = *words;
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

/// Why a record gave nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unread {
    /// Nothing has been published in it.
    Empty,
    /// The record is another account's now, or is just becoming it.
    Gone,
}

/// Words of the newest version from the account's byte `offset` on, rounded down to a word, by a
/// single look: quicker than [`read`]. `None` if this is not the usual case (nothing was published,
/// closed, of a length that the profile does not know, another's, torn): then [`read`] tells.
///
/// The processor is told to fetch them from both buffers before it looks at the sequence, which says
/// whose it needs: where the writer has just written all three, they come from its core at the same
/// time. To load both and choose would do the same with less, but what is loaded ahead of the sequence
/// and taken away by the writer meanwhile has the processor begin anew.
#[inline(always)]
pub fn peek<const N: usize>(
    record: &[Word],
    shape: Shape,
    epoch: u64,
    offset: usize,
) -> Option<[u64; N]> {
    const { assert!(N > 0) }
    let header = record.first_chunk::<HEADER_WORDS>()?;
    // No sum overflows: shapes are of what is mapped, and this bounds the offset by theirs.
    if offset / 8 + N > shape.payload_words {
        return None;
    }
    let place = HEADER_WORDS + META_WORDS + shape.extra_words + offset / 8;
    let even = record.get(place..)?.first_chunk::<N>()?;
    let odd = record.get(place + shape.buffer_words()..)?.first_chunk::<N>()?;
    turn::prefetch(&even[0]);
    turn::prefetch(&odd[0]);
    // SYNC(record-publish): acquire; pairs with the release store of 2v in `publish`.
    let version = load_acquire(&header[SEQUENCE]) / 2;
    let words = if version & 1 == 0 { even } else { odd };
    let flags = header[FLAGS].load(Ordering::Relaxed);
    let torn = MaybeTorn::new(words.each_ref().map(|word| word.load(Ordering::Relaxed)));
    // SYNC(record-overwrite): acquire; pairs with the release fences in `publish` and `rename`.
    fence(Ordering::Acquire);
    let now = header[SEQUENCE].load(Ordering::Relaxed);
    let identity = header[EPOCH].load(Ordering::Relaxed);
    let unusual = flags & ((CLOSED | MISMATCH | EMPTY) << (version & 1)) != 0 || version == 0;
    let whole = identity == epoch && now.wrapping_sub(2 * version) < 3;
    (whole && !unusual).then(|| torn.assume_consistent())
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

/// The record's epoch if it belongs to the account with these words of its address. As [`identity`],
/// for who knows whom to expect: nothing has to be put together to be compared.
#[inline(always)]
pub fn epoch_of(record: &[Word], pubkey: [u64; 4]) -> Option<u64> {
    let header = record.first_chunk::<HEADER_WORDS>()?;
    // SYNC(record-rename): acquire; pairs with the release store of the even epoch in `rename`.
    let epoch = load_acquire(&header[EPOCH]);
    let mut differ = 0;
    for (word, expected) in header[PUBKEY..].iter().zip(pubkey) {
        differ |= word.load(Ordering::Relaxed) ^ expected;
    }
    // SYNC(record-overwrite): acquire; pairs with the release fence in `rename`.
    fence(Ordering::Acquire);
    let stays = header[EPOCH].load(Ordering::Relaxed) == epoch;
    (epoch != 0 && epoch % 2 == 0 && stays && differ == 0).then_some(epoch)
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

#[cfg(all(test, not(driftshm_loom)))]
mod tests;
