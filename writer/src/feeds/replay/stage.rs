//! What all recordings are played with: the queue's end, the slot, and the way to wait.

use std::time::{Duration, Instant};

use crossbeam_channel::RecvTimeoutError;
use driftshm_layout::{FeedState, Pubkey, clock};

use super::{End, SLOT};
use crate::feeds::{AccountUpdate, FeedCommand, Sink};

/// Updates that go to the queue at once.
const BATCH: usize = 64;
/// The feed sleeps no longer without looking whether it is to stop.
const LONGEST_WAIT: Duration = Duration::from_millis(25);
/// Commands that are obeyed before the recording goes on.
const MOST_COMMANDS: usize = 4096;

/// The slot that the feed announced last.
struct Pulse {
    slot: Option<u64>,
    start_slot: u64,
    since: Instant,
}

impl Pulse {
    /// The recording is at this slot; gives it back if it is the highest so far.
    fn reach(&mut self, slot: u64) -> Option<u64> {
        if self.slot.is_some_and(|last| slot <= last) {
            return None;
        }
        self.since = Instant::now();
        self.slot = Some(slot);
        self.slot
    }

    /// One more slot, where time passes and nothing comes.
    fn tick(&mut self) -> Option<u64> {
        self.since = Instant::now();
        self.reach(self.slot.map_or(self.start_slot, |slot| slot.saturating_add(1)))
    }

    fn next_tick(&self) -> Instant {
        self.since + SLOT
    }
}

/// Finds the last version of an account that was brought, for who asks for it again.
pub(super) trait Brought {
    /// The account as it was brought; `None` if it was not, or cannot be read again.
    fn again(&mut self, pubkey: &Pubkey) -> Option<AccountUpdate>;
}

/// Where updates go.
pub(super) struct Stage<'a> {
    pub sink: &'a Sink,
    /// The slot to begin with, where the recording has none.
    pub start_slot: u64,
    /// Whether updates keep the rank that they were recorded with.
    own_ranks: bool,
    pulse: Pulse,
    batch: Vec<AccountUpdate>,
    state: FeedState,
}

impl<'a> Stage<'a> {
    pub fn new(sink: &'a Sink, start_slot: u64, own_ranks: bool) -> Self {
        sink.state(FeedState::Syncing);
        Self {
            sink,
            start_slot,
            own_ranks,
            pulse: Pulse { slot: None, start_slot, since: Instant::now() },
            batch: Vec::with_capacity(BATCH),
            state: FeedState::Syncing,
        }
    }

    /// How the feed is from now on.
    pub fn set_state(&mut self, state: FeedState) {
        if self.state != state {
            self.state = state;
            self.sink.state(state);
        }
    }

    /// The recording is at this slot.
    pub fn reach(&mut self, slot: u64) {
        if let Some(slot) = self.pulse.reach(slot) {
            self.sink.slot(slot);
        }
    }

    /// Brings an update, with others after it.
    pub fn bring(&mut self, update: AccountUpdate, brought: &mut impl Brought) -> Result<(), End> {
        self.batch.push(update);
        if self.batch.len() >= BATCH { self.flush(brought) } else { Ok(()) }
    }

    /// Hands over what was brought, and does what was asked meanwhile.
    pub fn flush(&mut self, brought: &mut impl Brought) -> Result<(), End> {
        let now = clock::monotonic_ns();
        for update in &mut self.batch {
            update.received_ns = now;
        }
        self.send();
        self.poll(brought)
    }

    fn send(&mut self) {
        match self.own_ranks {
            true => self.sink.send_as_recorded(&mut self.batch),
            false => self.sink.send(&mut self.batch),
        }
    }

    /// Does what was asked, and does not wait.
    pub fn poll(&mut self, brought: &mut impl Brought) -> Result<(), End> {
        self.wait_until(Some(Instant::now()), brought)
    }

    /// Ticks and does what is asked until then; `None`: until the writer stops.
    pub fn wait_until(
        &mut self,
        until: Option<Instant>,
        brought: &mut impl Brought,
    ) -> Result<(), End> {
        let mut obeyed = 0;
        loop {
            if self.sink.is_stopped() {
                return Err(End::Stopped);
            }
            let now = Instant::now();
            if now >= self.pulse.next_tick() {
                if let Some(slot) = self.pulse.tick() {
                    self.sink.slot(slot);
                }
            }
            let wake = self.pulse.next_tick().min(now + LONGEST_WAIT);
            let wake = until.map_or(wake, |until| wake.min(until));
            match self.sink.commands().recv_deadline(wake) {
                Ok(FeedCommand::Follow(pubkey)) => {
                    obeyed += 1;
                    if let Some(update) = brought.again(&pubkey) {
                        // What was brought before it must not come after it.
                        self.send();
                        let received_ns = clock::monotonic_ns();
                        self.batch.push(AccountUpdate { received_ns, ..update });
                        self.send();
                    }
                }
                Ok(FeedCommand::Unfollow(_)) => obeyed += 1,
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Err(End::Stopped),
            }
            let has_obeyed = obeyed >= MOST_COMMANDS || self.sink.commands().is_empty();
            if has_obeyed && until.is_some_and(|until| Instant::now() >= until) {
                return Ok(());
            }
        }
    }
}
