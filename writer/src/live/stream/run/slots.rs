//! What a stream says of slots.

use driftshm_layout::{Counter, FeedState};

use super::Connection;
use crate::live::stream::forks::Undo;
use crate::live::stream::told::Heard;
use crate::live::stream::{SlotStatus, SlotUpdate, StreamError};

impl Connection<'_> {
    /// Whether the chain has moved on.
    pub(super) fn take_slot(&mut self, update: SlotUpdate) -> Result<bool, StreamError> {
        self.settle(update);
        match self.told.hear(&update) {
            Heard::Fine => {}
            Heard::Lost(slot) => {
                let text = "the stream left out a slot: everything is fetched again";
                self.runner.figures.failed("lost_slots", text);
                // What came beside it is of that slot at most.
                self.lose(slot.saturating_sub(1));
            }
            Heard::LeavesOut => {
                let text = "the provider leaves out slots as a rule: that it does shows no loss";
                self.runner.figures.failed("leaves_out_slots", text);
                tracing::warn!("{text}; the audit finds what is missing");
            }
        }
        let slot = match update.status {
            SlotStatus::Processed | SlotStatus::Confirmed | SlotStatus::Finalized => update.slot,
            // It may never come to be, but what it builds on has.
            SlotStatus::Begun => match update.parent {
                Some(parent) => parent,
                None => return Ok(false),
            },
            SlotStatus::Dead => return Ok(false),
        };
        if let Some(turn) = self.turn.take() {
            turn.answered();
        }
        let is_first = self.pulse.slot().is_none();
        if !self.pulse.beat(slot, self.past, &self.runner.tip)? {
            return Ok(false);
        }
        if let (true, Some(last)) = (is_first, self.past.last_live) {
            let gap = slot.saturating_sub(last.saturating_add(1));
            self.runner.figures.gap(gap);
            self.sink.count(Counter::GapSlots, gap);
        }
        self.runner.figures.slot(slot);
        self.sink.slot(slot);
        if self.state == FeedState::Stalled {
            // What was not told meanwhile may never be: as after a new connection, all is fetched.
            self.ask_anew();
        }
        if self.state == FeedState::Live {
            // Not before: where the next connection goes on from, everything must have come.
            self.past.was_live_at(slot);
        }
        Ok(true)
    }

    /// At commitment `processed`: takes back what turns out not to be part of the chain.
    fn settle(&mut self, update: SlotUpdate) {
        let Some(forks) = &mut self.forks else { return };
        let settled = forks.settled();
        let undone = forks.slot(update);
        if !undone.is_empty() {
            // What it undoes comes before it.
            self.sink.send(&mut self.updates);
        }
        for undo in undone {
            match undo {
                Undo::To { slot, before } => self.sink.take_back(slot, before),
                Undo::Fetch { slot, pubkey } => {
                    // Of a later slot, so it replaces what is there.
                    let wanted = slot.saturating_add(1);
                    self.snapshots.push(self.runner.chain.resync(wanted, Some(vec![pubkey])));
                }
            }
        }
        if forks.settled() > settled {
            self.sink.confirmed(forks.settled());
        }
    }
}
