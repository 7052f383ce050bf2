//! Perp markets that show whether a read was torn.
//!
//! With [`SimOptions::pairs`](super::SimOptions::pairs) every update of a perp market, the first
//! one too, carries in itself what a reader needs to tell whether all of its bytes are of one
//! version:
//!
//! - **Equal fields.** Every field of [`Pairs::paths`] holds the same number. It counts the
//!   market's updates, from 1, and only rises. The fields are the account's first and last 8-byte
//!   integers that have no role in the profile, and the one with the role `volume24h`; elements
//!   of arrays do not count. For `drift-v2` these are
//!   `amm.historical_oracle_data.last_oracle_conf`, `amm.volume24h` and `last_fill_price`: bytes
//!   80, 840 and 1184 of 1216.
//! - **A checksum.** The account's last four bytes, which must be padding, are the Adler-32 of
//!   all bytes before them, little-endian. In Python:
//!   `zlib.adler32(data[:-4]) == int.from_bytes(data[-4:], "little")`.
//!
//! So a reader of single fields compares them in one read (a `fields` getter, a snapshot, two
//! views of one cut), and a reader of whole accounts the checksum too. All else in the account is
//! as without pairs. A profile that lacks the fields or the padding goes without what it lacks.

use driftshm_layout::profile::{AccountDef, Field, Kind, Profile, StructId, Type, role};

/// What a torn read looks like.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Torn {
    /// Two fields differ.
    #[error("torn: {path} is {found}, but {first} is {count}")]
    Pair {
        /// The path of a field.
        path: String,
        /// What it holds.
        found: i128,
        /// The path of the first field.
        first: String,
        /// What that one holds.
        count: i128,
    },
    /// The bytes do not add up.
    #[error("torn: the checksum of the bytes is {computed:#010x}, but {stored:#010x} is stored")]
    Checksum {
        /// Of the bytes.
        computed: u32,
        /// In the bytes.
        stored: u32,
    },
    /// The account ends before its fields do.
    #[error("an account of {len} bytes is too short to be checked")]
    TooShort {
        /// Its length.
        len: usize,
    },
}

/// Which fields of a perp market are equal, and where its checksum is.
#[derive(Debug, Clone)]
pub struct Pairs {
    fields: Vec<(String, Field)>,
    /// The length of the account, if it ends with padding.
    checked_len: Option<usize>,
}

const CHECKSUM_LEN: usize = 4;

impl Pairs {
    /// What the profile's perp markets have; `None` if it has none.
    pub fn of(profile: &Profile) -> Option<Self> {
        let market = profile.account(Kind::PerpMarket)?;
        let taken: Vec<&str> = market.roles().map(|(_, path)| path).collect();
        let mut free = Vec::new();
        eight_byte_integers(profile, market.struct_id, "", &mut free);
        free.retain(|path| !taken.contains(&path.as_str()));
        let volume = market.roles().find(|(name, _)| *name == role::VOLUME_24H);
        let mut paths = vec![free.first().cloned(), free.last().cloned()];
        paths.push(volume.map(|(_, path)| path.to_owned()));
        let mut fields: Vec<(String, Field)> = paths
            .into_iter()
            .flatten()
            .filter_map(|path| profile.resolve(market, &path).ok().map(|field| (path, field)))
            .filter(|(_, field)| field.size() == 8)
            .collect();
        fields.sort_by_key(|(_, field)| field.offset);
        fields.dedup();
        Some(Self { fields, checked_len: ends_with_padding(profile, market) })
    }

    /// The paths of the fields that are equal, by their place in the account.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.fields.iter().map(|(path, _)| path.as_str())
    }

    /// Whether the accounts carry a checksum.
    pub fn has_checksum(&self) -> bool {
        self.checked_len.is_some()
    }

    /// The number that the equal fields hold, if `account` is of one version.
    pub fn check(&self, account: &[u8]) -> Result<u64, Torn> {
        let too_short = || Torn::TooShort { len: account.len() };
        let mut seen: Option<(&str, i128)> = None;
        for (path, field) in &self.fields {
            let found = field.read_i128(account).ok_or_else(too_short)?;
            let (first, count) = *seen.get_or_insert((path, found));
            if found != count {
                let (path, first) = (path.clone(), first.to_owned());
                return Err(Torn::Pair { path, found, first, count });
            }
        }
        if let Some(len) = self.checked_len {
            let account = account.get(..len).ok_or_else(too_short)?;
            let (body, tail) = account.split_last_chunk::<CHECKSUM_LEN>().ok_or_else(too_short)?;
            let (computed, stored) = (adler32(body), u32::from_le_bytes(*tail));
            if computed != stored {
                return Err(Torn::Checksum { computed, stored });
            }
        }
        Ok(seen.and_then(|(_, count)| u64::try_from(count).ok()).unwrap_or(0))
    }

    /// Makes the account one that [`Pairs::check`] finds whole.
    pub(super) fn stamp(&self, account: &mut [u8], count: u64) {
        for (_, field) in &self.fields {
            let _ = field.write_int(account, count.into());
        }
        let checked = self.checked_len.and_then(|len| account.get_mut(..len));
        if let Some((body, tail)) =
            checked.and_then(|all| all.split_last_chunk_mut::<CHECKSUM_LEN>())
        {
            *tail = adler32(body).to_le_bytes();
        }
    }
}

/// The paths of all 64-bit integers of a struct, by their offset.
fn eight_byte_integers(profile: &Profile, id: StructId, within: &str, paths: &mut Vec<String>) {
    for field in profile.struct_def(id).map_or(&[][..], |known| &known.fields) {
        let path = format!("{within}{}", field.name);
        match field.ty {
            Type::U64 | Type::I64 => paths.push(path),
            // A profile's structs do not contain themselves.
            Type::Struct(id) => eight_byte_integers(profile, id, &format!("{path}."), paths),
            _ => {}
        }
    }
}

/// The account's length, if its last field is bytes without a role, and enough of them.
fn ends_with_padding(profile: &Profile, market: &AccountDef) -> Option<usize> {
    let last = profile.struct_def(market.struct_id)?.fields.last()?;
    let Type::Bytes(len) = last.ty else { return None };
    let has_role = market.roles().any(|(_, path)| path == last.name);
    let field = profile.resolve(market, &last.name).ok()?;
    let end = usize::try_from(field.offset).ok()?.checked_add(field.size())?;
    (!has_role && len as usize >= CHECKSUM_LEN && end == market.len).then_some(end)
}

/// The checksum of RFC 1950, which every language has in its zlib.
fn adler32(bytes: &[u8]) -> u32 {
    const MODULUS: u32 = 65_521;
    let (mut a, mut b) = (1_u32, 0_u32);
    // The most bytes after which `b` still fits in 32 bits.
    for chunk in bytes.chunks(5552) {
        for byte in chunk {
            a += u32::from(*byte);
            b += a;
        }
        a %= MODULUS;
        b %= MODULUS;
    }
    b << 16 | a
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drift() -> Profile {
        Profile::builtin("drift-v2").unwrap()
    }

    #[test]
    fn the_fields_of_drift_are_those_that_the_documentation_names() {
        let pairs = Pairs::of(&drift()).unwrap();
        let expected = [
            ("amm.historical_oracle_data.last_oracle_conf", 80),
            ("amm.volume24h", 840),
            ("last_fill_price", 1184),
        ];
        let found: Vec<_> =
            pairs.fields.iter().map(|(path, field)| (path.as_str(), field.offset)).collect();
        assert_eq!(found, expected);
        assert_eq!(pairs.checked_len, Some(1216));
    }

    #[test]
    fn any_changed_byte_is_noticed() {
        let pairs = Pairs::of(&drift()).unwrap();
        let mut whole = drift().blank(Kind::PerpMarket).unwrap();
        pairs.stamp(&mut whole, 77);
        assert_eq!(pairs.check(&whole), Ok(77));
        for place in 0..whole.len() {
            let mut torn = whole.clone();
            torn[place] ^= 1;
            assert!(pairs.check(&torn).is_err(), "byte {place}");
        }
        assert_eq!(pairs.check(&whole[..1215]), Err(Torn::TooShort { len: 1215 }));
    }

    #[test]
    fn two_versions_put_together_anywhere_are_noticed() {
        let pairs = Pairs::of(&drift()).unwrap();
        let mut old = drift().blank(Kind::PerpMarket).unwrap();
        pairs.stamp(&mut old, 41);
        let mut new = old.clone();
        pairs.stamp(&mut new, 42);
        for cut in 81..1213 {
            let torn = [&new[..cut], &old[cut..]].concat();
            assert!(pairs.check(&torn).is_err(), "cut at {cut}");
        }
    }

    #[test]
    fn the_checksum_is_the_one_of_zlib() {
        assert_eq!(adler32(b""), 1);
        assert_eq!(adler32(b"Wikipedia"), 0x11e6_0398);
        assert_eq!(adler32(&[0xff; 100_000]), {
            let (mut a, mut b) = (1_u64, 0_u64);
            for _ in 0..100_000 {
                a = (a + 0xff) % 65_521;
                b = (b + a) % 65_521;
            }
            (b << 16 | a) as u32
        });
    }
}
