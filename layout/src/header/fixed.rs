//! The part of the header that is written once.

use bytemuck::{Pod, Zeroable};

use super::{FIXED, OWNER};

/// What stays as it is for the life of a region.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct Fixed {
    /// CLOCK_MONOTONIC times are of this boot.
    pub boot_id: [u8; 16],
    /// Key of the directory's hash.
    pub hash_key: [u64; 2],
    /// UTF-8, zero-padded.
    pub cluster: [u8; 32],
    /// UTF-8, zero-padded.
    pub profile: [u8; 32],
    /// SHA-256 of the schema section.
    pub schema_hash: [u8; 32],
    /// When it was made, nanoseconds since 1970. Informative.
    pub created_unix_ns: u64,
    /// Byte offset of the schema section.
    pub schema_offset: u64,
    /// Its length in bytes.
    pub schema_len: u64,
    /// Byte offset of the directory.
    pub directory_offset: u64,
    /// Its entries, a power of two.
    pub directory_entries: u64,
    /// Byte offset of the journal.
    pub journal_offset: u64,
    /// Its entries, a power of two.
    pub journal_entries: u64,
    /// How many of `sections` there are.
    pub section_count: u64,
    /// The record sections.
    pub sections: [FixedSection; 8],
}

/// One record section in the header.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct FixedSection {
    /// The kind's number.
    pub kind: u64,
    /// Byte offset of the first record.
    pub offset: u64,
    /// How many records.
    pub capacity: u64,
    /// Words of extra in each buffer.
    pub extra_words: u64,
    /// Words of payload in each buffer.
    pub payload_words: u64,
    /// Words from one record to the next.
    pub stride: u64,
    /// The number of the first record in the region.
    pub first_record: u64,
    /// Zero.
    pub reserved: u64,
}

/// Words of [`Fixed`].
pub const FIXED_WORDS: usize = size_of::<Fixed>() / 8;
const _: () = assert!(size_of::<FixedSection>() == 64);
const _: () = assert!(std::mem::offset_of!(Fixed, hash_key) == 16);
const _: () = assert!(std::mem::offset_of!(Fixed, cluster) == 32);
const _: () = assert!(std::mem::offset_of!(Fixed, schema_hash) == 96);
const _: () = assert!(std::mem::offset_of!(Fixed, created_unix_ns) == 128);
const _: () = assert!(std::mem::offset_of!(Fixed, sections) == 192);
const _: () = assert!(FIXED + FIXED_WORDS <= OWNER);

/// Zero-padded UTF-8 of at most 32 bytes.
pub fn text32(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    bytes.get_mut(..text.len())?.copy_from_slice(text.as_bytes());
    Some(bytes)
}

/// The inverse of [`text32`].
pub fn from_text32(bytes: &[u8; 32]) -> Option<&str> {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    std::str::from_utf8(&bytes[..end]).ok()
}
