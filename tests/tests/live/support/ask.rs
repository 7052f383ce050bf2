//! What the writer says of its feeds on the control socket.

use std::path::Path;
use std::time::Duration;

use driftshm_layout::control::{MAX_MESSAGE, Request, Response, Status};
use driftshm_layout::dir;
use driftshm_layout::header::ABI_VERSION;
use rustix::net::sockopt::{Timeout, set_socket_timeout};
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketAddrUnix, SocketFlags, SocketType, connect, recv,
    send, socket_with,
};

/// The writer's status; `None` if it does not answer.
pub fn ask(directory: &Path) -> Option<Status> {
    let kind = SocketType::SEQPACKET;
    let socket = socket_with(AddressFamily::UNIX, kind, SocketFlags::CLOEXEC, None).ok()?;
    for which in [Timeout::Recv, Timeout::Send] {
        set_socket_timeout(&socket, which, Some(Duration::from_secs(5))).ok()?;
    }
    connect(&socket, &SocketAddrUnix::new(dir::socket_path(directory)).ok()?).ok()?;
    let version = env!("CARGO_PKG_VERSION").to_owned();
    let mut buffer = vec![0; MAX_MESSAGE];
    for request in [Request::Hello { abi: ABI_VERSION, version }, Request::Status] {
        send(&socket, &serde_json::to_vec(&request).ok()?, SendFlags::NOSIGNAL).ok()?;
        let (len, _) = recv(&socket, &mut buffer[..], RecvFlags::empty()).ok()?;
        if let Response::Status(status) = serde_json::from_slice(buffer.get(..len)?).ok()? {
            return Some(status);
        }
    }
    None
}
