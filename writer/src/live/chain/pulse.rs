//! Whether the node moves on with the chain.

use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// The newest slot that the node has answered with, and when it was a new one.
#[derive(Default)]
pub struct Pulse(Mutex<Option<(u64, Instant)>>);

impl Pulse {
    /// The node answers with this slot.
    pub fn slot(&self, slot: u64) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.is_none_or(|(newest, _)| slot > newest) {
            *known = Some((slot, Instant::now()));
        }
    }

    /// When it last moved on.
    pub fn last(&self) -> Option<Instant> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).map(|(_, at)| at)
    }
}
