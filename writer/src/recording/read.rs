//! Reading a recording, past whatever is damaged in it.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use zstd::bulk::Decompressor;

use super::format::{BLOCK_HEADER_LEN, FRAME_LEN, Frame, MARK_LEN, MAX_BLOCK, VERSION};
use super::{Item, RecordingError};

/// Bytes that are looked through at a time for the next frame.
const WINDOW: usize = 64 * 1024;

/// A recording, open for reading.
pub struct Recording {
    path: PathBuf,
    file: File,
    decompressor: Decompressor<'static>,
    packed: Vec<u8>,
    /// The block that is being read, decompressed.
    raw: Vec<u8>,
    /// Where the block is in the file, and the next item in the block.
    block_at: u64,
    item_at: usize,
    /// Where the next frame is in the file.
    next: u64,
    /// How many items of the session were read or reported missing.
    items: u64,
}

/// Where an item is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// Its block's place in the file.
    block: u64,
    /// Its place in the block.
    item: usize,
}

/// What cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Damage {
    /// Neither a session nor a block begins where one should.
    #[error("{bytes} bytes from byte {offset} on are no block: passed over")]
    NoBlock {
        /// Where.
        offset: u64,
        /// How many bytes to the next block, or the end.
        bytes: u64,
    },
    /// A block does not decompress to what its checksum says, or its items make no sense.
    #[error("the block at byte {offset} is damaged: {bytes} bytes passed over")]
    Block {
        /// Where.
        offset: u64,
        /// How many bytes to the next block, or the end.
        bytes: u64,
    },
    /// The file ends within a block: its recorder was killed, or still writes.
    #[error("it ends within a block, at byte {offset}: the recorder was killed, or still records")]
    CutOff {
        /// Where the block begins.
        offset: u64,
        /// How many bytes of it there are.
        bytes: u64,
    },
    /// Items are missing between two blocks.
    #[error("{items} items before byte {offset} are missing")]
    Missing {
        /// Where the next block is.
        offset: u64,
        /// How many there should be.
        items: u64,
    },
}

/// What comes next.
#[derive(Debug)]
pub enum Next {
    /// An item.
    Item(Item),
    /// Something that cannot be read; what is behind it can.
    Damage(Damage),
    /// Nothing more.
    End,
}

impl Recording {
    /// Whether the file is a recording. What cannot be read without changing it, a pipe, is none.
    pub fn is_one(file: &File) -> bool {
        let mut start = [0; FRAME_LEN];
        file.read_exact_at(&mut start, 0).is_ok()
            && matches!(Frame::parse(&start), Some(Frame::Session { .. }))
    }

    /// Opens a recording. Its version is looked at now.
    pub fn open(path: &Path) -> Result<Self, RecordingError> {
        let io =
            |action| move |source| RecordingError::Io { action, path: path.to_owned(), source };
        let file = File::open(path).map_err(io("open"))?;
        let decompressor = Decompressor::new().map_err(io("read"))?;
        let mut start = [0; FRAME_LEN];
        let len = read_at(&file, &mut start, 0).map_err(io("read"))?;
        let why = match Frame::parse(&start) {
            Some(Frame::Session { version: Some(VERSION) }) => None,
            Some(Frame::Session { version: Some(found) }) => {
                return Err(RecordingError::Version { path: path.to_owned(), found, offset: 0 });
            }
            Some(Frame::Session { version: None }) => Some("its first bytes are damaged"),
            _ if len == 0 => Some("it is empty"),
            _ => Some("its first bytes are of something else"),
        };
        if let Some(why) = why {
            return Err(RecordingError::NotARecording { path: path.to_owned(), why });
        }
        Ok(Self {
            path: path.to_owned(),
            file,
            decompressor,
            packed: Vec::new(),
            raw: Vec::new(),
            block_at: 0,
            item_at: 0,
            next: 0,
            items: 0,
        })
    }

    /// From the beginning again.
    pub fn rewind(&mut self) {
        self.raw.clear();
        (self.block_at, self.item_at, self.next, self.items) = (0, 0, 0, 0);
    }

    /// The next item, or what is wrong in its place; and where it is.
    pub fn read_next(&mut self) -> Result<(Next, Position), RecordingError> {
        loop {
            let position = Position { block: self.block_at, item: self.item_at };
            let rest = self.raw.get(self.item_at..).unwrap_or_default();
            if let Some((item, len)) = Item::decode(rest) {
                self.item_at += len;
                self.items += 1;
                return Ok((Next::Item(item), position));
            }
            if !rest.is_empty() {
                // Its checksum is right, so it was written so: by a fault, or by a stranger.
                let (offset, bytes) = (self.block_at, self.next - self.block_at);
                self.raw.clear();
                return Ok((Next::Damage(Damage::Block { offset, bytes }), position));
            }
            match self.next_frame()? {
                None => {}
                Some(next) => return Ok((next, position)),
            }
        }
    }

    /// Reads the next frame; `None`: there are items now, or another frame.
    fn next_frame(&mut self) -> Result<Option<Next>, RecordingError> {
        self.raw.clear();
        let offset = self.next;
        let mut bytes = [0; FRAME_LEN];
        let len = self.read_at(&mut bytes, offset)?;
        if len == 0 {
            return Ok(Some(Next::End));
        }
        match Frame::parse(bytes.get(..len).unwrap_or_default()) {
            Some(Frame::Session { version: Some(VERSION) }) => {
                self.next = offset + FRAME_LEN as u64;
                self.items = 0;
                Ok(None)
            }
            Some(Frame::Session { version: Some(found) }) => {
                Err(RecordingError::Version { path: self.path.clone(), found, offset })
            }
            Some(Frame::Block { packed, raw }) => self.next_block(offset, packed, raw),
            Some(Frame::Session { version: None }) | None => {
                self.skip(offset, |bytes, is_end| match is_end && len < FRAME_LEN {
                    true => Damage::CutOff { offset, bytes },
                    false => Damage::NoBlock { offset, bytes },
                })
            }
        }
    }

    fn next_block(
        &mut self,
        offset: u64,
        packed: usize,
        raw: usize,
    ) -> Result<Option<Next>, RecordingError> {
        let data_at = offset + FRAME_LEN as u64;
        let is_sane = packed <= zstd::zstd_safe::compress_bound(MAX_BLOCK)
            && (BLOCK_HEADER_LEN..=MAX_BLOCK).contains(&raw);
        let mut is_whole = false;
        if is_sane {
            let mut buffer = std::mem::take(&mut self.packed);
            let read = self.read_exactly(&mut buffer, packed, data_at);
            self.packed = buffer;
            is_whole = read?;
            if is_whole && self.unpack(raw) {
                self.next = data_at + packed as u64;
                self.block_at = offset;
                return Ok(self.missing(offset).map(Next::Damage));
            }
        }
        self.raw.clear();
        let cut = is_sane && !is_whole;
        self.skip(offset, |bytes, is_end| match cut && is_end {
            true => Damage::CutOff { offset, bytes },
            false => Damage::Block { offset, bytes },
        })
    }

    fn unpack(&mut self, raw: usize) -> bool {
        self.raw.clear();
        self.raw.reserve(raw);
        let done = self.decompressor.decompress_to_buffer(&self.packed, &mut self.raw);
        self.item_at = BLOCK_HEADER_LEN;
        matches!(done, Ok(len) if len == raw) && self.raw.len() == raw
    }

    /// The items that the block says were before it, and were not.
    fn missing(&mut self, offset: u64) -> Option<Damage> {
        let before = self.raw.get(8..).and_then(|rest| rest.first_chunk());
        let before = before.map_or(0, |before| u64::from_le_bytes(*before));
        let items = before.saturating_sub(self.items);
        self.items = before;
        (items > 0).then_some(Damage::Missing { offset, items })
    }

    /// Passes over what cannot be read, to the next frame or the end.
    fn skip(
        &mut self,
        offset: u64,
        damage: impl FnOnce(u64, bool) -> Damage,
    ) -> Result<Option<Next>, RecordingError> {
        let mut window = vec![0; WINDOW];
        let mut at = offset + 1;
        let is_end = loop {
            let len = self.read_at(&mut window, at)?;
            let bytes = window.get(..len).unwrap_or_default();
            match Frame::find(bytes) {
                Some(found) if found + MARK_LEN <= len => {
                    at += found as u64;
                    break false;
                }
                // It may begin at the end of the window; of the file, it cannot.
                Some(found) if len == WINDOW => at += found as u64,
                _ if len < WINDOW => {
                    at += len as u64;
                    break true;
                }
                _ => at += len as u64,
            }
        };
        self.next = at;
        Ok(Some(Next::Damage(damage(at - offset, is_end))))
    }

    /// The item at a position, read again; `None` if the file is no longer what it was.
    pub fn reread(&self, position: &Position, cache: &mut BlockCache) -> Option<Item> {
        if self.block_at == position.block && !self.raw.is_empty() {
            return Item::decode(self.raw.get(position.item..)?).map(|(item, _)| item);
        }
        if cache.block != Some(position.block) {
            cache.fill(&self.file, position.block)?;
        }
        Item::decode(cache.raw.get(position.item..)?).map(|(item, _)| item)
    }

    fn read_at(&self, buffer: &mut [u8], at: u64) -> Result<usize, RecordingError> {
        read_at(&self.file, buffer, at).map_err(|source| self.io_error(source))
    }

    /// Whether there are so many bytes there; then they are in `buffer`.
    fn read_exactly(
        &self,
        buffer: &mut Vec<u8>,
        len: usize,
        at: u64,
    ) -> Result<bool, RecordingError> {
        // The length is a stranger's word: no more memory than the file has bytes.
        let size = self.file.metadata().map_err(|source| self.io_error(source))?.len();
        if size.saturating_sub(at) < len as u64 {
            return Ok(false);
        }
        buffer.resize(len, 0);
        Ok(self.read_at(buffer, at)? == len)
    }

    fn io_error(&self, source: io::Error) -> RecordingError {
        RecordingError::Io { action: "read", path: self.path.clone(), source }
    }
}

/// A block that was read again, kept for the next that asks for it.
#[derive(Default)]
pub struct BlockCache {
    block: Option<u64>,
    raw: Vec<u8>,
}

impl BlockCache {
    fn fill(&mut self, file: &File, offset: u64) -> Option<()> {
        self.block = None;
        let mut bytes = [0; FRAME_LEN];
        file.read_exact_at(&mut bytes, offset).ok()?;
        let Some(Frame::Block { packed, raw }) = Frame::parse(&bytes) else { return None };
        let size = file.metadata().ok()?.len();
        if raw > MAX_BLOCK || size.saturating_sub(offset) < packed as u64 {
            return None;
        }
        let mut data = vec![0; packed];
        file.read_exact_at(&mut data, offset + FRAME_LEN as u64).ok()?;
        self.raw = zstd::bulk::decompress(&data, raw).ok()?;
        self.block = Some(offset);
        Some(())
    }
}

/// Reads as much as there is.
fn read_at(file: &File, buffer: &mut [u8], at: u64) -> io::Result<usize> {
    let mut done = 0;
    while let Some(rest) = buffer.get_mut(done..).filter(|rest| !rest.is_empty()) {
        match file.read_at(rest, at + done as u64) {
            Ok(0) => break,
            Ok(len) => done += len,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(done)
}
