//! Accounts from a file, with the oracles that its markets name.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use driftshm_layout::Pubkey;
use driftshm_layout::profile::{Kind, Profile, Type, role};
use driftshm_writer::oracle::Source;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::oracle;
use crate::chain::{Write, rent};
use crate::error::StartError;

#[derive(Deserialize)]
struct AccountLine {
    pubkey: Pubkey,
    #[serde(default)]
    owner: Option<Pubkey>,
    data: String,
}

#[derive(Deserialize)]
struct OracleLine {
    family: String,
    data: String,
    #[serde(default)]
    expected: serde_json::Map<String, Value>,
}

/// Reads accounts; what comes later in the file replaces what came before.
pub(crate) fn load(
    profile: &Profile,
    accounts: &Path,
    oracles: Option<&Path>,
    slot: u64,
) -> Result<Vec<Write>, StartError> {
    let mut all = Vec::new();
    for (number, line) in lines::<AccountLine>(accounts)? {
        let data = decode(&line.data, accounts, number)?;
        all.push(write(line.pubkey, line.owner.unwrap_or(profile.program_id), data));
    }
    let beside = accounts.with_file_name("oracles.jsonl");
    let oracles = oracles.map(Path::to_path_buf).or_else(|| beside.exists().then_some(beside));
    let recorded = oracles.map(|path| read_oracles(&path)).transpose()?.unwrap_or_default();
    let mut made = Vec::new();
    for market in &all {
        let Some((pubkey, source, price)) = wanted_oracle(profile, &market.data) else { continue };
        let is_there = |write: &Write| write.pubkey == pubkey;
        if all.iter().chain(&made).any(is_there) {
            continue;
        }
        let fits = |line: &&Recorded| line.1.contains(&source.0);
        let data = match recorded.iter().find(fits) {
            Some((data, _)) => data.clone(),
            None => oracle::make(profile, source.1, price, slot),
        };
        made.push(write(pubkey, oracle::owner(profile, source.1.family()), data));
    }
    all.extend(made);
    all.extend(missing_state(profile, &all));
    Ok(all)
}

fn write(pubkey: Pubkey, owner: Pubkey, data: Vec<u8>) -> Write {
    Write { pubkey, owner, lamports: rent(data.len()), data: data.into() }
}

/// A recorded oracle, and the sources that it can be read by.
type Recorded = (Vec<u8>, Vec<String>);

fn read_oracles(path: &Path) -> Result<Vec<Recorded>, StartError> {
    let read = |(number, line): (usize, OracleLine)| {
        let known = line.expected.into_iter().filter(|(_, price)| !price.is_null());
        let mut names: Vec<String> = known.map(|(name, _)| name).collect();
        if names.is_empty() {
            names.push(line.family);
        }
        Ok((decode(&line.data, path, number)?, names))
    };
    lines(path)?.into_iter().map(read).collect()
}

/// The oracle that a market names, how it is to be read, and the price it last had.
fn wanted_oracle(profile: &Profile, data: &[u8]) -> Option<(Pubkey, (String, Source), i64)> {
    let account = profile.classify(data)?;
    if !matches!(account.kind, Kind::PerpMarket | Kind::SpotMarket) {
        return None;
    }
    let pubkey = account.role(role::ORACLE)?.read_pubkey(data)?;
    let source = account.role(role::ORACLE_SOURCE)?;
    let Type::Enum(id) = source.ty else { return None };
    let number = u8::try_from(source.read_u64(data)?).ok()?;
    let name = profile.variant(id, number)?;
    let source = Source::parse(name).filter(|source| source.needs_account())?;
    let price = account.role(role::LAST_ORACLE_PRICE).and_then(|field| field.read_i64(data));
    let price = price.filter(|price| *price > 0).unwrap_or(1_000_000);
    Some((pubkey, (name.to_owned(), source), price))
}

/// The state account, if the file has none: it says how many markets there are.
fn missing_state(profile: &Profile, all: &[Write]) -> Option<Write> {
    let pubkey = profile.state_address()?;
    if all.iter().any(|write| write.pubkey == pubkey) {
        return None;
    }
    let mut data = profile.blank(Kind::State)?;
    let markets = |kind| {
        let index = |write: &Write| {
            let account = profile.classify(&write.data).filter(|account| account.kind == kind)?;
            account.role(role::MARKET_INDEX)?.read_u64(&write.data)
        };
        all.iter().filter_map(index).max().map_or(0, |highest| highest + 1)
    };
    let counts = [
        (role::NUMBER_OF_MARKETS, markets(Kind::PerpMarket)),
        (role::NUMBER_OF_SPOT_MARKETS, markets(Kind::SpotMarket)),
    ];
    for (role, count) in counts {
        if let Some(field) = profile.account(Kind::State).and_then(|state| state.role(role)) {
            let _ = field.write_int(&mut data, count.into());
        }
    }
    Some(write(pubkey, profile.program_id, data))
}

fn decode(text: &str, path: &Path, number: usize) -> Result<Vec<u8>, StartError> {
    let bad = |error: base64::DecodeError| StartError::Line {
        path: path.to_path_buf(),
        number,
        reason: format!("data is no base64: {error}"),
    };
    STANDARD.decode(text).map_err(bad)
}

fn lines<T: DeserializeOwned>(path: &Path) -> Result<Vec<(usize, T)>, StartError> {
    let failed = |source| StartError::File { path: PathBuf::from(path), source };
    let file = BufReader::new(File::open(path).map_err(failed)?);
    let mut all = Vec::new();
    for (number, line) in (1..).zip(file.lines()) {
        let line = line.map_err(failed)?;
        if line.trim().is_empty() {
            continue;
        }
        let read = serde_json::from_str(&line).map_err(|error| StartError::Line {
            path: path.to_path_buf(),
            number,
            reason: error.to_string(),
        })?;
        all.push((number, read));
    }
    Ok(all)
}
