//! Playing a recording of [`crate::recording`].

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

use driftshm_layout::{FeedState, Pubkey, clock};

use super::slots::Slots;
use super::stage::{Brought, Stage};
use super::{End, ReplayOptions, SLOT};
use crate::feeds::AccountUpdate;
use crate::recording::{BlockCache, Damage, Item, Next, Position, Recording, Said, Session};

/// So many accounts are remembered, so that they can be brought again.
const MOST: usize = 65_536;

/// The accounts that were brought, in the recording.
struct InRecording {
    recording: Recording,
    /// Where each account's last update is, and the slot it was brought with.
    places: HashMap<Pubkey, (Position, u64)>,
    cache: BlockCache,
}

impl Brought for InRecording {
    fn again(&mut self, pubkey: &Pubkey) -> Option<AccountUpdate> {
        let (position, slot) = *self.places.get(pubkey)?;
        match self.recording.reread(&position, &mut self.cache)?.said {
            Said::Account(update) | Said::TakeBack { before: update, .. }
                if update.pubkey == *pubkey =>
            {
                Some(AccountUpdate { slot, ..update })
            }
            _ => None,
        }
    }
}

/// When items are due.
struct Clock {
    speed: f64,
    /// When the session began to be played.
    began: Instant,
    /// The latest time of an item so far: they may be out of order by a little.
    reached_ns: u64,
}

impl Clock {
    /// When an item of that time is due, if that is later than all before it. `None` within: never.
    fn due(&mut self, time_ns: u64) -> Option<Option<Instant>> {
        if self.speed.is_infinite() || time_ns <= self.reached_ns {
            return None;
        }
        self.reached_ns = time_ns;
        let after = Duration::from_nanos(time_ns).as_secs_f64() / self.speed;
        // At a speed near 0 it may be longer than a clock counts: it lasts for ever.
        let after = Duration::try_from_secs_f64(after).ok();
        Some(after.and_then(|after| self.began.checked_add(after)))
    }

    fn begin(&mut self) {
        (self.began, self.reached_ns) = (Instant::now(), 0);
    }
}

/// Plays a recording, pass after pass.
pub(super) struct Player<'a> {
    options: &'a ReplayOptions,
    stage: Stage<'a>,
    slots: Slots,
    brought: InRecording,
    clock: Clock,
    /// How each recorded feed was last.
    states: BTreeMap<u8, FeedState>,
    /// Whether this is not the first pass: what is damaged is known.
    silent: bool,
    /// Whether the session that was played last came to its end.
    ended: bool,
}

impl<'a> Player<'a> {
    pub fn new(options: &'a ReplayOptions, stage: Stage<'a>, recording: Recording) -> Self {
        Self {
            options,
            slots: Slots::new(stage.start_slot),
            stage,
            brought: InRecording {
                recording,
                places: HashMap::new(),
                cache: BlockCache::default(),
            },
            clock: Clock { speed: options.speed, began: Instant::now(), reached_ns: 0 },
            states: BTreeMap::new(),
            silent: false,
            ended: true,
        }
    }

    /// Plays until the writer stops.
    pub fn play(&mut self) -> Result<(), End> {
        if self.options.repeat {
            // As for lines: what the region has must not be newer than what comes.
            let lowest = self.lowest_slot()?;
            self.slots.begin_above_start(lowest);
        }
        loop {
            let brought = self.play_once()?;
            self.stage.set_state(FeedState::Live);
            if !self.silent {
                self.stage.sink.complete();
                super::log_end(self.options, brought);
            }
            if !self.options.repeat {
                loop {
                    self.stage.wait_until(None, &mut self.brought)?;
                }
            }
            self.silent = true;
            self.slots.begin_again();
            if brought == 0 {
                self.stage.wait_until(Some(Instant::now() + SLOT), &mut self.brought)?;
            }
            self.brought.recording.rewind();
        }
    }

    /// The lowest slot of an account; the recording is at its beginning afterwards.
    fn lowest_slot(&mut self) -> Result<Option<u64>, End> {
        let mut lowest: Option<u64> = None;
        loop {
            if self.stage.sink.is_stopped() {
                return Err(End::Stopped);
            }
            match self.brought.recording.read_next()?.0 {
                Next::Item(Item { said: Said::Account(update), .. }) => {
                    lowest = Some(lowest.map_or(update.slot, |lowest| lowest.min(update.slot)));
                }
                Next::Item(_) | Next::Damage(_) => {}
                Next::End => break,
            }
        }
        self.brought.recording.rewind();
        Ok(lowest)
    }

    /// Plays it from the beginning to its end; says how many accounts it brought.
    fn play_once(&mut self) -> Result<u64, End> {
        let mut brought = 0;
        loop {
            match self.brought.recording.read_next()? {
                (Next::Item(item), position) => {
                    brought += u64::from(matches!(item.said, Said::Account(_)));
                    self.play_item(item, position)?;
                }
                (Next::Damage(damage), _) => {
                    self.report(&damage);
                    self.stage.poll(&mut self.brought)?;
                }
                (Next::End, _) => break,
            }
        }
        self.stage.flush(&mut self.brought)?;
        if !self.ended && !self.silent {
            let file = self.options.path.display();
            tracing::info!(
                "{file}: the recording has no end: its recorder was killed or still runs"
            );
        }
        Ok(brought)
    }

    fn play_item(&mut self, item: Item, position: Position) -> Result<(), End> {
        if let Some(due) = self.clock.due(item.time_ns) {
            if due.is_none_or(|due| due > Instant::now()) {
                self.stage.flush(&mut self.brought)?;
                self.stage.wait_until(due, &mut self.brought)?;
            }
        }
        match item.said {
            Said::Session(session) => self.begin_session(&session),
            Said::Account(update) => self.bring(update, position)?,
            Said::Slot(slot) => {
                self.stage.flush(&mut self.brought)?;
                let slot = self.slots.shifted(slot);
                self.stage.reach(slot);
            }
            Said::State(state) => {
                self.stage.flush(&mut self.brought)?;
                self.states.insert(item.source, state);
                self.stage.set_state(overall(&self.states));
            }
            Said::TakeBack { slot, before } => {
                self.stage.flush(&mut self.brought)?;
                let before = AccountUpdate {
                    slot: self.slots.shifted(before.slot),
                    received_ns: clock::monotonic_ns(),
                    ..before
                };
                self.note(&before, position);
                self.stage.sink.take_back_as_recorded(self.slots.shifted(slot), before);
            }
            Said::Confirmed(slot) => {
                self.stage.flush(&mut self.brought)?;
                self.stage.sink.confirmed(self.slots.shifted(slot));
            }
            Said::Gap(items) => {
                if !self.silent {
                    let file = self.options.path.display();
                    tracing::warn!(
                        "{file}: {items} items were not recorded: its disk was too slow"
                    );
                }
            }
            Said::End => self.ended = true,
            Said::Unknown => {}
        }
        Ok(())
    }

    fn begin_session(&mut self, session: &Session) {
        self.ended = false;
        self.states.clear();
        self.clock.begin();
        if !self.silent {
            let Session { program, profile, cluster, writer, .. } = session;
            let file = self.options.path.display();
            tracing::info!(program, profile, cluster, writer, "{file}: a recorded session");
        }
    }

    fn bring(&mut self, update: AccountUpdate, position: Position) -> Result<(), End> {
        if !self.options.repeat && self.slots.is_first_and_old(Some(update.slot)) {
            super::warn_of_old_slots(self.options, Some(update.slot), self.stage.start_slot);
        }
        let slot = self.slots.of_line(Some(update.slot));
        let update = AccountUpdate { slot, ..update };
        self.note(&update, position);
        self.stage.bring(update, &mut self.brought)
    }

    /// Remembers where an account is as it is now.
    fn note(&mut self, update: &AccountUpdate, position: Position) {
        let places = &mut self.brought.places;
        if places.len() < MOST || places.contains_key(&update.pubkey) {
            places.insert(update.pubkey, (position, update.slot));
        }
    }

    fn report(&mut self, damage: &Damage) {
        if self.silent {
            return;
        }
        let file = self.options.path.display();
        if let Damage::CutOff { .. } = damage {
            return tracing::info!("{file}: {damage}");
        }
        self.stage.sink.bad_input(1);
        tracing::warn!("{file}: {damage}");
    }
}

/// All feeds as one: the best one counts.
fn overall(states: &BTreeMap<u8, FeedState>) -> FeedState {
    use FeedState::{Connecting, Down, Live, Stalled, Syncing};
    let by_rank = [Live, Syncing, Stalled, Connecting, Down];
    let is_so = |state: &FeedState| states.values().any(|known| known == state);
    by_rank.into_iter().find(is_so).unwrap_or(Connecting)
}
