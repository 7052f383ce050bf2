//! Profiles: what the accounts of one on-chain program look like, as data.
//!
//! A profile names the program and its addresses, and lists its accounts, structs, enums and
//! units. The rest of driftshm knows no offset and no field name of any program; it finds fields
//! by their [`role`] or by a path that a user typed. Builtin profiles are the files in
//! `layout/profiles`; a reader takes the writer's from the region, as untrusted input.

mod addresses;
mod builtin;
mod decode;
mod error;
mod field;
mod json;
mod kind;
mod model;
mod path;
pub mod role;
mod suggest;
mod type_text;
mod validate;
mod value;

pub use addresses::Seed;
pub use error::{Problem, ProfileError};
pub use field::Field;
#[cfg(not(driftshm_loom))]
pub(crate) use json::MAX_JSON_LEN;
pub use kind::{Kind, UnknownKind};
pub use model::{
    AccountDef, ArrayDef, ArrayId, EnumDef, EnumId, FieldDef, StructDef, StructId, Type, UnitDef,
    UnitId,
};
pub use path::{PathError, Root};
pub use value::Value;

use crate::Pubkey;
use addresses::SeedDef;

/// Every account of the program starts with so many bytes that say what it is.
pub const DISCRIMINATOR_LEN: usize = 8;

/// What the accounts of one program look like. Always valid: there is no way to build one that
/// was not checked by [`Profile::from_json`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// The profile's own name, such as `drift-v2`.
    pub name: String,
    /// The version of the program that it describes.
    pub program_version: String,
    /// The program that owns the accounts.
    pub program_id: Pubkey,
    /// Put together from sources that were not checked against real accounts.
    pub provisional: bool,
    rejected_oracle_sources: Vec<String>,
    accounts: Vec<AccountDef>,
    structs: Vec<StructDef>,
    enums: Vec<EnumDef>,
    units: Vec<UnitDef>,
    arrays: Vec<ArrayDef>,
    seeds: Vec<SeedDef>,
}

impl Profile {
    /// The program's accounts.
    pub fn accounts(&self) -> &[AccountDef] {
        &self.accounts
    }

    /// The program's structs; each account's is among them.
    pub fn structs(&self) -> &[StructDef] {
        &self.structs
    }

    /// The program's enums.
    pub fn enums(&self) -> &[EnumDef] {
        &self.enums
    }

    /// What the numbers in fields count.
    pub fn units(&self) -> &[UnitDef] {
        &self.units
    }

    /// The account of this kind; `None` for [`Kind::Oracle`], of which a program may own several
    /// (see [`Profile::account_by_name`] and [`Profile::classify`]).
    pub fn account(&self, kind: Kind) -> Option<&AccountDef> {
        if kind == Kind::Oracle {
            return None;
        }
        self.accounts.iter().find(|account| account.kind == kind)
    }

    /// The account that the program calls this.
    pub fn account_by_name(&self, name: &str) -> Option<&AccountDef> {
        self.accounts.iter().find(|account| account.name == name)
    }

    /// Which account starts with these bytes, judged by the discriminator alone.
    ///
    /// Whether its length can be trusted is [`AccountDef::layout_ok`]'s to say, and whether it
    /// belongs to the program its owner's.
    pub fn classify(&self, data: &[u8]) -> Option<&AccountDef> {
        let discriminator = data.get(..DISCRIMINATOR_LEN)?;
        self.accounts.iter().find(|account| account.discriminator == discriminator)
    }

    /// The struct behind an id; `None` only if the id is another profile's.
    pub fn struct_def(&self, id: StructId) -> Option<&StructDef> {
        self.structs.get(id.index())
    }

    /// The struct of this name.
    pub fn struct_by_name(&self, name: &str) -> Option<StructId> {
        let index = self.structs.iter().position(|known| known.name == name)?;
        let size = u32::try_from(self.structs.get(index)?.size).ok()?;
        Some(StructId { index: u16::try_from(index).ok()?, size })
    }

    /// The array behind an id; `None` only if the id is another profile's.
    pub fn array(&self, id: ArrayId) -> Option<ArrayDef> {
        self.arrays.get(usize::from(id.index)).copied()
    }

    /// The enum behind an id; `None` only if the id is another profile's.
    pub fn enum_def(&self, id: EnumId) -> Option<&EnumDef> {
        self.enums.get(id.index())
    }

    /// The enum of this name.
    pub fn enum_by_name(&self, name: &str) -> Option<EnumId> {
        let index = self.enums.iter().position(|known| known.name == name)?;
        u16::try_from(index).ok().map(EnumId)
    }

    /// The unit behind an id; `None` only if the id is another profile's.
    pub fn unit(&self, id: UnitId) -> Option<&UnitDef> {
        self.units.get(id.index())
    }

    /// The name of a variant; `None` for a byte that the profile knows no variant for.
    pub fn variant(&self, id: EnumId, discriminant: u8) -> Option<&str> {
        let variants = &self.enum_def(id)?.variants;
        variants.get(usize::from(discriminant)).map(String::as_str)
    }

    /// The byte that stands for a variant.
    pub fn discriminant(&self, enum_name: &str, variant: &str) -> Option<u8> {
        let known = self.enums.iter().find(|known| known.name == enum_name)?;
        let place = known.variants.iter().position(|name| name == variant)?;
        u8::try_from(place).ok()
    }

    /// The enum whose variants are the oracle sources: the type of the field that has the role
    /// [`role::ORACLE_SOURCE`] in a market.
    pub fn oracle_sources(&self) -> Option<EnumId> {
        [Kind::PerpMarket, Kind::SpotMarket].into_iter().find_map(|kind| {
            match self.account(kind)?.role(role::ORACLE_SOURCE)?.ty {
                Type::Enum(id) => Some(id),
                _ => None,
            }
        })
    }

    /// Whether the program itself refuses to read oracles by this variant of
    /// [`Profile::oracle_sources`], though the enum still has it.
    pub fn rejects_oracle_source(&self, variant: &str) -> bool {
        self.rejected_oracle_sources.iter().any(|rejected| rejected == variant)
    }

    /// A zeroed account of this kind with its discriminator, of the described length.
    pub fn blank(&self, kind: Kind) -> Option<Vec<u8>> {
        self.account(kind).map(AccountDef::blank)
    }
}
