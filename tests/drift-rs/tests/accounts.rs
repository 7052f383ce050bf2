//! The same accounts, decoded by drift-rs's types and by the profile, field for field.

mod support;

use std::collections::BTreeSet;
use std::fmt::Debug;

use anchor_lang::AccountDeserialize;
use bytemuck::Pod;
use drift_rs::types::accounts::{
    PerpMarket, PrelaunchOracle, PythLazerOracle, SpotMarket, State, User, UserStats,
};
use driftshm_drift_rs as _;
use driftshm_layout::profile::{DISCRIMINATOR_LEN, Profile, Type};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};
use serde::Serialize;
use serde_json::Value as Json;
use support::differences::{DIFFERENCES, Difference, NEW_VARIANTS, WERE_BOOLS, Why};
use support::leaves::{leaves, same, without_index};
use support::{drift, facts};

/// How many accounts of each sort are made up.
const MADE_UP: u64 = 40;

/// What drift-rs makes of an account.
fn theirs(name: &str, data: &[u8]) -> Json {
    match name {
        "PerpMarket" => read::<PerpMarket>(data),
        "SpotMarket" => read::<SpotMarket>(data),
        "User" => read::<User>(data),
        "UserStats" => read::<UserStats>(data),
        "State" => read::<State>(data),
        "PrelaunchOracle" => read::<PrelaunchOracle>(data),
        "PythLazerOracle" => read::<PythLazerOracle>(data),
        other => panic!("drift-rs is not asked for {other}"),
    }
}

/// drift-rs's two ways: field by field, and the bytes as they lie.
fn read<T: AccountDeserialize + Pod + PartialEq + Debug + Serialize>(data: &[u8]) -> Json {
    let by_field = T::try_deserialize(&mut &data[..]).unwrap();
    // Only now: a T out of bytes that are no variant of an enum in it would be unsound.
    let as_it_lies: T = bytemuck::pod_read_unaligned(&data[DISCRIMINATOR_LEN..]);
    assert_eq!(by_field, as_it_lies);
    serde_json::to_value(by_field).unwrap()
}

/// Compares every field that both know; returns how many, and the names of those that only
/// drift-rs, and only the profile, has.
fn compare(
    drift: &Profile,
    name: &str,
    data: &[u8],
) -> (usize, BTreeSet<String>, BTreeSet<String>) {
    let ours = drift.to_json_value(name, data).unwrap();
    let theirs = theirs(name, data);
    let (ours, theirs) = (leaves(&ours), leaves(&theirs));
    let mut compared = 0;
    for (path, found) in &theirs {
        if !ours.contains_key(path) {
            continue;
        }
        let value = drift.resolve(name, path).unwrap().read(data).unwrap();
        let same = match WERE_BOOLS.contains(&(name, path)) {
            true => value.as_u128() == found.as_bool().map(u128::from),
            false => same(drift, &value, found),
        };
        assert!(same, "{name}.{path}: {value:?}, drift-rs: {found}");
        compared += 1;
    }
    for known in DIFFERENCES.iter().filter(|known| known.account == name) {
        if known.why == Why::Renamed {
            let value = drift.resolve(name, known.ours[0]).unwrap().read(data).unwrap();
            assert!(same(drift, &value, theirs[known.theirs[0]]), "{name}.{}", known.theirs[0]);
        }
    }
    let only_theirs = theirs.keys().filter(|path| !ours.contains_key(*path));
    let only_ours = ours.keys().filter(|path| !theirs.contains_key(*path));
    let bare = |path: &String| without_index(path);
    (compared, only_theirs.map(bare).collect(), only_ours.map(bare).collect())
}

/// Compares an account, and what is in only one of the decoders with what is known to be.
fn check(drift: &Profile, name: &str, data: &[u8]) -> usize {
    let (compared, only_theirs, only_ours) = compare(drift, name, data);
    let known = |side: fn(&Difference) -> &'static [&'static str]| -> BTreeSet<String> {
        let of_this = DIFFERENCES.iter().filter(|known| known.account == name);
        of_this.flat_map(side).map(|path| (*path).to_owned()).collect()
    };
    assert_eq!(only_theirs, known(|known| known.theirs), "{name}: only drift-rs has these");
    assert_eq!(only_ours, known(|known| known.ours), "{name}: only the profile has these");
    compared
}

#[test]
fn real_accounts_have_the_same_values() {
    let drift = drift();
    let mut compared = 0;
    let accounts = facts("accounts.jsonl");
    for (fact, data) in &accounts {
        compared += check(&drift, fact["kind"].as_str().unwrap(), data);
    }
    println!("{} accounts, {compared} values", accounts.len());
}

/// An account in which every byte is a random one, as long as it can be: bools and enums have but
/// few values. So no two fields are alike, and one that is read elsewhere, or wider, shows.
fn made_up(drift: &Profile, name: &str, seed: u64) -> Vec<u8> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let blank = drift.account_by_name(name).unwrap().blank();
    let paths = drift.to_json_value(name, &blank).unwrap();
    let mut data = blank;
    random.fill_bytes(&mut data[DISCRIMINATOR_LEN..]);
    for path in leaves(&paths).into_keys() {
        let field = drift.resolve(name, &path).unwrap();
        let values = match field.ty {
            Type::Bool => 2,
            _ if WERE_BOOLS.contains(&(name, &path)) => 2,
            Type::Enum(id) => {
                let known = drift.enum_def(id).unwrap();
                let new = NEW_VARIANTS.iter().filter(|(of, _)| *of == known.name);
                known.variants.len() - new.count()
            }
            _ => continue,
        };
        let value = u128::from(random.next_u32()) % u128::try_from(values).unwrap();
        assert!(field.write_uint(&mut data, value), "{name}.{path}");
    }
    data
}

#[test]
fn made_up_accounts_of_every_sort_have_the_same_values() {
    let drift = drift();
    for account in drift.accounts() {
        let values: BTreeSet<usize> = (0..MADE_UP)
            .map(|seed| check(&drift, &account.name, &made_up(&drift, &account.name, seed)))
            .collect();
        println!("{}: {values:?} values in each of {MADE_UP}", account.name);
        assert!(values.iter().all(|values| *values > 3), "{}", account.name);
    }
}

#[test]
fn what_replaced_a_field_lies_where_that_was() {
    let drift = drift();
    for known in DIFFERENCES.iter().filter(|known| known.why == Why::Replaced) {
        let path = |path: &str| path.replace("[]", "[0]");
        let data = made_up(&drift, known.account, 1);
        let field = drift.resolve(known.account, &path(known.ours[0])).unwrap();
        let before = theirs(known.account, &data);
        let mut changed = data;
        changed[usize::try_from(field.offset).unwrap()..field.end()].fill(0x5a);
        let after = theirs(known.account, &changed);
        let (before, after) = (leaves(&before), leaves(&after));
        let differing: Vec<_> =
            before.keys().filter(|path| before[*path] != after[*path]).collect();
        let expected: Vec<_> = known.theirs.iter().map(|theirs| path(theirs)).collect();
        assert_eq!(differing, expected.iter().collect::<Vec<_>>(), "{:?}", known.ours);
    }
}

#[test]
fn new_variants_are_the_last_of_their_enums() {
    let drift = drift();
    for (name, variant) in NEW_VARIANTS {
        let known = drift.enum_by_name(name).and_then(|id| drift.enum_def(id)).unwrap();
        assert_eq!(known.variants.last().map(String::as_str), Some(variant));
    }
}
