//! Accounts are valid by the profile's word, whatever it has and lacks.

use std::collections::{HashMap, HashSet};

use serde_json::Value as Json;

use super::*;

#[test]
fn every_account_is_valid_for_the_profile_and_decodes() {
    assert!(are_all_valid(&drift()) > 15, "accounts of other programs: oracles");
    are_all_valid(&velocity());
}

/// Returns how many accounts are of other programs.
fn are_all_valid(profile: &Profile) -> usize {
    let options = SimOptions { markets: 100, spot_markets: 45, users: 40, ..SimOptions::default() };
    let all = updates(profile, &options, 5_000);
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
            Kind::PerpMarket => {
                profile.perp_market_address(json["market_index"].as_u64().unwrap() as u16)
            }
            Kind::SpotMarket => {
                profile.spot_market_address(json["market_index"].as_u64().unwrap() as u16)
            }
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
    assert!(count(Kind::Oracle) > 50);
    foreign.len()
}

/// No enum holds a number that it has no variant for.
fn assert_valid(json: &Json, account: &str) {
    match json {
        Json::Object(fields) => {
            for (name, value) in fields {
                let is_enum = [
                    "status",
                    "balance_type",
                    "order_type",
                    "market_type",
                    "direction",
                    "oracle_source",
                    "contract_type",
                    "contract_tier",
                    "asset_tier",
                    "margin_mode",
                ]
                .contains(&name.as_str());
                // The status of a user is a set of flags, that of a hedge a plain number.
                let is_number = ["User", "hedge_config"].contains(&account);
                assert!(!is_enum || value.is_string() || is_number, "{account}.{name}: {value}");
                assert_valid(value, if name == "hedge_config" { name } else { account });
            }
        }
        Json::Array(elems) => elems.iter().for_each(|elem| assert_valid(elem, account)),
        _ => assert!(!json.is_null(), "{account}"),
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
    let options =
        SimOptions { users: 5, pairs: true, focus_market: Some(1), ..SimOptions::default() };
    let bare = poorer(|json| {
        json["address_seeds"] = serde_json::json!({});
        for account in json["accounts"].as_object_mut().unwrap().values_mut() {
            account["roles"] = serde_json::json!({});
        }
    });
    let all = updates(&bare, &options, 200);
    assert_eq!(newest(&all).len(), 1 + 4 + 16 + 5 + 5 - 1);

    let without = |names: &[&str]| {
        poorer(|json| {
            names.iter().for_each(|name| {
                json["accounts"].as_object_mut().unwrap().remove(*name);
            })
        })
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
                let mut simulation =
                    simulation(&drift(), &SimOptions { cold_users: users, ..counts });
                (0..50).for_each(|_| simulation.step(&mut Vec::new()));
            }
        }
    }
}
