//! The live feeds as a whole: a real writer, a cluster in miniature, real sockets, and the region
//! read as a bot reads it.

mod follow;
mod support;
