//! Which streams are live: while none is, nobody brings the users that are not named one by one.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use driftshm_layout::profile::Kind;

use super::roster::Roster;
use crate::feeds::Sink;

/// How many streams are live.
#[derive(Default)]
pub struct Streams(AtomicUsize);

/// One that is, for as long as this is there.
pub struct LiveStream {
    streams: Arc<Streams>,
    roster: Arc<Roster>,
    sink: Sink,
}

impl LiveStream {
    /// A stream is live.
    pub fn new(streams: &Arc<Streams>, roster: &Arc<Roster>, sink: &Sink) -> Self {
        streams.0.fetch_add(1, Ordering::Relaxed);
        Self { streams: Arc::clone(streams), roster: Arc::clone(roster), sink: sink.clone() }
    }
}

impl Drop for LiveStream {
    fn drop(&mut self) {
        let was_last = self.streams.0.fetch_sub(1, Ordering::Relaxed) == 1;
        // Polling goes on with everything else, and vouches for it.
        if was_last && self.roster.bulk().is_some() {
            self.sink.doubt(Kind::User);
        }
    }
}
