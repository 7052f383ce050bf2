//! A region's file as it lies there when its writer is gone, to be damaged.

use std::path::Path;

use driftshm_layout::dir;
use driftshm_layout::geometry::Section;

pub struct Image(pub Vec<u8>);

impl Image {
    pub fn of(directory: &Path) -> Self {
        Self(std::fs::read(dir::region_path(directory)).unwrap())
    }

    /// Becomes the region of a directory, in a file of its own.
    pub fn put(&self, directory: &Path) {
        let path = dir::region_path(directory);
        let _ = std::fs::remove_file(&path);
        std::fs::write(path, &self.0).unwrap();
    }

    pub fn words(&self) -> usize {
        self.0.len() / 8
    }

    pub fn word(&self, index: usize) -> u64 {
        u64::from_le_bytes(self.0[index * 8..][..8].try_into().unwrap())
    }

    pub fn set(&mut self, index: usize, value: u64) {
        self.0[index * 8..][..8].copy_from_slice(&value.to_le_bytes());
    }
}

/// The number of a record's first word.
pub fn record_word(section: &Section, place: usize) -> usize {
    section.offset / 8 + place * section.shape.stride()
}

/// The words of a record, counted from its first.
pub mod record {
    pub const SEQUENCE: usize = 0;
    pub const EPOCH: usize = 1;
    pub const PUBKEY: usize = 4;
    pub const BUFFER_0: usize = 8;
    /// Counted from the buffer's first.
    pub const META_LEN_AND_SOURCE: usize = 4;
}
