//! Playing a file of JSON lines.

use std::fs::File;
use std::io::{self, BufReader, Seek};
use std::time::{Duration, Instant};

use driftshm_layout::{FeedState, Pubkey};

use super::line::{BadLine, Line};
use super::lines::{At, Lines, MAX_LINE};
use super::places::Places;
use super::slots::Slots;
use super::stage::{Brought, Stage};
use super::{End, ReplayError, ReplayOptions, SLOT};
use crate::feeds::AccountUpdate;

/// Further bad lines are counted, and no longer reported one by one.
const MOST_REPORTS: u64 = 1_000;

/// Bad lines of the first pass; in later ones they are known.
#[derive(Default)]
struct Reports {
    count: u64,
    silent: bool,
}

/// The accounts that were brought, in the file.
struct InFile<'a> {
    places: Places,
    file: &'a File,
}

impl Brought for InFile<'_> {
    fn again(&mut self, pubkey: &Pubkey) -> Option<AccountUpdate> {
        let (line, slot) = self.places.read(pubkey, self.file)?;
        Some(update(line, slot))
    }
}

/// Plays lines, pass after pass.
pub(super) struct Player<'a> {
    options: &'a ReplayOptions,
    stage: Stage<'a>,
    slots: Slots,
    brought: InFile<'a>,
    reports: Reports,
}

impl<'a> Player<'a> {
    pub fn new(options: &'a ReplayOptions, stage: Stage<'a>, file: &'a File) -> Self {
        Self {
            options,
            slots: Slots::new(stage.start_slot),
            stage,
            brought: InFile { places: Places::default(), file },
            reports: Reports::default(),
        }
    }

    /// Plays until the writer stops.
    pub fn play(&mut self) -> Result<(), End> {
        if self.options.repeat {
            // What an earlier writer published is newer than the recording: without this, a whole
            // pass would be dropped as old, and all later ones up to there.
            let lowest = self.lowest_own_slot()?;
            self.slots.begin_above_start(lowest);
        }
        loop {
            let brought = self.play_once()?;
            self.stage.set_state(FeedState::Live);
            if !self.reports.silent {
                self.stage.sink.complete();
                super::log_end(self.options, brought);
            }
            if !self.options.repeat {
                loop {
                    self.stage.wait_until(None, &mut self.brought)?;
                }
            }
            self.reports.silent = true;
            self.slots.begin_again();
            if brought == 0 {
                // Nothing to bring: no reason to read it over and over.
                self.stage.wait_until(Some(Instant::now() + SLOT), &mut self.brought)?;
            }
            self.rewind()?;
        }
    }

    fn rewind(&mut self) -> Result<(), End> {
        let rewound = (&mut &*self.brought.file).rewind();
        rewound.map_err(|source| self.read_error(0, source))
    }

    /// The lowest slot that a line has of its own; the file is at its beginning afterwards.
    fn lowest_own_slot(&mut self) -> Result<Option<u64>, End> {
        let mut lines = Lines::new(BufReader::with_capacity(1 << 16, self.brought.file), MAX_LINE);
        let mut text = Vec::new();
        let mut lowest: Option<u64> = None;
        loop {
            if self.stage.sink.is_stopped() {
                return Err(End::Stopped);
            }
            let next = lines.next(&mut text);
            let Some(at) = next.map_err(|source| self.read_error(lines.number(), source))? else {
                break;
            };
            let own = if at.too_long { None } else { Line::parse(&text).ok() };
            if let Some(own) = own.and_then(|line| line.slot) {
                lowest = Some(lowest.map_or(own, |lowest| lowest.min(own)));
            }
        }
        self.rewind()?;
        Ok(lowest)
    }

    /// Plays the file from where it is to its end; says how many accounts it brought.
    fn play_once(&mut self) -> Result<u64, End> {
        let mut lines = Lines::new(BufReader::with_capacity(1 << 16, self.brought.file), MAX_LINE);
        let mut text = Vec::new();
        let mut brought = 0;
        loop {
            let next = lines.next(&mut text);
            let at = match next.map_err(|source| self.read_error(lines.number(), source))? {
                Some(at) => at,
                None => break,
            };
            let line = if at.too_long {
                Err(BadLine::TooLong { max: MAX_LINE })
            } else {
                Line::parse(&text)
            };
            match line {
                Ok(line) => {
                    brought += 1;
                    self.bring(line, &at)?;
                }
                Err(problem) => {
                    self.report(at.number, &problem);
                    // A file of nothing else must not keep the feed from stopping.
                    self.stage.poll(&mut self.brought)?;
                }
            }
        }
        self.stage.flush(&mut self.brought)?;
        Ok(brought)
    }

    fn read_error(&self, line: u64, source: io::Error) -> End {
        End::Failed(ReplayError::Read { path: self.options.path.clone(), line, source })
    }

    fn report(&mut self, number: u64, problem: &BadLine) {
        if self.reports.silent {
            return;
        }
        self.stage.sink.bad_input(1);
        self.reports.count += 1;
        let file = self.options.path.display();
        if self.reports.count <= MOST_REPORTS {
            tracing::warn!("{file}: line {number} is skipped: {problem}");
        } else if self.reports.count == MOST_REPORTS + 1 {
            tracing::warn!(
                "{file}: more than {MOST_REPORTS} bad lines; from line {number} on they are only counted"
            );
        }
    }

    fn bring(&mut self, line: Line, at: &At) -> Result<(), End> {
        self.stage.set_state(FeedState::Live);
        if !line.delay.is_zero() {
            self.stage.flush(&mut self.brought)?;
            // At a speed near 0 a pause may be longer than a clock counts: it lasts for ever.
            let pause = Duration::try_from_secs_f64(line.delay.as_secs_f64() / self.options.speed);
            let until = pause.ok().and_then(|pause| Instant::now().checked_add(pause));
            self.stage.wait_until(until, &mut self.brought)?;
        }
        if !self.options.repeat && self.slots.is_first_and_old(line.slot) {
            super::warn_of_old_slots(self.options, line.slot, self.stage.start_slot);
        }
        let slot = self.slots.of_line(line.slot);
        self.brought.places.note(line.pubkey, at, slot);
        self.stage.reach(slot);
        self.stage.bring(update(line, slot), &mut self.brought)
    }
}

fn update(line: Line, slot: u64) -> AccountUpdate {
    AccountUpdate {
        pubkey: line.pubkey,
        owner: line.owner,
        slot,
        write_version: line.write_version,
        lamports: line.lamports,
        data: line.data,
        received_ns: 0,
        source: 0,
    }
}
