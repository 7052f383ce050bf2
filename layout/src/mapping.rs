//! A region's file as words in memory: the one module that turns a mapping into a slice.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use memmap2::{MmapOptions, MmapRaw};

use crate::sync::Word;

/// A mapped file.
pub struct Mapping {
    raw: MmapRaw,
    len: usize,
    writable: bool,
    identity: (u64, u64),
    owner: u32,
}

/// Device and inode: what tells a file from another one at the same path.
pub fn identity(path: &Path) -> io::Result<(u64, u64)> {
    std::fs::metadata(path).map(|meta| (meta.dev(), meta.ino()))
}

/// Which file is at a path, and when it changed last. As long as both are the same, there is no need
/// to try again what failed: a region's file is put there when it is whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileState {
    identity: (u64, u64),
    /// When its content, mode or owner changed last, as the file system has it.
    changed: (i64, i64),
}

impl FileState {
    /// Of the file at `path`.
    pub fn of(path: &Path) -> io::Result<Self> {
        let meta = std::fs::metadata(path)?;
        let changed = (meta.ctime(), meta.ctime_nsec());
        Ok(Self { identity: (meta.dev(), meta.ino()), changed })
    }

    /// Device and inode.
    pub fn identity(&self) -> (u64, u64) {
        self.identity
    }
}

impl Mapping {
    /// Maps `path` for reading only: stores through it are impossible, the kernel sees to that.
    ///
    /// # Safety
    /// The caller only loads from [`Mapping::words`], with relaxed loads or the assembly that stands
    /// for several (`record/turn.rs`); a store would end the process.
    pub unsafe fn open(path: &Path) -> io::Result<Self> {
        let flags = (rustix::fs::OFlags::NONBLOCK | rustix::fs::OFlags::CLOEXEC).bits() as i32;
        Self::map(OpenOptions::new().read(true).custom_flags(flags).open(path)?, false)
    }

    /// Maps `file`, which must be open for reading and writing, for both.
    pub fn writable(file: File) -> io::Result<Self> {
        Self::map(file, true)
    }

    fn map(file: File, writable: bool) -> io::Result<Self> {
        let meta = file.metadata()?;
        if !meta.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
        }
        let len = usize::try_from(meta.len()).map_err(io::Error::other)? / 8 * 8;
        if len == 0 {
            let what = match meta.len() {
                0 => "the file is empty".to_owned(),
                len => format!("the file has {len} bytes only"),
            };
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, what));
        }
        let mut options = MmapOptions::new();
        options.len(len);
        let raw =
            if writable { options.map_raw(&file)? } else { options.map_raw_read_only(&file)? };
        Ok(Self { raw, len, writable, identity: (meta.dev(), meta.ino()), owner: meta.uid() })
    }

    /// The mapping as words. Another process may change them at any time, hence atomics.
    #[inline(always)]
    pub fn words(&self) -> &[Word] {
        // SAFETY: the mapping is page-aligned, `len` bytes long (a multiple of 8) and lives as long
        // as `self`. Every access to it in every process is through 8-byte atomics, or assembly that
        // stands for several of them (`record/turn.rs`). The file is
        // allocated whole and never truncated while it may be mapped: the writer keeps to that, and
        // the directory's mode keeps others out. Readers only load (relaxed), which the language
        // allows on read-only memory; `writable` mappings alone are stored to (RegionWriter, and
        // the subscriber's page).
        unsafe { std::slice::from_raw_parts(self.raw.as_ptr().cast::<Word>(), self.len / 8) }
    }

    /// Whether stores are possible.
    pub fn is_writable(&self) -> bool {
        self.writable
    }

    /// The user whose file it is.
    pub fn owner(&self) -> u32 {
        self.owner
    }

    /// Device and inode of the file.
    pub fn identity(&self) -> (u64, u64) {
        self.identity
    }
}
