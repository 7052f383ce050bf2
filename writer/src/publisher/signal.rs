//! What a subscriber is woken by: its doorbell, and the page on which it says that it sleeps.
//!
//! The doorbell is a pipe, of which the subscriber gets the read end. An eventfd would be one open
//! file description for both: a bot could make it blocking, fill it, and so stop the publisher.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;

use driftshm_layout::control::SUBSCRIBER_PAGE;
use driftshm_layout::mapping::Mapping;
use driftshm_layout::notify::Page;
use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, ftruncate, memfd_create};
use rustix::pipe::{PipeFlags, fcntl_setpipe_size, pipe_with};

/// The publisher's side of one subscription.
pub struct Signal {
    page: Mapping,
    doorbell: OwnedFd,
}

/// The subscriber's side: sent to it, then closed here.
pub struct Handover {
    /// Goes first: the pipe's read end.
    pub doorbell: OwnedFd,
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
        let (theirs, ours) = pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK)?;
        // One page is plenty, and pages of pipes are counted per user. If it stays larger, so be it.
        let _ = fcntl_setpipe_size(&ours, SUBSCRIBER_PAGE);
        Ok((Self { page, doorbell: ours }, Handover { doorbell: theirs, memfd }))
    }

    /// Wakes the subscriber if it sleeps; whether it did. Nothing that it has not seen and that is
    /// before the journal entry `since` concerns it. The publisher's fence
    /// ([`after_append`](driftshm_layout::notify::after_append)) comes before.
    pub fn ring(&self, since: u64) -> bool {
        if !Page::new(self.page.words()).is_some_and(|page| page.ring(since)) {
            return false;
        }
        // A full pipe (EAGAIN) is a wake-up that nobody has read yet; EPIPE, a bot that is gone.
        let _ = rustix::io::write(&self.doorbell, &[1]);
        true
    }
}

#[cfg(test)]
mod tests {
    use rustix::fs::{OFlags, fcntl_setfl};

    use super::*;

    #[test]
    fn a_subscriber_is_rung_once_for_each_time_that_it_arms() {
        let (signal, theirs) = Signal::new().unwrap();
        let page = Mapping::writable(File::from(theirs.memfd)).unwrap();
        assert!(!signal.ring(0), "not armed");
        Page::new(page.words()).unwrap().arm();
        assert!(signal.ring(7));
        assert!(!signal.ring(8));
        assert_eq!(Page::new(page.words()).unwrap().disarm(), Some(7));
        let mut rings = [0; 8];
        assert_eq!(rustix::io::read(&theirs.doorbell, &mut rings), Ok(1));
    }

    #[test]
    fn a_bot_can_do_nothing_to_its_doorbell_that_blocks_the_publisher() {
        let (signal, theirs) = Signal::new().unwrap();
        let page = Mapping::writable(File::from(theirs.memfd)).unwrap();
        fcntl_setfl(&theirs.doorbell, OFlags::empty()).unwrap();
        // Many more than fit.
        for _ in 0..100_000 {
            Page::new(page.words()).unwrap().arm();
            assert!(signal.ring(0));
        }
        drop(theirs.doorbell);
        Page::new(page.words()).unwrap().arm();
        assert!(signal.ring(0));
    }

    #[test]
    fn the_page_cannot_be_resized_by_whoever_gets_it() {
        let (_signal, theirs) = Signal::new().unwrap();
        assert!(ftruncate(&theirs.memfd, 0).is_err());
        assert!(ftruncate(&theirs.memfd, 1 << 20).is_err());
        assert!(fcntl_add_seals(&theirs.memfd, SealFlags::WRITE).is_err());
    }
}
