//! A profile comes out of shared memory: whatever is there, loading it ends, in an error or in a
//! profile that can be used without a panic.

use driftshm_layout::profile::{Kind, Profile};
use proptest::prelude::*;
use serde_json::Value;

const SECOND: &str = include_str!("fixtures/second-profile.json");

/// Loads `bytes` and, should they be a profile, does with it whatever can be done.
fn load_and_use(bytes: &[u8], account: &[u8]) {
    let Ok(profile) = Profile::from_json(bytes) else { return };
    let again = Profile::from_json(&profile.to_json()).expect("what was written can be read");
    assert_eq!(again, profile);
    assert_eq!(again.schema_hash(), profile.schema_hash());

    for def in profile.accounts() {
        let mut data = def.blank();
        assert_eq!(profile.classify(&data), Some(def));
        for len in [def.len, def.min_len, def.len + account.len(), account.len()] {
            data.resize(len, 0);
            let taken = data.len().min(account.len());
            data[..taken].copy_from_slice(&account[..taken]);
            for (byte, known) in data.iter_mut().zip(def.discriminator) {
                *byte = known;
            }
            assert_eq!(profile.to_json_value(def, &data).is_some(), def.layout_ok(len));
        }
        for (role, path) in def.roles() {
            let field = def.role(role).unwrap();
            assert_eq!(profile.resolve(def, path), Ok(field));
            assert!(field.end() <= def.len);
            let mut copy = data.clone();
            let _ = (field.read_i128(&data), field.read_text(&data), field.read_pubkey(&data));
            let _ = (field.write_int(&mut copy, -1), field.write_uint(&mut copy, u128::MAX));
        }
    }
    let _ = (profile.oracle_sources(), profile.state_address(), profile.perp_market_address(1));
    for kind in Kind::ALL {
        assert_eq!(profile.blank(kind).is_some(), profile.account(kind).is_some());
    }
}

/// The places in a JSON value, as pointers.
fn places(at: &str, value: &Value, found: &mut Vec<String>) {
    found.push(at.to_owned());
    match value {
        Value::Object(entries) => {
            for (key, value) in entries {
                places(
                    &format!("{at}/{}", key.replace('~', "~0").replace('/', "~1")),
                    value,
                    found,
                );
            }
        }
        Value::Array(entries) => {
            for (index, value) in entries.iter().enumerate() {
                places(&format!("{at}/{index}"), value, found);
            }
        }
        _ => {}
    }
}

/// Values that mean something somewhere in a profile, and some that mean nothing anywhere.
fn any_value() -> impl Strategy<Value = Value> {
    let texts = [
        "",
        "Market",
        "Feed",
        "FeedA",
        "Source",
        "u8",
        "u128",
        "pubkey",
        "[u8;32]",
        "[Feed;3]",
        "[[Position;4];9]",
        "[Market;2]",
        "[u8;4294967295]",
        "perp_market",
        "oracle",
        "lots",
        "feed.account",
        "grid[1][2]",
        "open_lots[9]",
        "positions[0].lots",
        "{index:u16}",
        "ffffffffffffffff",
        "0",
    ];
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (0u64..200).prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        prop::sample::select(texts.to_vec()).prop_map(Value::from),
        ".{0,40}".prop_map(Value::from),
        Just(serde_json::json!([])),
        Just(serde_json::json!({})),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        load_and_use(&bytes, &bytes);
    }

    #[test]
    fn a_profile_with_bytes_changed(
        changes in prop::collection::vec((0..SECOND.len(), any::<u8>()), 1..6),
        end in prop::option::of(0..SECOND.len()),
    ) {
        let mut bytes = SECOND.as_bytes().to_vec();
        for (at, byte) in changes {
            bytes[at] = byte;
        }
        bytes.truncate(end.unwrap_or(bytes.len()));
        load_and_use(&bytes, &[]);
    }

    #[test]
    fn a_profile_with_values_changed(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any_value()), 1..4),
        account in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        let mut json: Value = serde_json::from_str(SECOND).unwrap();
        for (index, value) in changes {
            let mut found = Vec::new();
            places("", &json, &mut found);
            if let Some(place) = json.pointer_mut(index.get::<String>(&found)) {
                *place = value;
            }
        }
        load_and_use(json.to_string().as_bytes(), &account);
    }

    #[test]
    fn any_path(path in "[a-z_.\\[\\]0-9]{0,40}|.{0,40}") {
        let profile = Profile::from_json(SECOND.as_bytes()).unwrap();
        let market = profile.account(Kind::PerpMarket).unwrap();
        if let Ok(field) = profile.resolve(market, &path) {
            prop_assert!(field.end() <= market.len);
        }
    }

    #[test]
    fn any_account_of_drift(data in prop::collection::vec(any::<u8>(), 0..5000)) {
        let drift = Profile::builtin("drift-v2").unwrap();
        let _ = drift.classify(&data);
        for def in drift.accounts() {
            let mut data = data.clone();
            for (byte, known) in data.iter_mut().zip(def.discriminator) {
                *byte = known;
            }
            prop_assert_eq!(drift.to_json_value(def, &data).is_some(), def.layout_ok(data.len()));
        }
    }
}
