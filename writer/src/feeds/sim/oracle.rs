//! Oracle accounts: one per asset, whose price walks.

use driftshm_layout::Pubkey;
use driftshm_layout::profile::{Profile, Seed, role};

use super::account::{Account, Moment};
use super::cell::{Cell, Draft};
use super::dice::{Dice, Purpose, address};
use super::foreign::{self, Quote};
use super::prices::Walk;
use super::source::own_account;
use crate::oracle::Family;

/// What an oracle must be able to price, told by the markets that share it.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    pub family: Family,
    /// The asset; see [`Listing::feed`](super::symbols::Listing::feed).
    pub feed: u32,
    /// What a single token costs, in dollars.
    pub price: f64,
    /// The most tokens that one unit of a market holds.
    pub multiplier: u32,
    pub stable_coin: bool,
}

/// An oracle account.
pub(super) struct Oracle {
    pub account: Account,
    family: Family,
    own: Option<OwnCells>,
    decimals: u32,
    scale: f64,
    stable_coin: bool,
    walk: Walk,
}

/// The fields of an oracle account that the program keeps itself.
struct OwnCells {
    price: Cell,
    confidence: Cell,
    published_slot: Cell,
    publish_time: Cell,
    last_update_slot: Cell,
}

impl Oracle {
    /// `None` if the profile has no such accounts.
    pub fn new(profile: &Profile, seed: u64, wanted: &Wanted, now: Moment) -> Option<Self> {
        let made_up = || address(seed, Purpose::Oracle, wanted.feed);
        let (account, own, decimals);
        if let Some(owner) = foreign::owner(wanted.family) {
            let pubkey = made_up();
            account = Account { pubkey, owner, data: foreign::blank(wanted.family, &pubkey) };
            (own, decimals) = (None, decimals_for(wanted.multiplier));
        } else {
            let def = own_account(profile, wanted.family)?;
            // Without an exponent the price is in the program's own precision.
            let states_exponent = def.role(role::EXPONENT).is_some();
            decimals = if states_exponent { decimals_for(wanted.multiplier) } else { 6 };
            let mut draft = Draft::new(profile, def);
            draft
                .role(role::EXPONENT, -i128::from(decimals))
                .set("max_price", 1_000_000_i64)
                .set("perp_market_index", wanted.feed);
            let pubkey = own_address(profile, wanted).unwrap_or_else(made_up);
            account = Account { pubkey, owner: profile.program_id, data: draft.data };
            own = Some(OwnCells {
                price: Cell::role(def, role::PRICE),
                confidence: Cell::role(def, role::CONFIDENCE),
                published_slot: Cell::role(def, role::PUBLISHED_SLOT),
                publish_time: Cell::role(def, role::PUBLISH_TIME),
                last_update_slot: Cell::path(profile, def, "last_update_slot"),
            });
        }
        let walk = match wanted.family {
            Family::Prelaunch => Walk::odds(wanted.price),
            _ if wanted.stable_coin => Walk::stable_coin(),
            _ => Walk::price(wanted.price),
        };
        let (family, stable_coin) = (wanted.family, wanted.stable_coin);
        let scale = 10_f64.powi(decimals as i32);
        let mut oracle = Self { account, family, own, decimals, scale, stable_coin, walk };
        oracle.write(now);
        Some(oracle)
    }

    /// The next price.
    pub fn update(&mut self, dice: &mut Dice, now: Moment) {
        self.walk.step(dice);
        self.write(now);
    }

    fn write(&mut self, now: Moment) {
        let price = ((self.walk.value() * self.scale + 0.5) as i64).max(1);
        // 3 basis points for a stable coin, whose price snaps to a dollar within them; else 2.
        let part = if self.stable_coin { 3 } else { 2 };
        let confidence = price as u64 / 10_000 * part + 1;
        let data = &mut self.account.data;
        let Some(own) = &self.own else {
            let quote = Quote { price, confidence, decimals: self.decimals };
            return foreign::set_price(self.family, data, quote, now);
        };
        own.price.set(data, price);
        own.confidence.set(data, confidence);
        own.published_slot.set(data, now.slot);
        own.publish_time.set(data, now.unix_us);
        own.last_update_slot.set(data, now.slot);
    }
}

/// Decimals that leave eight of the price of a market's unit.
fn decimals_for(multiplier: u32) -> u32 {
    8 + multiplier.max(1).ilog10()
}

fn own_address(profile: &Profile, wanted: &Wanted) -> Option<Pubkey> {
    let name = match wanted.family {
        Family::PythLazer => "pyth_lazer_oracle",
        Family::Prelaunch => "prelaunch_oracle",
        _ => return None,
    };
    profile.address(name, &[Seed::Number(wanted.feed.into())])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oracle::{Decoder, Source};

    const NOW: Moment = Moment { slot: 42, unix_us: 1_700_000_000_000_000 };

    fn oracle(family: Family, feed: u32, price: f64, multiplier: u32) -> Oracle {
        let profile = Profile::builtin("drift-v2").unwrap();
        let stable_coin = price == 1.0;
        Oracle::new(&profile, 1, &Wanted { family, feed, price, multiplier, stable_coin }, NOW)
            .unwrap()
    }

    fn read(oracle: &Oracle, source: &str) -> i64 {
        let decoder = Decoder::new(&Profile::builtin("drift-v2").unwrap());
        decoder.decode(Source::parse(source).unwrap(), &oracle.account.data).unwrap().price
    }

    #[test]
    fn the_programs_own_oracle_is_where_it_is_on_mainnet() {
        let sol = oracle(Family::PythLazer, 6, 85.0, 1);
        let expected = "3m6i4RFWEDw2Ft4tFHPJtYgmpPe21k56M3FHeWYrgGBz";
        assert_eq!(sol.account.pubkey.to_string(), expected);
        assert_eq!(read(&sol, "PythLazer"), 85_000_000);
    }

    #[test]
    fn one_account_prices_a_token_and_a_million_of_it() {
        let bonk = oracle(Family::PythLazer, 9, 0.000_006_2, 1_000_000);
        assert_eq!(read(&bonk, "PythLazer"), 6);
        assert_eq!(read(&bonk, "PythLazer1K"), 6_200);
        assert_eq!(read(&bonk, "PythLazer1M"), 6_200_000);
    }

    #[test]
    fn a_stable_coin_walks_and_yet_costs_mostly_one_dollar() {
        let mut coin = oracle(Family::Pyth, 8, 1.0, 1);
        let mut dice = Dice::new(1, Purpose::Events, 0);
        let decoder = Decoder::new(&Profile::builtin("drift-v2").unwrap());
        let price = |coin: &Oracle, source| {
            decoder.decode(Source::parse(source).unwrap(), &coin.account.data).unwrap().price
        };
        let prices: Vec<_> = (0..2_000)
            .map(|_| {
                coin.update(&mut dice, NOW);
                (price(&coin, "PythStableCoin"), price(&coin, "Pyth"))
            })
            .collect();
        let snapped = prices.iter().filter(|(price, _)| *price == 1_000_000).count();
        assert!(snapped > 1_000, "{snapped}");
        assert!(prices.iter().any(|(_, raw)| *raw != 1_000_000));
        assert!(prices.iter().all(|(_, raw)| (raw - 1_000_000).abs() < 10_000));
    }

    #[test]
    fn a_prelaunch_oracle_states_its_price_as_it_is() {
        let bet = oracle(Family::Prelaunch, 36, 0.5, 1);
        assert_eq!(read(&bet, "Prelaunch"), 500_000);
        let of = |path| {
            let profile = Profile::builtin("drift-v2").unwrap();
            let def = profile.account_by_name("PrelaunchOracle").unwrap();
            Cell::path(&profile, def, path).get(&bet.account.data).unwrap()
        };
        assert_eq!((of("perp_market_index"), of("last_update_slot")), (36, 42));
    }
}
