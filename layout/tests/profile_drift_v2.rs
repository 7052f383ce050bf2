//! The built-in profile of Drift v2 against the facts it was made from, and against real accounts.
#![cfg(not(driftshm_loom))]

mod support;

use base64::Engine;
use driftshm_layout::profile::{Field, Kind, Profile, Value as Read};
use serde_json::Value;
use sha2::{Digest, Sha256};
use support::facts;

fn drift() -> Profile {
    Profile::builtin("drift-v2").unwrap()
}

fn shared(name: &str) -> Option<String> {
    facts::shared(&format!("drift/{name}"))
}

#[test]
fn equals_the_facts_field_for_field() {
    let Some(text) = shared("layout.json") else { return };
    facts::assert_equal(&drift(), &text);
}

#[test]
fn discriminators_are_anchors() {
    for account in drift().accounts() {
        let hash = Sha256::digest(format!("account:{}", account.name));
        assert_eq!(account.discriminator, hash[..8], "{}", account.name);
    }
}

#[test]
fn fits_into_a_region_and_comes_back_the_same() {
    let drift = drift();
    let json = drift.to_json();
    assert!(json.len() < 64 * 1024, "{} bytes", json.len());
    assert_eq!(Profile::from_json(&json).unwrap(), drift);
    let bare = drift.without_docs().to_json();
    assert!(bare.len() < json.len());
}

struct Account {
    kind: Kind,
    name: String,
    pubkey: String,
    data: Vec<u8>,
    expected: Value,
}

/// The real accounts, every number of `expected` a string: JSON numbers end at 64 bits here.
fn accounts() -> Vec<Account> {
    let Some(text) = shared("accounts.jsonl") else { return Vec::new() };
    assert!(!text.is_empty(), "no account in ../shared/drift/accounts.jsonl");
    let accounts = text.lines().map(|line| {
        let line: Value = serde_json::from_str(&numbers_as_strings(line)).unwrap();
        let name = line["kind"].as_str().unwrap().to_owned();
        Account {
            kind: drift().account_by_name(&name).unwrap().kind,
            name,
            pubkey: line["pubkey"].as_str().unwrap().to_owned(),
            data: base64::prelude::BASE64_STANDARD.decode(line["data"].as_str().unwrap()).unwrap(),
            expected: line["expected"].clone(),
        }
    });
    accounts.collect()
}

fn numbers_as_strings(json: &str) -> String {
    let mut out = String::with_capacity(json.len() * 2);
    let (mut in_string, mut in_number, mut escaped) = (false, false, false);
    for character in json.chars() {
        let digit = !in_string && (character.is_ascii_digit() || character == '-');
        if digit != in_number {
            out.push('"');
            in_number = digit;
        }
        in_string ^= character == '"' && !escaped;
        escaped = character == '\\' && !escaped;
        out.push(character);
    }
    out
}

#[test]
fn decodes_every_real_account_as_an_independent_decoder_does() {
    let drift = drift();
    for account in accounts() {
        let json = drift.to_json_value(account.kind, &account.data).unwrap();
        let json: Value = serde_json::from_str(&numbers_as_strings(&json.to_string())).unwrap();
        assert_eq!(json, account.expected, "{} {}", account.name, account.pubkey);
        assert_eq!(drift.classify(&account.data).unwrap().name, account.name);
    }
}

/// Every value of a decoded account that is neither a struct nor an array of them, by its path.
fn leaves(path: &str, value: &Value, visit: &mut impl FnMut(&str, &Value)) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                let dot = if path.is_empty() { "" } else { "." };
                leaves(&format!("{path}{dot}{name}"), value, visit);
            }
        }
        Value::Array(values) if values.iter().any(Value::is_object) => {
            for (index, value) in values.iter().enumerate() {
                leaves(&format!("{path}[{index}]"), value, visit);
            }
        }
        leaf => visit(path, leaf),
    }
}

fn text(drift: &Profile, value: &Read) -> Value {
    match value {
        Read::Bool(truth) => (*truth).into(),
        Read::UInt(number) => number.to_string().into(),
        Read::Int(number) => number.to_string().into(),
        Read::Pubkey(key) => key.to_string().into(),
        Read::Enum { id, discriminant } => drift.variant(*id, *discriminant).unwrap().into(),
        Read::Bytes(bytes) => bytes.iter().map(u8::to_string).collect(),
    }
}

fn write(field: Field, account: &mut [u8], value: &Read) -> bool {
    match value {
        Read::Bytes(bytes) => field.write_bytes(account, bytes),
        Read::Pubkey(key) => field.write_pubkey(account, key),
        Read::Int(number) => field.write_int(account, *number),
        other => field.write_uint(account, other.as_u128().unwrap()),
    }
}

#[test]
fn every_field_is_found_by_its_path_and_rewriting_them_all_rebuilds_the_account() {
    let drift = drift();
    for account in accounts() {
        let mut rebuilt = drift.blank(account.kind).unwrap();
        leaves("", &account.expected, &mut |path, expected| {
            let field = drift.resolve(account.kind, path).unwrap();
            let value = field.read(&account.data).unwrap();
            assert_eq!(text(&drift, &value), *expected, "{} {path}", account.name);
            assert!(write(field, &mut rebuilt, &value), "{} {path}", account.name);
        });
        assert!(
            rebuilt == account.data,
            "{} {} has bytes in no field",
            account.name,
            account.pubkey
        );
    }
}

#[test]
fn real_accounts_are_where_the_seeds_put_them() {
    let drift = drift();
    for account in accounts() {
        let role = |role| drift.account(account.kind).unwrap().role(role).unwrap();
        let number = |name| u16::try_from(role(name).read_u64(&account.data).unwrap()).unwrap();
        let address = match account.kind {
            Kind::PerpMarket => drift.perp_market_address(number("market_index")),
            Kind::SpotMarket => drift.spot_market_address(number("market_index")),
            _ => {
                let authority = role("authority").read_pubkey(&account.data).unwrap();
                drift.user_address(&authority, number("sub_account_id"))
            }
        };
        let own = drift.resolve(account.kind, "pubkey").ok();
        let own = own.map(|field| field.read_pubkey(&account.data).unwrap().to_string());
        assert_eq!(address.unwrap().to_string(), own.unwrap_or(account.pubkey), "{}", account.name);
    }
}

#[test]
fn symbols_are_the_markets_names() {
    let drift = drift();
    let symbols = accounts().into_iter().filter(|account| account.kind == Kind::PerpMarket);
    let symbols: Vec<String> = symbols
        .map(|account| {
            let field = drift.account(account.kind).unwrap().role("symbol").unwrap();
            field.read_text(&account.data).unwrap()
        })
        .collect();
    assert!(symbols.is_empty() || symbols.contains(&"SOL-PERP".to_owned()), "{symbols:?}");
}
