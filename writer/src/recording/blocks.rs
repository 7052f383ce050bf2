//! Items into compressed blocks.

use std::io::{self, Write};
use std::time::{Duration, Instant};

use zstd::bulk::Compressor;

use super::format::{BLOCK_HEADER_LEN, Frame};

/// Compresses well, and far faster than any feed brings.
const LEVEL: i32 = 3;
/// A block of so many bytes is written. The longer, the better they compress.
const FULL: usize = 4 << 20;
/// So much is lost at most when the recorder is killed.
const OLDEST: Duration = Duration::from_secs(1);

/// Writes blocks of items; whole ones only.
pub struct BlockWriter<W> {
    out: W,
    compressor: Compressor<'static>,
    /// The block that is being filled, its header included.
    raw: Vec<u8>,
    packed: Vec<u8>,
    /// When the first of its items came.
    since: Option<Instant>,
    number: u64,
    /// Items in blocks before this one, and in it.
    before: u64,
    items: u64,
    written: u64,
}

impl<W: Write> BlockWriter<W> {
    /// Begins a session.
    pub fn new(mut out: W) -> io::Result<Self> {
        let mut compressor = Compressor::new(LEVEL)?;
        compressor.include_checksum(true)?;
        // An account comes again and again, mostly unchanged, but far apart.
        compressor.long_distance_matching(true)?;
        let session = Frame::session();
        out.write_all(&session)?;
        Ok(Self {
            out,
            compressor,
            raw: Vec::new(),
            packed: Vec::new(),
            since: None,
            number: 0,
            before: 0,
            items: 0,
            written: session.len() as u64,
        })
    }

    /// Adds items, as they are encoded. They are written when the block is full.
    pub fn push(&mut self, encoded: &[u8], items: u64) -> io::Result<()> {
        if items == 0 {
            return Ok(());
        }
        if self.raw.is_empty() {
            self.raw.extend(self.number.to_le_bytes());
            self.raw.extend(self.before.to_le_bytes());
        }
        self.since.get_or_insert_with(Instant::now);
        self.raw.extend_from_slice(encoded);
        self.items += items;
        if self.raw.len() >= FULL { self.flush() } else { Ok(()) }
    }

    /// When the block has to be written though it is not full; `None` if there is nothing in it.
    pub fn due(&self) -> Option<Instant> {
        self.since.map(|since| since + OLDEST)
    }

    /// Writes the block.
    pub fn flush(&mut self) -> io::Result<()> {
        if self.raw.len() <= BLOCK_HEADER_LEN {
            return Ok(());
        }
        let too_long = |_| io::Error::other("a block is longer than any can be");
        self.packed.clear();
        self.packed.reserve(zstd::zstd_safe::compress_bound(self.raw.len()));
        let packed = self.compressor.compress_to_buffer(&self.raw, &mut self.packed)?;
        let raw = u32::try_from(self.raw.len()).map_err(too_long)?;
        let frame = Frame::block(u32::try_from(packed).map_err(too_long)?, raw);
        self.out.write_all(&frame)?;
        self.out.write_all(&self.packed)?;
        self.out.flush()?;
        self.written += (frame.len() + packed) as u64;
        self.before += self.items;
        self.number += 1;
        self.items = 0;
        self.since = None;
        self.raw.clear();
        Ok(())
    }

    /// How many bytes were written.
    pub fn written(&self) -> u64 {
        self.written
    }

    /// What it wrote to; items that were not flushed are lost.
    pub fn into_inner(self) -> W {
        self.out
    }
}
