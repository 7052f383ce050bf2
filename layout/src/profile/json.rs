//! The JSON form of a profile.
//!
//! Everything that has a name is an entry of an object, in an order that means something (fields
//! by offset, variants by discriminant); so objects are lists of pairs here, which keep that
//! order and let duplicates be seen.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde::ser::{Serialize, Serializer};
use sha2::{Digest, Sha256};

use super::kind::Kind;
use super::model::{AccountDef, FieldDef, StructDef};
use super::{Profile, ProfileError, type_text, validate};

/// The version of this form.
pub(super) const FORMAT: u64 = 1;

/// No profile is longer. The region's copy, without white space, is far shorter.
pub const MAX_JSON_LEN: usize = 256 * 1024;

#[derive(serde::Deserialize)]
struct FormatOnly {
    format: u64,
}

#[derive(serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ProfileJson {
    pub format: u64,
    pub name: String,
    pub program_version: String,
    pub program_id: String,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub provisional: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rejected_oracle_sources: Vec<String>,
    pub address_seeds: Entries<Vec<String>>,
    pub units: Entries<UnitJson>,
    pub accounts: Entries<AccountJson>,
    pub enums: Entries<Vec<String>>,
    pub structs: Entries<StructJson>,
}

#[derive(serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct UnitJson {
    pub decimals: u8,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub doc: Option<String>,
}

#[derive(serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AccountJson {
    pub kind: Kind,
    pub discriminator: String,
    pub len: usize,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_len: Option<usize>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lengths: Option<Vec<usize>>,
    pub roles: Entries<String>,
}

#[derive(serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StructJson {
    pub size: usize,
    pub fields: Vec<FieldJson>,
}

#[derive(serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FieldJson {
    pub name: String,
    pub offset: u32,
    #[serde(rename = "type")]
    pub ty: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub doc: Option<String>,
}

/// A JSON object as the list of its entries, duplicates included.
pub(super) struct Entries<T>(pub Vec<(String, T)>);

impl<T: Serialize> Serialize for Entries<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Entries<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pairs<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Pairs<T> {
            type Value = Entries<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entries<T>, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Entries(entries))
            }
        }

        deserializer.deserialize_map(Pairs(PhantomData))
    }
}

impl Profile {
    /// Reads a profile and checks all of it, so that whatever follows need not.
    ///
    /// The bytes may come from anywhere: a profile that is wrong in any way is refused, in time
    /// and memory bounded by its length, which is bounded too.
    pub fn from_json(bytes: &[u8]) -> Result<Self, ProfileError> {
        if bytes.len() > MAX_JSON_LEN {
            return Err(ProfileError::TooLong { len: bytes.len(), max: MAX_JSON_LEN });
        }
        // Of another format nothing else is known, not even which keys it has.
        let FormatOnly { format } = serde_json::from_slice(bytes)?;
        if format != FORMAT {
            return Err(ProfileError::Format { found: format, known: FORMAT });
        }
        validate::profile(serde_json::from_slice(bytes)?)
    }

    /// The profile as JSON without white space: the form it has in a region.
    ///
    /// The same profile always gives the same bytes, and [`Profile::from_json`] the same profile.
    pub fn to_json(&self) -> Vec<u8> {
        // Fails for keys that are no strings, of which there are none.
        serde_json::to_vec(&self.json()).unwrap_or_default()
    }

    /// The SHA-256 of [`Profile::to_json`]: equal only for profiles that are equal.
    pub fn schema_hash(&self) -> [u8; 32] {
        Sha256::digest(self.to_json()).into()
    }

    /// The same profile without the texts that explain fields and units, for when space counts.
    /// Its schema hash is another.
    pub fn without_docs(&self) -> Self {
        let mut bare = self.clone();
        for field in bare.structs.iter_mut().flat_map(|known| &mut known.fields) {
            field.doc = None;
        }
        for unit in &mut bare.units {
            unit.doc = None;
        }
        bare
    }

    fn json(&self) -> ProfileJson {
        let units = self.units.iter().map(|unit| {
            (unit.name.clone(), UnitJson { decimals: unit.decimals, doc: unit.doc.clone() })
        });
        let enums = self.enums.iter().map(|known| (known.name.clone(), known.variants.clone()));
        let seeds = self.seeds.iter().map(|seed| (seed.name.clone(), seed.texts()));
        ProfileJson {
            format: FORMAT,
            name: self.name.clone(),
            program_version: self.program_version.clone(),
            program_id: self.program_id.to_string(),
            provisional: self.provisional,
            rejected_oracle_sources: self.rejected_oracle_sources.clone(),
            address_seeds: Entries(seeds.collect()),
            units: Entries(units.collect()),
            accounts: Entries(self.accounts.iter().map(account_json).collect()),
            enums: Entries(enums.collect()),
            structs: Entries(self.structs.iter().map(|known| self.struct_json(known)).collect()),
        }
    }

    fn struct_json(&self, known: &StructDef) -> (String, StructJson) {
        let fields = known.fields.iter().map(|field| self.field_json(field)).collect();
        (known.name.clone(), StructJson { size: known.size, fields })
    }

    fn field_json(&self, field: &FieldDef) -> FieldJson {
        FieldJson {
            name: field.name.clone(),
            offset: field.offset,
            ty: type_text::write(self, field.ty),
            unit: field.unit.and_then(|id| self.unit(id)).map(|unit| unit.name.clone()),
            doc: field.doc.clone(),
        }
    }
}

fn account_json(account: &AccountDef) -> (String, AccountJson) {
    let roles = account.roles().map(|(name, path)| (name.to_owned(), path.to_owned()));
    let hex = account.discriminator.iter().map(|byte| format!("{byte:02x}"));
    let json = AccountJson {
        kind: account.kind,
        discriminator: hex.collect(),
        len: account.len,
        min_len: (account.min_len != account.len).then_some(account.min_len),
        lengths: account.lengths.clone(),
        roles: Entries(roles.collect()),
    };
    (account.name.clone(), json)
}
