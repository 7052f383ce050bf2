//! The simulated feed: a small chain of synthetic but valid accounts, the same for the same seed.
//!
//! Every account is one that the profile's program could have: the markets with the names and
//! addresses that they have on mainnet, one oracle per asset (of the program's own and of other
//! programs, some shared by several markets), users with collateral, positions and orders in those
//! markets, one account of stats per authority, and the state account. Figures agree with each
//! other: a market's oracle price is what the decoders in [`crate::oracle`] make of its oracle's
//! account and both are updated in the same slot, the AMM's price stays within 0.3 % of it
//! (and one unit of price precision), the funding rate follows from the averages beside it, and
//! open interest is the sum of all users' positions. A trade of a user shows in its market's
//! totals with the market's next update.
//!
//! Fields are found by role, and by the names that Drift gives them where there is no role. What a
//! profile lacks, be it a field, an oracle source, an address or a kind of account, is left out.
//!
//! Some users are *cold* ([`cold_users`]): they exist and count, but the feed brings them, and
//! their authority's stats, only after [`FeedCommand::Follow`] and until
//! [`FeedCommand::Unfollow`].

mod account;
mod cell;
mod dice;
mod foreign;
mod oracle;
mod pairs;
mod perp;
mod prices;
mod simulation;
mod source;
mod spot;
mod state;
mod symbols;
#[cfg(test)]
mod tests;
mod universe;
mod user;
mod users;

use std::time::{Duration, Instant};

use crossbeam_channel::RecvTimeoutError;
use driftshm_layout::profile::Profile;
use driftshm_layout::{FeedState, clock};

use self::simulation::Simulation;
use super::{AccountUpdate, FeedCommand, Sink};

pub use self::pairs::{Pairs, Torn};
pub use self::users::{SimUser, cold_users, users};

/// The highest [`SimOptions::rate`].
pub const MAX_RATE: u32 = 1_000_000;

/// What to simulate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SimOptions {
    /// How many perp markets there are; their indexes count from 0.
    pub markets: u16,
    /// How many spot markets there are; their indexes count from 0.
    pub spot_markets: u16,
    /// How many users the feed brings without being asked; see [`users()`].
    pub users: u32,
    /// How many further users it brings only while somebody follows them; see [`cold_users`].
    pub cold_users: u32,
    /// Account updates per second, 1 to [`MAX_RATE`]; what is outside counts as the nearest.
    pub rate: u32,
    /// The same seed (with the same profile, options, start slot and commands) gives the same
    /// updates, whenever and wherever.
    pub seed: u64,
    /// How long a slot takes, in milliseconds.
    pub slot_ms: u32,
    /// After the start, update this perp market's account and no other; its oracle price stands
    /// still. An index that no market has counts as `None`.
    pub focus_market: Option<u16>,
    /// Perp markets carry equal fields and a checksum, by which a torn read shows; how to check
    /// them is said at [`Pairs`].
    pub pairs: bool,
}

impl Default for SimOptions {
    fn default() -> Self {
        Self {
            markets: 16,
            spot_markets: 4,
            users: 100,
            cold_users: 16,
            rate: 200,
            seed: 1,
            slot_ms: 400,
            focus_market: None,
            pairs: false,
        }
    }
}

/// Updates that go to the queue at once.
const BATCH: usize = 64;
/// The feed sleeps no shorter, whatever the rate: updates due meanwhile come together.
const SHORTEST_WAIT: Duration = Duration::from_micros(500);
/// Commands may wait so long.
const SHORT_WAIT: Duration = Duration::from_millis(2);
/// The feed sleeps no longer without looking whether it is to stop.
const LONGEST_WAIT: Duration = Duration::from_millis(25);
/// Commands that are obeyed before updates go on.
const MOST_COMMANDS: usize = 4096;
/// Further behind, the simulated time stands still rather than rush: nothing is left out, and a
/// writer that was suspended does not get a burst afterwards.
const MOST_BEHIND: Duration = Duration::from_millis(250);

/// Runs the simulation until the writer stops.
pub fn run(profile: &Profile, options: &SimOptions, start_slot: u64, sink: &Sink) {
    sink.state(FeedState::Syncing);
    let stop = || sink.is_stopped();
    let Some(mut simulation) = Simulation::new(profile, options, start_slot, &stop) else { return };
    sink.slot(start_slot);
    bring_all(&mut simulation, sink);
    sink.state(FeedState::Live);
    if !sink.is_stopped() {
        sink.complete();
    }

    let mut live_since = Instant::now();
    let mut slot = start_slot;
    let mut batch = Vec::with_capacity(2 * BATCH);
    while !sink.is_stopped() {
        let mut elapsed = live_since.elapsed();
        let due = simulation.next_due();
        let behind = elapsed.saturating_sub(due);
        if let Some(too_far) = behind.checked_sub(MOST_BEHIND) {
            live_since += too_far;
            elapsed = live_since.elapsed();
        }
        if due <= elapsed {
            announce(&mut slot, simulation.next_slot(), sink);
            // A slot's end ends the batch: the feed says the slot before it brings its accounts.
            let of_slot = slot;
            while batch.len() < BATCH
                && simulation.next_due() <= elapsed
                && simulation.next_slot() == of_slot
            {
                simulation.step(&mut batch);
            }
            send(&mut batch, sink);
        } else {
            announce(&mut slot, simulation.slot_at(elapsed), sink);
        }
        let due = simulation.next_due().min(simulation.slot_begins(slot + 1));
        let wait = match due.checked_sub(elapsed) {
            Some(wait) if !wait.is_zero() => wait.clamp(SHORTEST_WAIT, LONGEST_WAIT),
            _ => Duration::ZERO,
        };
        match next_command(wait, sink) {
            Ok(Some(command)) => {
                obey(command, &mut simulation, &mut batch, sink);
                for command in sink.commands().try_iter().take(MOST_COMMANDS) {
                    obey(command, &mut simulation, &mut batch, sink);
                }
            }
            Ok(None) => {}
            Err(Stopped) => return,
        }
    }
}

/// Brings every account once.
fn bring_all(simulation: &mut Simulation, sink: &Sink) {
    let mut batch = Vec::with_capacity(BATCH);
    simulation.all(|update| {
        if sink.is_stopped() {
            return;
        }
        batch.push(update);
        if batch.len() == BATCH {
            send(&mut batch, sink);
        }
    });
    send(&mut batch, sink);
}

fn announce(slot: &mut u64, new: u64, sink: &Sink) {
    if new > *slot {
        *slot = new;
        sink.slot(new);
    }
}

fn send(batch: &mut Vec<AccountUpdate>, sink: &Sink) {
    let now = clock::monotonic_ns();
    for update in batch.iter_mut() {
        update.received_ns = now;
    }
    sink.send(batch);
}

/// The writer stops.
struct Stopped;

fn next_command(wait: Duration, sink: &Sink) -> Result<Option<FeedCommand>, Stopped> {
    let got = if wait <= SHORT_WAIT {
        // A channel spins and yields before it sleeps, on a core that the publisher may want.
        std::thread::sleep(wait);
        sink.commands().try_recv().map_err(|error| match error {
            crossbeam_channel::TryRecvError::Empty => RecvTimeoutError::Timeout,
            crossbeam_channel::TryRecvError::Disconnected => RecvTimeoutError::Disconnected,
        })
    } else {
        sink.commands().recv_timeout(wait)
    };
    match got {
        Ok(command) => Ok(Some(command)),
        Err(RecvTimeoutError::Timeout) => Ok(None),
        Err(RecvTimeoutError::Disconnected) => Err(Stopped),
    }
}

fn obey(
    command: FeedCommand,
    simulation: &mut Simulation,
    batch: &mut Vec<AccountUpdate>,
    sink: &Sink,
) {
    match command {
        FeedCommand::Follow(pubkey) => {
            batch.extend(simulation.follow(&pubkey));
            send(batch, sink);
        }
        FeedCommand::Unfollow(pubkey) => simulation.unfollow(&pubkey),
    }
}
