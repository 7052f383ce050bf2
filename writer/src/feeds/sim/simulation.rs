//! What happens on the simulated chain, one event after the other, on its own clock.

use std::time::Duration;

use driftshm_layout::Pubkey;
use driftshm_layout::profile::Profile;

use super::SimOptions;
use super::account::{Account, Moment};
use super::dice::{Dice, Purpose};
use super::universe::{Place, Universe, read};
use crate::feeds::AccountUpdate;

/// Of 256 events so many are a user's; the others are an oracle's, with its markets.
const USER_EVENTS: u32 = 48;
/// Of 256 events of a user so many change its authority's stats too.
const STATS_EVENTS: u32 = 64;

/// The chain and its clock. The same profile, options, start slot, and commands between the same
/// events always give the same updates.
pub(super) struct Simulation {
    universe: Universe,
    dice: Dice,
    rate: u64,
    slot_us: u64,
    start_slot: u64,
    focus: Option<usize>,
    hot_users: usize,
    /// Cold users that somebody follows.
    followed: Vec<usize>,
    /// Updates since the feed went live; they are the clock.
    updates: u64,
    write_version: u64,
}

impl Simulation {
    /// The chain at its beginning. `None` if `stop` says so before it is whole.
    pub fn new(
        profile: &Profile,
        options: &SimOptions,
        start_slot: u64,
        stop: &dyn Fn() -> bool,
    ) -> Option<Self> {
        let slot_us = u64::from(options.slot_ms.max(1)) * 1_000;
        let began = Moment::after(start_slot, slot_us, 0);
        let universe = Universe::new(profile, options, began, stop)?;
        let focus = options.focus_market.map(usize::from);
        if let Some(market) = focus.filter(|market| *market >= universe.perps.len()) {
            tracing::warn!(market, "no such perp market to focus on: all markets are updated");
        }
        let hot_users = universe.users.iter().filter(|user| !user.cold).count();
        Some(Self {
            focus: focus.filter(|market| *market < universe.perps.len()),
            universe,
            dice: Dice::new(options.seed, Purpose::Events, 0),
            rate: options.rate.clamp(1, super::MAX_RATE).into(),
            slot_us,
            start_slot,
            hot_users,
            followed: Vec::new(),
            updates: 0,
            write_version: 0,
        })
    }

    /// Hands every account that is not cold to `deliver`, as it is at the beginning.
    pub fn all(&mut self, mut deliver: impl FnMut(AccountUpdate)) {
        let now = self.now();
        for (place, account) in self.universe.all() {
            if !self.universe.is_cold(place) {
                self.write_version += 1;
                deliver(account.update(now.slot, self.write_version));
            }
        }
    }

    /// When the next event is due, from the moment at which the feed went live.
    pub fn next_due(&self) -> Duration {
        Duration::from_nanos(self.nanos_of(self.updates + 1))
    }

    /// The slot of the next event.
    pub fn next_slot(&self) -> u64 {
        self.now_at(self.updates + 1).slot
    }

    /// The slot that begins this long after the feed went live, or began last before.
    pub fn slot_at(&self, elapsed: Duration) -> u64 {
        let slots = elapsed.as_micros() / u128::from(self.slot_us);
        self.start_slot.saturating_add(u64::try_from(slots).unwrap_or(u64::MAX))
    }

    /// How long after the feed went live a slot begins.
    pub fn slot_begins(&self, slot: u64) -> Duration {
        let slots = slot.saturating_sub(self.start_slot);
        Duration::from_micros(slots.saturating_mul(self.slot_us))
    }

    fn nanos_of(&self, updates: u64) -> u64 {
        // Whole seconds apart, or this would overflow after five hours at the highest rate.
        let (seconds, rest) = (updates / self.rate, updates % self.rate);
        seconds.saturating_mul(1_000_000_000).saturating_add(rest * 1_000_000_000 / self.rate)
    }

    fn now_at(&self, updates: u64) -> Moment {
        Moment::after(self.start_slot, self.slot_us, self.nanos_of(updates) / 1_000)
    }

    fn now(&self) -> Moment {
        self.now_at(self.updates)
    }

    /// The next event: adds its updates, all of one slot, to `batch`.
    pub fn step(&mut self, batch: &mut Vec<AccountUpdate>) {
        let now = self.now_at(self.updates + 1);
        let before = batch.len();
        let users = self.hot_users + self.followed.len();
        let is_users = self.dice.chance(USER_EVENTS) && users > 0;
        if let Some(market) = self.focus {
            self.update_market(market, now, batch);
        } else if is_users || self.universe.groups.is_empty() {
            self.update_user(users, now, batch);
        } else {
            self.update_group(now, batch);
        }
        // Time passes even where there is nothing that could change.
        self.updates += (batch.len() - before).max(1) as u64;
    }

    /// A new oracle price, with the markets that read it.
    fn update_group(&mut self, now: Moment, batch: &mut Vec<AccountUpdate>) {
        let Universe { groups, oracles, perps, spots, cells, decoder, .. } = &mut self.universe;
        let Some(group) = groups.get(self.dice.below(groups.len())) else { return };
        let mut oracle = group.oracle.and_then(|oracle| oracles.get_mut(oracle));
        if let Some(oracle) = &mut oracle {
            oracle.update(&mut self.dice, now);
            push(&oracle.account, now, &mut self.write_version, batch);
        }
        let oracle = oracle.as_deref();
        for place in &group.perps {
            let (Some(perp), Some(cells)) = (perps.get_mut(*place), &cells.perp) else { continue };
            let price = read(decoder, perp.source, oracle);
            perp.update(cells, &mut self.dice, price, now);
            push(&perp.account, now, &mut self.write_version, batch);
        }
        for place in &group.spots {
            let (Some(spot), Some(cells)) = (spots.get_mut(*place), &cells.spot) else { continue };
            spot.refresh(cells, read(decoder, spot.source, oracle), now);
            push(&spot.account, now, &mut self.write_version, batch);
        }
    }

    /// A trade in one market, whose oracle stands still.
    fn update_market(&mut self, market: usize, now: Moment, batch: &mut Vec<AccountUpdate>) {
        let Universe { groups, oracles, perps, cells, decoder, .. } = &mut self.universe;
        let (Some(perp), Some(cells)) = (perps.get_mut(market), &cells.perp) else { return };
        let group = groups.iter().find(|group| group.perps.contains(&market));
        let oracle = group.and_then(|group| oracles.get(group.oracle?));
        let price = read(decoder, perp.source, oracle);
        perp.update(cells, &mut self.dice, price, now);
        push(&perp.account, now, &mut self.write_version, batch);
    }

    fn update_user(&mut self, users: usize, now: Moment, batch: &mut Vec<AccountUpdate>) {
        let place = self.dice.below(users);
        let place = match place.checked_sub(self.hot_users) {
            Some(cold) => self.followed.get(cold).copied().unwrap_or(usize::MAX),
            None => place,
        };
        let Universe { users, stats, perps, cells, .. } = &mut self.universe;
        let (Some(user), Some(of_user)) = (users.get_mut(place), &cells.user) else { return };
        user.update(of_user, perps, &mut self.dice, now);
        push(&user.account, now, &mut self.write_version, batch);
        let with_stats = self.dice.chance(STATS_EVENTS);
        let stats = stats.get_mut(user.stats).filter(|stats| with_stats && !stats.is_hidden());
        if let (Some(stats), Some(cells)) = (stats, &cells.stats) {
            stats.update(cells, &mut self.dice, now);
            push(&stats.account, now, &mut self.write_version, batch);
        }
    }

    /// Somebody wants this account: brings it as it is, if it exists, and from now on.
    pub fn follow(&mut self, pubkey: &Pubkey) -> Option<AccountUpdate> {
        let (place, account) = self.universe.find(pubkey)?;
        self.write_version += 1;
        let update = account.update(self.now().slot, self.write_version);
        self.set_followed(place, true);
        Some(update)
    }

    /// Nobody wants this account any more.
    pub fn unfollow(&mut self, pubkey: &Pubkey) {
        if let Some((place, _)) = self.universe.find(pubkey) {
            self.set_followed(place, false);
        }
    }

    fn set_followed(&mut self, place: Place, followed: bool) {
        if !self.universe.is_cold(place) {
            return;
        }
        self.universe.set_followed(place, followed);
        if let Place::User(user) = place {
            self.followed.retain(|known| *known != user);
            if followed {
                self.followed.push(user);
            }
        }
    }
}

fn push(account: &Account, now: Moment, write_version: &mut u64, batch: &mut Vec<AccountUpdate>) {
    *write_version += 1;
    batch.push(account.update(now.slot, *write_version));
}
