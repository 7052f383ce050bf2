//! Storing to a record: for the writer alone.

use super::words;
use super::{
    CLOSED, EMPTY, EPOCH, FLAGS, HEADER_WORDS, META_LAMPORTS, META_LEN_AND_SOURCE, META_SEEN_SLOT,
    META_SEEN_WRITE_VERSION, META_WORDS, MISMATCH, PUBKEY, SEEN_SOURCE_SHIFT, SEQUENCE, Shape,
    TRUNCATED, UNFOLLOWED_NS, Version,
};
use crate::Pubkey;
use crate::sync::{Ordering, Word, fence};

/// Whether the newest version says the same as `update`, whenever it was published. For who
/// publishes: nothing is checked for being torn.
pub fn is_same(record: &[Word], shape: Shape, update: &Version<'_>) -> bool {
    let Some(header) = record.first_chunk::<HEADER_WORDS>() else { return false };
    let version = header[SEQUENCE].load(Ordering::Relaxed) / 2;
    let start = shape.buffer_start(version);
    let Some(buffer) = record.get(start..start + shape.buffer_words()) else { return false };
    let (meta, rest) = buffer.split_at(META_WORDS);
    let (extra, payload) = rest.split_at(shape.extra_words);
    let flags = header[FLAGS].load(Ordering::Relaxed) >> (version & 1);
    let expected =
        (u64::from(update.closed) * CLOSED) | (u64::from(update.layout_mismatch) * MISMATCH);
    version != 0
        && flags & (CLOSED | MISMATCH | TRUNCATED | EMPTY) == expected
        && meta[META_LEN_AND_SOURCE].load(Ordering::Relaxed) as u32 as usize == update.data.len()
        && meta[META_LAMPORTS].load(Ordering::Relaxed) == update.lamports
        && extra.iter().enumerate().all(|(place, word)| {
            word.load(Ordering::Relaxed) == update.extra.get(place).copied().unwrap_or(0)
        })
        && words::equal(payload, update.data)
}

/// Publishes the next version and returns its number. One writer at a time, by the region's lock, and one thread of it.
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
    let written = words::store(payload, stored);
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
