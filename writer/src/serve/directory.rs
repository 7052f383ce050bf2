//! What is odd about the region's directory, though the region can be made in it.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Warns of whoever else could put another region in it, which bots would take for this one.
pub(super) fn warn_of(dir: &Path) {
    let Ok(meta) = std::fs::metadata(dir) else { return };
    let uid = rustix::process::geteuid().as_raw();
    for what in oddities(dir, &meta, uid) {
        tracing::warn!("{what}");
    }
}

fn oddities(dir: &Path, meta: &Metadata, uid: u32) -> Vec<String> {
    let shown = dir.display();
    let mut found = Vec::new();
    if meta.mode() & 0o002 != 0 {
        found.push(format!(
            "every user may write to {shown}, and so put another region in it: chmod o-w {shown}, \
             or give another --dir"
        ));
    }
    // Others than root are refused such a directory.
    if meta.uid() != uid {
        let owner = meta.uid();
        found.push(format!(
            "{shown} belongs to uid {owner}, not to this user (uid {uid}): that user could put \
             another region in it; run the writer as that user, or give another --dir"
        ));
    }
    found
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_directory_that_others_could_swap_the_region_in_is_odd() {
        let temp = tempfile::tempdir().unwrap();
        let dir = temp.path();
        let found = |mode, uid_offset| {
            std::fs::set_permissions(dir, std::fs::Permissions::from_mode(mode)).unwrap();
            let meta = std::fs::metadata(dir).unwrap();
            oddities(dir, &meta, meta.uid() + uid_offset)
        };
        assert_eq!(found(0o750, 0), [""; 0]);
        for mode in [0o757, 0o777, 0o1777] {
            let said = found(mode, 0);
            assert_eq!(said.len(), 1, "{said:?}");
            assert!(said[0].contains("chmod o-w") && said[0].contains(dir.to_str().unwrap()));
        }
        let said = found(0o750, 1);
        assert!(said[0].contains("belongs to uid"), "{said:?}");
        assert_eq!(found(0o777, 1).len(), 2);
    }
}
