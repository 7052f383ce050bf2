//! Making a region's file, and taking over one that is there.

mod lock;

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use rustix::fs::{FallocateFlags, OFlags, fallocate, fstatvfs};
use rustix::io::Errno;

use crate::clock;
use crate::dir;
use crate::error::{OpenError, WriterError};
use crate::geometry::{Capacities, Geometry};
use crate::header::{Fixed, FixedSection, Header, Owner, State, text32};
use crate::mapping::Mapping;
use crate::profile::Profile;
use crate::region::Region;
use crate::sync::Ordering;

pub use lock::{is_at, lock, prepare_dir};

const MIB: u64 = 1 << 20;

/// What a region is made of.
#[derive(Debug, Clone)]
pub struct RegionOptions {
    /// Name of the cluster, as [`dir::is_cluster_name`] allows it.
    pub cluster: String,
    /// What its accounts look like.
    pub profile: Profile,
    /// How much it has room for.
    pub capacities: Capacities,
    /// Mode of the region's file; the directory's decides who comes that far.
    pub mode: u32,
}

impl RegionOptions {
    /// The default capacities, readable by owner and group.
    pub fn new(cluster: &str, profile: Profile) -> Self {
        Self {
            cluster: cluster.to_owned(),
            profile,
            capacities: Capacities::default(),
            mode: 0o640,
        }
    }
}

fn io_error(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> WriterError {
    move |source| WriterError::Io { action, path: path.into(), source }
}

/// For what this directory has of ours: a link would lead to somebody else's.
fn read_write() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true).custom_flags(OFlags::NOFOLLOW.bits() as i32);
    options
}

fn set_mode(file: &File, path: &Path, mode: u32) -> Result<(), WriterError> {
    let permissions = file.metadata().map_err(io_error("look at", path))?.permissions();
    if permissions.mode() & 0o7777 == mode {
        return Ok(());
    }
    let wanted = std::fs::Permissions::from_mode(mode);
    file.set_permissions(wanted).map_err(io_error("set the mode of", path))
}

/// How a writer came to its region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// There was none.
    Created,
    /// A former writer's, with all its accounts.
    Adopted,
    /// There was one that could not be used, and why; its readers are told to open the new one.
    Superseded(String),
}

/// Adopts the directory's region, or makes a new one in its place. The caller holds the lock.
pub fn open_or_create(
    dir: &Path,
    options: &RegionOptions,
) -> Result<(Region, Origin), WriterError> {
    options.capacities.check().map_err(WriterError::Options)?;
    if !dir::is_cluster_name(&options.cluster) {
        let name = &options.cluster;
        let rule = "allowed are up to 31 letters, digits, '-', '_' and '.'";
        return Err(WriterError::Options(format!("{name:?} is no cluster name: {rule}")));
    }
    let path = dir::region_path(dir);
    let _ = std::fs::remove_file(dir::new_region_path(dir));
    let old = match read_write().open(&path) {
        Ok(file) => Some(file),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(source) => return Err(io_error("open", &path)(source)),
    };
    let Some(old) = old else {
        return create(dir, options).map(|region| (region, Origin::Created));
    };
    let again = old.try_clone().map_err(io_error("open", &path))?;
    let why = match adopt(old, &path, options) {
        Ok(region) => {
            set_mode(&again, &path, options.mode)?;
            return Ok((region, Origin::Adopted));
        }
        Err(Unfit::Replaceable(why)) => why,
        Err(Unfit::OtherCluster(found)) => {
            let wanted = options.cluster.clone();
            return Err(WriterError::OtherCluster { dir: dir.into(), found, wanted });
        }
    };
    let mapping = make(dir, options)?;
    // Before the new one has the path: a writer that is killed in between leaves readers that look
    // for it until the next writer puts one there. The other way round they would never look.
    supersede(again);
    name(dir, mapping).map(|region| (region, Origin::Superseded(why)))
}

/// Why a region is not adopted.
enum Unfit {
    /// A new one may take its place.
    Replaceable(String),
    /// It is another cluster's: its readers must not be sent away by a mistyped directory.
    OtherCluster(String),
}

impl From<&str> for Unfit {
    fn from(why: &str) -> Self {
        Self::Replaceable(why.to_owned())
    }
}

fn adopt(file: File, path: &Path, options: &RegionOptions) -> Result<Region, Unfit> {
    let region = Mapping::writable(file)
        .map_err(|source| OpenError::Io { action: "map", path: path.into(), source })
        .and_then(|mapping| Region::from_mapping(mapping, path))
        .map_err(|error| Unfit::Replaceable(error.to_string()))?;
    let schema = options.profile.to_json();
    let wanted = Geometry::new(&options.profile, schema.len(), &options.capacities);
    if region.cluster() != options.cluster {
        return Err(Unfit::OtherCluster(region.cluster().to_owned()));
    }
    if !region.is_of_this_boot() {
        return Err("it is from before the machine was started".into());
    }
    if region.schema()[..] != schema[..] {
        return Err("its profile is another one".into());
    }
    if *region.geometry() != wanted {
        return Err("its capacities are others".into());
    }
    // Also one that is marked superseded: the one that was to take its place never had the path.
    Ok(region)
}

/// Tells the readers of a region to open its path again. Its format may be another version's:
/// only the first words, which never move, are looked at.
fn supersede(file: File) {
    if let Ok(mapping) = Mapping::writable(file) {
        if let Some(header) = Header::new(mapping.words()) {
            if matches!(header.abi_version(), Ok(Some(_))) {
                header.set_state(State::Superseded);
            }
        }
    }
}

/// Makes a whole region beside the path and then gives it the path's name.
pub fn create(dir: &Path, options: &RegionOptions) -> Result<Region, WriterError> {
    name(dir, make(dir, options)?)
}

/// Makes a whole region beside the path.
fn make(dir: &Path, options: &RegionOptions) -> Result<Mapping, WriterError> {
    let schema = options.profile.to_json();
    let geometry = Geometry::new(&options.profile, schema.len(), &options.capacities);
    let path = dir::new_region_path(dir);
    let file = allocate(&path, geometry.total_len as u64, options.mode)?;
    let mapping = Mapping::writable(file).map_err(io_error("map", &path))?;
    let options_error = |what: &str| WriterError::Options(what.to_owned());
    {
        let words = mapping.words();
        let header = Header::new(words).ok_or_else(|| options_error("the region is too small"))?;
        for (word, chunk) in words[geometry.schema_offset / 8..].iter().zip(schema.chunks(8)) {
            let mut bytes = [0; 8];
            bytes[..chunk.len()].copy_from_slice(chunk);
            word.store(u64::from_le_bytes(bytes), Ordering::Relaxed);
        }
        let hash_key = random_key().map_err(io_error("get random numbers for", &path))?;
        let fixed = fixed(options, &geometry, hash_key)
            .ok_or_else(|| options_error("the profile's name is longer than 32 bytes"))?;
        header.set_total_len(geometry.total_len as u64);
        header.set_fixed(fixed);
        header.set_owner(Owner::Generation, 0);
        header.set_state(State::Starting);
        header.set_ready();
    }
    Ok(mapping)
}

/// Gives what [`make`] made the path's name.
fn name(dir: &Path, mapping: Mapping) -> Result<Region, WriterError> {
    publish_file(dir)?;
    Region::from_mapping(mapping, &dir::region_path(dir))
        .map_err(|error| WriterError::Options(format!("the new region does not open: {error}")))
}

/// Gives `region.new` its final name, in one step.
pub fn publish_file(dir: &Path) -> Result<(), WriterError> {
    let path = dir::region_path(dir);
    std::fs::rename(dir::new_region_path(dir), &path).map_err(io_error("rename to", &path))
}

/// A new file of full size: a file system without room says so here, never as a SIGBUS later.
pub fn allocate(path: &Path, len: u64, mode: u32) -> Result<File, WriterError> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true).mode(mode);
    let file = options.open(path).map_err(|source| match source.kind() {
        io::ErrorKind::StorageFull => no_space(path, len),
        _ => io_error("make", path)(source),
    })?;
    let made = file
        .set_permissions(std::fs::Permissions::from_mode(mode))
        .and_then(|()| Ok(fallocate(&file, FallocateFlags::empty(), 0, len)?));
    if let Err(source) = made {
        let error = match Errno::from_io_error(&source) {
            Some(Errno::NOSPC | Errno::FBIG | Errno::DQUOT) => no_space(path, len),
            _ => io_error("allocate", path)(source),
        };
        let _ = std::fs::remove_file(path);
        return Err(error);
    }
    Ok(file)
}

fn no_space(path: &Path, len: u64) -> WriterError {
    let free =
        path.parent().and_then(|dir| File::open(dir).ok()).and_then(|dir| fstatvfs(dir).ok());
    WriterError::NoSpace {
        path: path.into(),
        need_mib: len.div_ceil(MIB),
        free_mib: free.map_or(0, |fs| fs.f_bavail * fs.f_frsize / MIB),
    }
}

fn fixed(options: &RegionOptions, geometry: &Geometry, hash_key: [u64; 2]) -> Option<Fixed> {
    let mut fixed: Fixed = bytemuck::Zeroable::zeroed();
    fixed.boot_id = clock::boot_id();
    fixed.hash_key = hash_key;
    fixed.cluster = text32(&options.cluster)?;
    fixed.profile = text32(&options.profile.name)?;
    fixed.schema_hash = options.profile.schema_hash();
    fixed.created_unix_ns = clock::unix_ns();
    fixed.schema_offset = geometry.schema_offset as u64;
    fixed.schema_len = geometry.schema_len as u64;
    fixed.directory_offset = geometry.directory_offset as u64;
    fixed.directory_entries = geometry.directory_entries as u64;
    fixed.journal_offset = geometry.journal_offset as u64;
    fixed.journal_entries = geometry.journal_entries as u64;
    fixed.section_count = geometry.sections.len() as u64;
    for (to, section) in fixed.sections.iter_mut().zip(&geometry.sections) {
        *to = FixedSection {
            kind: section.kind as u64,
            offset: section.offset as u64,
            capacity: section.capacity as u64,
            extra_words: section.shape.extra_words as u64,
            payload_words: section.shape.payload_words as u64,
            stride: section.shape.stride() as u64,
            first_record: u64::from(section.first_record),
            reserved: 0,
        };
    }
    Some(fixed)
}

fn random_key() -> io::Result<[u64; 2]> {
    let mut bytes = [0; 16];
    let got = rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty())?;
    if got != bytes.len() {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(bytemuck::cast(bytes))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;

    use super::*;

    #[test]
    fn a_new_file_has_its_full_size_and_mode_at_once() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("region.new");
        let file = allocate(&path, 123_456, 0o604).unwrap();
        let meta = file.metadata().unwrap();
        assert_eq!((meta.len(), meta.permissions().mode() & 0o777), (123_456, 0o604));
        // In 512-byte blocks: a hole would be a SIGBUS on a full file system.
        assert!(meta.blocks() * 512 >= 123_456);
        let error = allocate(&path, 1, 0o600).unwrap_err();
        assert!(matches!(error, WriterError::Io { action: "make", .. }), "{error}");
    }

    #[test]
    fn a_file_that_cannot_be_that_long_is_not_left_behind() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("region.new");
        let error = allocate(&path, 1 << 60, 0o600).unwrap_err();
        assert!(matches!(error, WriterError::NoSpace { .. }), "{error}");
        assert!(error.to_string().contains("1099511627776 MiB"), "{error}");
        assert!(!path.exists());
    }
}
