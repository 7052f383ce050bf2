//! What can go wrong with a region, and what to do about it.

use std::path::PathBuf;

use crate::dir::CLUSTER_NAMES;

/// Why a region could not be opened for reading.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// No directory or no region file.
    #[error(
        "no region at {path}: is the writer running? Start it with `driftshm run`, or name its directory (DRIFTSHM_DIR)"
    )]
    NotFound {
        /// The region file that was looked for.
        path: PathBuf,
    },
    /// The file's mode or the directory's does not let this user read.
    #[error(
        "no permission to read {path}: this user must be in the group of the writer's directory, or own it"
    )]
    PermissionDenied {
        /// The region file.
        path: PathBuf,
    },
    /// A writer is just making it.
    #[error("the region at {path} is still being made: try again in a moment")]
    NotReady {
        /// The region file.
        path: PathBuf,
    },
    /// Another version of the format.
    #[error(
        "the region at {path} has format {found}, this reader reads format {expected}: install the same version of driftshm for writer and reader, and restart the writer"
    )]
    Incompatible {
        /// The region file.
        path: PathBuf,
        /// Its ABI version.
        found: u32,
        /// Ours.
        expected: u32,
    },
    /// Not a region, or a damaged one.
    #[error(
        "{path} is not a sound driftshm region ({what}): if nothing else uses that name, stop the writer, remove the file and start the writer again"
    )]
    Corrupt {
        /// The region file.
        path: PathBuf,
        /// The first thing that is wrong.
        what: String,
    },
    /// A region of another cluster than was asked for.
    #[error(
        "the region at {path} is of cluster {found:?}, asked for was {expected:?}: name that cluster, or the directory of the one that is meant; DRIFTSHM_CLUSTER and DRIFTSHM_DIR count where neither is named"
    )]
    OtherCluster {
        /// The region file.
        path: PathBuf,
        /// Its cluster.
        found: String,
        /// The one asked for.
        expected: String,
    },
    /// What was given is neither a cluster's name nor a path.
    #[error("{}", cluster_name(name, *by_variable))]
    ClusterName {
        /// What was given.
        name: String,
        /// Whether the environment gave it.
        by_variable: bool,
    },
    /// A region that somebody else put where this user's own is looked for.
    #[error(
        "the region at {path} belongs to uid {found}, not to this user (uid {expected}): somebody else made it; name the directory of the writer that you trust (DRIFTSHM_DIR)"
    )]
    ForeignOwner {
        /// The region file.
        path: PathBuf,
        /// Whose it is.
        found: u32,
        /// Whose it should be.
        expected: u32,
    },
    /// Anything the system says.
    #[error("cannot {action} {path}: {source}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// The system's answer.
        source: std::io::Error,
    },
}

fn cluster_name(name: &str, by_variable: bool) -> String {
    if by_variable {
        format!(
            "DRIFTSHM_CLUSTER is {name:?}, which is no cluster's name: expected {CLUSTER_NAMES}; \
             a directory is named by DRIFTSHM_DIR"
        )
    } else {
        format!(
            "{name:?} is no cluster's name: expected {CLUSTER_NAMES}; a directory is told from a \
             name by a slash (./{name})"
        )
    }
}

/// Why a region could not be made or taken over for writing.
#[derive(Debug, thiserror::Error)]
pub enum WriterError {
    /// Another writer holds the directory's lock.
    #[error("another writer{} already runs on {dir}: stop it first, or give this one another --dir or --cluster", pid.map(|pid| format!(" (pid {pid})")).unwrap_or_default())]
    Locked {
        /// The directory.
        dir: PathBuf,
        /// Its process, if it said so.
        pid: Option<u32>,
    },
    /// The file system has no room for the whole region.
    #[error(
        "no room for the region: {path} needs {need_mib} MiB, its file system has {free_mib} MiB free: enlarge it (for a container --shm-size), choose another --dir, or lower --max-users"
    )]
    NoSpace {
        /// The file that was to be made.
        path: PathBuf,
        /// Its size.
        need_mib: u64,
        /// What there is.
        free_mib: u64,
    },
    /// The directory belongs to somebody else, who could swap the region under us.
    #[error(
        "{dir} belongs to uid {owner}, not to this user (uid {uid}): remove it or choose another --dir"
    )]
    ForeignDir {
        /// The directory.
        dir: PathBuf,
        /// Whose it is.
        owner: u32,
        /// Who we are.
        uid: u32,
    },
    /// The directory has the region of another cluster, whose readers would lose it.
    #[error(
        "{dir} has the region of cluster {found:?}, not of {wanted:?}: choose another --dir, or remove it"
    )]
    OtherCluster {
        /// The directory.
        dir: PathBuf,
        /// Whose region it has.
        found: String,
        /// Whose it was to have.
        wanted: String,
    },
    /// The asked-for capacities or names make no region.
    #[error("{0}")]
    Options(String),
    /// Anything the system says.
    #[error("cannot {action} {path}: {source}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// The system's answer.
        source: std::io::Error,
    },
}
