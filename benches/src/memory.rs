//! Memory as regions have it: whole pages, shared, touched before anything is measured.

use std::fs::File;
use std::io;

use driftshm_layout::mapping::Mapping;
use driftshm_layout::sync::Ordering;
use rustix::fs::{MemfdFlags, ftruncate, memfd_create};

/// So many words of shared memory.
pub fn shared(words: usize) -> io::Result<Mapping> {
    let memfd = memfd_create("driftshm-bench", MemfdFlags::CLOEXEC)?;
    ftruncate(&memfd, (words * 8) as u64)?;
    let mapping = Mapping::writable(File::from(memfd))?;
    for word in mapping.words() {
        word.store(0, Ordering::Relaxed);
    }
    Ok(mapping)
}
