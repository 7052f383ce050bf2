//! Figures of different accounts agree with each other.

use std::collections::HashSet;

use driftshm_layout::profile::role;

use super::*;
use crate::oracle::{Decoder, Family, Source};

#[test]
fn oracle_mark_funding_and_averages_agree_at_any_moment() {
    let families = families_that_agree(&drift());
    assert_eq!(families.len(), 7, "every kind of oracle is in use: {families:?}");
    let mut families = families_that_agree(&velocity());
    for family in [Family::Pyth, Family::PythLazer, Family::Prelaunch, Family::QuoteAsset] {
        assert!(families.remove(&family), "{family}");
    }
    assert!(families.is_empty(), "Velocity reads no others: {families:?}");
}

fn families_that_agree(profile: &Profile) -> HashSet<Family> {
    let options = SimOptions { markets: 90, spot_markets: 45, users: 20, ..SimOptions::default() };
    let all = updates(profile, &options, 40_000);
    let accounts = newest(&all);
    let decoder = Decoder::new(profile);
    let sources = profile.enum_def(profile.oracle_sources().unwrap()).unwrap();
    let mut families = HashSet::new();
    let mut markets = 0;
    for update in accounts.values() {
        let Some(def) = profile.classify(&update.data) else { continue };
        if !matches!(def.kind, Kind::PerpMarket | Kind::SpotMarket) {
            continue;
        }
        markets += 1;
        let number = |role| def.role(role).unwrap().read_i128(&update.data).unwrap();
        let name = def.role(role::SYMBOL).unwrap().read_text(&update.data).unwrap();
        let source = &sources.variants[number(role::ORACLE_SOURCE) as usize];
        let source = Source::parse(source).unwrap();
        families.insert(source.family());
        let oracle = def.role(role::ORACLE).unwrap().read_pubkey(&update.data).unwrap();
        let (data, slot) = match source.needs_account() {
            true => (&accounts[&oracle].data[..], accounts[&oracle].slot),
            false => (&[][..], update.slot),
        };
        let price = decoder.decode(source, data).unwrap();
        assert!(price.price > 0 && price.has_sufficient_number_of_data_points, "{name}");
        assert_eq!(number(role::LAST_ORACLE_PRICE), price.price.into(), "{name}");
        assert_eq!(update.slot, slot, "{name}");
        if source.needs_account() {
            assert_eq!(price.published_slot, slot, "{name}");
        }
        let twap = number(role::LAST_ORACLE_PRICE_TWAP);
        assert!((twap - i128::from(price.price)).abs() * 50 <= i128::from(price.price), "{name}");
        if def.kind == Kind::SpotMarket {
            continue;
        }
        let mark = number(role::QUOTE_ASSET_RESERVE) * number(role::PEG_MULTIPLIER)
            / number(role::BASE_ASSET_RESERVE);
        assert!(
            (mark - i128::from(price.price)).abs() * 200 <= i128::from(price.price),
            "{name} {mark}"
        );
        let premium = number(role::LAST_MARK_PRICE_TWAP) - number(role::LAST_FUNDING_ORACLE_TWAP);
        assert_eq!(number(role::LAST_FUNDING_RATE), premium * 1_000 / 24, "{name}");
    }
    assert_eq!(markets, 135);
    families
}

#[test]
fn the_default_markets_share_an_oracle_and_use_several_kinds() {
    let profile = drift();
    let all = updates(&profile, &SimOptions::default(), 0);
    let oracle = |kind, index: u64| {
        let def = profile.account(kind).unwrap();
        let found = all.iter().find(|update| {
            of_kind(&profile, kind, update)
                && def.role(role::MARKET_INDEX).unwrap().read_u64(&update.data) == Some(index)
        });
        def.role(role::ORACLE).unwrap().read_pubkey(&found.unwrap().data).unwrap()
    };
    assert_eq!(oracle(Kind::PerpMarket, 0), oracle(Kind::SpotMarket, 1));
    assert_ne!(oracle(Kind::PerpMarket, 0), oracle(Kind::PerpMarket, 1));
    let owners: HashSet<_> = all.iter().filter_map(|update| update.owner).collect();
    assert_eq!(owners.len(), 5);
}

#[test]
fn open_interest_is_the_sum_of_all_positions_and_users_refer_to_markets_there_are() {
    for profile in [drift(), velocity()] {
        positions_add_up(&profile);
    }
}

fn positions_add_up(profile: &Profile) {
    let options = SimOptions {
        markets: 5,
        spot_markets: 3,
        users: 30,
        cold_users: 4,
        ..SimOptions::default()
    };
    let mut simulation = simulation(profile, &options);
    let mut all = Vec::new();
    simulation.all(|update| all.push(update));
    for user in cold_users(profile, &options) {
        all.extend(simulation.follow(&user.pubkey));
    }
    let mut sums = vec![(0_i128, 0_i128, 0_u64); 5];
    for update in all.iter().filter(|update| of_kind(profile, Kind::User, update)) {
        let user = profile.to_json_value(Kind::User, &update.data).unwrap();
        let mut open = [0; 5];
        for order in
            user["orders"].as_array().unwrap().iter().filter(|order| order["status"] == "Open")
        {
            assert!(
                order["price"].as_u64().unwrap() > 0
                    && order["base_asset_amount"].as_u64().unwrap() > 0
            );
            open[order["market_index"].as_u64().unwrap() as usize] += 1;
        }
        assert_eq!(user["open_orders"], open.iter().sum::<u64>());
        assert_eq!(user["has_open_order"], open.iter().sum::<u64>() > 0);
        let mut any = false;
        for position in user["perp_positions"].as_array().unwrap() {
            let base = position["base_asset_amount"].as_i64().unwrap();
            let market = position["market_index"].as_u64().unwrap() as usize;
            if base == 0 {
                continue;
            }
            any = true;
            let quote = position["quote_asset_amount"].as_i64().unwrap();
            assert_eq!(quote.signum(), -base.signum());
            assert_eq!(position["open_orders"], open[market]);
            let (bids, asks) = (&position["open_bids"], &position["open_asks"]);
            assert!(bids.as_i64().unwrap() >= 0 && asks.as_i64().unwrap() <= 0);
            let (long, short, users) = &mut sums[market];
            *(if base > 0 { long } else { short }) += i128::from(base);
            *users += 1;
        }
        assert!(any, "each user has a position");
        assert!(user["spot_positions"][0]["scaled_balance"].as_u64().unwrap() > 0);
        let spots = user["spot_positions"].as_array().unwrap();
        assert!(spots.iter().all(|spot| spot["market_index"].as_u64().unwrap() < 3));
    }
    for update in all.iter().filter(|update| of_kind(profile, Kind::PerpMarket, update)) {
        let read = |field: Field| field.read_i128(&update.data).unwrap();
        let number = |path| read(field(profile, Kind::PerpMarket, path));
        let def = profile.account(Kind::PerpMarket).unwrap();
        let role = |role| read(def.role(role).unwrap());
        let (long, short, users) = sums[number("market_index") as usize];
        assert_eq!(role(role::BASE_ASSET_AMOUNT_LONG), long);
        assert_eq!(role(role::BASE_ASSET_AMOUNT_SHORT), short);
        assert_eq!(number("amm.base_asset_amount_with_amm"), long + short);
        assert_eq!(number("number_of_users_with_base"), users.into());
    }
}

#[test]
fn trades_show_in_the_markets_totals() {
    let profile = drift();
    let options = SimOptions {
        markets: 1,
        spot_markets: 0,
        users: 5,
        cold_users: 0,
        ..SimOptions::default()
    };
    let mut all = updates(&profile, &options, 2_000);
    while !of_kind(&profile, Kind::PerpMarket, all.last().unwrap()) {
        all.pop();
    }
    let base = field(&profile, Kind::User, "perp_positions[0].base_asset_amount");
    let accounts = newest(&all);
    let users = accounts.values().filter(|update| of_kind(&profile, Kind::User, update));
    let sizes: Vec<_> = users.map(|update| base.read_i128(&update.data).unwrap()).collect();
    let market = all.last().unwrap();
    let long = field(&profile, Kind::PerpMarket, "amm.base_asset_amount_long");
    let short = field(&profile, Kind::PerpMarket, "amm.base_asset_amount_short");
    let sum = |sign: i128| sizes.iter().filter(|size| size.signum() == sign).sum::<i128>();
    assert_eq!(sizes.len(), 5);
    assert_eq!(long.read_i128(&market.data), Some(sum(1)));
    assert_eq!(short.read_i128(&market.data), Some(sum(-1)));
}

#[test]
fn prices_stay_above_zero_over_a_hundred_thousand_updates() {
    let profile = drift();
    let options = SimOptions {
        markets: 4,
        spot_markets: 4,
        users: 0,
        cold_users: 0,
        ..SimOptions::default()
    };
    let mut simulation = simulation(&profile, &options);
    let price = field(&profile, Kind::PerpMarket, "amm.historical_oracle_data.last_oracle_price");
    let (mut batch, mut seen) = (Vec::new(), 0);
    while seen < 100_000 {
        batch.clear();
        simulation.step(&mut batch);
        seen += batch.len();
        for update in batch.iter().filter(|update| of_kind(&profile, Kind::PerpMarket, update)) {
            assert!(price.read_i64(&update.data).unwrap() > 0);
        }
    }
}
