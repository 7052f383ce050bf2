//! The frames of a recording: where sessions and blocks begin.
//!
//! A recording is a sequence of zstd frames, so `zstd --test` checks it and `zstd -dc` gives its
//! items:
//!
//! ```text
//!   start of a session          block                                     block
//!  ┌────────────────────┐ ┌────────────────────┬──────────────────────┐ ┌──────
//!  │ skippable, 24 bytes│ │ skippable, 24 bytes│ zstd frame           │ │ …
//!  └────────────────────┘ └────────────────────┴──────────────────────┘ └──────
//!   0  u32 0x184D2A5D      0  u32 0x184D2A5D     level 3, its checksum on;
//!   4  u32 16              4  u32 16             within: u64 number of the block,
//!   8  "DRIFTREC"          8  "DRIFTBLK"         u64 items before it, then items
//!  16  u32 version        16  u32 bytes of the zstd frame
//!  20  u32 !version       20  u32 bytes of it, decompressed
//! ```
//! All numbers are little-endian. Whatever begins with neither of the two is damaged, or the end
//! of a block that was cut off; the next one is found by its first sixteen bytes.

/// The version of this format.
pub const VERSION: u32 = 1;

/// Bytes of a frame that begins a session or a block.
pub(super) const FRAME_LEN: usize = 24;
/// Bytes at the start of a block, decompressed.
pub(super) const BLOCK_HEADER_LEN: usize = 16;
/// No block has more bytes, decompressed. An account has 10 MiB at most.
pub(super) const MAX_BLOCK: usize = 32 << 20;
/// One of the sixteen magic numbers that zstd skips.
const SKIPPABLE: u32 = 0x184D_2A5D;
/// Bytes of such a frame behind its first eight.
const REST: u32 = FRAME_LEN as u32 - 8;
const SESSION: &[u8; 8] = b"DRIFTREC";
const BLOCK: &[u8; 8] = b"DRIFTBLK";
/// Bytes that all frames of a kind begin with.
pub(super) const MARK_LEN: usize = 16;

/// What begins here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Frame {
    /// A recorder was started; `None`: the version does not agree with its complement.
    Session { version: Option<u32> },
    /// Items.
    Block { packed: usize, raw: usize },
}

impl Frame {
    /// The frame with these bytes, if it is one.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; FRAME_LEN] = bytes.first_chunk()?;
        let is_ours = number(bytes, 0)? == SKIPPABLE && number(bytes, 4)? == REST;
        let (first, second) = (number(bytes, 16)?, number(bytes, 20)?);
        match bytes.get(8..MARK_LEN)? {
            mark if is_ours && mark == SESSION => {
                Some(Self::Session { version: (second == !first).then_some(first) })
            }
            mark if is_ours && mark == BLOCK => {
                Some(Self::Block { packed: first as usize, raw: second as usize })
            }
            _ => None,
        }
    }

    /// Where in these bytes a frame begins, or may begin beyond their end.
    pub fn find(bytes: &[u8]) -> Option<usize> {
        let first = SKIPPABLE.to_le_bytes();
        (0..bytes.len()).find(|at| {
            let rest = bytes.get(*at..).unwrap_or_default();
            let compare = |mark: &[u8; MARK_LEN]| {
                let len = rest.len().min(MARK_LEN);
                rest.get(..len) == mark.get(..len)
            };
            rest.first() == first.first() && (compare(&mark(SESSION)) || compare(&mark(BLOCK)))
        })
    }

    /// The bytes that begin a session.
    pub fn session() -> [u8; FRAME_LEN] {
        frame(SESSION, VERSION, !VERSION)
    }

    /// The bytes that begin a block.
    pub fn block(packed: u32, raw: u32) -> [u8; FRAME_LEN] {
        frame(BLOCK, packed, raw)
    }
}

fn number(bytes: &[u8; FRAME_LEN], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn mark(name: &[u8; 8]) -> [u8; MARK_LEN] {
    let mut bytes = [0; MARK_LEN];
    let parts = SKIPPABLE.to_le_bytes().into_iter().chain(REST.to_le_bytes()).chain(*name);
    bytes.iter_mut().zip(parts).for_each(|(byte, part)| *byte = part);
    bytes
}

fn frame(name: &[u8; 8], first: u32, second: u32) -> [u8; FRAME_LEN] {
    let mut bytes = [0; FRAME_LEN];
    let numbers = first.to_le_bytes().into_iter().chain(second.to_le_bytes());
    let parts = mark(name).into_iter().chain(numbers);
    bytes.iter_mut().zip(parts).for_each(|(byte, part)| *byte = part);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_what_they_were_written_as() {
        let version = Some(VERSION);
        assert_eq!(Frame::parse(&Frame::session()), Some(Frame::Session { version }));
        let block = Frame::Block { packed: 7, raw: 1 << 20 };
        assert_eq!(Frame::parse(&Frame::block(7, 1 << 20)), Some(block));
        let mut session = Frame::session();
        session[16] ^= 1;
        assert_eq!(Frame::parse(&session), Some(Frame::Session { version: None }));
        for place in 0..MARK_LEN {
            let mut other = Frame::block(7, 8);
            other[place] ^= 1;
            assert_eq!(Frame::parse(&other), None, "{place}");
        }
        assert_eq!(Frame::parse(&Frame::session()[..FRAME_LEN - 1]), None);
    }

    #[test]
    fn a_frame_is_found_also_where_only_its_beginning_is_there() {
        let mut bytes = b"]*M\x18 and ]*m".to_vec();
        let at = bytes.len();
        bytes.extend(Frame::block(1, 2));
        for len in at + 1..bytes.len() {
            assert_eq!(Frame::find(&bytes[..len]), Some(at), "{len}");
        }
        assert_eq!(Frame::find(&bytes[..at]), None);
        assert_eq!(Frame::find(&bytes[at + 1..]), None);
        assert_eq!(Frame::find(&[]), None);
    }
}
