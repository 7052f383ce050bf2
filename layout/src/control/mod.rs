//! The control socket, a bot's side: subscribing, watching, awaiting changes.
//!
//! The writer listens on `<dir>/control.sock` (SOCK_SEQPACKET, one JSON message per packet, one
//! response per request, in order). Reading the region needs none of this.

mod error;
mod filter;
mod lifeline;
mod link;
mod messages;
mod signal;
mod subscription;
mod watch;
mod wire;

pub use error::LinkError;
pub use filter::{Filter, Matcher};
pub use lifeline::{after_fork_in_child, after_fork_in_parent, before_fork};
pub use link::{Link, new_eventfd, wait_readable};
pub use messages::{
    ErrorCode, FeedReport, MAX_MESSAGE, PUBKEYS_PER_MESSAGE, Request, Response, SUBSCRIBER_PAGE,
    Status, SubscribeRequest,
};
pub use subscription::{Change, Item, Subscription};
pub use watch::Watch;
