//! The directory that a writer takes, and the lock that keeps others out of it.

use std::fs::{DirBuilder, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::Path;

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use super::{io_error, read_write, set_mode};
use crate::dir;
use crate::error::WriterError;

/// Who can open the lock can hold it, and keep every writer away.
const LOCK_MODE: u32 = 0o600;
/// Nobody replaces the lock that often by accident.
const LOCK_ATTEMPTS: usize = 16;

/// Makes the directory if need be, and sees that it is ours.
pub fn prepare_dir(dir: &Path) -> Result<(), WriterError> {
    let mut builder = DirBuilder::new();
    builder.recursive(true).mode(0o750).create(dir).map_err(io_error("make the directory", dir))?;
    let uid = rustix::process::geteuid().as_raw();
    let look_at = |dir: &Path| std::fs::metadata(dir).map_err(io_error("look at", dir));
    let refuse = |dir: &Path, owner| Err(WriterError::ForeignDir { dir: dir.into(), owner, uid });
    let owner = look_at(dir)?.uid();
    if owner != uid && uid != 0 {
        return refuse(dir, owner);
    }
    // Whoever owns the directory above could swap this one, unless that is sticky like /dev/shm.
    if let Some(above) = dir.parent().filter(|above| !above.as_os_str().is_empty()) {
        let meta = look_at(above)?;
        let (owner, sticky) = (meta.uid(), meta.mode() & 0o1000 != 0);
        if owner != uid && owner != 0 && uid != 0 && !sticky {
            return refuse(above, owner);
        }
    }
    Ok(())
}

/// Takes the directory's lock for as long as the returned file is open; a dead writer's is free.
pub fn lock(dir: &Path) -> Result<File, WriterError> {
    let path = dir::lock_path(dir);
    for _ in 0..LOCK_ATTEMPTS {
        let file = lock_once(dir, &path)?;
        // It may have been removed since it was opened, and another writer have the next one.
        if is_at(&file, &path) {
            return Ok(file);
        }
    }
    let source = io::Error::other("it is replaced again and again");
    Err(io_error("lock", &path)(source))
}

fn lock_once(dir: &Path, path: &Path) -> Result<File, WriterError> {
    let mut options = read_write();
    options.create(true).truncate(false).mode(LOCK_MODE);
    let mut file = options.open(path).map_err(io_error("open the lock", path))?;
    set_mode(&file, path, LOCK_MODE)?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => {}
        Err(Errno::WOULDBLOCK) => {
            let mut text = String::new();
            let _ = file.take(16).read_to_string(&mut text);
            return Err(WriterError::Locked { dir: dir.into(), pid: text.trim().parse().ok() });
        }
        Err(error) => return Err(io_error("lock", path)(error.into())),
    }
    // The process id is for people's eyes only; the lock itself is what counts.
    let pid = format!("{}\n", std::process::id());
    file.set_len(0)
        .and_then(|()| file.write_all(pid.as_bytes()))
        .map_err(io_error("write", path))?;
    Ok(file)
}

/// Whether `file` is what `path` names, and not one that was removed or replaced.
pub fn is_at(file: &File, path: &Path) -> bool {
    let of = |meta: std::fs::Metadata| (meta.dev(), meta.ino());
    let open = file.metadata().map(of);
    open.is_ok_and(|open| std::fs::symlink_metadata(path).map(of).is_ok_and(|there| there == open))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_lock_is_held_by_one_and_says_by_whom() {
        let dir = tempfile::tempdir().unwrap();
        let held = lock(dir.path()).unwrap();
        let text = std::fs::read_to_string(dir::lock_path(dir.path())).unwrap();
        assert_eq!(text, format!("{}\n", std::process::id()));
        let Err(WriterError::Locked { pid, .. }) = lock(dir.path()) else { panic!() };
        assert_eq!(pid, Some(std::process::id()));
        // The lock counts, not what is written in it.
        std::fs::write(dir::lock_path(dir.path()), "somebody").unwrap();
        let Err(WriterError::Locked { pid: None, .. }) = lock(dir.path()) else { panic!() };
        drop(held);
        lock(dir.path()).unwrap();
    }

    #[test]
    fn only_the_writers_user_can_open_the_lock_also_one_of_an_older_writer() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir::lock_path(dir.path());
        let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
        drop(lock(dir.path()).unwrap());
        assert_eq!(mode(&path), 0o600);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        drop(lock(dir.path()).unwrap());
        assert_eq!(mode(&path), 0o600);
    }

    #[test]
    fn a_lock_that_is_a_link_is_not_followed() {
        let dir = tempfile::tempdir().unwrap();
        let victim = dir.path().join("victim");
        std::fs::write(&victim, "precious").unwrap();
        std::os::unix::fs::symlink(&victim, dir::lock_path(dir.path())).unwrap();
        let error = lock(dir.path()).unwrap_err();
        assert!(matches!(error, WriterError::Io { action: "open the lock", .. }), "{error}");
        assert_eq!(std::fs::read_to_string(&victim).unwrap(), "precious");
    }

    #[test]
    fn a_file_is_at_its_path_until_another_is() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        let file = File::create(&path).unwrap();
        assert!(is_at(&file, &path));
        std::fs::remove_file(&path).unwrap();
        assert!(!is_at(&file, &path));
        let other = File::create(&path).unwrap();
        assert!(!is_at(&file, &path) && is_at(&other, &path));
    }
}
