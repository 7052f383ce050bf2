//! Which directory a cluster's region is in, and the names of the files there.

use std::path::{Path, PathBuf};

/// The cluster when none is named.
pub const DEFAULT_CLUSTER: &str = "mainnet";

/// The region.
pub fn region_path(dir: &Path) -> PathBuf {
    dir.join("region")
}

/// A region that is being made; renamed to [`region_path`] when it is whole.
pub fn new_region_path(dir: &Path) -> PathBuf {
    dir.join("region.new")
}

/// Held exclusively by the writer for as long as it runs.
pub fn lock_path(dir: &Path) -> PathBuf {
    dir.join("lock")
}

/// The control socket.
pub fn socket_path(dir: &Path) -> PathBuf {
    dir.join("control.sock")
}

/// A place where a cluster's region may be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The directory.
    pub dir: PathBuf,
    /// The cluster that the region there must be of, where one was named.
    pub cluster: Option<String>,
    /// Who must own the region, where anybody could have made the directory; root may, too.
    pub owner: Option<u32>,
}

impl Place {
    /// A directory that was named: absolute, so that it stays the same when the process moves.
    pub fn named(dir: PathBuf, cluster: Option<String>) -> Self {
        Self { dir: std::path::absolute(&dir).unwrap_or(dir), cluster, owner: None }
    }
}

/// What the environment says.
#[derive(Debug, Default)]
struct Environment {
    dir: Option<PathBuf>,
    cluster: Option<String>,
}

/// Where `cluster_or_dir` is: a path if it has a slash, else a cluster's name. That is
/// `$DRIFTSHM_DIR`, else `/run/driftshm/<cluster>` where that exists, else
/// `/dev/shm/driftshm-<uid>/<cluster>`; the cluster is `$DRIFTSHM_CLUSTER`, else `mainnet`, if none
/// is named.
pub fn resolve(cluster_or_dir: Option<&str>) -> Place {
    let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    let environment = Environment {
        dir: variable("DRIFTSHM_DIR").map(PathBuf::from),
        cluster: variable("DRIFTSHM_CLUSTER").and_then(|name| name.into_string().ok()),
    };
    resolve_with(cluster_or_dir, environment, Path::new("/run/driftshm"))
}

fn resolve_with(cluster_or_dir: Option<&str>, env: Environment, run: &Path) -> Place {
    if let Some(path) = cluster_or_dir.filter(|text| text.contains('/')) {
        return Place::named(PathBuf::from(path), None);
    }
    let named = cluster_or_dir.map(str::to_owned);
    // A directory says enough.
    if let Some(dir) = env.dir {
        return Place::named(dir, named);
    }
    let named = named.or(env.cluster);
    let cluster = named.as_deref().unwrap_or(DEFAULT_CLUSTER);
    let service = run.join(cluster);
    if service.is_dir() {
        return Place::named(service, named);
    }
    let uid = rustix::process::getuid().as_raw();
    let dir = PathBuf::from(format!("/dev/shm/driftshm-{uid}")).join(cluster);
    Place { dir, cluster: named, owner: Some(uid) }
}

/// Whether `name` can be a cluster: short, and a plain file name.
pub fn is_cluster_name(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    !name.is_empty() && name.len() <= 31 && name.chars().all(plain) && !name.starts_with('.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slash_means_a_path_and_the_environment_beats_the_defaults() {
        let run = tempfile::tempdir().unwrap();
        let none = Environment::default;
        let env = || Environment { dir: Some(PathBuf::from("/env")), ..none() };
        let place = |arg, env| resolve_with(arg, env, run.path());
        assert_eq!(place(Some("./x"), env()).dir, std::env::current_dir().unwrap().join("x"));
        assert_eq!(place(Some("./x"), env()).owner, None);
        assert!(place(None, none()).owner.is_some(), "anybody may write to /dev/shm");
        assert_eq!(place(Some("devnet"), env()).dir, Path::new("/env"));
        assert_eq!(place(Some("devnet"), env()).cluster.as_deref(), Some("devnet"));
        assert!(place(None, none()).dir.to_str().unwrap().starts_with("/dev/shm/driftshm-"));
        std::fs::create_dir(run.path().join("mainnet")).unwrap();
        assert_eq!(place(None, none()).dir, run.path().join("mainnet"));
        assert_eq!(place(None, none()).cluster, None);
    }

    #[test]
    fn the_cluster_of_the_environment_is_meant_where_neither_it_nor_a_directory_is_named() {
        let run = Path::new("/nowhere");
        let env = || Environment { cluster: Some("velocity".to_owned()), ..Environment::default() };
        let place = resolve_with(None, env(), run);
        assert!(place.dir.ends_with("velocity"));
        assert_eq!(place.cluster.as_deref(), Some("velocity"));
        assert!(resolve_with(Some("sim"), env(), run).dir.ends_with("sim"));
        let both = Environment { dir: Some(PathBuf::from("/env")), ..env() };
        assert_eq!(resolve_with(None, both, run), Place::named(PathBuf::from("/env"), None));
    }

    #[test]
    fn cluster_names_are_plain() {
        assert!(is_cluster_name("mainnet") && is_cluster_name("dev-2_x.y"));
        for name in ["", ".", "..", ".x", "a/b", "a b", &"x".repeat(32)] {
            assert!(!is_cluster_name(name), "{name:?}");
        }
    }
}
