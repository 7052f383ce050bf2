//! The facts that profiles were made from: layouts in files beside the repository.

use std::path::Path;

use driftshm_layout::profile::{Profile, Type};
use serde_json::Value;

/// A file of the facts beside the repository; `None`, with a word about it, where there are none.
pub fn shared(name: &str) -> Option<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared").join(name);
    match std::fs::read_to_string(&path) {
        Ok(text) => Some(text),
        Err(error) if std::env::var("CI").as_deref() == Ok("true") => {
            panic!("../shared/{name}: {error}")
        }
        Err(error) => {
            println!("skipped: ../shared/{name}: {error}");
            None
        }
    }
}

/// How the facts write a type, array lengths aside.
fn written(profile: &Profile, ty: Type) -> String {
    match ty {
        Type::Pubkey => "publicKey".to_owned(),
        Type::Bytes(_) => "u8".to_owned(),
        Type::Struct(id) => profile.struct_def(id).unwrap().name.clone(),
        Type::Enum(id) => profile.enum_def(id).unwrap().name.clone(),
        Type::Array(id) => written(profile, profile.array(id).unwrap().elem),
        integer => format!("{integer:?}").to_lowercase(),
    }
}

fn count(profile: &Profile, ty: Type) -> Value {
    match ty {
        Type::Bytes(len) => len.into(),
        Type::Array(id) => profile.array(id).unwrap().len.into(),
        _ => Value::Null,
    }
}

/// The profile has the accounts, structs, fields and enums of the facts, and no others.
pub fn assert_equal(profile: &Profile, layout_json: &str) {
    let facts: Value = serde_json::from_str(layout_json).unwrap();
    assert_eq!(profile.program_id.to_string(), facts["program"].as_str().unwrap());
    assert_eq!(profile.program_version, facts["program_version"]);

    let accounts = facts["accounts"].as_object().unwrap();
    assert_eq!(profile.accounts().len(), accounts.len());
    for account in profile.accounts() {
        let hex: String = account.discriminator.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, accounts[&account.name]["discriminator"], "{}", account.name);
        assert_eq!(account.len, accounts[&account.name]["data_len"], "{}", account.name);
    }

    let structs = facts["structs"].as_object().unwrap();
    assert_eq!(profile.structs().len(), structs.len());
    for known in profile.structs() {
        let fact = &structs[&known.name];
        assert_eq!(known.size, fact["size"], "{}", known.name);
        let fields = fact["fields"].as_array().unwrap();
        assert_eq!(known.fields.len(), fields.len(), "{}", known.name);
        for (field, fact) in known.fields.iter().zip(fields) {
            let at = format!("{}.{}", known.name, field.name);
            assert_eq!(field.name, fact["name"], "{at}");
            assert_eq!(field.offset, fact["offset"], "{at}");
            assert_eq!(field.ty.size(), fact["size"], "{at}");
            assert_eq!(written(profile, field.ty), fact["type"].as_str().unwrap(), "{at}");
            assert_eq!(count(profile, field.ty), fact["count"], "{at}");
        }
    }

    let enums = facts["enums"].as_object().unwrap();
    assert_eq!(profile.enums().len(), enums.len());
    for known in profile.enums() {
        assert_eq!(Value::from(known.variants.clone()), enums[&known.name], "{}", known.name);
    }
}
