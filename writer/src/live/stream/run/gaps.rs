//! What a connection does not have, or has lost: it is asked for over RPC.

use std::time::Instant;

use driftshm_layout::{FeedState, Pubkey};

use super::Connection;

impl Connection<'_> {
    /// What is there now is no longer known to be all: everything is fetched again.
    pub(super) fn ask_anew(&mut self) {
        self.set(FeedState::Syncing);
        self.has_asked = false;
    }

    /// Messages were lost, while the connection was at this slot.
    pub(super) fn lose(&mut self, slot: u64) {
        self.losses.lose(slot);
        if self.state == FeedState::Live {
            self.set(FeedState::Syncing);
        }
    }

    /// A change that could not be read: it is fetched.
    pub(super) fn take_unreadable(&mut self, pubkey: Option<Pubkey>, why: String) {
        self.sink.bad_input(1);
        if self.runner.figures.failed("malformed", &why) {
            tracing::warn!(why, "an account's change cannot be read: it is fetched");
        }
        // What comes before the first slot is in the first snapshot.
        let Some(slot) = self.pulse.slot() else { return };
        match pubkey.filter(|pubkey| self.unread.add(*pubkey, slot)) {
            Some(pubkey) => {
                // After what came of it before.
                self.sink.send(&mut self.updates);
                self.sink.unsure(vec![pubkey]);
            }
            None => self.lose(slot),
        }
    }

    /// Asks for a snapshot of what was not subscribed to until now.
    pub(super) fn close_gaps(&mut self) {
        let Some(slot) = self.pulse.slot().filter(|_| self.is_following) else { return };
        let now = Instant::now();
        let has_lost = self.losses.make_good(slot, now);
        if !self.has_asked || has_lost {
            self.has_asked = true;
            self.losses.fetched(slot);
            self.added.clear();
            // What the last connection brought may have been void, of a slot that this one never
            // hears of: only what is confirmed of a later one replaces it.
            let is_processed = self.forks.is_some();
            let slot = if is_processed { slot.max(self.past.handed + 1) } else { slot };
            self.asked_slot = slot;
            self.snapshots.push(self.runner.chain.resync(slot, None));
        } else if !self.added.is_empty() {
            let added = std::mem::take(&mut self.added).into_iter().collect();
            self.snapshots.push(self.runner.chain.resync(slot, Some(added)));
        }
        if let Some(unread) = self.unread.take(slot, now) {
            self.snapshots.push(self.runner.chain.resync(slot, Some(unread)));
        }
    }
}
