//! Types as they are written in a profile: `u64`, `[u8;32]`, `[Order;32]`, `OracleSource`.

use super::Profile;
use super::model::Type;

/// The types that need no definition, by their names in a profile.
const BUILTIN: [(&str, Type); 12] = [
    ("bool", Type::Bool),
    ("u8", Type::U8),
    ("u16", Type::U16),
    ("u32", Type::U32),
    ("u64", Type::U64),
    ("u128", Type::U128),
    ("i8", Type::I8),
    ("i16", Type::I16),
    ("i32", Type::I32),
    ("i64", Type::I64),
    ("i128", Type::I128),
    ("pubkey", Type::Pubkey),
];

/// The built-in type of this name.
pub fn builtin(name: &str) -> Option<Type> {
    BUILTIN.into_iter().find(|(known, _)| *known == name).map(|(_, ty)| ty)
}

/// The two halves of `[elem;len]`.
pub fn array(text: &str) -> Option<(&str, u32)> {
    let (elem, len) = text.strip_prefix('[')?.strip_suffix(']')?.rsplit_once(';')?;
    Some((elem, len.parse().ok()?))
}

/// How a type of this profile is written.
pub fn write(profile: &Profile, ty: Type) -> String {
    let defined = match ty {
        Type::Bytes(len) => return format!("[u8;{len}]"),
        Type::Array(id) => {
            return profile
                .array(id)
                .map(|array| format!("[{};{}]", write(profile, array.elem), array.len))
                .unwrap_or_default();
        }
        Type::Struct(id) => profile.struct_def(id).map(|known| known.name.as_str()),
        Type::Enum(id) => profile.enum_def(id).map(|known| known.name.as_str()),
        builtin => BUILTIN.into_iter().find(|(_, ty)| *ty == builtin).map(|(name, _)| name),
    };
    defined.unwrap_or_default().to_owned()
}
