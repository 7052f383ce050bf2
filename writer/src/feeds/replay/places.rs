//! Where in the file each account's last line is, so that it can be brought again.

use std::collections::HashMap;
use std::fs::File;
use std::os::unix::fs::FileExt;

use driftshm_layout::Pubkey;

use super::line::Line;
use super::lines::{At, MAX_LINE};

/// So many accounts are remembered, in about six megabytes; further ones are not.
const MOST: usize = 65_536;

/// Accounts and their last lines. The data itself stays in the file.
#[derive(Default)]
pub(super) struct Places(HashMap<Pubkey, Place>);

struct Place {
    offset: u64,
    len: u64,
    /// The slot that the line was brought with.
    slot: u64,
}

impl Places {
    /// Remembers a line that was brought.
    pub fn note(&mut self, pubkey: Pubkey, at: &At, slot: u64) {
        if self.0.len() < MOST || self.0.contains_key(&pubkey) {
            self.0.insert(pubkey, Place { offset: at.offset, len: at.len, slot });
        }
    }

    /// The account's last line, read again, and the slot it was brought with. `None` if there is
    /// none, or the file is no longer what it was.
    pub fn read(&self, pubkey: &Pubkey, file: &File) -> Option<(Line, u64)> {
        let place = self.0.get(pubkey)?;
        let len = usize::try_from(place.len).ok().filter(|len| *len <= MAX_LINE)?;
        let mut line = vec![0; len];
        file.read_exact_at(&mut line, place.offset).ok()?;
        let line = Line::parse(&line).ok().filter(|line| line.pubkey == *pubkey)?;
        Some((line, place.slot))
    }
}
