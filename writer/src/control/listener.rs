//! The socket's file: bound beside its name, given its mode, and only then its name.

use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use driftshm_layout::{dir, mapping};
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType};
use tokio_seqpacket::{UnixSeqpacket, UnixSeqpacketListener};

/// Bytes that the path of a socket may have.
pub const SOCKET_PATH_MAX: usize = 107;
const BACKLOG: i32 = 512;

/// The socket's mode for a region's: who may read the one may connect to the other.
pub fn socket_mode(region_mode: u32) -> u32 {
    let read = region_mode & 0o444;
    read | read >> 1
}

/// The listening socket.
pub(super) struct Listener {
    listener: UnixSeqpacketListener,
    path: PathBuf,
    identity: (u64, u64),
}

impl Listener {
    /// Binds the directory's control socket. The caller holds the directory's lock, so a socket
    /// that is there is a dead writer's, and is replaced. Needs tokio's context.
    pub fn bind(directory: &Path, mode: u32) -> io::Result<Self> {
        let path = dir::socket_path(directory);
        // Not longer than the name itself, or there would be paths that fit and cannot be bound.
        let beside = directory.join("control.new");
        match std::fs::remove_file(&beside) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let socket =
            rustix::net::socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None)?;
        rustix::net::bind(&socket, &SocketAddrUnix::new(&beside)?)?;
        // Nobody can connect to a socket that does not listen yet.
        std::fs::set_permissions(&beside, std::fs::Permissions::from_mode(mode))?;
        rustix::net::listen(&socket, BACKLOG)?;
        let identity = mapping::identity(&beside)?;
        std::fs::rename(&beside, &path)?;
        Ok(Self { listener: UnixSeqpacketListener::try_from(socket)?, path, identity })
    }

    /// The next connection. May be dropped half-way.
    pub async fn accept(&mut self) -> io::Result<UnixSeqpacket> {
        self.listener.accept().await
    }

    /// Whether the path still leads here.
    pub fn is_there(&self) -> bool {
        mapping::identity(&self.path).is_ok_and(|identity| identity == self.identity)
    }

    /// Takes the name away, if it is still ours.
    pub fn remove(&self) {
        if self.is_there() {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_may_read_the_region_may_connect() {
        assert_eq!(socket_mode(0o640), 0o660);
        assert_eq!(socket_mode(0o600), 0o600);
        assert_eq!(socket_mode(0o644), 0o666);
    }

    #[tokio::test]
    async fn a_stale_socket_is_replaced_and_only_our_own_is_removed() {
        let directory = tempfile::tempdir().unwrap();
        let path = dir::socket_path(directory.path());
        let stale = Listener::bind(directory.path(), 0o600).unwrap();
        let ours = Listener::bind(directory.path(), 0o660).unwrap();
        assert!(ours.is_there() && !stale.is_there());
        stale.remove();
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o660);
        ours.remove();
        assert!(!path.exists());
    }

    #[tokio::test]
    async fn whatever_lies_at_the_path_is_replaced_unless_it_is_a_directory() {
        let directory = tempfile::tempdir().unwrap();
        let path = dir::socket_path(directory.path());
        std::fs::write(&path, "junk").unwrap();
        std::fs::write(directory.path().join("control.new"), "junk").unwrap();
        assert!(Listener::bind(directory.path(), 0o600).unwrap().is_there());
        std::fs::remove_file(&path).unwrap();
        std::fs::create_dir(&path).unwrap();
        assert!(Listener::bind(directory.path(), 0o600).is_err());
    }
}
