//! Keeping accounts followed without awaiting their changes.

use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::thread::JoinHandle;
use std::time::Duration;

use super::error::LinkError;
use super::filter::Filter;
use super::link::{Link, new_eventfd};
use crate::Pubkey;

/// Accounts that the writer follows for as long as this lives, across restarts of the writer: a
/// small thread of its own keeps the connection.
pub struct Watch {
    stop: OwnedFd,
    thread: Option<JoinHandle<()>>,
}

impl Watch {
    /// Asks the writer to follow these accounts.
    pub fn new(dir: &Path, pubkeys: &[Pubkey], timeout: Duration) -> Result<Self, LinkError> {
        let filter = Filter { pubkeys: pubkeys.to_vec(), ..Filter::default() };
        let mut link = Link::new(dir, &filter)?;
        link.connect(timeout)?;
        let io = |source| LinkError::Io { action: "start the watch", source };
        let stop = new_eventfd().map_err(io)?;
        let stopped = stop.try_clone().map_err(io)?;
        let thread = std::thread::Builder::new()
            .name("driftshm-watch".into())
            .stack_size(256 * 1024)
            .spawn(move || keep(link, &stopped))
            .map_err(io)?;
        Ok(Self { stop, thread: Some(thread) })
    }

    /// In a forked child, where the thread does not exist: forgets it.
    pub fn abandon(mut self) {
        self.thread = None;
    }
}

/// The link is never armed, so only the socket and the timer wake this thread.
fn keep(mut link: Link, stop: &OwnedFd) {
    loop {
        let flags = rustix::event::PollFlags::IN;
        let mut fds = [
            rustix::event::PollFd::from_borrowed_fd(link.fd(), flags),
            rustix::event::PollFd::from_borrowed_fd(stop.as_fd(), flags),
        ];
        if rustix::event::poll(&mut fds, None).is_err() {
            continue;
        }
        if !fds[1].revents().is_empty() {
            return;
        }
        link.service();
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if let Some(thread) = self.thread.take() {
            let _ = rustix::io::write(&self.stop, &1u64.to_ne_bytes());
            let _ = thread.join();
        }
    }
}
