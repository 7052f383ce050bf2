//! The writer without its feeds: real sockets, a real region, accounts brought by hand.

mod accounts;
mod clients;
mod gaps;
mod lifecycle;
mod limits;
mod oracles;
mod processes;
mod recordings;
mod support;
mod wake;
mod watches;
