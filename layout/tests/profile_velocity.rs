//! The built-in profile of Velocity against the facts it was made from: no account of it was seen.
#![cfg(not(driftshm_loom))]

mod support;

use driftshm_layout::Pubkey;
use driftshm_layout::figures;
use driftshm_layout::profile::{Kind, Profile, Seed, Value, role};
use sha2::{Digest, Sha256};
use support::facts;

fn velocity() -> Profile {
    Profile::builtin("velocity").unwrap()
}

#[test]
fn equals_the_facts_field_for_field() {
    let Some(text) = facts::shared("velocity/layout.json") else { return };
    facts::assert_equal(&velocity(), &text);
}

#[test]
fn is_marked_provisional_and_fits_into_a_region() {
    let velocity = velocity();
    assert!(velocity.provisional);
    assert!(!Profile::builtin("drift-v2").unwrap().provisional);
    let json = velocity.to_json();
    assert!(json.len() < 64 * 1024, "{} bytes", json.len());
    assert_eq!(Profile::from_json(&json).unwrap(), velocity);
    for account in velocity.accounts() {
        let hash = Sha256::digest(format!("account:{}", account.name));
        assert_eq!(account.discriminator, hash[..8], "{}", account.name);
    }
}

#[test]
fn markets_grow_in_place_and_are_read_by_their_prefix() {
    let velocity = velocity();
    for (kind, old, len) in [(Kind::PerpMarket, 1304, 1560), (Kind::SpotMarket, 808, 1064)] {
        let market = velocity.account(kind).unwrap();
        assert_eq!(market.len, len);
        let mut data = market.blank();
        let index = market.role(role::MARKET_INDEX).unwrap();
        assert!(index.write_uint(&mut data, 7));
        for size in [old, old + 64, len, len + 64, len + 512] {
            data.resize(size, 0);
            assert!(market.layout_ok(size), "{kind} of {size} bytes");
            assert_eq!(index.read_u64(&data), Some(7));
            assert_eq!(velocity.classify(&data), Some(market));
            let json = velocity.to_json_value(market, &data).unwrap();
            assert_eq!(json["market_index"], 7, "{kind} of {size} bytes");
        }
        for size in [0, 8, old - 1] {
            assert!(!market.layout_ok(size), "{kind} of {size} bytes");
            data.resize(size, 0);
            assert!(velocity.to_json_value(market, &data).is_none());
        }
        for (role, path) in market.roles() {
            let field = market.role(role).unwrap();
            assert!(field.offset as usize + field.size() <= old, "{path} is in all of them");
        }
    }
}

#[test]
fn a_user_of_unknown_length_is_not_read() {
    let velocity = velocity();
    let user = velocity.account(Kind::User).unwrap();
    let trusted: Vec<usize> = (0..8192).filter(|len| user.layout_ok(*len)).collect();
    assert_eq!(trusted, [4496], "4560 bytes, which are to come, have another layout");
    let filters = ["status", "idle", "open_orders", "has_open_order", "pool_id"];
    let offsets = filters.map(|path| velocity.resolve(user, path).unwrap().offset);
    assert_eq!(offsets, [4468, 4470, 4471, 4472, 4475]);
}

#[test]
fn addresses_have_the_programs_own_seed_for_its_state() {
    let velocity = velocity();
    let find = |seeds: &[&[u8]]| {
        Pubkey::find_program_address(seeds, &velocity.program_id).map(|(address, _)| address)
    };
    let key = Pubkey([9; 32]);
    assert_eq!(velocity.state_address(), find(&[b"velocity_state"]));
    assert_eq!(velocity.perp_market_address(258), find(&[b"perp_market", &[2, 1]]));
    assert_eq!(velocity.spot_market_address(1), find(&[b"spot_market", &[1, 0]]));
    assert_eq!(velocity.user_address(&key, 1), find(&[b"user", &key.0, &[1, 0]]));
    assert_eq!(velocity.user_stats_address(&key), find(&[b"user_stats", &key.0]));
    let lazer = velocity.address("pyth_lazer_oracle", &[Seed::Number(6)]);
    assert_eq!(lazer, find(&[b"pyth_lazer", &[6, 0, 0, 0]]));
    let vault = velocity.address("spot_market_vault", &[Seed::Number(1)]);
    assert_eq!(vault, find(&[b"spot_market_vault", &[1, 0]]));
}

#[test]
fn moved_fields_play_the_same_roles_in_the_same_units() {
    let (drift, velocity) = (Profile::builtin("drift-v2").unwrap(), velocity());
    for old in drift.accounts() {
        let new = velocity.account_by_name(&old.name).unwrap();
        for (role, path) in old.roles() {
            let unit = |profile: &Profile, field: driftshm_layout::profile::Field| {
                field.unit.map(|unit| profile.unit(unit).unwrap().clone())
            };
            let field = new.role(role).unwrap_or_else(|| panic!("{}: {role}", old.name));
            let before = old.role(role).unwrap();
            assert_eq!(unit(&velocity, field), unit(&drift, before), "{}.{path}", old.name);
        }
    }
    let perp = velocity.account(Kind::PerpMarket).unwrap();
    let path = |role| perp.roles().find(|(name, _)| *name == role).unwrap().1;
    assert_eq!(path(role::ORACLE), "oracle");
    assert_eq!(path(role::ORACLE_SOURCE), "oracle_source");
    assert_eq!(path(role::BASE_ASSET_RESERVE), "amm.base_asset_reserve");
    assert_eq!(path(role::LAST_FUNDING_ORACLE_TWAP), "market_stats.last_funding_oracle_twap");
}

/// By numbers that no code here made: offsets are from the facts.
#[test]
fn figures_follow_from_the_roles() {
    let velocity = velocity();
    let perp = velocity.account(Kind::PerpMarket).unwrap();
    let mut data = perp.blank();
    for (path, number) in [
        ("amm.base_asset_reserve", 2_000_000_000),
        ("amm.quote_asset_reserve", 3_000_000_000),
        ("amm.peg_multiplier", 100_082_304),
        ("base_asset_amount_long", 5),
        ("base_asset_amount_short", -7),
        ("last_funding_rate", 10_000_000),
        ("market_stats.last_funding_oracle_twap", 100_000_000),
    ] {
        assert!(velocity.resolve(perp, path).unwrap().write_int(&mut data, number), "{path}");
    }
    let number = |role| perp.role(role).unwrap().read_i128(&data).unwrap();
    let mark = figures::mark_price(
        number(role::BASE_ASSET_RESERVE) as u128,
        number(role::QUOTE_ASSET_RESERVE) as u128,
        number(role::PEG_MULTIPLIER) as u128,
    );
    assert_eq!(mark, Some(150_123_456));
    let sides = [role::BASE_ASSET_AMOUNT_LONG, role::BASE_ASSET_AMOUNT_SHORT].map(number);
    assert_eq!(figures::open_interest(sides[0], sides[1]), 7);
    let rate = number(role::LAST_FUNDING_RATE) as i64;
    let funding = figures::funding_rate(rate, number(role::LAST_FUNDING_ORACLE_TWAP) as i64);
    assert!((funding.unwrap().hourly - 0.0001).abs() < 1e-15);
}

#[test]
fn statuses_and_sources_are_the_programs_own() {
    let velocity = velocity();
    let status = |name| velocity.discriminant("MarketStatus", name);
    let known = ["Initialized", "Active", "ReduceOnly", "Settlement", "Delisted"];
    assert_eq!(known.map(status), [Some(0), Some(1), Some(2), Some(3), Some(4)]);
    assert_eq!(status("AmmPaused"), None);
    let perp = velocity.account(Kind::PerpMarket).unwrap();
    let mut data = perp.blank();
    let field = velocity.resolve(perp, "status").unwrap();
    assert!(field.write_int(&mut data, 2));
    let Some(Value::Enum { id, discriminant }) = field.read(&data) else { panic!() };
    assert_eq!(velocity.variant(id, discriminant), Some("ReduceOnly"));

    let usable = |name: &&String| !velocity.rejects_oracle_source(name);
    let sources = &velocity.enum_def(velocity.oracle_sources().unwrap()).unwrap().variants;
    let usable: Vec<&str> = sources.iter().filter(usable).map(String::as_str).collect();
    let expected = "Pyth QuoteAsset Pyth1K Pyth1M PythStableCoin Prelaunch \
                    PythLazer PythLazer1K PythLazer1M PythLazerStableCoin";
    assert_eq!(usable.join(" "), expected);
}
