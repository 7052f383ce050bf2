//! What a subscriber is woken by: its eventfd, and the page on which it says that it sleeps.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use driftshm_layout::control::SUBSCRIBER_PAGE;
use driftshm_layout::mapping::Mapping;
use driftshm_layout::notify;
use rustix::event::{EventfdFlags, eventfd};
use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, ftruncate, memfd_create};

/// The publisher's side of one subscription.
pub struct Signal {
    page: Mapping,
    eventfd: Arc<OwnedFd>,
}

/// The subscriber's side: sent to it, then closed here.
pub struct Handover {
    /// Goes first.
    pub eventfd: Arc<OwnedFd>,
    /// Goes second.
    pub memfd: OwnedFd,
}

impl Signal {
    /// Both sides. The page is sealed against resizing before anybody else can see it: a bot that
    /// shrank it would be our SIGBUS.
    pub fn new() -> io::Result<(Self, Handover)> {
        let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
        let memfd = memfd_create("driftshm-subscriber", flags)?;
        ftruncate(&memfd, SUBSCRIBER_PAGE as u64)?;
        fcntl_add_seals(&memfd, SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL)?;
        let page = Mapping::writable(File::from(memfd.try_clone()?))?;
        let eventfd = Arc::new(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?);
        let signal = Self { page, eventfd: Arc::clone(&eventfd) };
        Ok((signal, Handover { eventfd, memfd }))
    }

    /// Wakes the subscriber if it sleeps; whether it did. The publisher's fence
    /// ([`notify::after_append`]) comes before.
    pub fn ring(&self) -> bool {
        if !self.page.words().first().is_some_and(notify::take_armed) {
            return false;
        }
        // A full counter (EAGAIN) is a wake-up that nobody has read yet. No other error can
        // happen to an open eventfd.
        let _ = rustix::io::write(&*self.eventfd, &1u64.to_ne_bytes());
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subscriber_is_rung_once_for_each_time_that_it_arms() {
        let (signal, theirs) = Signal::new().unwrap();
        let page = Mapping::writable(File::from(theirs.memfd)).unwrap();
        assert!(!signal.ring(), "not armed");
        notify::arm(&page.words()[0]);
        assert!(signal.ring());
        assert!(!signal.ring());
        let mut count = [0; 8];
        rustix::io::read(&*theirs.eventfd, &mut count).unwrap();
        assert_eq!(u64::from_ne_bytes(count), 1);
    }

    #[test]
    fn a_full_eventfd_blocks_nobody() {
        let (signal, theirs) = Signal::new().unwrap();
        let page = Mapping::writable(File::from(theirs.memfd)).unwrap();
        rustix::io::write(&*theirs.eventfd, &(u64::MAX - 1).to_ne_bytes()).unwrap();
        notify::arm(&page.words()[0]);
        assert!(signal.ring());
    }

    #[test]
    fn the_page_cannot_be_resized_by_whoever_gets_it() {
        let (_signal, theirs) = Signal::new().unwrap();
        assert!(ftruncate(&theirs.memfd, 0).is_err());
        assert!(ftruncate(&theirs.memfd, 1 << 20).is_err());
        assert!(fcntl_add_seals(&theirs.memfd, SealFlags::WRITE).is_err());
    }
}
