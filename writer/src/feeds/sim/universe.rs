//! Everything that exists on the simulated chain.

use std::collections::HashMap;

use driftshm_layout::Pubkey;
use driftshm_layout::profile::{AccountDef, Kind, Profile};

use super::SimOptions;
use super::account::{Account, Moment};
use super::dice::{Dice, Purpose};
use super::oracle::{Oracle, Wanted};
use super::perp::{Market, Perp, PerpCells};
use super::source::{Choice, choose};
use super::spot::{Spot, SpotCells};
use super::state::{Counts, Stats, StatsCells, state};
use super::symbols::{self, Listing};
use super::user::{Identity, Markets, User, UserCells};
use super::users::{authority, sim_users, stats_address};
use crate::oracle::{Decoder, OraclePrice};

/// All accounts, and how they depend on each other. A kind that the profile lacks has none.
pub(super) struct Universe {
    pub state: Option<Account>,
    pub spots: Vec<Spot>,
    pub perps: Vec<Perp>,
    pub oracles: Vec<Oracle>,
    pub users: Vec<User>,
    pub stats: Vec<Stats>,
    /// Oracles with the markets that read them, and markets without an oracle.
    pub groups: Vec<Group>,
    pub cells: Cells,
    pub decoder: Decoder,
    places: HashMap<Pubkey, Place>,
}

/// What changes together: markets, and the oracle they read.
#[derive(Debug, Default)]
pub(super) struct Group {
    pub oracle: Option<usize>,
    pub perps: Vec<usize>,
    pub spots: Vec<usize>,
}

/// Where an account is: its list, and its place there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    State,
    Spot(usize),
    Perp(usize),
    Oracle(usize),
    User(usize),
    Stats(usize),
}

/// The fields to write, by kind; `None` where the profile lacks the kind.
pub(super) struct Cells {
    pub perp: Option<PerpCells>,
    pub spot: Option<SpotCells>,
    pub user: Option<UserCells>,
    pub stats: Option<StatsCells>,
}

impl Cells {
    fn new(profile: &Profile, pairs: bool) -> Self {
        let account = |kind| profile.account(kind);
        Self {
            perp: account(Kind::PerpMarket).map(|def| PerpCells::new(profile, def, pairs)),
            spot: account(Kind::SpotMarket).map(|def| SpotCells::new(profile, def)),
            user: account(Kind::User).map(|def| UserCells::new(profile, def)),
            stats: account(Kind::UserStats).map(|def| StatsCells::new(profile, def)),
        }
    }
}

impl Universe {
    /// The chain as it begins. `None` if `stop` says so before it is whole.
    pub fn new(
        profile: &Profile,
        options: &SimOptions,
        now: Moment,
        stop: &dyn Fn() -> bool,
    ) -> Option<Self> {
        let mut universe = Self {
            state: None,
            spots: Vec::new(),
            perps: Vec::new(),
            oracles: Vec::new(),
            users: Vec::new(),
            stats: Vec::new(),
            groups: Vec::new(),
            cells: Cells::new(profile, options.pairs),
            decoder: Decoder::new(profile),
            places: HashMap::new(),
        };
        universe.add_markets(profile, options, now);
        universe.refresh_markets(now);
        universe.add_users(profile, options, now, stop)?;
        universe.refresh_markets(now);
        universe.add_state(profile, options);
        universe.note_places();
        Some(universe)
    }

    fn add_markets(&mut self, profile: &Profile, options: &SimOptions, now: Moment) {
        let perp_def = profile.account(Kind::PerpMarket);
        let spot_def = profile.account(Kind::SpotMarket);
        let perps = if perp_def.is_some() { options.markets } else { 0 };
        let spots = if spot_def.is_some() { options.spot_markets } else { 0 };
        let list = |listing: Listing| {
            let source = choose(profile, listing.source);
            (listing, source)
        };
        let perps: Vec<_> = (0..perps).map(|index| list(symbols::perp_market(index))).collect();
        let spots: Vec<_> = (0..spots).map(|index| list(symbols::spot_market(index))).collect();

        let mut wanted: Vec<Wanted> = Vec::new();
        let mut of_feed = HashMap::new();
        for (listing, source) in perps.iter().chain(&spots) {
            want(&mut wanted, &mut of_feed, listing, *source);
        }
        let mut made = vec![None; wanted.len()];
        for (made, wanted) in made.iter_mut().zip(&wanted) {
            if let Some(oracle) = Oracle::new(profile, options.seed, wanted, now) {
                *made = Some(self.oracles.len());
                self.groups.push(Group { oracle: *made, ..Group::default() });
                self.oracles.push(oracle);
            }
        }
        let oracle_of = |listing: &Listing, source: Option<Choice>| -> Option<usize> {
            let key = (source?.source.family(), listing.feed);
            made.get(*of_feed.get(&key)?).copied().flatten()
        };

        if let Some(def) = perp_def {
            for (index, (listing, source)) in (0..).zip(&perps) {
                let oracle = oracle_of(listing, *source);
                let market = self.market(def, listing, *source, oracle);
                let perp = Perp::new(profile, options.seed, index, &market);
                self.group(oracle).perps.push(index.into());
                self.perps.push(perp);
            }
        }
        if let Some(def) = spot_def {
            for (index, (listing, source)) in (0..).zip(&spots) {
                let oracle = oracle_of(listing, *source);
                let market = self.market(def, listing, *source, oracle);
                let spot = Spot::new(profile, options.seed, index, &market, now);
                self.group(oracle).spots.push(index.into());
                self.spots.push(spot);
            }
        }
    }

    fn market<'a>(
        &self,
        def: &'a AccountDef,
        listing: &'a Listing,
        source: Option<Choice>,
        oracle: Option<usize>,
    ) -> Market<'a> {
        let oracle = oracle.and_then(|oracle| self.oracles.get(oracle));
        let oracle = oracle.map(|oracle| oracle.account.pubkey).unwrap_or_default();
        Market { def, listing, source, oracle }
    }

    /// The group of an oracle, or a new one without.
    fn group(&mut self, oracle: Option<usize>) -> &mut Group {
        let found = self.groups.iter().position(|group| oracle.is_some() && group.oracle == oracle);
        let place = found.unwrap_or(self.groups.len());
        if found.is_none() {
            self.groups.push(Group::default());
        }
        &mut self.groups[place]
    }

    fn add_users(
        &mut self,
        profile: &Profile,
        options: &SimOptions,
        now: Moment,
        stop: &dyn Fn() -> bool,
    ) -> Option<()> {
        let seed = options.seed;
        let mut traders = vec![0; self.perps.len()];
        for user in sim_users(profile, options) {
            if stop() {
                return None;
            }
            let stats = self.stats.len().saturating_sub(usize::from(user.sub_account_id > 0));
            if let (Some(def), Some(cells)) = (profile.account(Kind::User), &self.cells.user) {
                let identity = Identity {
                    pubkey: user.pubkey,
                    authority: &user.authority,
                    sub_account_id: user.sub_account_id,
                    cold: user.cold,
                    stats,
                };
                let mut markets = Markets { perps: &mut self.perps, spots: &mut self.spots };
                let mut dice = Dice::new(seed, Purpose::User, user.number);
                let user = User::new(profile, def, cells, &identity, &mut markets, &mut dice, now);
                for market in user.markets() {
                    if let Some(count) = traders.get_mut(market) {
                        *count += 1;
                    }
                }
                self.users.push(user);
            }
            let stats_kind = profile.account(Kind::UserStats).zip(self.cells.stats.as_ref());
            if let (0, Some((def, cells))) = (user.sub_account_id, stats_kind) {
                let owner = authority(seed, user.authority_number);
                let pubkey = stats_address(profile, seed, user.authority_number);
                let mut dice = Dice::new(seed, Purpose::Authority, user.authority_number);
                let mut stats = Stats::new(profile, def, &owner, pubkey, user.siblings, &mut dice);
                stats.cold = user.cold;
                stats.refresh(cells, now);
                self.stats.push(stats);
            }
        }
        if let Some(def) = profile.account(Kind::PerpMarket) {
            for (perp, count) in self.perps.iter_mut().zip(traders) {
                perp.set_users(profile, def, count);
            }
        }
        Some(())
    }

    fn add_state(&mut self, profile: &Profile, options: &SimOptions) {
        let counts = Counts {
            perp_markets: self.perps.len() as u16,
            spot_markets: self.spots.len() as u16,
            authorities: self.stats.len() as u32,
            users: self.users.len() as u32,
        };
        let def = profile.account(Kind::State);
        self.state = def.map(|def| state(profile, def, options.seed, &counts));
    }

    fn refresh_markets(&mut self, now: Moment) {
        for group in &self.groups {
            let oracle = group.oracle.and_then(|oracle| self.oracles.get(oracle));
            for place in &group.perps {
                if let (Some(perp), Some(cells)) = (self.perps.get_mut(*place), &self.cells.perp) {
                    let price = read(&self.decoder, perp.source, oracle);
                    perp.refresh(cells, price, now);
                }
            }
            for place in &group.spots {
                if let (Some(spot), Some(cells)) = (self.spots.get_mut(*place), &self.cells.spot) {
                    let price = read(&self.decoder, spot.source, oracle);
                    spot.refresh(cells, price, now);
                }
            }
        }
    }

    fn note_places(&mut self) {
        let places: HashMap<_, _> =
            self.all().map(|(place, account)| (account.pubkey, place)).collect();
        self.places = places;
    }

    /// Every account, cold ones too, in the order in which a feed brings them at first.
    pub fn all(&self) -> impl Iterator<Item = (Place, &Account)> {
        let state = self.state.iter().map(|state| (Place::State, state));
        let spots = (0..).zip(&self.spots).map(|(at, spot)| (Place::Spot(at), &spot.account));
        let perps = (0..).zip(&self.perps).map(|(at, perp)| (Place::Perp(at), &perp.account));
        let oracles =
            (0..).zip(&self.oracles).map(|(at, oracle)| (Place::Oracle(at), &oracle.account));
        let users = (0..).zip(&self.users).map(|(at, user)| (Place::User(at), &user.account));
        let stats = (0..).zip(&self.stats).map(|(at, stats)| (Place::Stats(at), &stats.account));
        state.chain(spots).chain(perps).chain(oracles).chain(users).chain(stats)
    }

    /// Where the account with this address is, if it exists.
    pub fn find(&self, pubkey: &Pubkey) -> Option<(Place, &Account)> {
        let place = *self.places.get(pubkey)?;
        let account = match place {
            Place::State => self.state.as_ref(),
            Place::Spot(at) => self.spots.get(at).map(|spot| &spot.account),
            Place::Perp(at) => self.perps.get(at).map(|perp| &perp.account),
            Place::Oracle(at) => self.oracles.get(at).map(|oracle| &oracle.account),
            Place::User(at) => self.users.get(at).map(|user| &user.account),
            Place::Stats(at) => self.stats.get(at).map(|stats| &stats.account),
        };
        Some((place, account?))
    }

    /// Whether the account is one that a feed brings only while somebody follows it.
    pub fn is_cold(&self, place: Place) -> bool {
        match place {
            Place::User(at) => self.users.get(at).is_some_and(|user| user.cold),
            Place::Stats(at) => self.stats.get(at).is_some_and(|stats| stats.cold),
            _ => false,
        }
    }

    /// Says whether somebody follows an account.
    pub fn set_followed(&mut self, place: Place, followed: bool) {
        match place {
            Place::User(at) => {
                if let Some(user) = self.users.get_mut(at) {
                    user.followed = followed;
                }
            }
            Place::Stats(at) => {
                if let Some(stats) = self.stats.get_mut(at) {
                    stats.followed = followed;
                }
            }
            _ => {}
        }
    }
}

/// The price that a market takes from its oracle, by the program's own rules.
pub(super) fn read(
    decoder: &Decoder,
    source: Option<Choice>,
    oracle: Option<&Oracle>,
) -> Option<OraclePrice> {
    let data = oracle.map_or(&[][..], |oracle| &oracle.account.data);
    decoder.decode(source?.source, data).ok()
}

/// Notes what a market wants of its oracle, which it may share.
fn want(
    wanted: &mut Vec<Wanted>,
    of_feed: &mut HashMap<(crate::oracle::Family, u32), usize>,
    listing: &Listing,
    source: Option<Choice>,
) {
    let Some(Choice { source, .. }) = source else { return };
    if !source.needs_account() {
        return;
    }
    let place = *of_feed.entry((source.family(), listing.feed)).or_insert(wanted.len());
    if place == wanted.len() {
        wanted.push(Wanted {
            family: source.family(),
            feed: listing.feed,
            price: listing.price / f64::from(source.multiplier()),
            multiplier: source.multiplier(),
            stable_coin: source.is_stable_coin(),
        });
    } else if let Some(known) = wanted.get_mut(place) {
        known.multiplier = known.multiplier.max(source.multiplier());
    }
}
