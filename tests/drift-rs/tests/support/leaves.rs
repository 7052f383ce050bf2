//! The single values of a decoded account, whoever decoded it.

use std::collections::BTreeMap;

use driftshm_layout::profile::{Profile, Value};
use serde_json::Value as Json;

/// Every value that is neither a struct nor an array of them, by its path. Padding has none.
pub fn leaves(decoded: &Json) -> BTreeMap<String, &Json> {
    let mut found = BTreeMap::new();
    collect("", decoded, &mut found);
    found
}

fn collect<'a>(path: &str, value: &'a Json, found: &mut BTreeMap<String, &'a Json>) {
    match value {
        Json::Object(fields) => {
            let named = fields.iter().filter(|(name, _)| !name.starts_with("padding"));
            for (name, value) in named {
                let dot = if path.is_empty() { "" } else { "." };
                collect(&format!("{path}{dot}{name}"), value, found);
            }
        }
        Json::Array(values) if values.iter().any(Json::is_object) => {
            for (index, value) in values.iter().enumerate() {
                collect(&format!("{path}[{index}]"), value, found);
            }
        }
        leaf => {
            found.insert(path.to_owned(), leaf);
        }
    }
}

/// The path without the indexes in it.
pub fn without_index(path: &str) -> String {
    let mut parts = path.split('[');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |whole, part| whole + "[]" + part.split_once(']').unwrap().1)
}

/// Whether drift-rs wrote this value so: addresses and integers of 128 bits are lists of their
/// bytes, enums the names of their variants.
pub fn same(profile: &Profile, value: &Value, theirs: &Json) -> bool {
    match value {
        Value::Bool(truth) => theirs.as_bool() == Some(*truth),
        Value::UInt(number) => match bytes(theirs) {
            Some(bytes) => bytes == number.to_le_bytes(),
            None => theirs.as_u64().map(u128::from) == Some(*number),
        },
        Value::Int(number) => match bytes(theirs) {
            Some(bytes) => bytes == number.to_le_bytes(),
            None => theirs.as_i64().map(i128::from) == Some(*number),
        },
        Value::Pubkey(key) => bytes(theirs).is_some_and(|bytes| bytes == key.0),
        Value::Bytes(ours) => bytes(theirs).is_some_and(|bytes| bytes == *ours),
        Value::Enum { id, discriminant } => {
            let name = profile.variant(*id, *discriminant);
            name.is_some() && name == theirs.as_str()
        }
    }
}

fn bytes(list: &Json) -> Option<Vec<u8>> {
    let byte = |number: &Json| number.as_u64().and_then(|number| u8::try_from(number).ok());
    list.as_array()?.iter().map(byte).collect()
}
