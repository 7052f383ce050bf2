//! What only the running writer knows, asked on its control socket.

use std::io::IoSliceMut;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::time::Duration;

use driftshm_layout::control::{ErrorCode, LinkError, MAX_MESSAGE, Request, Response, Status};
use driftshm_layout::dir;
use driftshm_layout::header::ABI_VERSION;
use rustix::io::Errno;
use rustix::net::sockopt::{Timeout, set_socket_timeout};
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendFlags, SocketAddrUnix,
    SocketFlags, SocketType, connect, recvmsg, send, socket_with,
};

/// For each step: a writer that lives answers at once.
const PATIENCE: Duration = Duration::from_secs(1);

/// What the writer said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The writer's package version.
    pub version: String,
    /// The writer's generation.
    pub generation: u64,
    /// Its figures.
    pub status: Status,
}

/// Asks the writer of a directory for its version and figures.
pub fn ask(dir: &Path) -> Result<Answer, LinkError> {
    let path = dir::socket_path(dir);
    let socket = open(&path)?;
    let version = env!("CARGO_PKG_VERSION").to_owned();
    let hello = Request::Hello { abi: ABI_VERSION, version };
    let (version, generation) = match exchange(&socket, &path, &hello)? {
        Response::Hello { version, generation, .. } => (version, generation),
        other => return Err(unexpected(&path, other)),
    };
    match exchange(&socket, &path, &Request::Status)? {
        Response::Status(mut status) => {
            // This connection is none of a bot's.
            status.connections = status.connections.saturating_sub(1);
            Ok(Answer { version, generation, status })
        }
        other => Err(unexpected(&path, other)),
    }
}

/// What feeds themselves say is wrong, if the writer tells: to be put behind how they are.
pub fn feed_errors(dir: &Path) -> String {
    let feeds = ask(dir).map(|answer| answer.status.feeds).unwrap_or_default();
    let errors = feeds.into_iter().filter_map(|feed| {
        let error = feed.error?;
        Some(format!("; {}: {}", feed.name, error.replace('\n', " ")))
    });
    errors.collect()
}

/// A recording that the writer makes. It ends when the connection is closed.
pub struct Recorded {
    /// Keeps the recording going.
    pub connection: OwnedFd,
    /// Where it comes, to the end.
    pub pipe: OwnedFd,
}

/// Asks the writer of a directory for a recording.
pub fn record(dir: &Path) -> Result<Recorded, LinkError> {
    let path = dir::socket_path(dir);
    let connection = open(&path)?;
    let version = env!("CARGO_PKG_VERSION").to_owned();
    match exchange(&connection, &path, &Request::Hello { abi: ABI_VERSION, version })? {
        Response::Hello { .. } => {}
        other => return Err(unexpected(&path, other)),
    }
    match exchange_fd(&connection, &path, &Request::Record)? {
        (Response::Recording, Some(pipe)) => Ok(Recorded { connection, pipe }),
        (Response::Recording, None) => Err(LinkError::DescriptorsLost),
        (other, _) => Err(unexpected(&path, other)),
    }
}

fn open(path: &Path) -> Result<OwnedFd, LinkError> {
    let io = |action| move |error: Errno| LinkError::Io { action, source: error.into() };
    let kind = SocketType::SEQPACKET;
    let socket = socket_with(AddressFamily::UNIX, kind, SocketFlags::CLOEXEC, None)
        .map_err(io("make a socket"))?;
    for which in [Timeout::Recv, Timeout::Send] {
        set_socket_timeout(&socket, which, Some(PATIENCE)).map_err(io("set a timeout"))?;
    }
    let address = SocketAddrUnix::new(path).map_err(io("name the control socket"))?;
    match connect(&socket, &address) {
        Ok(()) => Ok(socket),
        Err(Errno::NOENT | Errno::CONNREFUSED | Errno::NOTDIR) => {
            Err(LinkError::NoWriter { path: path.into() })
        }
        Err(Errno::AGAIN) => Err(LinkError::Busy { path: path.into() }),
        Err(Errno::ACCESS | Errno::PERM) => Err(LinkError::NotAllowed {
            path: path.into(),
            why: "this user must be in the group of the writer's directory, or own it".into(),
        }),
        Err(error) => Err(io("connect to the control socket")(error)),
    }
}

fn exchange(socket: &OwnedFd, path: &Path, request: &Request) -> Result<Response, LinkError> {
    exchange_fd(socket, path, request).map(|(response, _)| response)
}

/// The answer, and the descriptor that came with it.
fn exchange_fd(
    socket: &OwnedFd,
    path: &Path,
    request: &Request,
) -> Result<(Response, Option<OwnedFd>), LinkError> {
    let io = |action| {
        move |error: Errno| match error {
            Errno::AGAIN => LinkError::Timeout { path: path.into() },
            Errno::PIPE | Errno::CONNRESET => LinkError::HungUp { path: path.into() },
            error => LinkError::Io { action, source: error.into() },
        }
    };
    let text = serde_json::to_vec(request)
        .map_err(|error| LinkError::Protocol(format!("a request cannot be written: {error}")))?;
    send(socket, &text, SendFlags::NOSIGNAL).map_err(io("write to the control socket"))?;
    let mut buffer = vec![0; MAX_MESSAGE];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let mut parts = [IoSliceMut::new(&mut buffer)];
    let received = recvmsg(socket, &mut parts, &mut ancillary, RecvFlags::CMSG_CLOEXEC)
        .map_err(io("read from the control socket"))?;
    let fd = ancillary.drain().find_map(|message| match message {
        RecvAncillaryMessage::ScmRights(mut fds) => fds.next(),
        _ => None,
    });
    let len = received.bytes;
    if len == 0 {
        return Err(LinkError::HungUp { path: path.into() });
    }
    let response = serde_json::from_slice(buffer.get(..len).unwrap_or_default())
        .map_err(|error| LinkError::Protocol(format!("not a response: {error}")))?;
    Ok((response, fd))
}

fn unexpected(path: &Path, response: Response) -> LinkError {
    match response {
        Response::Error { code: ErrorCode::NotAllowed, message } => {
            LinkError::NotAllowed { path: path.into(), why: message }
        }
        Response::Error { code: ErrorCode::Incompatible, message } => {
            LinkError::Incompatible(message)
        }
        Response::Error { code, message } => LinkError::Refused { code, message },
        other => LinkError::Protocol(format!("an answer to another question: {other:?}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::net::{accept, bind, listen, recv};

    /// A socket that answers with these texts, one per message, and then closes.
    fn writer(dir: &Path, answers: &'static [&'static str]) -> std::thread::JoinHandle<()> {
        let address = SocketAddrUnix::new(dir::socket_path(dir)).unwrap();
        let kind = SocketType::SEQPACKET;
        let listener = socket_with(AddressFamily::UNIX, kind, SocketFlags::CLOEXEC, None).unwrap();
        bind(&listener, &address).unwrap();
        listen(&listener, 1).unwrap();
        std::thread::spawn(move || {
            let bot = accept(&listener).unwrap();
            let mut buffer = [0; 4096];
            for answer in answers {
                recv(&bot, &mut buffer[..], RecvFlags::empty()).unwrap();
                send(&bot, answer.as_bytes(), SendFlags::NOSIGNAL).unwrap();
            }
        })
    }

    const HELLO: &str = r#"{"re":"hello","abi":1,"version":"9.9.9","generation":7}"#;

    #[test]
    fn a_writer_that_answers_is_heard() {
        let dir = tempfile::tempdir().unwrap();
        let status = r#"{"re":"status","connections":3,"subscriptions":2,"watched":1,"feeds":[{"name":"sim"}]}"#;
        let thread = writer(dir.path(), Box::leak(Box::new([HELLO, status])));
        let answer = ask(dir.path()).unwrap();
        assert_eq!((answer.version.as_str(), answer.generation), ("9.9.9", 7));
        assert_eq!((answer.status.connections, answer.status.subscriptions), (2, 2));
        assert_eq!(answer.status.feeds[0].name, "sim");
        thread.join().unwrap();
    }

    #[test]
    fn refusals_nonsense_and_hanging_up_are_told_apart() {
        let refusal = r#"{"re":"error","code":"not_allowed","message":"uid 7 may not"}"#;
        let cases: [(&'static [&'static str], &str); 3] = [
            (Box::leak(Box::new([refusal])), "uid 7 may not"),
            (&["what?"], "broke the protocol"),
            (&[HELLO], "closed the connection without an answer"),
        ];
        for (answers, expected) in cases {
            let dir = tempfile::tempdir().unwrap();
            let thread = writer(dir.path(), answers);
            let error = ask(dir.path()).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
            thread.join().unwrap();
        }
    }

    #[test]
    fn no_socket_is_no_writer() {
        let dir = tempfile::tempdir().unwrap();
        assert!(matches!(ask(dir.path()), Err(LinkError::NoWriter { .. })));
        std::fs::write(dir::socket_path(dir.path()), "").unwrap();
        assert!(matches!(ask(dir.path()), Err(LinkError::NoWriter { .. })));
    }
}
