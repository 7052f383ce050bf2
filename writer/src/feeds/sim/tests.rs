//! The chain as a whole, event after event, and the feed as it runs.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{Sender, unbounded};
use driftshm_layout::profile::{Field, Kind, Profile, role};
use driftshm_layout::{FeedState, Pubkey};
use serde_json::Value as Json;

use super::simulation::Simulation;
use super::*;
use crate::feeds::{Batch, FeedEvent, Queue};
use crate::oracle::{Decoder, Source};

const START: u64 = 405_286_914;

fn drift() -> Profile {
    Profile::builtin("drift-v2").unwrap()
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

#[test]
fn the_same_seed_repeats_every_update_and_another_one_does_not() {
    let options = SimOptions { users: 12, ..SimOptions::default() };
    let known = updates(&drift(), &options, 3_000);
    assert_eq!(updates(&drift(), &options, 3_000), known);
    let other = updates(&drift(), &SimOptions { seed: 2, ..options.clone() }, 3_000);
    assert_ne!(other.last(), known.last());
    // How fast it goes changes slots and times, not what happens in which order.
    let faster = updates(&drift(), &SimOptions { rate: 1_000, ..options }, 3_000);
    let order = |updates: &[AccountUpdate]| updates.iter().map(|u| u.pubkey).collect::<Vec<_>>();
    assert_eq!(order(&faster), order(&known));
    assert_ne!(faster.last(), known.last());
}

#[test]
fn every_account_is_valid_for_the_profile_and_decodes() {
    let profile = drift();
    let options = SimOptions { markets: 100, spot_markets: 45, users: 40, ..SimOptions::default() };
    let all = updates(&profile, &options, 5_000);
    let mut seen: HashMap<Kind, HashSet<Pubkey>> = HashMap::new();
    let mut foreign = HashSet::new();
    for update in &all {
        assert!(update.lamports > 0 && !update.data.is_empty());
        let Some(def) = profile.classify(&update.data) else {
            assert_ne!(update.owner, Some(profile.program_id));
            foreign.insert(update.pubkey);
            continue;
        };
        assert_eq!(update.owner, Some(profile.program_id));
        assert!(def.layout_ok(update.data.len()) && update.data.len() == def.len, "{}", def.name);
        let json = profile.to_json_value(def, &update.data).unwrap();
        assert_valid(&json, &def.name);
        let address = match def.kind {
            Kind::PerpMarket => profile.perp_market_address(json["market_index"].as_u64().unwrap() as u16),
            Kind::SpotMarket => profile.spot_market_address(json["market_index"].as_u64().unwrap() as u16),
            Kind::State => profile.state_address(),
            Kind::User | Kind::UserStats => {
                let authority = json["authority"].as_str().unwrap().parse().unwrap();
                match json["sub_account_id"].as_u64() {
                    Some(sub) => profile.user_address(&authority, sub as u16),
                    None => profile.user_stats_address(&authority),
                }
            }
            Kind::Oracle => Some(update.pubkey),
        };
        assert_eq!(address, Some(update.pubkey), "{}", def.name);
        if matches!(def.kind, Kind::PerpMarket | Kind::SpotMarket) {
            assert_eq!(json["pubkey"], update.pubkey.to_string());
            assert_eq!(json["status"], "Active");
            assert_eq!(json["name"].as_array().unwrap().last().unwrap(), 32);
        }
        seen.entry(def.kind).or_default().insert(update.pubkey);
    }
    let count = |kind| seen.get(&kind).map_or(0, HashSet::len);
    assert_eq!(count(Kind::PerpMarket), 100);
    assert_eq!(count(Kind::SpotMarket), 45);
    assert_eq!(count(Kind::User), 40);
    assert_eq!(count(Kind::UserStats), 30);
    assert_eq!(count(Kind::State), 1);
    assert!(count(Kind::Oracle) > 50 && foreign.len() > 15);
}

/// No enum holds a number that it has no variant for.
fn assert_valid(json: &Json, account: &str) {
    match json {
        Json::Object(fields) => {
            for (name, value) in fields {
                let is_enum = ["status", "balance_type", "order_type", "market_type", "direction",
                    "oracle_source", "contract_type", "contract_tier", "asset_tier", "margin_mode"]
                    .contains(&name.as_str());
                // The status of a user is a set of flags.
                assert!(!is_enum || value.is_string() || account == "User", "{account}.{name}: {value}");
                assert_valid(value, account);
            }
        }
        Json::Array(elems) => elems.iter().for_each(|elem| assert_valid(elem, account)),
        _ => assert!(!json.is_null(), "{account}"),
    }
}

#[test]
fn oracle_mark_funding_and_averages_agree_at_any_moment() {
    let profile = drift();
    let options = SimOptions { markets: 90, spot_markets: 45, users: 20, ..SimOptions::default() };
    let all = updates(&profile, &options, 40_000);
    let accounts = newest(&all);
    let decoder = Decoder::new(&profile);
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
        assert!((mark - i128::from(price.price)).abs() * 200 <= i128::from(price.price), "{name} {mark}");
        let premium = number(role::LAST_MARK_PRICE_TWAP) - number(role::LAST_FUNDING_ORACLE_TWAP);
        assert_eq!(number(role::LAST_FUNDING_RATE), premium * 1_000 / 24, "{name}");
    }
    assert_eq!(markets, 135);
    assert_eq!(families.len(), 7, "every kind of oracle is in use: {families:?}");
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
    let profile = drift();
    let options = SimOptions { markets: 5, spot_markets: 3, users: 30, cold_users: 4, ..SimOptions::default() };
    let mut simulation = simulation(&profile, &options);
    let mut all = Vec::new();
    simulation.all(|update| all.push(update));
    for user in cold_users(&profile, &options) {
        all.extend(simulation.follow(&user.pubkey));
    }
    let mut sums = vec![(0_i128, 0_i128, 0_u64); 5];
    for update in all.iter().filter(|update| of_kind(&profile, Kind::User, update)) {
        let user = profile.to_json_value(Kind::User, &update.data).unwrap();
        let mut open = [0; 5];
        for order in user["orders"].as_array().unwrap().iter().filter(|order| order["status"] == "Open") {
            assert!(order["price"].as_u64().unwrap() > 0 && order["base_asset_amount"].as_u64().unwrap() > 0);
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
    for update in all.iter().filter(|update| of_kind(&profile, Kind::PerpMarket, update)) {
        let number = |path| field(&profile, Kind::PerpMarket, path).read_i128(&update.data).unwrap();
        let (long, short, users) = sums[number("market_index") as usize];
        assert_eq!(number("amm.base_asset_amount_long"), long);
        assert_eq!(number("amm.base_asset_amount_short"), short);
        assert_eq!(number("amm.base_asset_amount_with_amm"), long + short);
        assert_eq!(number("number_of_users_with_base"), users.into());
    }
}

#[test]
fn trades_show_in_the_markets_totals() {
    let profile = drift();
    let options = SimOptions { markets: 1, spot_markets: 0, users: 5, cold_users: 0, ..SimOptions::default() };
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
fn slots_last_400_ms_and_write_versions_rise_strictly() {
    let options = SimOptions { users: 3, rate: 1_000, ..SimOptions::default() };
    let all = updates(&drift(), &options, 4_000);
    assert!(all.windows(2).all(|pair| pair[0].write_version < pair[1].write_version));
    assert!(all.windows(2).all(|pair| pair[0].slot <= pair[1].slot));
    // 4,000 updates at 1,000 per second are ten slots, each with 400 and what its last event adds.
    let of_slot = |slot| all.iter().filter(|update| update.slot == slot).count();
    assert!((395..=405).contains(&of_slot(START + 5)), "{}", of_slot(START + 5));
    assert_eq!(all.last().unwrap().slot, START + 10);
}

#[test]
fn no_two_updates_of_a_market_are_the_same() {
    let profile = drift();
    let all = updates(&profile, &SimOptions { users: 3, ..SimOptions::default() }, 5_000);
    let first = all.iter().position(|update| update.slot > START).unwrap();
    let mut last: HashMap<Pubkey, &[u8]> = HashMap::new();
    for update in &all[first..] {
        if let Some(before) = last.insert(update.pubkey, &update.data) {
            assert_ne!(before, update.data, "{}", update.pubkey);
        }
    }
}

#[test]
fn with_a_focus_one_market_alone_is_updated() {
    let profile = drift();
    let options = SimOptions { users: 2, focus_market: Some(3), ..SimOptions::default() };
    let all = updates(&profile, &options, 500);
    let hammered = &all[all.len() - 500..];
    let market = profile.perp_market_address(3).unwrap();
    assert!(hammered.iter().all(|update| update.pubkey == market));
    assert!(hammered.windows(2).all(|pair| pair[0].data != pair[1].data));
    // Its oracle stands still, and so it agrees as ever.
    let price = field(&profile, Kind::PerpMarket, "amm.historical_oracle_data.last_oracle_price");
    let prices: HashSet<_> = hammered.iter().map(|update| price.read_u64(&update.data)).collect();
    assert_eq!(prices.len(), 1);

    let nowhere = SimOptions { focus_market: Some(16), ..options };
    let all = updates(&profile, &nowhere, 500);
    let touched: HashSet<_> = all[all.len() - 500..].iter().map(|update| update.pubkey).collect();
    assert!(touched.len() > 10);
}

#[test]
fn with_pairs_every_version_of_every_market_checks_and_counts_up() {
    let profile = drift();
    let options = SimOptions { users: 2, pairs: true, ..SimOptions::default() };
    let pairs = Pairs::of(&profile).unwrap();
    assert!(pairs.has_checksum());
    let mut counts: HashMap<Pubkey, u64> = HashMap::new();
    let mut checked = 0;
    for update in updates(&profile, &options, 2_000) {
        if of_kind(&profile, Kind::PerpMarket, &update) {
            let count = pairs.check(&update.data).unwrap();
            let before = counts.insert(update.pubkey, count);
            assert!(before.is_none_or(|before| count == before + 1));
            checked += 1;
        }
    }
    assert!(checked > 500 && counts.len() == 16);
    let plain = updates(&profile, &SimOptions { pairs: false, ..options }, 0);
    let markets = plain.iter().filter(|update| of_kind(&profile, Kind::PerpMarket, update));
    assert!(markets.map(|update| pairs.check(&update.data)).all(|checked| checked.is_err()));
}

#[test]
fn cold_users_are_brought_only_while_somebody_follows_them() {
    let profile = drift();
    let options = SimOptions { users: 2, cold_users: 2, ..SimOptions::default() };
    let [cold, never] = cold_users(&profile, &options).try_into().unwrap();
    let stats = profile.user_stats_address(&cold.authority).unwrap();
    let mut simulation = simulation(&profile, &options);
    let mut all = Vec::new();
    simulation.all(|update| all.push(update));
    let after = |simulation: &mut Simulation| {
        let mut updates = Vec::new();
        (0..2_000).for_each(|_| simulation.step(&mut updates));
        let of = |key: &Pubkey| updates.iter().filter(|update| update.pubkey == *key).count();
        assert_eq!(of(&never.pubkey), 0);
        (of(&cold.pubkey), of(&stats))
    };
    assert!(!all.iter().any(|update| update.pubkey == cold.pubkey || update.pubkey == stats));
    assert_eq!(after(&mut simulation), (0, 0));

    let brought = simulation.follow(&cold.pubkey).unwrap();
    assert!(of_kind(&profile, Kind::User, &brought) && brought.pubkey == cold.pubkey);
    assert!(simulation.follow(&cold.pubkey).is_some(), "asked again, it answers again");
    let (user, no_stats) = after(&mut simulation);
    assert!(user > 20 && no_stats == 0, "{user} {no_stats}");
    assert!(simulation.follow(&stats).is_some());
    assert!(after(&mut simulation).1 > 5);

    simulation.unfollow(&cold.pubkey);
    assert_eq!(after(&mut simulation), (0, 0));
    assert_eq!(simulation.follow(&Pubkey([9; 32])), None);
    simulation.unfollow(&Pubkey([9; 32]));
}

#[test]
fn prices_stay_above_zero_over_a_hundred_thousand_updates() {
    let profile = drift();
    let options = SimOptions { markets: 4, spot_markets: 4, users: 0, cold_users: 0, ..SimOptions::default() };
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

/// Drift without the given parts of its description.
fn poorer(change: impl FnOnce(&mut Json)) -> Profile {
    let mut json = serde_json::from_slice(&drift().to_json()).unwrap();
    change(&mut json);
    Profile::from_json(&serde_json::to_vec(&json).unwrap()).unwrap()
}

#[test]
fn a_profile_that_lacks_roles_addresses_or_accounts_gets_what_it_has() {
    let options = SimOptions { users: 5, pairs: true, focus_market: Some(1), ..SimOptions::default() };
    let bare = poorer(|json| {
        json["address_seeds"] = serde_json::json!({});
        for account in json["accounts"].as_object_mut().unwrap().values_mut() {
            account["roles"] = serde_json::json!({});
        }
    });
    let all = updates(&bare, &options, 200);
    assert_eq!(newest(&all).len(), 1 + 4 + 16 + 5 + 5 - 1);

    let without = |names: &[&str]| {
        poorer(|json| names.iter().for_each(|name| {
            json["accounts"].as_object_mut().unwrap().remove(*name);
        }))
    };
    let count = |profile: &Profile| newest(&updates(profile, &options, 200)).len();
    let whole = count(&drift());
    assert_eq!(count(&without(&["UserStats"])), whole - 4);
    assert_eq!(count(&without(&["PythLazerOracle"])), whole);
    assert!(count(&without(&["PerpMarket", "State"])) < whole - 16);
    assert_eq!(count(&without(&["User"])), whole - 5);
    let nothing = without(&["PerpMarket", "SpotMarket", "User", "UserStats", "State"]);
    let mut simulation = simulation(&nothing, &options);
    let mut batch = Vec::new();
    simulation.step(&mut batch);
    assert!(batch.is_empty() && simulation.next_due() > Duration::ZERO);
}

#[test]
fn no_markets_and_no_users_are_no_reason_to_panic() {
    for markets in [0, 1] {
        for spot_markets in [0, 1] {
            for users in [0, 1] {
                let counts = SimOptions { markets, spot_markets, users, ..SimOptions::default() };
                let mut simulation = simulation(&drift(), &SimOptions { cold_users: users, ..counts });
                (0..50).for_each(|_| simulation.step(&mut Vec::new()));
            }
        }
    }
}

struct Running {
    queue: Arc<Queue>,
    commands: Sender<FeedCommand>,
    thread: thread::JoinHandle<()>,
}

fn start(options: SimOptions) -> Running {
    let queue = Queue::new();
    let (commands, receiver) = unbounded();
    let sink = Sink::new(Arc::clone(&queue), 1, receiver);
    let thread = thread::spawn(move || run(&drift(), &options, START, &sink));
    Running { queue, commands, thread }
}

impl Running {
    /// All that comes until `enough` says so, which must be within ten seconds.
    fn until(&self, mut enough: impl FnMut(&[AccountUpdate], &[FeedEvent]) -> bool) -> (Vec<AccountUpdate>, Vec<FeedEvent>) {
        let (mut updates, mut events) = (Vec::new(), Vec::new());
        let watchdog = Instant::now() + Duration::from_secs(10);
        let mut batch = Batch::default();
        while !enough(&updates, &events) {
            assert!(Instant::now() < watchdog, "{} updates, {events:?}", updates.len());
            self.queue.take(&mut batch, Instant::now() + Duration::from_millis(100));
            updates.append(&mut batch.updates);
            events.extend(batch.events.drain(..).map(|(_, event)| event));
        }
        (updates, events)
    }
}

#[test]
fn the_feed_brings_everything_says_that_it_is_live_and_goes_on_in_new_slots() {
    let options = SimOptions { users: 4, rate: 2_000, slot_ms: 50, ..SimOptions::default() };
    let running = start(options.clone());
    let (updates, events) = running.until(|_, events| {
        matches!(events.last(), Some(FeedEvent::Slot(slot)) if *slot > START + 4)
    });
    let states: Vec<_> =
        events.iter().filter(|event| matches!(event, FeedEvent::State(_))).cloned().collect();
    assert_eq!(states, [FeedEvent::State(FeedState::Syncing), FeedEvent::State(FeedState::Live)]);
    assert_eq!(events[1], FeedEvent::Slot(START));
    let mut expected = Vec::new();
    simulation(&drift(), &options).all(|update| expected.push(update.pubkey));
    let brought: Vec<_> = updates.iter().take(expected.len()).map(|update| update.pubkey).collect();
    assert_eq!(brought, expected);
    assert!(updates.len() > expected.len());
    assert!(updates.iter().all(|update| update.received_ns > 0));

    let cold = cold_users(&drift(), &options)[0].pubkey;
    running.commands.send(FeedCommand::Follow(cold)).unwrap();
    running.until(|updates, _| updates.iter().any(|update| update.pubkey == cold));
    drop(running.commands);
    running.thread.join().unwrap();
}

#[test]
fn the_feed_ends_when_the_queue_is_stopped_however_slow_it_is() {
    let running = start(SimOptions { users: 0, rate: 1, slot_ms: 60_000, ..SimOptions::default() });
    running.until(|_, events| events.contains(&FeedEvent::State(FeedState::Live)));
    running.queue.stop();
    running.thread.join().unwrap();
    drop(running.commands);
}
