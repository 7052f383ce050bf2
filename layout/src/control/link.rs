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
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::event::{EventfdFlags, Timespec, epoll};
use rustix::io::Errno;
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, timerfd_create, timerfd_settime,
};

use super::error::{LinkError, io_error};
use super::filter::Filter;
use super::lifeline::Lifeline;
use super::messages::{ErrorCode, PUBKEYS_PER_MESSAGE, Request, Response, SubscribeRequest};
use super::signal::Signal;
use super::wire::{open_socket, receive, send};
use crate::dir;
use crate::header::ABI_VERSION;
use crate::notify::Page;

const SOCKET: u64 = 0;
const DOORBELL: u64 = 1;
const TIMER: u64 = 2;
const FIRST_RETRY: Duration = Duration::from_millis(50);
const LAST_RETRY: Duration = Duration::from_millis(500);

enum Stage {
    Down,
    Greeting { socket: Lifeline, sent: usize, signal: Option<Signal>, id: u64, generation: u64 },
    Up { socket: Lifeline, signal: Signal, generation: u64 },
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
    /// A link that has begun to connect; [`Link::connect`], [`Link::settle`] or [`Link::service`]
    /// see to the rest.
    pub fn new(dir: &Path, filter: &Filter) -> Result<Self, LinkError> {
        let epoll =
            epoll::create(epoll::CreateFlags::CLOEXEC).map_err(io_error("make an epoll"))?;
        let flags = TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK;
        let timer =
            timerfd_create(TimerfdClockId::Monotonic, flags).map_err(io_error("make a timer"))?;
        add(&epoll, timer.as_fd(), TIMER)?;
        let mut link = Self {
            dir: dir.into(),
            parts: split(filter),
            epoll,
            timer,
            stage: Stage::Down,
            retry: FIRST_RETRY,
            last_error: None,
            times_up: 0,
        };
        link.begin();
        Ok(link)
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

    /// The generation of the writer that will wake us; `None` while there is none.
    pub fn generation(&self) -> Option<u64> {
        match self.stage {
            Stage::Up { generation, .. } => Some(generation),
            Stage::Down | Stage::Greeting { .. } => None,
        }
    }

    /// Why it is not up, if it is not.
    pub fn last_error(&self) -> Option<&LinkError> {
        self.last_error.as_ref()
    }

    /// Sees the first connection through, waiting for the writer's answers at most `timeout`. A
    /// writer that is only too busy to answer is tried again for as long.
    pub fn connect(&mut self, timeout: Duration) -> Result<(), LinkError> {
        let deadline = Instant::now() + timeout;
        while !self.settle()? {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(self.give_up());
            }
            match wait(self.fd(), Some(left)) {
                Ok(_) | Err(Errno::INTR) => {}
                Err(error) => return Err(io_error("wait for the writer")(error)),
            }
        }
        Ok(())
    }

    /// As [`Link::connect`], as far as it goes without waiting: whether the link is up. If not, its
    /// descriptor is readable when there is more to do.
    pub fn settle(&mut self) -> Result<bool, LinkError> {
        self.service();
        match self.stage {
            Stage::Up { .. } => Ok(true),
            Stage::Greeting { .. } => Ok(false),
            // The timer tries again.
            Stage::Down if self.last_error.as_ref().is_some_and(LinkError::is_passing) => Ok(false),
            Stage::Down => Err(self.last_error.take().unwrap_or_else(|| self.no_answer())),
        }
    }

    /// Ends an attempt for which nobody waits any longer.
    pub fn give_up(&mut self) -> LinkError {
        // What went wrong before says more than that the last attempt was not answered in time.
        let known = match self.stage {
            Stage::Down | Stage::Greeting { .. } => self.last_error.take(),
            Stage::Up { .. } => None,
        };
        self.fall(None);
        known.unwrap_or_else(|| self.no_answer())
    }

    fn no_answer(&self) -> LinkError {
        LinkError::Timeout { path: dir::socket_path(&self.dir) }
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
                    if matches!(&self.stage, Stage::Up { signal, .. } if !signal.clear()) {
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
        self.page().map(|page| page.arm()).is_some()
    }

    /// Whether the owner sleeps and the writer has not rung since.
    pub fn is_armed(&self) -> bool {
        self.page().is_some_and(|page| page.is_armed())
    }

    /// Takes [`Link::arm`] back, or what has become of it: afterwards the descriptor is not
    /// readable for a change that the owner is just about to look for. If the writer has rung: from
    /// which journal entry on there may be anything for the owner, by the writer's word.
    pub fn disarm(&self) -> Option<u64> {
        let Stage::Up { signal, .. } = &self.stage else { return None };
        let since = signal.page()?.disarm()?;
        signal.clear();
        Some(since)
    }

    fn page(&self) -> Option<Page<'_>> {
        match &self.stage {
            Stage::Up { signal, .. } => signal.page(),
            Stage::Down | Stage::Greeting { .. } => None,
        }
    }

    // ---------------------------------------------------------------- the state machine

    fn begin(&mut self) {
        let path = dir::socket_path(&self.dir);
        let outcome = open_socket(&path).and_then(|socket| {
            add(&self.epoll, socket.as_fd(), SOCKET)?;
            let version = env!("CARGO_PKG_VERSION").to_owned();
            send(&socket, &path, &Request::Hello { abi: ABI_VERSION, version })?;
            Ok(socket)
        });
        match outcome {
            Ok(socket) => {
                let (sent, signal, id, generation) = (0, None, 0, 0);
                self.stage = Stage::Greeting { socket, sent, signal, id, generation };
            }
            Err(error) => self.fall(Some(error)),
        }
    }

    fn on_socket(&mut self) {
        let (Stage::Greeting { socket, .. } | Stage::Up { socket, .. }) = &self.stage else {
            return;
        };
        match receive(socket, &dir::socket_path(&self.dir)) {
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
        let Stage::Greeting { socket, sent, signal, id, generation } = &mut self.stage else {
            return Ok(());
        };
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
                *signal = Some(Signal::receive(fds)?);
                *id = named;
            }
            Response::Hello { generation: named, .. } => *generation = named,
            Response::Done => {}
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
            return send(socket, &path, &request);
        }
        let Stage::Greeting { socket, signal: Some(signal), generation, .. } =
            std::mem::replace(&mut self.stage, Stage::Down)
        else {
            return Err(LinkError::Protocol("it subscribed us without descriptors".into()));
        };
        add(&self.epoll, signal.doorbell.as_fd(), DOORBELL)?;
        self.stage = Stage::Up { socket, signal, generation };
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

/// An eventfd that never blocks and is not inherited.
pub fn new_eventfd() -> io::Result<OwnedFd> {
    Ok(rustix::event::eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?)
}
