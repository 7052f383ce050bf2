//! Which directory a cluster's region is in, and the names of the files there.

use std::path::{Path, PathBuf};

use crate::error::OpenError;

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
/// is named. A cluster that is named, by either, must be the one of the region that is found.
pub fn resolve(cluster_or_dir: Option<&str>) -> Result<Place, OpenError> {
    let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    let environment = Environment {
        dir: variable("DRIFTSHM_DIR").map(PathBuf::from),
        cluster: variable("DRIFTSHM_CLUSTER").map(|name| name.to_string_lossy().into_owned()),
    };
    resolve_with(cluster_or_dir, environment, Path::new("/run/driftshm"))
}

fn resolve_with(
    cluster_or_dir: Option<&str>,
    env: Environment,
    run: &Path,
) -> Result<Place, OpenError> {
    if let Some(path) = cluster_or_dir.filter(|text| text.contains('/')) {
        return Ok(Place::named(PathBuf::from(path), None));
    }
    let by_variable = cluster_or_dir.is_none();
    let named = cluster_or_dir.map(str::to_owned).or(env.cluster);
    // It becomes a part of a path: `..` must not lead out of where regions are.
    if let Some(name) = named.clone().filter(|name| !is_cluster_name(name)) {
        return Err(OpenError::ClusterName { name, by_variable });
    }
    if let Some(dir) = env.dir {
        return Ok(Place::named(dir, named));
    }
    let cluster = named.as_deref().unwrap_or(DEFAULT_CLUSTER);
    let service = run.join(cluster);
    if service.is_dir() {
        return Ok(Place::named(service, named));
    }
    let uid = rustix::process::getuid().as_raw();
    let dir = PathBuf::from(format!("/dev/shm/driftshm-{uid}")).join(cluster);
    Ok(Place { dir, cluster: named, owner: Some(uid) })
}

/// What [`is_cluster_name`] asks for, in words.
pub const CLUSTER_NAMES: &str = "up to 31 letters, digits, '-', '_' and '.', no '.' first";

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
        let place = |arg, env| resolve_with(arg, env, run.path()).unwrap();
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
    fn the_cluster_of_the_environment_is_meant_where_none_is_named_also_beside_its_directory() {
        let run = Path::new("/nowhere");
        let resolve_with = |arg, env, run| super::resolve_with(arg, env, run).unwrap();
        let env = || Environment { cluster: Some("velocity".to_owned()), ..Environment::default() };
        let place = resolve_with(None, env(), run);
        assert!(place.dir.ends_with("velocity"));
        assert_eq!(place.cluster.as_deref(), Some("velocity"));
        assert!(resolve_with(Some("sim"), env(), run).dir.ends_with("sim"));
        let both = || Environment { dir: Some(PathBuf::from("/env")), ..env() };
        let of = |cluster: &str| Place::named(PathBuf::from("/env"), Some(cluster.to_owned()));
        assert_eq!(resolve_with(None, both(), run), of("velocity"));
        assert_eq!(resolve_with(Some("sim"), both(), run), of("sim"));
        // A path says enough.
        let path = Place::named(PathBuf::from("/x"), None);
        assert_eq!(resolve_with(Some("/x"), both(), run), path);
    }

    #[test]
    fn a_name_that_no_cluster_has_is_refused_and_not_made_a_part_of_a_path() {
        let run = tempfile::tempdir().unwrap();
        let refused = |arg, cluster: Option<&str>, dir: Option<&str>| {
            let cluster = cluster.map(str::to_owned);
            let env = Environment { dir: dir.map(PathBuf::from), cluster };
            resolve_with(arg, env, run.path()).unwrap_err().to_string()
        };
        for name in ["", "..", ".x", "a b"] {
            for dir in [None, Some("/env")] {
                let said = refused(Some(name), None, dir);
                assert!(said.starts_with(&format!("{name:?} is no cluster's name")), "{said}");
                assert!(said.contains("./"), "{said}");
            }
        }
        let said = refused(None, Some("/dev/shm/x"), None);
        assert!(said.contains("DRIFTSHM_CLUSTER is \"/dev/shm/x\""), "{said}");
        assert!(said.contains("DRIFTSHM_DIR"), "{said}");
    }

    #[test]
    fn cluster_names_are_plain() {
        assert!(is_cluster_name("mainnet") && is_cluster_name("dev-2_x.y"));
        for name in ["", ".", "..", ".x", "a/b", "a b", &"x".repeat(32)] {
            assert!(!is_cluster_name(name), "{name:?}");
        }
    }
}
