//! What the writer wakes a bot by, the bot's side: its doorbell, and the page on which it says that
//! it sleeps.

use std::os::fd::OwnedFd;

use super::error::{LinkError, io_error};
use super::messages::SUBSCRIBER_PAGE;
use crate::mapping::Mapping;
use crate::notify::Page;

pub(super) struct Signal {
    pub doorbell: OwnedFd,
    page: Mapping,
}

impl Signal {
    /// From the descriptors that came with a subscription.
    pub fn receive(fds: Vec<OwnedFd>) -> Result<Self, LinkError> {
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
        Ok(Self { doorbell, page })
    }

    pub fn page(&self) -> Option<Page<'_>> {
        Page::new(self.page.words())
    }

    /// Takes all rings; false if the writer no longer holds the other end.
    pub fn clear(&self) -> bool {
        let mut rings = [0; 64];
        loop {
            match rustix::io::read(&self.doorbell, &mut rings) {
                Ok(0) => return false,
                Ok(read) if read == rings.len() => {}
                _ => return true,
            }
        }
    }
}
