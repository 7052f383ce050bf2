//! Opening a region, and finding the one that took its place.

use std::path::Path;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::Region;
use super::check::check_geometry;
use crate::clock;
use crate::dir::{self, Place};
use crate::error::OpenError;
use crate::header::{ABI_VERSION, Header, from_text32};
use crate::mapping::{FileState, Mapping};
use crate::profile::Profile;
use crate::sync::Word;

impl Region {
    /// Opens the region of a place, if it is of the cluster and the owner that it should be of.
    pub fn open_at(place: &Place) -> Result<Self, OpenError> {
        let region = Self::open_of(&dir::region_path(&place.dir), place.owner)?;
        match &place.cluster {
            Some(cluster) => region.expect_cluster(cluster),
            None => Ok(region),
        }
    }

    /// Opens the region of a directory.
    pub fn open(dir: &Path) -> Result<Self, OpenError> {
        Self::open_file(&dir::region_path(dir))
    }

    /// Opens the region in `path`.
    pub fn open_file(path: &Path) -> Result<Self, OpenError> {
        Self::open_of(path, None)
    }

    fn open_of(path: &Path, owner: Option<u32>) -> Result<Self, OpenError> {
        // SAFETY: a `Region` gives out its words within the crate only, and `RegionWriter`, which
        // alone stores, maps its file by itself, for writing.
        let mapping = unsafe { Mapping::open(path) }.map_err(|source| match source.kind() {
            std::io::ErrorKind::NotFound => OpenError::NotFound { path: path.into() },
            std::io::ErrorKind::PermissionDenied => {
                OpenError::PermissionDenied { path: path.into() }
            }
            std::io::ErrorKind::InvalidInput | std::io::ErrorKind::UnexpectedEof => {
                OpenError::Corrupt { path: path.into(), what: source.to_string() }
            }
            _ => OpenError::Io { action: "map", path: path.into(), source },
        })?;
        // Before anything of it is looked at.
        let found = mapping.owner();
        if let Some(expected) = owner.filter(|expected| found != *expected && found != 0) {
            return Err(OpenError::ForeignOwner { path: path.into(), found, expected });
        }
        let mut region = Self::from_mapping(mapping, path)?;
        region.expected_owner = owner;
        Ok(region)
    }

    fn expect_cluster(self, expected: &str) -> Result<Self, OpenError> {
        if self.cluster == expected {
            return Ok(self);
        }
        let (found, expected) = (self.cluster, expected.to_owned());
        Err(OpenError::OtherCluster { path: self.path, found, expected })
    }

    pub(crate) fn from_mapping(mapping: Mapping, path: &Path) -> Result<Self, OpenError> {
        let corrupt = |what: &str| OpenError::Corrupt { path: path.into(), what: what.to_owned() };
        let header = Header::new(mapping.words())
            .ok_or_else(|| corrupt("it is shorter than the header page"))?;
        match header.abi_version() {
            Ok(Some(ABI_VERSION)) => {}
            Ok(Some(found)) => {
                let expected = ABI_VERSION;
                return Err(OpenError::Incompatible { path: path.into(), found, expected });
            }
            Ok(None) => return Err(OpenError::NotReady { path: path.into() }),
            Err(_) => return Err(corrupt("it does not begin with the magic number of a region")),
        }
        if header.total_len() != (mapping.words().len() * 8) as u64 {
            return Err(corrupt("its length is not what its header says"));
        }
        let fixed = header.fixed();
        let geometry =
            check_geometry(&fixed, mapping.words().len()).map_err(|what| corrupt(&what))?;
        let cluster =
            from_text32(&fixed.cluster).ok_or_else(|| corrupt("its cluster is no text"))?;
        let cluster = cluster.to_owned();
        let schema = copy_bytes(mapping.words(), geometry.schema_offset, geometry.schema_len);
        let profile = Profile::from_json(&schema)
            .map_err(|error| corrupt(&format!("its schema section: {error}")))?;
        if Sha256::digest(&schema)[..] != fixed.schema_hash {
            return Err(corrupt("its schema section has another hash than its header says"));
        }
        Ok(Self {
            geometry,
            profile: Arc::new(profile),
            schema: schema.into(),
            schema_hash: fixed.schema_hash,
            hash_key: fixed.hash_key,
            cluster,
            this_boot: fixed.boot_id == clock::boot_id(),
            path: path.into(),
            expected_owner: None,
            mapping,
        })
    }

    /// The region that has taken this one's place at the same path, if any has: of the same
    /// cluster, and of an owner that this one could have had. Whose directory it is may have
    /// changed, too, where anybody can make one of that name.
    pub fn successor(&self) -> Result<Option<Self>, OpenError> {
        if self.other_at_path().is_none() {
            return Ok(None);
        }
        Self::open_of(&self.path, self.expected_owner)?.expect_cluster(&self.cluster).map(Some)
    }

    /// The file that is now at this region's path, if it is another one.
    pub fn other_at_path(&self) -> Option<FileState> {
        let found = FileState::of(&self.path).ok()?;
        (found.identity() != self.mapping.identity()).then_some(found)
    }

    /// Whether this region was copied from `other` when its file was lost: records, versions and
    /// journal numbers are the same.
    pub fn is_copy_of(&self, other: &Self) -> bool {
        self.hash_key == other.hash_key && self.schema_hash == other.schema_hash
    }
}

fn copy_bytes(words: &[Word], offset: usize, len: usize) -> Vec<u8> {
    use crate::sync::Ordering;
    let words = words.get(offset / 8..).unwrap_or_default();
    let bytes = words.iter().flat_map(|word| word.load(Ordering::Relaxed).to_le_bytes());
    bytes.take(len).collect()
}
