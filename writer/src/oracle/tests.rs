//! The whole decoder: real accounts, every length, arbitrary bytes.

use std::fs;
use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use driftshm_layout::profile::Profile;
use proptest::prelude::*;
use serde_json::Value;

use super::*;

fn profile() -> &'static Profile {
    static PROFILE: LazyLock<Profile> =
        LazyLock::new(|| Profile::builtin("drift-v2").expect("a builtin profile"));
    &PROFILE
}

/// The names of all the program's sources.
fn names() -> impl Iterator<Item = &'static str> {
    let sources = profile().oracle_sources().and_then(|id| profile().enum_def(id));
    sources.expect("the profile's oracle sources").variants.iter().map(String::as_str)
}

fn source(name: &str) -> Source {
    Source::parse(name).unwrap_or_else(|| panic!("{name} is a source"))
}

fn decoder() -> &'static Decoder {
    static DECODER: LazyLock<Decoder> = LazyLock::new(|| Decoder::new(profile()));
    &DECODER
}

/// One account of every family that has any, good for a price.
fn accounts() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("Pyth", pyth::tests::account()),
        ("PythPull", pyth_pull::tests::account(&[1])),
        ("PythStableCoinPull", pyth_pull::tests::account(&[0, 5])),
        ("PythLazer1K", pyth_lazer::tests::account()),
        ("Switchboard", switchboard::tests::account((7, 0), (1, 2))),
        ("SwitchboardOnDemand", switchboard_on_demand::tests::account(&[(42, 1 << 70)], 1 << 60)),
        ("Prelaunch", prelaunch::tests::account()),
    ]
}

/// The real accounts of `../shared`, or `None` where they may be missing.
fn real_accounts() -> Option<Vec<Value>> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/drift/oracles.jsonl");
    match fs::read_to_string(path) {
        Ok(text) => Some(text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()),
        Err(error) if std::env::var("CI").is_ok_and(|ci| ci == "true") => {
            panic!("{path}: {error}")
        }
        Err(error) => {
            println!("skipped: {path}: {error}");
            None
        }
    }
}

/// Checks one account's price under one source; returns how many figures were compared.
fn check(decoded: Result<OraclePrice, OracleError>, expected: &Value, context: &str) -> usize {
    if expected.is_null() {
        let problem = decoded.expect_err(context).problem;
        assert!(matches!(problem, Problem::ExponentDoesNotFit { .. }), "{context}: {problem}");
        return 1;
    }
    let price = decoded.expect(context);
    let figures = expected.as_object().unwrap();
    let mut compared = 0;
    for (name, value) in figures {
        let found = match name.as_str() {
            "price" => Value::from(price.price),
            "confidence" => price.confidence.into(),
            "published_slot" => price.published_slot.into(),
            "has_sufficient_number_of_data_points" => {
                price.has_sufficient_number_of_data_points.into()
            }
            // Not part of a price: the time a test pretends, and a number only some have.
            "clock_slot" | "sequence_id" => continue,
            other => panic!("{context}: unknown figure {other}"),
        };
        assert_eq!(found, *value, "{context}: {name}");
        compared += 1;
    }
    compared
}

#[test]
fn real_accounts_give_the_programs_own_figures() {
    let Some(accounts) = real_accounts() else { return };
    assert!(!accounts.is_empty());
    let decoder = decoder();
    for (index, account) in accounts.iter().enumerate() {
        let data = BASE64.decode(account["data"].as_str().unwrap()).unwrap();
        let family = account["family"].as_str().unwrap();
        let expected = account["expected"].as_object().unwrap();
        for (name, figures) in expected {
            let context = format!("account {index}, {name}");
            assert!(check(decoder.decode(source(name), &data), figures, &context) > 0, "{context}");
        }
        if expected.is_empty() {
            decoder.decode(source(family), &data).unwrap();
        }
    }
}

#[test]
fn real_switchboard_accounts_are_read_in_full() {
    let Some(accounts) = real_accounts() else { return };
    let decode = |family: &str| {
        let account = accounts.iter().find(|account| account["family"] == family).unwrap();
        let data = BASE64.decode(account["data"].as_str().unwrap()).unwrap();
        decoder().decode(source(family), &data).unwrap()
    };
    // By hand from the bytes: mantissa 1338737824817671 with 16 decimals, no deviation.
    let aggregator = OraclePrice {
        price: 133_873,
        confidence: 133,
        published_slot: 252_778_507,
        has_sufficient_number_of_data_points: true,
    };
    assert_eq!(decode("Switchboard"), aggregator);
    // Three submissions landed last; the result's range is 0.132899618091936400.
    let feed = OraclePrice {
        price: 226_556_945,
        confidence: 132_899,
        published_slot: 339_847_514,
        has_sufficient_number_of_data_points: true,
    };
    assert_eq!(decode("SwitchboardOnDemand"), feed);
}

#[test]
fn every_source_of_the_profile_has_a_meaning() {
    assert_eq!(names().count(), 16);
    let decoder = decoder();
    for name in names() {
        let source = source(name);
        // Each family refuses nothing at all in its own name; the quote asset needs nothing.
        match decoder.decode(source, &[]) {
            Ok(price) => assert_eq!((name, price), ("QuoteAsset", OraclePrice::QUOTE_ASSET)),
            Err(error) => {
                assert_eq!(error.family, source.family());
                assert!(matches!(error.problem, Problem::TooShort { len: 0, .. }), "{name}");
            }
        }
    }
}

#[test]
fn the_quote_asset_is_one_dollar_whatever_the_bytes() {
    let price = decoder().decode(source("QuoteAsset"), b"whatever").unwrap();
    assert_eq!((price.price, price.confidence), (1_000_000, 1));
    assert!(price.has_sufficient_number_of_data_points);
}

#[test]
fn an_account_cut_anywhere_is_too_short_or_gives_the_same_price() {
    let decoder = decoder();
    for (name, data) in accounts() {
        let whole = decoder.decode(source(name), &data).unwrap();
        let mut was_enough = false;
        for len in 0..=data.len() {
            match decoder.decode(source(name), &data[..len]) {
                Ok(price) => {
                    assert_eq!(price, whole, "{name} cut to {len}");
                    was_enough = true;
                }
                Err(OracleError { problem: Problem::TooShort { len: told, needed }, .. }) => {
                    assert!(told == len && needed > len, "{name} cut to {len}");
                    assert!(!was_enough, "{name}: {len} bytes are too few, fewer were not");
                }
                Err(error) => panic!("{name} cut to {len}: {error}"),
            }
        }
    }
}

#[test]
fn a_longer_account_is_read_by_what_is_known_of_it() {
    let decoder = decoder();
    for (name, mut data) in accounts() {
        let price = decoder.decode(source(name), &data);
        data.extend([0xff; 300]);
        assert_eq!(decoder.decode(source(name), &data), price, "{name}");
    }
}

#[test]
fn an_account_of_one_family_is_refused_by_every_other() {
    let decoder = decoder();
    for (name, data) in accounts() {
        for other in names().map(source) {
            if other.family() == source(name).family() || !other.needs_account() {
                continue;
            }
            let error = decoder.decode(other, &data).expect_err(name);
            let refused =
                matches!(error.problem, Problem::WrongMagic { .. } | Problem::TooShort { .. });
            assert!(refused, "{name} read as {other:?}: {error}");
        }
    }
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(data in prop::collection::vec(any::<u8>(), 0..4096)) {
        let decoder = decoder();
        for name in names() {
            let _ = decoder.decode(source(name), &data);
        }
    }

    /// Nearly good accounts come further than noise does, which has no good magic.
    #[test]
    fn no_damage_makes_it_panic(
        which in any::<prop::sample::Index>(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<[u8; 16]>()), 1..8),
    ) {
        let accounts = accounts();
        let (_, whole) = which.get(&accounts);
        let mut data = whole.clone();
        for (at, bytes) in damage {
            let at = at.index(data.len());
            for (byte, damaged) in data[at..].iter_mut().zip(bytes) {
                *byte = damaged;
            }
        }
        // The magic stays whole, or every case would end there.
        data[..8].copy_from_slice(&whole[..8]);
        let decoder = decoder();
        for name in names() {
            let _ = decoder.decode(source(name), &data);
        }
    }

    /// The rule as one fraction, price * multiplier * 1e6 / 10^decimals, where it fits.
    #[test]
    fn scaling_is_one_truncating_division(
        price in any::<i64>(),
        confidence in any::<u64>(),
        decimals in 7_u32..=18,
        name in prop::sample::select(vec!["Pyth", "Pyth1K", "Pyth1M"]),
    ) {
        let source = source(name);
        let mut data = pyth::tests::account();
        data[20..24].copy_from_slice(&(-(decimals as i32)).to_le_bytes());
        data[208..216].copy_from_slice(&price.to_le_bytes());
        data[216..224].copy_from_slice(&confidence.to_le_bytes());
        let scaled = |figure: i128| {
            figure * i128::from(source.multiplier()) * 1_000_000 / 10_i128.pow(decimals)
        };
        let expected = i64::try_from(scaled(price.into())).ok()
            .zip(u64::try_from(scaled(confidence.into())).ok());
        let found = decoder().decode(source, &data).ok().map(|p| (p.price, p.confidence));
        prop_assert_eq!(found, expected);
    }
}
