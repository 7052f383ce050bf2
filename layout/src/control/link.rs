//! One connection to the writer that mends itself: greeted, subscribed, and reconnected for ever.
//!
//! ```text
//!            connect, hello            subscribed, extended
//!   Down ───────────────────► Greeting ───────────────────► Up
//!    ▲  timer: 50 ms … 500 ms     │  refused, closed          │ closed by the writer
//!    └────────────────────────────┴───────────────────────────┘
//! ```
//! Nothing here blocks: all of it is driven by readiness of one epoll descriptor, which holds the
//! socket, the doorbell and the timer, and stays the same for the life of the link.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::event::{EventfdFlags, Timespec, epoll};
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, SendFlags,
    SocketAddrUnix, SocketFlags, SocketType,
};
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, timerfd_create, timerfd_settime,
};

use super::filter::Filter;
use super::messages::{
    ErrorCode, MAX_MESSAGE, PUBKEYS_PER_MESSAGE, Request, Response, SUBSCRIBER_PAGE,
    SubscribeRequest,
};
use crate::header::ABI_VERSION;
use crate::mapping::Mapping;
use crate::sync::Word;
use crate::{dir, notify};

const SOCKET: u64 = 0;
const DOORBELL: u64 = 1;
const TIMER: u64 = 2;
const FIRST_RETRY: Duration = Duration::from_millis(50);
const LAST_RETRY: Duration = Duration::from_millis(500);

/// Why there is no connection to the writer.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// Nobody listens.
    #[error("no writer listens on {path}: start it with `driftshm run`")]
    NoWriter {
        /// The socket.
        path: PathBuf,
    },
    /// The file system or the writer keeps this user out.
    #[error("no permission to connect to {path}: {why}")]
    NotAllowed {
        /// The socket.
        path: PathBuf,
        /// Who says so.
        why: String,
    },
    /// The writer is of another version.
    #[error("the writer is of another version: {0}; install the same version of driftshm for both")]
    Incompatible(String),
    /// The writer refused.
    #[error("the writer refused to subscribe: {message}")]
    Refused {
        /// For programs.
        code: ErrorCode,
        /// What it said.
        message: String,
    },
    /// Descriptors that the writer sent could not be received.
    #[error(
        "the descriptors that the writer sent did not arrive: this process has too many open files; raise its limit (ulimit -n)"
    )]
    DescriptorsLost,
    /// The writer did not answer in time.
    #[error("the writer on {path} does not answer: is it stopped?")]
    Timeout {
        /// The socket.
        path: PathBuf,
    },
    /// The writer said something that makes no sense.
    #[error("the writer on the control socket broke the protocol: {0}")]
    Protocol(String),
    /// Anything the system says.
    #[error("cannot {action}: {source}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// The system's answer.
        source: io::Error,
    },
}

fn io_error<E: Into<io::Error>>(action: &'static str) -> impl FnOnce(E) -> LinkError {
    move |source| LinkError::Io { action, source: source.into() }
}

enum Stage {
    Down,
    Greeting { socket: OwnedFd, sent: usize, signal: Option<Signal>, id: u64 },
    Up { socket: OwnedFd, signal: Signal },
}

struct Signal {
    doorbell: OwnedFd,
    page: Mapping,
}

impl Signal {
    fn armed(&self) -> Option<&Word> {
        self.page.words().first()
    }
}

/// A connection that wakes its owner when something in its filter changes.
pub struct Link {
    dir: PathBuf,
    parts: Vec<Filter>,
    epoll: OwnedFd,
    timer: OwnedFd,
    stage: Stage,
    retry: Duration,
    last_error: Option<LinkError>,
    times_up: u64,
}

impl Link {
    /// A link that is not connected yet; [`Link::connect`] or [`Link::service`] sees to that.
    pub fn new(dir: &Path, filter: &Filter) -> Result<Self, LinkError> {
        let epoll =
            epoll::create(epoll::CreateFlags::CLOEXEC).map_err(io_error("make an epoll"))?;
        let flags = TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK;
        let timer =
            timerfd_create(TimerfdClockId::Monotonic, flags).map_err(io_error("make a timer"))?;
        add(&epoll, timer.as_fd(), TIMER)?;
        Ok(Self {
            dir: dir.into(),
            parts: split(filter),
            epoll,
            timer,
            stage: Stage::Down,
            retry: FIRST_RETRY,
            last_error: None,
            times_up: 0,
        })
    }

    /// Readable whenever [`Link::service`] has something to do, or a change came.
    pub fn fd(&self) -> BorrowedFd<'_> {
        self.epoll.as_fd()
    }

    /// Whether the writer will wake us.
    pub fn is_up(&self) -> bool {
        matches!(self.stage, Stage::Up { .. })
    }

    /// How often the link came up: a change means that a writer was lost in between.
    pub fn times_up(&self) -> u64 {
        self.times_up
    }

    /// Why it is not up, if it is not.
    pub fn last_error(&self) -> Option<&LinkError> {
        self.last_error.as_ref()
    }

    /// Connects and subscribes, waiting for the writer's answers at most `timeout`.
    pub fn connect(&mut self, timeout: Duration) -> Result<(), LinkError> {
        let deadline = std::time::Instant::now() + timeout;
        if matches!(self.stage, Stage::Down) {
            self.begin();
        }
        while !self.is_up() {
            if let (Stage::Down, Some(error)) = (&self.stage, self.last_error.take()) {
                return Err(error);
            }
            let left = deadline.saturating_duration_since(std::time::Instant::now());
            if left.is_zero() {
                self.fall(None);
                return Err(LinkError::Timeout { path: dir::socket_path(&self.dir) });
            }
            match wait(self.fd(), Some(left)) {
                Ok(_) | Err(Errno::INTR) => {}
                Err(error) => return Err(io_error("wait for the writer")(error)),
            }
            self.service();
        }
        Ok(())
    }

    /// Handles whatever made the descriptor readable, and never blocks.
    pub fn service(&mut self) {
        let mut events = [epoll::Event {
            flags: epoll::EventFlags::empty(),
            data: epoll::EventData::new_u64(0),
        }; 4];
        let zero = Timespec { tv_sec: 0, tv_nsec: 0 };
        let Ok(count) = epoll::wait(&self.epoll, &mut events[..], Some(&zero)) else { return };
        for event in &events[..count] {
            match event.data.u64() {
                TIMER => {
                    self.set_timer(None);
                    if matches!(self.stage, Stage::Down) {
                        self.begin();
                    }
                }
                DOORBELL => {
                    if !self.clear() {
                        self.fall(None);
                    }
                }
                _ => self.on_socket(),
            }
        }
    }

    /// Says that the owner is about to sleep; it must look for changes once more before it does.
    /// False if there is no writer to wake it: then the timer will.
    pub fn arm(&self) -> bool {
        let Stage::Up { signal, .. } = &self.stage else { return false };
        signal.armed().map(notify::arm).is_some()
    }

    /// Takes [`Link::arm`] back, or what has become of it: afterwards the descriptor is not
    /// readable for a change that the owner is just about to look for.
    pub fn disarm(&self) {
        let Stage::Up { signal, .. } = &self.stage else { return };
        if signal.armed().is_some_and(|armed| !notify::take_armed(armed)) {
            self.clear();
        }
    }

    /// Takes all rings; false if the writer no longer holds the other end.
    fn clear(&self) -> bool {
        let Stage::Up { signal, .. } = &self.stage else { return true };
        let mut rings = [0; 64];
        loop {
            match rustix::io::read(&signal.doorbell, &mut rings) {
                Ok(0) => return false,
                Ok(read) if read == rings.len() => {}
                _ => return true,
            }
        }
    }

    /// In a forked child: lets go of the parent's connection without disturbing it.
    pub fn abandon(mut self) {
        // Closing is harmless; taking descriptors out of the shared epoll would not be.
        self.stage = Stage::Down;
    }

    // ---------------------------------------------------------------- the state machine

    fn begin(&mut self) {
        let path = dir::socket_path(&self.dir);
        let outcome = open_socket(&path).and_then(|socket| {
            add(&self.epoll, socket.as_fd(), SOCKET)?;
            let version = env!("CARGO_PKG_VERSION").to_owned();
            send(&socket, &Request::Hello { abi: ABI_VERSION, version })?;
            Ok(socket)
        });
        match outcome {
            Ok(socket) => self.stage = Stage::Greeting { socket, sent: 0, signal: None, id: 0 },
            Err(error) => self.fall(Some(error)),
        }
    }

    fn on_socket(&mut self) {
        let (Stage::Greeting { socket, .. } | Stage::Up { socket, .. }) = &self.stage else {
            return;
        };
        match receive(socket) {
            Ok(None) => {}
            Ok(Some((response, fds))) => {
                if let Err(error) = self.on_response(response, fds) {
                    self.fall(Some(error));
                }
            }
            Err(error) => self.fall(Some(error)),
        }
    }

    fn on_response(&mut self, response: Response, fds: Vec<OwnedFd>) -> Result<(), LinkError> {
        let path = dir::socket_path(&self.dir);
        let Stage::Greeting { socket, sent, signal, id } = &mut self.stage else { return Ok(()) };
        match response {
            Response::Error { code: ErrorCode::NotAllowed, message } => {
                return Err(LinkError::NotAllowed { path, why: message });
            }
            Response::Error { code: ErrorCode::Incompatible, message } => {
                return Err(LinkError::Incompatible(message));
            }
            Response::Error { code, message } => return Err(LinkError::Refused { code, message }),
            Response::Hello { abi, version, .. } if abi != ABI_VERSION => {
                let us = env!("CARGO_PKG_VERSION");
                return Err(LinkError::Incompatible(format!(
                    "writer {version} has format {abi}, this reader {us} has format {ABI_VERSION}"
                )));
            }
            Response::Subscribed { id: named } => {
                *signal = Some(receive_signal(fds)?);
                *id = named;
            }
            Response::Hello { .. } | Response::Done => {}
            Response::Status(_) | Response::Recording => {
                return Err(LinkError::Protocol("an answer that was not asked for".into()));
            }
        }
        if let Some(filter) = self.parts.get(*sent).cloned() {
            let request = match *sent {
                0 => Request::Subscribe(SubscribeRequest { filter }),
                _ => Request::Extend { id: *id, filter },
            };
            *sent += 1;
            return send(socket, &request);
        }
        let Stage::Greeting { socket, signal: Some(signal), .. } =
            std::mem::replace(&mut self.stage, Stage::Down)
        else {
            return Err(LinkError::Protocol("it subscribed us without descriptors".into()));
        };
        add(&self.epoll, signal.doorbell.as_fd(), DOORBELL)?;
        self.stage = Stage::Up { socket, signal };
        self.retry = FIRST_RETRY;
        self.last_error = None;
        self.times_up += 1;
        Ok(())
    }

    /// Back to the beginning, and again later.
    fn fall(&mut self, error: Option<LinkError>) {
        let stage = std::mem::replace(&mut self.stage, Stage::Down);
        // A forked child may hold the same open file description of it, so closing ours does
        // not take it out of the epoll.
        if let Stage::Up { signal, .. } = &stage {
            let _ = epoll::delete(&self.epoll, &signal.doorbell);
        }
        if let Stage::Up { socket, .. } | Stage::Greeting { socket, .. } = &stage {
            let _ = epoll::delete(&self.epoll, socket);
        }
        self.last_error = error.or(self.last_error.take());
        self.set_timer(Some(self.retry));
        self.retry = (self.retry * 2).min(LAST_RETRY);
    }

    fn set_timer(&self, delay: Option<Duration>) {
        let delay = delay.unwrap_or_default();
        let zero = Timespec { tv_sec: 0, tv_nsec: 0 };
        let value = Timespec { tv_sec: 0, tv_nsec: delay.subsec_nanos().into() };
        let spec = Itimerspec { it_interval: zero, it_value: value };
        let _ = timerfd_settime(&self.timer, TimerfdTimerFlags::empty(), &spec);
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        // A forked child may hold the socket too: closing ours alone would not tell the writer.
        if let Stage::Up { socket, .. } | Stage::Greeting { socket, .. } = &self.stage {
            let _ = rustix::net::shutdown(socket, rustix::net::Shutdown::Both);
        }
    }
}

/// Waits until a descriptor is readable; false when the time is up. A signal ends it as `EINTR`.
pub(super) fn wait(fd: BorrowedFd<'_>, timeout: Option<Duration>) -> Result<bool, Errno> {
    let timeout = timeout.map(|timeout| Timespec {
        tv_sec: i64::try_from(timeout.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: timeout.subsec_nanos().into(),
    });
    let mut fds = [rustix::event::PollFd::from_borrowed_fd(fd, rustix::event::PollFlags::IN)];
    rustix::event::poll(&mut fds, timeout.as_ref()).map(|ready| ready > 0)
}

/// Waits until a descriptor is readable, the time is up, or a signal comes.
pub fn wait_readable(fd: impl AsFd, timeout: Duration) -> io::Result<()> {
    match wait(fd.as_fd(), Some(timeout)) {
        Ok(_) | Err(Errno::INTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

fn split(filter: &Filter) -> Vec<Filter> {
    let mut first = filter.clone();
    let rest = first.pubkeys.split_off(first.pubkeys.len().min(PUBKEYS_PER_MESSAGE));
    let more = rest
        .chunks(PUBKEYS_PER_MESSAGE)
        .map(|keys| Filter { pubkeys: keys.to_vec(), ..Filter::default() });
    std::iter::once(first).chain(more).collect()
}

fn add(epoll: &OwnedFd, fd: BorrowedFd<'_>, tag: u64) -> Result<(), LinkError> {
    let data = epoll::EventData::new_u64(tag);
    epoll::add(epoll, fd, data, epoll::EventFlags::IN).map_err(io_error("wait on a descriptor"))
}

fn open_socket(path: &Path) -> Result<OwnedFd, LinkError> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = rustix::net::socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None)
        .map_err(io_error("make a socket"))?;
    let address = SocketAddrUnix::new(path).map_err(io_error("name the control socket"))?;
    match rustix::net::connect(&socket, &address) {
        Ok(()) => Ok(socket),
        Err(Errno::NOENT | Errno::CONNREFUSED | Errno::NOTDIR | Errno::AGAIN) => {
            Err(LinkError::NoWriter { path: path.into() })
        }
        Err(Errno::ACCESS | Errno::PERM) => Err(LinkError::NotAllowed {
            path: path.into(),
            why: "this user must be in the group of the writer's directory, or own it".into(),
        }),
        Err(error) => Err(io_error("connect to the control socket")(error)),
    }
}

fn send(socket: &OwnedFd, request: &Request) -> Result<(), LinkError> {
    let text = serde_json::to_vec(request).map_err(io_error("write a message"))?;
    rustix::net::send(socket, &text, SendFlags::NOSIGNAL)
        .map_err(io_error("write to the control socket"))?;
    Ok(())
}

/// The next response with its descriptors; `None` if there is none yet.
fn receive(socket: &OwnedFd) -> Result<Option<(Response, Vec<OwnedFd>)>, LinkError> {
    let mut buffer = vec![0; MAX_MESSAGE];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(4))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let flags = RecvFlags::CMSG_CLOEXEC | RecvFlags::DONTWAIT;
    let mut slices = [io::IoSliceMut::new(&mut buffer)];
    let message = match rustix::net::recvmsg(socket, &mut slices, &mut ancillary, flags) {
        Ok(message) => message,
        Err(Errno::AGAIN | Errno::INTR) => return Ok(None),
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
        let closed = io::Error::new(io::ErrorKind::ConnectionReset, "the writer closed it");
        return Err(io_error("read from the control socket")(closed));
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

fn receive_signal(fds: Vec<OwnedFd>) -> Result<Signal, LinkError> {
    let count = fds.len();
    let Ok([doorbell, page]) = <[OwnedFd; 2]>::try_from(fds) else {
        return match count {
            0 | 1 => Err(LinkError::DescriptorsLost),
            _ => Err(LinkError::Protocol(format!("{count} descriptors instead of 2"))),
        };
    };
    let page = Mapping::writable(page.into()).map_err(io_error("map the subscriber's page"))?;
    if page.words().len() * 8 < SUBSCRIBER_PAGE {
        return Err(LinkError::Protocol("a subscriber's page that is too short".into()));
    }
    Ok(Signal { doorbell, page })
}

/// An eventfd that never blocks and is not inherited.
pub fn new_eventfd() -> io::Result<OwnedFd> {
    Ok(rustix::event::eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?)
}
