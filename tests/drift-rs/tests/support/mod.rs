//! What the tests share: the profile, and the facts beside the repository.
#![allow(dead_code)]

pub mod differences;
pub mod leaves;

use std::path::Path;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use driftshm_layout::profile::Profile;
use serde_json::Value as Json;

pub fn drift() -> Profile {
    Profile::builtin("drift-v2").unwrap()
}

/// The lines of a file of the facts, each with its account's bytes; none, with a word about it,
/// where there is no such file.
pub fn facts(name: &str) -> Vec<(Json, Vec<u8>)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/drift").join(name);
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if std::env::var("CI").as_deref() == Ok("true") => {
            panic!("../shared/drift/{name}: {error}")
        }
        Err(error) => {
            println!("skipped: ../shared/drift/{name}: {error}");
            return Vec::new();
        }
    };
    assert!(!text.is_empty(), "../shared/drift/{name} is empty");
    text.lines().map(parse).collect()
}

fn parse(line: &str) -> (Json, Vec<u8>) {
    let fact: Json = serde_json::from_str(line).unwrap();
    let data = BASE64_STANDARD.decode(fact["data"].as_str().unwrap()).unwrap();
    (fact, data)
}
