//! Whether a writer holds a directory, though its heart may not beat.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use driftshm_layout::dir;

/// Who holds the directory's lock, as far as this process can see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lock {
    /// By the process with this id.
    Held(u32),
    /// By nobody.
    Free,
    /// The system does not say.
    Unknown,
}

/// Who holds it. Looked up, not tried: to try the lock could keep a writer from starting just then.
pub fn lock(dir: &Path) -> Lock {
    let path = dir::lock_path(dir);
    let Ok(metadata) = std::fs::metadata(&path) else { return Lock::Free };
    let Ok(locks) = std::fs::read_to_string("/proc/locks") else { return Lock::Unknown };
    let named = std::fs::read_to_string(&path).ok().and_then(|pid| pid.trim().parse().ok());
    find_lock(&locks, metadata.dev(), metadata.ino(), named)
}

fn find_lock(locks: &str, dev: u64, ino: u64, named: Option<u32>) -> Lock {
    let dev = format!("{:02x}:{:02x}", rustix::fs::major(dev), rustix::fs::minor(dev));
    let held = locks.lines().find_map(|line| {
        // 1: FLOCK  ADVISORY  WRITE 12165 fe:00:10069079 0 EOF
        let mut words = line.split_whitespace().skip(1);
        (words.next()? == "FLOCK").then_some(())?;
        let pid: u32 = words.nth(2)?.parse().ok()?;
        let (on, inode) = words.next()?.rsplit_once(':')?;
        // Some file systems have another device number here than for stat.
        let same = inode.parse() == Ok(ino) && (on == dev || Some(pid) == named);
        same.then_some(pid)
    });
    held.map_or(Lock::Free, Lock::Held)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_is_found_by_device_and_inode() {
        let locks = "1: POSIX  ADVISORY  WRITE 7 00:19:55 0 EOF\n\
                     2: FLOCK  ADVISORY  WRITE 12165 00:19:55 0 EOF\n\
                     2: -> FLOCK  ADVISORY  WRITE 99 00:19:55 0 EOF\n";
        let dev = rustix::fs::makedev(0, 0x19);
        assert_eq!(find_lock(locks, dev, 55, None), Lock::Held(12165));
        assert_eq!(find_lock(locks, dev, 56, None), Lock::Free);
        let other = rustix::fs::makedev(0, 0x20);
        assert_eq!(find_lock(locks, other, 55, None), Lock::Free);
        assert_eq!(find_lock(locks, other, 55, Some(12165)), Lock::Held(12165));
        assert_eq!(find_lock("nonsense\n1:\n", dev, 55, None), Lock::Free);
    }
}
