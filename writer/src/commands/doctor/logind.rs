//! systemd-logind deletes what an ordinary user has in /dev/shm when the user logs out.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::Finding;

/// Where logind's settings are; later ones replace earlier ones of the same name.
const DIRS: [&str; 3] = ["/usr/lib/systemd", "/run/systemd", "/etc/systemd"];
const REMEDY: &str = "run the writer as a system user (uid below 1000), or set RemoveIPC=no in \
                      /etc/systemd/logind.conf, or name a --dir in /run";

/// Whether that can happen to this directory; nothing to say where there is no logind.
pub fn remove_ipc(dir: &Path) -> Option<Finding> {
    if !Path::new("/run/systemd/seats").is_dir() {
        return None;
    }
    let there = dir.ancestors().find_map(|dir| dir.canonicalize().ok())?;
    let uid = match std::fs::metadata(dir) {
        Ok(metadata) => metadata.uid(),
        Err(_) => rustix::process::geteuid().as_raw(),
    };
    if !there.starts_with("/dev/shm") || !is_ordinary(uid) || !setting(&settings()) {
        return Some(Finding::ok("RemoveIPC", "logind leaves this directory alone"));
    }
    let text = format!("logind deletes what uid {uid} has in /dev/shm when that user logs out");
    Some(Finding::warning("RemoveIPC", text, REMEDY))
}

/// Not root, not a service's, not nobody's.
fn is_ordinary(uid: u32) -> bool {
    const DYNAMIC: std::ops::RangeInclusive<u32> = 61_184..=65_519;
    uid >= 1000 && uid != 65_534 && !DYNAMIC.contains(&uid)
}

/// The texts of logind's settings files, in the order in which they apply.
fn settings() -> Vec<String> {
    let read = |path: PathBuf| std::fs::read_to_string(path).ok();
    let mains = DIRS.iter().rev().map(|dir| Path::new(dir).join("logind.conf"));
    let main = mains.into_iter().find_map(read);
    let mut parts: BTreeMap<_, PathBuf> = BTreeMap::new();
    for dir in DIRS {
        let entries = std::fs::read_dir(Path::new(dir).join("logind.conf.d"));
        for entry in entries.into_iter().flatten().flatten() {
            if entry.path().extension().is_some_and(|extension| extension == "conf") {
                parts.insert(entry.file_name(), entry.path());
            }
        }
    }
    main.into_iter().chain(parts.into_values().filter_map(read)).collect()
}

/// What the files say; the last one counts, and without any it is yes.
fn setting(texts: &[String]) -> bool {
    let lines = texts.iter().flat_map(|text| text.lines());
    let mut values = lines.filter_map(|line| {
        let (key, value) = line.trim().split_once('=')?;
        (key.trim() == "RemoveIPC").then(|| value.trim().to_lowercase())
    });
    let last = values.next_back().unwrap_or_default();
    !matches!(last.as_str(), "no" | "n" | "false" | "f" | "off" | "0")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_file_that_says_something_counts() {
        let says =
            |texts: &[&str]| setting(&texts.iter().map(|t| (*t).to_owned()).collect::<Vec<_>>());
        assert!(says(&[]));
        assert!(says(&["[Login]\n#RemoveIPC=no\n"]));
        assert!(!says(&["[Login]\nRemoveIPC=no\n"]));
        assert!(says(&["[Login]\nRemoveIPC=no\n", "[Login]\nRemoveIPC = yes"]));
        assert!(!says(&["RemoveIPC=yes", "RemoveIPC=0"]));
    }

    #[test]
    fn services_and_root_are_spared() {
        assert!(is_ordinary(1000));
        for uid in [0, 999, 65_534, 61_200] {
            assert!(!is_ordinary(uid), "{uid}");
        }
    }
}
