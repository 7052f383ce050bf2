//! The chain as a whole, event after event, and the feed as it runs.

mod accounts;
mod agreement;
mod events;
mod feed;

use std::collections::HashMap;

use driftshm_layout::Pubkey;
use driftshm_layout::profile::{Field, Kind, Profile};

use super::simulation::Simulation;
use super::*;

const START: u64 = 405_286_914;

fn drift() -> Profile {
    Profile::builtin("drift-v2").unwrap()
}

fn velocity() -> Profile {
    Profile::builtin("velocity").unwrap()
}

fn simulation(profile: &Profile, options: &SimOptions) -> Simulation {
    Simulation::new(profile, options, START, &|| false).unwrap()
}

/// All accounts at first, and then the updates of at least `count` more.
fn updates(profile: &Profile, options: &SimOptions, count: usize) -> Vec<AccountUpdate> {
    let mut simulation = simulation(profile, options);
    let mut all = Vec::new();
    simulation.all(|update| all.push(update));
    let first = all.len();
    while all.len() < first + count {
        simulation.step(&mut all);
    }
    all
}

/// The newest update of each account.
fn newest(updates: &[AccountUpdate]) -> HashMap<Pubkey, &AccountUpdate> {
    updates.iter().map(|update| (update.pubkey, update)).collect()
}

fn field(profile: &Profile, kind: Kind, path: &str) -> Field {
    profile.resolve(kind, path).unwrap()
}

fn of_kind(profile: &Profile, kind: Kind, update: &AccountUpdate) -> bool {
    profile.classify(&update.data).is_some_and(|def| def.kind == kind)
}
