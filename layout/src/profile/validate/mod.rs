//! From the JSON form to a profile that holds no surprises.
//!
//! Everything is checked here and nowhere else. The input may be hostile: work and memory are
//! bounded by its length, nothing overflows, and what it describes can be read without end
//! neither in depth nor in number (every type takes at least one byte of an account of bounded
//! length).

mod accounts;
mod structs;

use super::addresses::SeedDef;
use super::error::{Problem, ProfileError};
use super::json::{Entries, ProfileJson, UnitJson};
use super::model::{EnumDef, UnitDef};
use super::{DISCRIMINATOR_LEN, Profile};
use crate::Pubkey;

/// No account is longer; Drift's longest has 4,376 bytes.
const MAX_ACCOUNT_LEN: usize = 64 * 1024;
const MAX_STRUCT_SIZE: usize = MAX_ACCOUNT_LEN - DISCRIMINATOR_LEN;
const MAX_ADDRESSES: usize = 32;
const MAX_ENUMS: usize = 256;
const MAX_UNITS: usize = 64;
const MAX_VARIANTS: usize = 256;
const MAX_NAME: usize = 64;
/// What the region's header has room for.
const MAX_PROFILE_NAME: usize = 32;
const MAX_DOC: usize = 160;
/// The largest power of ten in a u128 is the 38th.
const MAX_DECIMALS: u8 = 38;

type Checked<T> = Result<T, ProfileError>;

/// The profile that `json` describes, if it describes one.
pub fn profile(json: ProfileJson) -> Checked<Profile> {
    text("name", &json.name, MAX_PROFILE_NAME)?;
    text("program_version", &json.program_version, MAX_NAME)?;
    let rejected = json.rejected_oracle_sources;
    let mut profile = Profile {
        program_id: address(&json.program_id)?,
        name: json.name,
        program_version: json.program_version,
        provisional: json.provisional,
        rejected_oracle_sources: Vec::new(),
        accounts: Vec::new(),
        structs: Vec::new(),
        enums: enums(json.enums)?,
        units: units(json.units)?,
        arrays: Vec::new(),
        seeds: seeds(json.address_seeds)?,
    };
    structs::structs(&mut profile, json.structs)?;
    accounts::accounts(&mut profile, json.accounts)?;
    rejected_sources(&mut profile, rejected)?;
    Ok(profile)
}

/// Each is a source that the program's enum has, and there once only.
fn rejected_sources(profile: &mut Profile, rejected: Vec<String>) -> Checked<()> {
    let at = "rejected_oracle_sources";
    let known = profile.oracle_sources().and_then(|id| profile.enum_def(id));
    let known: &[String] = known.map_or(&[], |known| &known.variants);
    if rejected.len() > MAX_VARIANTS {
        return Err(invalid(at, Problem::TooMany { found: rejected.len(), max: MAX_VARIANTS }));
    }
    names(at, rejected.iter().map(String::as_str))?;
    if let Some(unknown) = rejected.iter().find(|name| !known.contains(name)) {
        return Err(invalid(at, Problem::UnknownSource { text: cut(unknown) }));
    }
    profile.rejected_oracle_sources = rejected;
    Ok(())
}

fn invalid(at: impl Into<String>, problem: Problem) -> ProfileError {
    ProfileError::Invalid { at: at.into(), problem }
}

/// The start of a text that is to appear in an error.
fn cut(text: &str) -> String {
    text.chars().take(MAX_NAME).collect()
}

fn count(at: &str, found: usize, max: usize) -> Checked<()> {
    match found {
        0 => Err(invalid(at, Problem::Empty)),
        _ if found > max => Err(invalid(at, Problem::TooMany { found, max })),
        _ => Ok(()),
    }
}

/// Names become attributes of Python objects and parts of paths.
fn name(at: &str, name: &str) -> Checked<()> {
    let first = |byte: u8| byte.is_ascii_alphabetic() || byte == b'_';
    let good = name.len() <= MAX_NAME
        && name.bytes().next().is_some_and(first)
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if good { Ok(()) } else { Err(invalid(at, Problem::Name { text: cut(name) })) }
}

fn text(at: &str, text: &str, max: usize) -> Checked<()> {
    let good = (1..=max).contains(&text.len()) && !text.contains(char::is_control);
    if good { Ok(()) } else { Err(invalid(at, Problem::Text { max })) }
}

/// Every name in `entries` is one, and there once only.
fn names<'a>(at: &str, entries: impl Iterator<Item = &'a str>) -> Checked<()> {
    let mut sorted: Vec<&str> = entries.collect();
    sorted.sort_unstable();
    let twice = sorted.windows(2).find(|pair| pair.first() == pair.last());
    if let Some(name) = twice.and_then(<[&str]>::first) {
        return Err(invalid(format!("{at}.{}", cut(name)), Problem::Duplicate));
    }
    sorted.into_iter().try_for_each(|entry| name(at, entry))
}

fn keys<T>(at: &str, entries: &Entries<T>, max: usize) -> Checked<()> {
    if entries.0.len() > max {
        return Err(invalid(at, Problem::TooMany { found: entries.0.len(), max }));
    }
    names(at, entries.0.iter().map(|(key, _)| key.as_str()))
}

fn address(text: &str) -> Checked<Pubkey> {
    text.parse().map_err(|_| invalid("program_id", Problem::Address { text: cut(text) }))
}

fn seeds(json: Entries<Vec<String>>) -> Checked<Vec<SeedDef>> {
    keys("address_seeds", &json, MAX_ADDRESSES)?;
    let seeds = json.0.into_iter().map(|(name, texts)| {
        let at = format!("address_seeds.{name}");
        SeedDef::parse(name, &texts).map_err(|problem| invalid(at, problem))
    });
    seeds.collect()
}

fn units(json: Entries<UnitJson>) -> Checked<Vec<UnitDef>> {
    keys("units", &json, MAX_UNITS)?;
    let units = json.0.into_iter().map(|(name, unit)| {
        let at = format!("units.{name}");
        if let Some(doc) = &unit.doc {
            text(&at, doc, MAX_DOC)?;
        }
        if unit.decimals > MAX_DECIMALS {
            let decimals = unit.decimals;
            return Err(invalid(at, Problem::Decimals { decimals, max: MAX_DECIMALS }));
        }
        Ok(UnitDef { name, decimals: unit.decimals, doc: unit.doc })
    });
    units.collect()
}

fn enums(json: Entries<Vec<String>>) -> Checked<Vec<EnumDef>> {
    keys("enums", &json, MAX_ENUMS)?;
    let enums = json.0.into_iter().map(|(name, variants)| {
        let at = format!("enums.{name}");
        count(&at, variants.len(), MAX_VARIANTS)?;
        names(&at, variants.iter().map(String::as_str))?;
        Ok(EnumDef { name, variants })
    });
    enums.collect()
}
