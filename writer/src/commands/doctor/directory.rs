//! The directory: whose it is, who may read, what file system it is on.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use driftshm_layout::geometry::Geometry;
use driftshm_layout::profile::Profile;
use driftshm_layout::{Capacities, Region, dir};
use rustix::fs::statfs;

use super::Finding;
use crate::commands::output::bytes;

const TMPFS_MAGIC: u64 = 0x0102_1994;

/// Whether it is there, and whether a stranger could put another region in it.
pub fn directory(dir: &Path) -> Finding {
    let shown = dir.display();
    let metadata = match std::fs::metadata(dir) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let remedy =
                "start the writer (driftshm run), or name its directory: --dir, DRIFTSHM_DIR";
            return Finding::error("directory", format!("{shown} does not exist"), remedy);
        }
        Err(error) => {
            let remedy = "become a member of the group of its parent directory, or its owner";
            return Finding::error(
                "directory",
                format!("{shown} is out of reach: {error}"),
                remedy,
            );
        }
    };
    if !metadata.is_dir() {
        let remedy = "remove that file, or name another directory";
        return Finding::error("directory", format!("{shown} is not a directory"), remedy);
    }
    let mode = metadata.mode() & 0o7777;
    let (uid, gid) = (metadata.uid(), metadata.gid());
    let text = format!("{shown}, owner uid {uid}, group gid {gid}, mode {mode:04o}");
    if mode & 0o002 != 0 {
        let remedy = format!("anybody could put another region in it: chmod o-w {shown}");
        return Finding::error("directory", text, remedy);
    }
    if mode & 0o020 != 0 {
        let remedy = format!("its group could put another region in it: chmod g-w {shown}");
        return Finding::warning("directory", text, remedy);
    }
    Finding::ok("directory", text)
}

/// Who may read the region, and whether directory and file agree about it.
pub fn readers(dir: &Path) -> Option<Finding> {
    let directory = std::fs::metadata(dir).ok()?;
    let region = std::fs::metadata(dir::region_path(dir)).ok()?;
    Some(readers_of(dir, &directory, &region))
}

fn readers_of(dir: &Path, directory: &Metadata, region: &Metadata) -> Finding {
    let dir = dir.display();
    let may_read = |shift: u32| region.mode() >> shift & 0o4 != 0;
    let may_enter = |shift: u32| directory.mode() >> shift & 0o1 != 0;
    let (owner, group) = (region.uid(), region.gid());
    for (who, shift, letter) in [("its group", 3, 'g'), ("others", 0, 'o')] {
        if may_read(shift) && !may_enter(shift) {
            let text =
                format!("the region's mode lets {who} read, but the directory keeps them out");
            return Finding::warning("readers", text, format!("chmod {letter}+x {dir}"));
        }
    }
    Finding::ok(
        "readers",
        match (may_read(3), may_read(0)) {
            (_, true) => "every user may read".to_owned(),
            (true, false) => format!("uid {owner} and members of group gid {group} may read"),
            (false, false) => format!("only uid {owner} may read"),
        },
    )
}

/// Whether the file system is memory, and has room.
pub fn file_system(dir: &Path, region: Option<&Region>) -> Vec<Finding> {
    let Some(there) = dir.ancestors().find(|dir| dir.exists()) else { return Vec::new() };
    let Ok(fs) = statfs(there) else { return Vec::new() };
    let free = u64::try_from(fs.f_bsize).unwrap_or_default().saturating_mul(fs.f_bavail);
    let is_memory = u64::try_from(fs.f_type).unwrap_or_default() == TMPFS_MAGIC;
    let kind = if is_memory {
        Finding::ok("memory", "the directory is on a tmpfs")
    } else {
        let text = "the directory is not on a tmpfs: the system writes the region to a disk";
        Finding::warning("memory", text, "use a directory in /dev/shm or /run")
    };
    vec![kind, room(free, region.map(|region| region.geometry().total_len as u64))]
}

fn room(free: u64, present: Option<u64>) -> Finding {
    let remedy = "enlarge the file system (mount -o remount,size=…; for a container --shm-size), \
                  name another --dir, or lower --max-users";
    match present {
        Some(len) if free >= len => {
            Finding::ok("room", format!("{} free beside the region", bytes(free)))
        }
        Some(len) => {
            let (free, len) = (bytes(free), bytes(len));
            let text = format!("{free} free: a new region of {len} would not fit beside this one");
            Finding::warning("room", text, remedy)
        }
        None => {
            let need = default_len();
            let text = format!("{} free, a region takes {} by default", bytes(free), bytes(need));
            if free >= need {
                Finding::ok("room", text)
            } else {
                Finding::error("room", text, remedy)
            }
        }
    }
}

/// Bytes of a region of the largest builtin profile, with the default capacities.
fn default_len() -> u64 {
    let profiles = Profile::builtin_names().filter_map(Profile::builtin);
    let lens = profiles.map(|profile| {
        Geometry::new(&profile, profile.to_json().len(), &Capacities::default()).total_len as u64
    });
    lens.max().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::super::Verdict;
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn mode(path: &Path, mode: u32) {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn a_directory_that_strangers_write_in_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        for (bits, verdict) in
            [(0o750, Verdict::Ok), (0o770, Verdict::Warning), (0o777, Verdict::Error)]
        {
            mode(dir.path(), bits);
            assert_eq!(directory(dir.path()).verdict, verdict, "{bits:o}");
        }
        assert_eq!(directory(&dir.path().join("none")).verdict, Verdict::Error);
    }

    #[test]
    fn a_mode_that_the_directory_defeats_is_a_warning() {
        let dir = tempfile::tempdir().unwrap();
        let region = dir::region_path(dir.path());
        assert_eq!(readers(dir.path()), None);
        std::fs::write(&region, "").unwrap();
        let found = |dir_mode, region_mode| {
            mode(dir.path(), dir_mode);
            mode(&region, region_mode);
            readers(dir.path()).unwrap()
        };
        assert_eq!(found(0o750, 0o640).verdict, Verdict::Ok);
        assert!(found(0o755, 0o644).text.contains("every user"));
        assert!(found(0o700, 0o600).text.contains("only uid"));
        assert!(found(0o700, 0o640).remedy.unwrap().starts_with("chmod g+x"));
        assert!(found(0o750, 0o644).remedy.unwrap().starts_with("chmod o+x"));
    }

    #[test]
    fn too_little_room_is_an_error_only_before_there_is_a_region() {
        assert_eq!(room(1 << 20, None).verdict, Verdict::Error);
        assert_eq!(room(1 << 40, None).verdict, Verdict::Ok);
        assert_eq!(room(1 << 20, Some(1 << 27)).verdict, Verdict::Warning);
        assert!((50 << 20..400 << 20).contains(&default_len()), "{}", default_len());
    }
}
