//! From a path such as `perp_positions[3].base_asset_amount` to a field.

use super::field::Field;
use super::kind::Kind;
use super::model::{AccountDef, FieldDef, StructId, Type};
use super::{DISCRIMINATOR_LEN, Profile, suggest};

/// Where a path starts.
#[derive(Debug, Clone, Copy)]
pub enum Root<'a> {
    /// The account of this kind; offsets count from the account's first byte.
    Kind(Kind),
    /// This account; offsets count from its first byte.
    Account(&'a AccountDef),
    /// A struct; offsets count from its first byte.
    Struct(StructId),
    /// The account of this name, else the struct of this name.
    Named(&'a str),
}

impl From<Kind> for Root<'_> {
    fn from(kind: Kind) -> Self {
        Root::Kind(kind)
    }
}

impl<'a> From<&'a AccountDef> for Root<'a> {
    fn from(account: &'a AccountDef) -> Self {
        Root::Account(account)
    }
}

impl From<StructId> for Root<'_> {
    fn from(id: StructId) -> Self {
        Root::Struct(id)
    }
}

impl<'a> From<&'a str> for Root<'a> {
    fn from(name: &'a str) -> Self {
        Root::Named(name)
    }
}

/// Why a path names no field.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// The profile has no account, or not just one, of that kind.
    #[error("this profile does not describe one single account of kind {kind}")]
    NoAccount {
        /// The kind that was asked for.
        kind: Kind,
    },
    /// The profile has no account and no struct of that name.
    #[error("this profile has no account and no struct {name:?}")]
    UnknownRoot {
        /// The name that was looked up, cut after 64 characters.
        name: String,
    },
    /// No field of that name.
    #[error("{within} has no field {name:?}{}", suggest::hint(.nearest))]
    UnknownField {
        /// The name that was looked up, cut after 64 characters.
        name: String,
        /// The struct it was looked up in.
        within: String,
        /// What may have been meant, most likely first; may be empty.
        nearest: Vec<String>,
    },
    /// An index past the last element.
    #[error("{path} has {len} elements, so there is no index {index}")]
    OutOfRange {
        /// The path of the array.
        path: String,
        /// The index that was given.
        index: u64,
        /// How many elements there are.
        len: u32,
    },
    /// A field of something that has none.
    #[error("{path} is not a struct, so it has no field {name:?}")]
    NotAStruct {
        /// The path of what is not a struct.
        path: String,
        /// The field that was looked up, cut after 64 characters.
        name: String,
    },
    /// An element of something that has none.
    #[error("{path} is not an array, so it has no index {index}")]
    NotAnArray {
        /// The path of what is not an array.
        path: String,
        /// The index that was given.
        index: u64,
    },
    /// Not a path at all.
    #[error("{path:?} is not a path: write names and indexes, as in orders[0].price")]
    Malformed {
        /// What was given, cut after 64 characters.
        path: String,
    },
}

/// Longer paths are not looked at; the longest of Drift's has 68 characters.
const MAX_PATH: usize = 512;

impl Profile {
    /// The field at `path` of an account or a struct.
    ///
    /// A path is names with dots between them, and indexes of arrays in brackets:
    /// `amm.base_asset_reserve`, `perp_positions[3].base_asset_amount`, `orders[0]`.
    pub fn resolve<'a>(&self, root: impl Into<Root<'a>>, path: &str) -> Result<Field, PathError> {
        match self.root(root.into())? {
            (id, Some(_)) => in_account(self, id, path),
            (id, None) => in_struct(self, id, path),
        }
    }

    /// The struct behind a root, and the account that it is the whole of.
    pub(super) fn root<'a>(
        &'a self,
        root: Root<'a>,
    ) -> Result<(StructId, Option<&'a AccountDef>), PathError> {
        let account = match root {
            Root::Struct(id) => return Ok((id, None)),
            Root::Account(account) => account,
            Root::Kind(kind) => self.account(kind).ok_or(PathError::NoAccount { kind })?,
            Root::Named(name) => match self.account_by_name(name) {
                Some(account) => account,
                None => {
                    let id = self.struct_by_name(name);
                    let unknown = || PathError::UnknownRoot { name: cut(name) };
                    return Ok((id.ok_or_else(unknown)?, None));
                }
            },
        };
        Ok((account.struct_id, Some(account)))
    }
}

/// The field at `path` of the account that is this struct, behind its discriminator.
pub(super) fn in_account(profile: &Profile, id: StructId, path: &str) -> Result<Field, PathError> {
    let field = in_struct(profile, id, path)?;
    Ok(Field { offset: field.offset + DISCRIMINATOR_LEN as u32, ..field })
}

/// The field at `path` of a struct, relative to the struct's first byte.
fn in_struct(profile: &Profile, id: StructId, path: &str) -> Result<Field, PathError> {
    let steps = steps(path).ok_or_else(|| PathError::Malformed { path: cut(path) })?;
    let mut here = Field { offset: 0, ty: Type::Struct(id), unit: None };
    for Step { text, before } in steps {
        here = match text {
            Part::Name(name) => named(profile, here, name, before)?,
            Part::Index(index) => indexed(profile, here, index, before)?,
        };
    }
    Ok(here)
}

fn named(profile: &Profile, from: Field, name: &str, before: &str) -> Result<Field, PathError> {
    let Type::Struct(id) = from.ty else {
        return Err(PathError::NotAStruct { path: before.to_owned(), name: cut(name) });
    };
    let fields = profile.struct_def(id).map_or(&[][..], |known| &known.fields);
    match fields.iter().find(|field| field.name == name) {
        Some(field) => Ok(Field { offset: from.offset + field.offset, ..field.field() }),
        None => Err(PathError::UnknownField {
            name: cut(name),
            within: profile.struct_def(id).map(|known| known.name.clone()).unwrap_or_default(),
            nearest: nearest(profile, fields, name),
        }),
    }
}

/// The same name one level deeper is what was meant; else names that look alike.
fn nearest(profile: &Profile, fields: &[FieldDef], name: &str) -> Vec<String> {
    let deeper = fields.iter().filter_map(|field| {
        let Type::Struct(id) = field.ty else { return None };
        let found = profile.struct_def(id)?.field(name)?;
        Some(format!("{}.{}", field.name, found.name))
    });
    let deeper: Vec<String> = deeper.take(3).collect();
    if deeper.is_empty() {
        suggest::nearest(name, fields.iter().map(|field| field.name.as_str()))
    } else {
        deeper
    }
}

fn indexed(profile: &Profile, from: Field, index: u64, before: &str) -> Result<Field, PathError> {
    let (elem, len) = match from.ty {
        Type::Bytes(len) => (Type::U8, len),
        Type::Array(id) => match profile.array(id) {
            Some(array) => (array.elem, array.len),
            None => return Err(PathError::NotAnArray { path: before.to_owned(), index }),
        },
        _ => return Err(PathError::NotAnArray { path: before.to_owned(), index }),
    };
    match u32::try_from(index) {
        // Within the array, and so within the account, whose length fits in an u32 many times.
        Ok(at) if at < len => {
            Ok(Field { offset: from.offset + at * elem.size() as u32, ty: elem, unit: from.unit })
        }
        _ => Err(PathError::OutOfRange { path: before.to_owned(), index, len }),
    }
}

/// A name or an index of a path, and the path up to it.
struct Step<'a> {
    text: Part<'a>,
    before: &'a str,
}

enum Part<'a> {
    Name(&'a str),
    Index(u64),
}

/// The steps of a path; `None` if it is not one.
fn steps(path: &str) -> Option<Vec<Step<'_>>> {
    if path.len() > MAX_PATH {
        return None;
    }
    let mut steps = Vec::new();
    let mut at = 0;
    loop {
        let rest = path.get(at..)?;
        let end = rest.find(['.', '[']).unwrap_or(rest.len());
        let name = rest.get(..end).filter(|name| !name.is_empty() && !name.contains(']'))?;
        let before = path.get(..at.saturating_sub(1))?;
        steps.push(Step { text: Part::Name(name), before });
        at += end;
        while let Some(index) = path.get(at..)?.strip_prefix('[') {
            let (digits, _) = index.split_once(']')?;
            // `parse` would take a plus sign, too.
            let good = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
            let number = good.then(|| digits.parse().ok())??;
            steps.push(Step { text: Part::Index(number), before: path.get(..at)? });
            at += digits.len() + 2;
        }
        match path.get(at..)? {
            "" => return Some(steps),
            rest if rest.starts_with('.') => at += 1,
            _ => return None,
        }
    }
}

fn cut(text: &str) -> String {
    text.chars().take(64).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::UnitId;

    fn drift() -> Profile {
        Profile::builtin("drift-v2").unwrap()
    }

    fn unit(profile: &Profile, id: Option<UnitId>) -> Option<&str> {
        profile.unit(id?).map(|unit| unit.name.as_str())
    }

    #[test]
    fn paths_lead_through_structs_and_arrays() {
        let drift = drift();
        let field = drift.resolve(Kind::PerpMarket, "amm.base_asset_reserve").unwrap();
        assert_eq!((field.offset, field.ty), (8 + 32 + 136, Type::U128));
        assert_eq!(unit(&drift, field.unit), Some("amm_reserve"));

        let field = drift.resolve(Kind::User, "perp_positions[3].base_asset_amount").unwrap();
        assert_eq!((field.offset, field.ty), (8 + 416 + 3 * 96 + 8, Type::I64));

        let order = drift.resolve(Kind::User, "orders[31]").unwrap();
        assert_eq!((order.offset, order.size()), (8 + 1184 + 31 * 96, 96));
        assert!(matches!(order.ty, Type::Struct(_)));

        assert_eq!(drift.resolve(Kind::PerpMarket, "name").unwrap().ty, Type::Bytes(32));
        let byte = drift.resolve(Kind::PerpMarket, "name[5]").unwrap();
        assert_eq!((byte.offset, byte.ty), (8 + 992 + 5, Type::U8));
    }

    #[test]
    fn offsets_count_from_where_the_path_starts() {
        let drift = drift();
        let order = drift.struct_by_name("Order").unwrap();
        assert_eq!(drift.resolve(order, "price").unwrap().offset, 8);
        assert_eq!(drift.resolve("Order", "price").unwrap().offset, 8);
        let account = drift.account_by_name("PythLazerOracle").unwrap();
        assert_eq!(drift.resolve(account, "conf").unwrap().offset, 8 + 32);
        assert_eq!(drift.resolve("PythLazerOracle", "conf").unwrap().offset, 8 + 32);
        let bare = drift.struct_by_name("PythLazerOracle").unwrap();
        assert_eq!(drift.resolve(bare, "conf").unwrap().offset, 32);
    }

    #[test]
    fn errors_say_what_was_looked_up_where_and_what_may_be_meant() {
        let drift = drift();
        let message = |kind, path| drift.resolve(kind, path).unwrap_err().to_string();
        assert_eq!(
            message(Kind::PerpMarket, "amm.base_asset_reserv"),
            "AMM has no field \"base_asset_reserv\"; did you mean base_asset_reserve, \
             ask_base_asset_reserve or bid_base_asset_reserve?"
        );
        assert_eq!(
            message(Kind::PerpMarket, "peg_multiplier"),
            "PerpMarket has no field \"peg_multiplier\"; did you mean amm.peg_multiplier?"
        );
        assert_eq!(
            message(Kind::User, "orders[32].price"),
            "orders has 32 elements, so there is no index 32"
        );
        assert_eq!(
            message(Kind::User, "orders.price"),
            "orders is not a struct, so it has no field \"price\""
        );
        assert_eq!(
            message(Kind::PerpMarket, "amm.sqrt_k[0]"),
            "amm.sqrt_k is not an array, so it has no index 0"
        );
        assert_eq!(
            message(Kind::Oracle, "price"),
            "this profile does not describe one single account of kind oracle"
        );
        assert_eq!(
            drift.resolve("Perp", "amm").unwrap_err().to_string(),
            "this profile has no account and no struct \"Perp\""
        );
    }

    #[test]
    fn what_is_no_path_is_malformed() {
        let drift = drift();
        for path in [
            "",
            ".",
            "amm.",
            ".amm",
            "amm..oracle",
            "[0]",
            "orders[",
            "orders[]",
            "orders[0",
            "orders[+1]",
            "orders[-1]",
            "orders[0]price",
            "orders]0[",
            "orders[0].",
            "orders[99999999999999999999]",
        ] {
            let error = drift.resolve(Kind::User, path).unwrap_err();
            assert!(matches!(error, PathError::Malformed { .. }), "{path:?}: {error}");
        }
        let long = "x".repeat(1 << 20);
        let error = drift.resolve(Kind::User, &long).unwrap_err().to_string();
        assert!(error.len() < 200, "{error}");
    }
}
