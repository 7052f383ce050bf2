//! The replay feed: accounts from a file of JSON lines, as a recorder or a test writes them.
//!
//! Each line is an object with `pubkey` (base58) and `data` (base64; null or empty: the account
//! is closed), and optionally `owner`, `slot`, `write_version`, `lamports` (default 1; 0: closed)
//! and `delay_ms`, how long after the line before it comes. Other keys and empty lines are
//! ignored. A line without a slot gets the one after the highest before it, the first
//! `start_slot`. A line that cannot be read is reported with its number, counted and skipped.
//!
//! At the end of the file the feed stays live: slots tick on. With [`ReplayOptions::repeat`] it
//! begins anew instead, lines' own slots shifted so that they keep rising, and begin no lower than
//! `start_slot`. The file is read as it
//! is played; only where each account's last line is stays in memory, so that
//! [`FeedCommand::Follow`] can bring it again.

mod line;
mod lines;
mod places;
mod slots;
#[cfg(test)]
mod tests;

use std::fs::File;
use std::io::{self, BufReader, Seek};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crossbeam_channel::RecvTimeoutError;
use driftshm_layout::{FeedState, clock};

use self::line::{BadLine, Line};
use self::lines::{At, Lines, MAX_LINE};
use self::places::Places;
use self::slots::Slots;
use super::{AccountUpdate, FeedCommand, Sink};

/// What to replay, and how.
#[derive(Debug, Clone, PartialEq)]
pub struct ReplayOptions {
    /// The file of JSON lines.
    pub path: PathBuf,
    /// Begin anew at the end of the file, for ever.
    pub repeat: bool,
    /// How much faster than recorded, above 0: 2 halves each `delay_ms`.
    pub speed: f64,
}

/// Why a file cannot be replayed.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The file cannot be opened.
    #[error("cannot open the recording {path}: {source}; check the path given to replay", path = .path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The file cannot be read.
    #[error("cannot read the recording {path} after line {line}: {source}", path = .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// How many lines could be.
        line: u64,
        /// Why no more.
        source: io::Error,
    },
    /// Not a speed.
    #[error("a replay's speed of {speed} is not possible: give a number above 0, such as 1 or 2.5")]
    Speed {
        /// What was given.
        speed: f64,
    },
}

/// Updates that go to the queue at once.
const BATCH: usize = 64;
/// How long a slot takes where the file says nothing.
const SLOT: Duration = Duration::from_millis(400);
/// The feed sleeps no longer without looking whether it is to stop.
const LONGEST_WAIT: Duration = Duration::from_millis(25);
/// Commands that are obeyed before lines go on.
const MOST_COMMANDS: usize = 4096;
/// Further bad lines are counted, and no longer reported one by one.
const MOST_REPORTS: u64 = 1_000;

/// Plays the file until the writer stops.
pub fn run(options: &ReplayOptions, start_slot: u64, sink: &Sink) -> Result<(), ReplayError> {
    if !(options.speed > 0.0 && options.speed.is_finite()) {
        return Err(ReplayError::Speed { speed: options.speed });
    }
    let file = open(&options.path)?;
    sink.state(FeedState::Syncing);
    let mut player = Player {
        options,
        sink,
        file: &file,
        slots: Slots::new(start_slot),
        places: Places::default(),
        batch: Vec::with_capacity(BATCH),
        pulse: Pulse { slot: None, start_slot, since: Instant::now() },
        live: false,
        reports: Reports::default(),
    };
    match player.play() {
        Ok(()) | Err(End::Stopped) => Ok(()),
        Err(End::Failed(error)) => Err(error),
    }
}

fn open(path: &Path) -> Result<File, ReplayError> {
    let error = |source| ReplayError::Open { path: path.to_owned(), source };
    let file = File::open(path).map_err(error)?;
    if file.metadata().map_err(error)?.is_dir() {
        return Err(error(io::ErrorKind::IsADirectory.into()));
    }
    Ok(file)
}

/// Why playing ends.
enum End {
    Stopped,
    Failed(ReplayError),
}

/// The slot that the feed announced last.
struct Pulse {
    slot: Option<u64>,
    start_slot: u64,
    since: Instant,
}

impl Pulse {
    /// A line has this slot; gives it back if it is the highest so far.
    fn reach(&mut self, slot: u64) -> Option<u64> {
        if self.slot.is_some_and(|last| slot <= last) {
            return None;
        }
        self.since = Instant::now();
        self.slot = Some(slot);
        self.slot
    }

    /// One more slot, where time passes and no line comes.
    fn tick(&mut self) -> Option<u64> {
        self.since = Instant::now();
        self.reach(self.slot.map_or(self.start_slot, |slot| slot.saturating_add(1)))
    }

    fn next_tick(&self) -> Instant {
        self.since + SLOT
    }
}

/// Bad lines of the first pass; in later ones they are known.
#[derive(Default)]
struct Reports {
    count: u64,
    silent: bool,
}

struct Player<'a> {
    options: &'a ReplayOptions,
    sink: &'a Sink,
    file: &'a File,
    slots: Slots,
    places: Places,
    batch: Vec<AccountUpdate>,
    pulse: Pulse,
    live: bool,
    reports: Reports,
}

impl Player<'_> {
    fn play(&mut self) -> Result<(), End> {
        if self.options.repeat {
            // What an earlier writer published is newer than the recording: without this, a whole
            // pass would be dropped as old, and all later ones up to there.
            let lowest = self.lowest_own_slot()?;
            self.slots.begin_above_start(lowest);
        }
        loop {
            let brought = self.play_once()?;
            self.set_live();
            if !self.reports.silent {
                self.sink.complete();
            }
            if !self.options.repeat {
                loop {
                    self.wait_until(None)?;
                }
            }
            self.reports.silent = true;
            self.slots.begin_again();
            if !brought {
                // Nothing to bring: no reason to read it over and over.
                self.wait_until(Some(Instant::now() + SLOT))?;
            }
            let rewound = (&mut &*self.file).rewind();
            rewound.map_err(|source| self.read_error(0, source))?;
        }
    }

    /// The lowest slot that a line has of its own; the file is at its beginning afterwards.
    fn lowest_own_slot(&self) -> Result<Option<u64>, End> {
        let mut lines = Lines::new(BufReader::with_capacity(1 << 16, self.file), MAX_LINE);
        let mut text = Vec::new();
        let mut lowest: Option<u64> = None;
        loop {
            if self.sink.is_stopped() {
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
        let rewound = (&mut &*self.file).rewind();
        rewound.map_err(|source| self.read_error(0, source))?;
        Ok(lowest)
    }

    /// Plays the file from where it is to its end; says whether it had an account.
    fn play_once(&mut self) -> Result<bool, End> {
        let mut lines = Lines::new(BufReader::with_capacity(1 << 16, self.file), MAX_LINE);
        let mut text = Vec::new();
        let mut brought = false;
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
                    brought = true;
                    self.bring(line, &at)?;
                }
                Err(problem) => {
                    self.report(at.number, &problem);
                    // A file of nothing else must not keep the feed from stopping.
                    self.poll()?;
                }
            }
        }
        self.flush()?;
        Ok(brought)
    }

    fn read_error(&self, line: u64, source: io::Error) -> End {
        End::Failed(ReplayError::Read { path: self.options.path.clone(), line, source })
    }

    fn report(&mut self, number: u64, problem: &BadLine) {
        if self.reports.silent {
            return;
        }
        self.sink.bad_input(1);
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
        self.set_live();
        if !line.delay.is_zero() {
            self.flush()?;
            // At a speed near 0 a pause may be longer than a clock counts: it lasts for ever.
            let pause = Duration::try_from_secs_f64(line.delay.as_secs_f64() / self.options.speed);
            let until = pause.ok().and_then(|pause| Instant::now().checked_add(pause));
            self.wait_until(until)?;
        }
        if !self.options.repeat && self.slots.is_first_and_old(line.slot) {
            let (file, own, start) =
                (self.options.path.display(), line.slot, self.pulse.start_slot);
            tracing::warn!(
                "{file}: its slots begin at {}, the region is at {start}: what is older than the \
                 region has is dropped; choose another --dir or leave out the slots",
                own.unwrap_or_default()
            );
        }
        let slot = self.slots.of_line(line.slot);
        self.places.note(line.pubkey, at, slot);
        if let Some(slot) = self.pulse.reach(slot) {
            self.sink.slot(slot);
        }
        self.batch.push(update(line, slot));
        if self.batch.len() >= BATCH { self.flush() } else { Ok(()) }
    }

    fn set_live(&mut self) {
        if !self.live {
            self.live = true;
            self.sink.state(FeedState::Live);
        }
    }

    /// Hands over what was brought, and does what was asked meanwhile.
    fn flush(&mut self) -> Result<(), End> {
        let now = clock::monotonic_ns();
        for update in &mut self.batch {
            update.received_ns = now;
        }
        self.sink.send(&mut self.batch);
        self.poll()
    }

    fn poll(&mut self) -> Result<(), End> {
        self.wait_until(Some(Instant::now()))
    }

    /// Ticks and does what is asked until then; `None`: until the writer stops.
    fn wait_until(&mut self, until: Option<Instant>) -> Result<(), End> {
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
                    if let Some((line, slot)) = self.places.read(&pubkey, self.file) {
                        let update = AccountUpdate {
                            received_ns: clock::monotonic_ns(),
                            ..update(line, slot)
                        };
                        self.sink.send(&mut vec![update]);
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
