//! The value of a single field.

use super::model::{EnumId, Type};
use crate::Pubkey;

/// What a field that is neither a struct nor an array of them holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// A truth value.
    Bool(bool),
    /// Any unsigned integer.
    UInt(u128),
    /// Any signed integer.
    Int(i128),
    /// An account address.
    Pubkey(Pubkey),
    /// A variant of an enum, perhaps of one that the profile does not know; see
    /// [`Profile::variant`](super::Profile::variant).
    Enum {
        /// Which enum.
        id: EnumId,
        /// The byte in the account.
        discriminant: u8,
    },
    /// A byte array.
    Bytes(Vec<u8>),
}

impl Value {
    /// The value in `bytes`, which must have exactly the size of `ty`.
    pub(super) fn decode(ty: Type, bytes: &[u8]) -> Option<Self> {
        Some(match ty {
            Type::Bool => Value::Bool(u8::from_le_bytes(bytes.try_into().ok()?) != 0),
            Type::U8 => Value::UInt(u8::from_le_bytes(bytes.try_into().ok()?).into()),
            Type::U16 => Value::UInt(u16::from_le_bytes(bytes.try_into().ok()?).into()),
            Type::U32 => Value::UInt(u32::from_le_bytes(bytes.try_into().ok()?).into()),
            Type::U64 => Value::UInt(u64::from_le_bytes(bytes.try_into().ok()?).into()),
            Type::U128 => Value::UInt(u128::from_le_bytes(bytes.try_into().ok()?)),
            Type::I8 => Value::Int(i8::from_le_bytes(bytes.try_into().ok()?).into()),
            Type::I16 => Value::Int(i16::from_le_bytes(bytes.try_into().ok()?).into()),
            Type::I32 => Value::Int(i32::from_le_bytes(bytes.try_into().ok()?).into()),
            Type::I64 => Value::Int(i64::from_le_bytes(bytes.try_into().ok()?).into()),
            Type::I128 => Value::Int(i128::from_le_bytes(bytes.try_into().ok()?)),
            Type::Pubkey => Value::Pubkey(Pubkey(bytes.try_into().ok()?)),
            Type::Bytes(_) => Value::Bytes(bytes.to_vec()),
            Type::Enum(id) => {
                Value::Enum { id, discriminant: u8::from_le_bytes(bytes.try_into().ok()?) }
            }
            Type::Struct(_) | Type::Array(_) => return None,
        })
    }

    /// The number, or the byte of a bool or an enum; `None` if it is neither or negative.
    pub fn as_u128(&self) -> Option<u128> {
        match self {
            Value::Bool(truth) => Some((*truth).into()),
            Value::UInt(number) => Some(*number),
            Value::Int(number) => (*number).try_into().ok(),
            Value::Enum { discriminant, .. } => Some((*discriminant).into()),
            Value::Pubkey(_) | Value::Bytes(_) => None,
        }
    }

    /// The number, or the byte of a bool or an enum; `None` if it is neither or does not fit.
    pub fn as_i128(&self) -> Option<i128> {
        match self {
            Value::Int(number) => Some(*number),
            other => other.as_u128()?.try_into().ok(),
        }
    }
}
