//! drift-rs's way to an oracle's price, with driftshm's decoder at its end.

mod support;

use drift_rs::ffi::{OraclePriceData, get_oracle_price};
use drift_rs::types::errors::ErrorCode;
use drift_rs::types::{OracleSource, SdkError};
// Links it: drift-rs's one undefined symbol is in there.
use driftshm_drift_rs as _;
use driftshm_layout::profile::{Kind, role};
use serde_json::Value as Json;
use solana_sdk::account::Account;
use solana_sdk::pubkey::Pubkey;
use support::{drift, facts};

const SOURCES: [OracleSource; 16] = [
    OracleSource::Pyth,
    OracleSource::Switchboard,
    OracleSource::QuoteAsset,
    OracleSource::Pyth1K,
    OracleSource::Pyth1M,
    OracleSource::PythStableCoin,
    OracleSource::Prelaunch,
    OracleSource::PythPull,
    OracleSource::Pyth1KPull,
    OracleSource::Pyth1MPull,
    OracleSource::PythStableCoinPull,
    OracleSource::SwitchboardOnDemand,
    OracleSource::PythLazer,
    OracleSource::PythLazer1K,
    OracleSource::PythLazer1M,
    OracleSource::PythLazerStableCoin,
];

fn source(name: &str) -> OracleSource {
    let named = SOURCES.into_iter().find(|source| format!("{source:?}") == name);
    named.unwrap_or_else(|| panic!("drift-rs has no source {name}"))
}

type Asked = Result<OraclePriceData, Box<SdkError>>;

fn ask(source: OracleSource, data: &[u8], slot: u64) -> Asked {
    let account = Account { data: data.to_vec(), ..Account::default() };
    get_oracle_price(source, &mut (Pubkey::new_from_array([7; 32]), account), slot)
        .map_err(Box::new)
}

fn error_code(asked: Asked) -> u32 {
    let error = *asked.expect_err("an error of the program");
    match error {
        SdkError::Anchor(error) => match *error {
            anchor_lang::error::Error::AnchorError(error) => error.error_code_number,
            other => panic!("another error: {other}"),
        },
        other => panic!("no error of the program: {other}"),
    }
}

#[test]
fn sources_have_the_numbers_that_the_profile_gives_them() {
    let drift = drift();
    let known = drift.enum_def(drift.oracle_sources().unwrap()).unwrap();
    assert_eq!(known.variants.len(), SOURCES.len());
    for source in SOURCES {
        let number = drift.discriminant("OracleSource", &format!("{source:?}"));
        assert_eq!(number, Some(source as u8), "{source:?}");
    }
}

#[test]
fn real_oracles_have_the_expected_prices() {
    let mut compared = 0;
    for (fact, data) in facts("oracles.jsonl") {
        let expected = fact["expected"].as_object().unwrap();
        if expected.is_empty() {
            let family = source(fact["family"].as_str().unwrap());
            assert!(ask(family, &data, 9).is_ok(), "{family:?}: no known price, but a price");
        }
        for (name, expected) in expected {
            compared += check(source(name), &data, expected);
        }
    }
    println!("{compared} prices compared");
}

/// Compares one account's price under one source.
fn check(source: OracleSource, data: &[u8], expected: &Json) -> usize {
    let published = expected["published_slot"].as_u64();
    let slot = expected["clock_slot"].as_u64().or(published.map(|slot| slot + 7)).unwrap_or(9);
    if expected.is_null() {
        assert_eq!(error_code(ask(source, data, slot)), u32::from(ErrorCode::InvalidOracle));
        return 1;
    }
    let price = ask(source, data, slot).unwrap();
    assert_eq!(price.price, expected["price"], "{source:?}");
    for (name, found) in [
        ("confidence", price.confidence.into()),
        (
            "has_sufficient_number_of_data_points",
            Json::from(price.has_sufficient_number_of_data_points),
        ),
    ] {
        assert!(expected.get(name).is_none_or(|known| *known == found), "{source:?}: {name}");
    }
    if published.is_some() {
        assert_eq!(price.delay, 7, "{source:?}");
        let earlier = ask(source, data, slot - 10).unwrap();
        assert_eq!(earlier.delay, -3, "{source:?}: a node that lags behind");
    }
    1
}

#[test]
fn the_quote_asset_is_a_dollar_whatever_the_account() {
    let price = ask(OracleSource::QuoteAsset, &[0], 5).unwrap();
    assert_eq!((price.price, price.confidence, price.delay), (1_000_000, 1, 0));
}

#[test]
fn a_prelaunch_price_is_never_late() {
    let drift = drift();
    let account = drift.account_by_name("PrelaunchOracle").unwrap();
    assert_eq!(account.kind, Kind::Oracle);
    let mut data = account.blank();
    let mut write = |role, number| {
        assert!(account.role(role).unwrap().write_uint(&mut data, number));
    };
    write(role::PRICE, 1_500_000);
    write(role::CONFIDENCE, 20_000);
    write(role::PUBLISHED_SLOT, 40);
    for (slot, delay) in [(40, 0), (50, 0), (30, 10)] {
        let price = ask(OracleSource::Prelaunch, &data, slot).unwrap();
        assert_eq!((price.price, price.confidence, price.delay), (1_500_000, 20_000, delay));
    }
}

#[test]
fn what_is_no_oracle_is_an_error_of_the_program() {
    for source in SOURCES {
        if source == OracleSource::QuoteAsset {
            continue;
        }
        let code = error_code(ask(source, &[1, 2, 3], 9));
        assert_eq!(code, u32::from(ErrorCode::UnableToLoadOracle), "{source:?}");
        let empty = ask(source, &[], 9);
        assert!(empty.is_err_and(|error| matches!(*error, SdkError::NoAccountData(_))));
    }
}

#[test]
fn a_feed_with_too_few_decimals_for_the_source_is_an_invalid_oracle() {
    let mut data = vec![0; 240];
    data[..4].copy_from_slice(&0xa1b2_c3d4_u32.to_le_bytes());
    data[20..24].copy_from_slice(&(-3_i32).to_le_bytes());
    data[208..216].copy_from_slice(&1_500_i64.to_le_bytes());
    assert_eq!(ask(OracleSource::Pyth, &data, 9).unwrap().price, 1_500_000);
    for source in [OracleSource::Pyth1K, OracleSource::Pyth1M] {
        let code = error_code(ask(source, &data, 9));
        assert_eq!(code, u32::from(ErrorCode::InvalidOracle), "{source:?}");
    }
}
