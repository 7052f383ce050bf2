//! Packets on the control socket: requests out, responses and their descriptors in.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::io::Errno;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, SendFlags, SocketAddrUnix,
};

use super::error::{LinkError, io_error};
use super::lifeline::Lifeline;
use super::messages::{MAX_MESSAGE, Request, Response};

/// Connects to the writer's socket, without waiting.
pub(super) fn open_socket(path: &Path) -> Result<Lifeline, LinkError> {
    let socket = Lifeline::new().map_err(io_error("make a socket"))?;
    let address = SocketAddrUnix::new(path).map_err(io_error("name the control socket"))?;
    match rustix::net::connect(&socket, &address) {
        Ok(()) => Ok(socket),
        Err(Errno::NOENT | Errno::CONNREFUSED | Errno::NOTDIR) => {
            Err(LinkError::NoWriter { path: path.into() })
        }
        Err(Errno::AGAIN) => Err(LinkError::Busy { path: path.into() }),
        Err(Errno::ACCESS | Errno::PERM) => Err(LinkError::NotAllowed {
            path: path.into(),
            why: "this user must be in the group of the writer's directory, or own it".into(),
        }),
        Err(error) => Err(io_error("connect to the control socket")(error)),
    }
}

/// Sends one request to the writer, whose socket is at `path`.
pub(super) fn send(socket: &Lifeline, path: &Path, request: &Request) -> Result<(), LinkError> {
    let text = serde_json::to_vec(request).map_err(io_error("write a message"))?;
    match rustix::net::send(socket, &text, SendFlags::NOSIGNAL) {
        Ok(_) => Ok(()),
        Err(Errno::PIPE | Errno::CONNRESET) => Err(LinkError::HungUp { path: path.into() }),
        Err(error) => Err(io_error("write to the control socket")(error)),
    }
}

/// The next response with its descriptors; `None` if there is none yet.
pub(super) fn receive(
    socket: &Lifeline,
    path: &Path,
) -> Result<Option<(Response, Vec<OwnedFd>)>, LinkError> {
    let mut buffer = vec![0; MAX_MESSAGE];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(4))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let flags = RecvFlags::CMSG_CLOEXEC | RecvFlags::DONTWAIT;
    let mut slices = [io::IoSliceMut::new(&mut buffer)];
    let message = match rustix::net::recvmsg(socket, &mut slices, &mut ancillary, flags) {
        Ok(message) => message,
        Err(Errno::AGAIN | Errno::INTR) => return Ok(None),
        Err(Errno::CONNRESET) => return Err(LinkError::HungUp { path: path.into() }),
        Err(error) => return Err(io_error("read from the control socket")(error)),
    };
    let fds: Vec<OwnedFd> = ancillary
        .drain()
        .filter_map(|message| match message {
            RecvAncillaryMessage::ScmRights(fds) => Some(fds),
            _ => None,
        })
        .flatten()
        .collect();
    if message.bytes == 0 {
        return Err(LinkError::HungUp { path: path.into() });
    }
    if message.flags.contains(ReturnFlags::CTRUNC) {
        return Err(LinkError::DescriptorsLost);
    }
    if message.flags.contains(ReturnFlags::TRUNC) {
        return Err(LinkError::Protocol("a message of more than 64 KiB".into()));
    }
    let text = buffer.get(..message.bytes).unwrap_or_default();
    let response = serde_json::from_slice(text)
        .map_err(|error| LinkError::Protocol(format!("not a response: {error}")))?;
    Ok(Some((response, fds)))
}
