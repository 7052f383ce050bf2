//! A profile of a made-up program that shares nothing with Drift but the way of being described:
//! other fields and seeds, gaps between fields, arrays of arrays, accounts that grow.

use driftshm_layout::Pubkey;
use driftshm_layout::profile::{Kind, Profile, Seed, Type, Value, role};
use serde_json::json;

const SECOND: &[u8] = include_bytes!("fixtures/second-profile.json");

fn second() -> Profile {
    Profile::from_json(SECOND).unwrap()
}

#[test]
fn says_what_program_it_is_for() {
    let second = second();
    assert_eq!(second.name, "second");
    assert_eq!(second.program_id.to_string(), "So1endDq2YkqhipRh3WViPa8hdiSpxWy6z3Z6tMCpAo");
    assert!(second.provisional);
    assert!(second.account(Kind::SpotMarket).is_none());
    assert!(second.blank(Kind::SpotMarket).is_none());
}

#[test]
fn json_round_trips_and_docs_can_be_left_out() {
    let second = second();
    let json = second.to_json();
    assert!(json.len() < SECOND.len() && !json.contains(&b'\n'));
    let again = Profile::from_json(&json).unwrap();
    assert_eq!(again, second);
    assert_eq!(again.to_json(), json);
    assert_eq!(again.schema_hash(), second.schema_hash());

    let bare = second.without_docs();
    assert!(bare.to_json().len() < json.len());
    assert!(!String::from_utf8(bare.to_json()).unwrap().contains("doc"));
    assert_ne!(bare.schema_hash(), second.schema_hash());
    assert_eq!(Profile::from_json(&bare.to_json()).unwrap(), bare);
}

#[test]
fn a_growing_account_is_read_by_its_known_prefix_at_any_length() {
    let second = second();
    let market = second.account(Kind::PerpMarket).unwrap();
    let fees = market.role("made_up_role").unwrap();
    let index = market.role(role::MARKET_INDEX).unwrap();
    let mut data = second.blank(Kind::PerpMarket).unwrap();
    assert!(index.write_int(&mut data, 7) && fees.write_int(&mut data, 1 << 100));

    for (len, has_fees) in [(120, false), (135, false), (136, true), (152, true), (664, true)] {
        let mut data = data.clone();
        data.resize(len, 0xff);
        assert!(market.layout_ok(len), "{len}");
        assert_eq!(index.read_u64(&data), Some(7));
        assert_eq!(fees.read_u128(&data).is_some(), has_fees, "{len}");
        let json = second.to_json_value(market, &data).unwrap();
        assert_eq!(json["index"], 7);
        assert_eq!(json["grown"]["fees"].is_null(), !has_fees, "{len}");
    }
    assert!(!market.layout_ok(119));
    assert!(second.to_json_value(market, &data[..119]).is_none());
}

#[test]
fn only_the_lengths_that_a_profile_names_are_trusted() {
    let second = second();
    let trader = second.account(Kind::User).unwrap();
    let trusted: Vec<usize> = (0..200).filter(|len| trader.layout_ok(*len)).collect();
    assert_eq!(trusted, [74, 90]);
}

#[test]
fn accounts_are_told_apart_by_their_discriminator() {
    let second = second();
    for account in second.accounts() {
        let data = account.blank();
        assert_eq!(data.len(), account.len);
        assert_eq!(second.classify(&data), Some(account));
        assert_eq!(second.classify(&data[..8]), Some(account));
        for len in 0..8 {
            assert_eq!(second.classify(&data[..len]), None);
        }
    }
    assert_eq!(second.classify(&[0; 64]), None);
    assert!(second.account(Kind::Oracle).is_none(), "there are two");
    assert_eq!(second.account_by_name("FeedB").unwrap().kind, Kind::Oracle);
}

#[test]
fn arrays_of_arrays_and_gaps_are_read_in_place() {
    let second = second();
    let market = second.account(Kind::PerpMarket).unwrap();
    let field = second.resolve(market, "grid[1][2]").unwrap();
    assert_eq!((field.offset, field.ty), (8 + 72 + 6 + 4, Type::I16));
    let row = second.resolve(market, "grid[1]").unwrap();
    assert_eq!(row.size(), 6);
    let lots = second.resolve(market, "open_lots[1]").unwrap();
    assert_eq!(second.unit(lots.unit.unwrap()).unwrap().name, "lots");

    let mut data = market.blank();
    assert!(field.write_int(&mut data, -2));
    assert_eq!(field.read(&data), Some(Value::Int(-2)));
    let json = second.to_json_value(market, &data).unwrap();
    assert_eq!(json["grid"], json!([[0, 0, 0], [0, 0, -2]]));
    assert_eq!(second.resolve(market, "grid").unwrap().read(&data), None, "no single value");
}

#[test]
fn oracle_sources_are_the_programs_own() {
    let second = second();
    let sources = second.oracle_sources().unwrap();
    assert_eq!(second.variant(sources, 2), Some("B"));
    assert_eq!(second.variant(sources, 3), None);
    assert_eq!(second.discriminant("Source", "B"), Some(2));
    assert_eq!(second.discriminant("Source", "C"), None);
    assert_eq!(second.discriminant("Market", "B"), None);
}

#[test]
fn addresses_follow_its_own_seeds() {
    let second = second();
    let find = |seeds: &[&[u8]]| {
        Pubkey::find_program_address(seeds, &second.program_id).map(|(address, _)| address)
    };
    let key = Pubkey([9; 32]);
    assert_eq!(second.state_address(), find(&[b"config"]));
    assert_eq!(second.perp_market_address(258), find(&[b"m", &[2, 1]]));
    assert_eq!(second.user_address(&key, 1), find(&[b"trader", &key.0, &[1, 0]]));
    let vault = second.address("vault", &[Seed::Key(&key), Seed::Number(5)]);
    assert_eq!(vault, find(&[b"vault", &key.0, &[5]]));
    assert_eq!(second.spot_market_address(0), None, "the profile has no seeds for it");
}
