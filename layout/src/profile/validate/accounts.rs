//! Accounts: how they are told apart, their lengths, and the roles of their fields.

use super::super::error::Problem;
use super::super::json::{AccountJson, Entries};
use super::super::kind::Kind;
use super::super::model::{AccountDef, Role, StructId, Type};
use super::super::{DISCRIMINATOR_LEN, Profile, path, role};
use super::{Checked, MAX_ACCOUNT_LEN, count, cut, invalid, keys};

const MAX_ACCOUNTS: usize = 32;
const MAX_LENGTHS: usize = 16;
const MAX_ROLES: usize = 64;

/// Checks the accounts and adds them to the profile, whose structs are complete.
pub fn accounts(profile: &mut Profile, json: Entries<AccountJson>) -> Checked<()> {
    count("accounts", json.0.len(), MAX_ACCOUNTS)?;
    keys("accounts", &json, MAX_ACCOUNTS)?;
    for (name, found) in json.0 {
        let account = account(profile, &format!("accounts.{name}"), name, found)?;
        profile.accounts.push(account);
    }
    Ok(())
}

fn account(profile: &Profile, at: &str, name: String, json: AccountJson) -> Checked<AccountDef> {
    let discriminator = discriminator(&json.discriminator)
        .filter(|found| profile.accounts.iter().all(|other| other.discriminator != *found))
        .ok_or_else(|| invalid(at, Problem::Discriminator { text: cut(&json.discriminator) }))?;
    if json.kind != Kind::Oracle && profile.accounts.iter().any(|other| other.kind == json.kind) {
        return Err(invalid(at, Problem::SecondOfKind));
    }
    let Some(struct_id) = profile.struct_by_name(&name) else {
        return Err(invalid(at, Problem::NoStruct));
    };
    let len = DISCRIMINATOR_LEN + Type::Struct(struct_id).size();
    if json.len != len {
        let (found, expected) = (json.len as u64, len as u64);
        return Err(invalid(at, Problem::Length { found, expected }));
    }
    let min_len = json.min_len.unwrap_or(len);
    let lengths = json.lengths;
    let bounds = DISCRIMINATOR_LEN + 1..=MAX_ACCOUNT_LEN;
    if !bounds.contains(&min_len)
        || min_len > len
        || !lengths.iter().flatten().all(|length| bounds.contains(length))
    {
        return Err(invalid(at, Problem::Lengths { max: MAX_ACCOUNT_LEN }));
    }
    if let Some(lengths) = &lengths {
        count(&format!("{at}.lengths"), lengths.len(), MAX_LENGTHS)?;
    }
    let roles = roles(profile, at, struct_id, json.roles)?;
    let kind = json.kind;
    Ok(AccountDef { kind, name, struct_id, discriminator, len, min_len, lengths, roles })
}

fn discriminator(hex: &str) -> Option<[u8; DISCRIMINATOR_LEN]> {
    // `from_str_radix` would take a sign, too.
    let good = hex.len() == 2 * DISCRIMINATOR_LEN && hex.bytes().all(|b| b.is_ascii_hexdigit());
    let number = good.then(|| u64::from_str_radix(hex, 16).ok())?;
    number.map(u64::to_be_bytes)
}

fn roles(profile: &Profile, at: &str, id: StructId, json: Entries<String>) -> Checked<Vec<Role>> {
    let at = format!("{at}.roles");
    keys(&at, &json, MAX_ROLES)?;
    let roles = json.0.into_iter().map(|(name, path)| {
        let at = format!("{at}.{name}");
        let field = path::in_account(profile, id, &path)
            .map_err(|error| invalid(at.clone(), Problem::Path(error)))?;
        match role::mismatch(profile, &name, field.ty) {
            Some(holds) => Err(invalid(at, Problem::Role { holds })),
            None => Ok(Role { name, path, field }),
        }
    });
    roles.collect()
}
