//! The control socket, the writer's side: who may connect, subscriptions, limits.
//!
//! ```text
//!   accept ─► who is it (SO_PEERCRED) ─► is there room ─► hello ─► requests, one at a time
//!                     │ not allowed          │ too many                 │ closed, by whatever end
//!                     └──────── error, close ┘                          ▼
//!                                                 its subscriptions and watches are taken back
//! ```
//! A connection waits for its own client only, and owns nothing that a client could make grow:
//! messages are read into one buffer that all share, answers that a client does not read are the
//! kernel's to hold until it is closed for it.

mod connection;
mod figures;
mod limits;
mod listener;
mod publisher_link;
mod refuse;
mod server;
mod wire;

pub use figures::Figures;
pub use limits::{Allow, Limits};
pub use listener::{SOCKET_PATH_MAX, socket_mode};
pub use publisher_link::PublisherLink;
pub use server::{Server, ServerOptions};
