//! Every way in which a profile can be wrong is an error that says where and what.

use driftshm_layout::profile::{PathError, Problem, Profile, ProfileError};
use serde_json::{Value, json};

const SECOND: &str = include_str!("fixtures/second-profile.json");

fn refused(json: &str) -> (String, Problem) {
    match Profile::from_json(json.as_bytes()) {
        Err(ProfileError::Invalid { at, problem }) => (at, problem),
        other => panic!("{other:?}"),
    }
}

/// What is said of the second profile with `value` at `pointer`.
fn with(pointer: &str, value: Value) -> (String, Problem) {
    let mut json: Value = serde_json::from_str(SECOND).unwrap();
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    match json.pointer_mut(parent).unwrap() {
        Value::Object(entries) => drop(entries.insert(key.to_owned(), value)),
        Value::Array(entries) => entries[key.parse::<usize>().unwrap()] = value,
        other => panic!("{other}"),
    }
    refused(&json.to_string())
}

/// What is said of the second profile with `from` replaced by `to`.
fn replaced(from: &str, to: &str) -> (String, Problem) {
    assert!(SECOND.contains(from), "{from}");
    refused(&SECOND.replacen(from, to, 1))
}

fn is(refused: (String, Problem), at: &str, expected: fn(&Problem) -> bool) {
    assert_eq!(refused.0, at);
    assert!(expected(&refused.1), "{at}: {:?}", refused.1);
    assert!(refused.1.to_string().len() < 300, "{}", refused.1);
}

fn fields(count: usize) -> Value {
    let field = |i: usize| json!({"name": format!("f{i}"), "offset": i, "type": "u8"});
    json!({"size": count, "fields": (0..count).map(field).collect::<Vec<_>>()})
}

#[test]
fn what_is_no_json_of_a_profile() {
    for json in ["", "{", "null", "[]", "{}", "{\"format\":1}", "{\"format\":\"1\"}", "\u{0}"] {
        let error = Profile::from_json(json.as_bytes()).unwrap_err();
        assert!(matches!(error, ProfileError::Json(_)), "{json}: {error}");
    }
    let misspelt = SECOND.replacen("\"min_len\"", "\"min_length\"", 1);
    let error = Profile::from_json(misspelt.as_bytes()).unwrap_err();
    assert!(error.to_string().contains("min_length"), "{error}");
}

#[test]
fn another_format_names_both() {
    let error = Profile::from_json(b"{\"format\":2,\"new_key\":[]}").unwrap_err();
    assert!(matches!(error, ProfileError::Format { found: 2, known: 1 }));
    assert!(error.to_string().contains("format 2") && error.to_string().contains("format 1"));
}

#[test]
fn more_bytes_than_any_profile_has() {
    let long = format!("{SECOND}{}", " ".repeat(256 * 1024));
    let error = Profile::from_json(long.as_bytes()).unwrap_err();
    assert!(matches!(error, ProfileError::TooLong { .. }), "{error}");
}

#[test]
fn rejected_oracle_sources_are_sources() {
    let at = "rejected_oracle_sources";
    is(
        with("/rejected_oracle_sources", json!(["C"])),
        at,
        |p| matches!(p, Problem::UnknownSource { text } if text == "C"),
    );
    let twice = with("/rejected_oracle_sources", json!(["A", "A"]));
    is(twice, "rejected_oracle_sources.A", |p| matches!(p, Problem::Duplicate));
    let good = SECOND.replacen("{", "{\"rejected_oracle_sources\": [\"A\"],", 1);
    let profile = Profile::from_json(good.as_bytes()).unwrap();
    assert!(profile.rejects_oracle_source("A") && !profile.rejects_oracle_source("B"));
    assert_eq!(Profile::from_json(&profile.to_json()).unwrap(), profile);
}

#[test]
fn names_and_texts() {
    let name = |p: &Problem| matches!(p, Problem::Name { .. });
    for bad in ["", "1st", "a-b", "a b", "a.b", "é", "a\u{0}", &"x".repeat(65)] {
        is(with("/structs/Config/fields/0/name", json!(bad)), "structs.Config", name);
    }
    is(with("/enums/Source/1", json!("A B")), "enums.Source", name);
    let text = |p: &Problem| matches!(p, Problem::Text { .. });
    is(with("/name", json!("x".repeat(33))), "name", text);
    is(with("/name", json!("")), "name", text);
    is(with("/program_version", json!("1\n2")), "program_version", text);
    let doc = json!("two\nlines");
    is(with("/structs/Config/fields/0/doc", doc), "structs.Config.markets", text);
    is(with("/units/dollars/doc", json!("x".repeat(161))), "units.dollars", text);
    is(with("/program_id", json!("abc")), "program_id", |p| matches!(p, Problem::Address { .. }));
}

#[test]
fn the_same_name_twice() {
    let duplicate = |p: &Problem| *p == Problem::Duplicate;
    let lots = "\"lots\": {\"decimals\": 0}";
    is(replaced(lots, &format!("{lots}, {lots}")), "units.lots", duplicate);
    is(replaced("[\"Unknown\", \"A\", \"B\"]", "[\"A\", \"A\"]"), "enums.Source.A", duplicate);
    is(
        replaced("\"exponent\", \"offset\"", "\"price\", \"offset\""),
        "structs.FeedA.price",
        duplicate,
    );
    is(with("/structs/Source", fields(1)), "types.Source", duplicate);
    is(with("/structs/u64", fields(1)), "u64", duplicate);
    let role = "\"symbol\": \"ticker\"";
    let twice = replaced(role, &format!("{role}, {role}"));
    is(twice, "accounts.Market.roles.symbol", duplicate);
}

#[test]
fn types_that_are_none() {
    let unknown = |p: &Problem| matches!(p, Problem::UnknownType { .. });
    for bad in
        ["", "u7", "U8", "Nobody", "[u8]", "[u8;]", "[u8;-1]", "[u8; 2]", "[Nobody;2]", "[u8;2"]
    {
        is(with("/structs/Config/fields/0/type", json!(bad)), "structs.Config.markets", unknown);
    }
    let size = |p: &Problem| matches!(p, Problem::Size { .. });
    for bad in ["[u8;0]", "[u64;0]", "[u8;65529]", "[u128;4294967295]", "[[u8;60000];60000]"] {
        is(with("/structs/Config/fields/0/type", json!(bad)), "structs.Config.markets", size);
    }
    let deep = format!("{}u16{}", "[".repeat(60_000), ";1]".repeat(60_000));
    let deep = with("/structs/Config/fields/0/type", json!(deep));
    is(deep, "structs.Config.markets", |p| matches!(p, Problem::TooDeep { .. }));
}

#[test]
fn sizes_and_places_of_fields() {
    let size = |p: &Problem| matches!(p, Problem::Size { .. });
    is(with("/structs/Config/size", json!(0)), "structs.Config", size);
    is(with("/structs/Config/size", json!(65_529)), "structs.Config", size);
    let outside = |p: &Problem| matches!(p, Problem::Outside { .. });
    is(with("/structs/Config/fields/0/offset", json!(5)), "structs.Config.markets", outside);
    is(with("/structs/Config/fields/0/offset", json!(u32::MAX)), "structs.Config.markets", outside);
    let overlap = |p: &Problem| matches!(p, Problem::Overlap { .. });
    is(with("/structs/FeedA/fields/1/offset", json!(7)), "structs.FeedA.exponent", overlap);
    is(with("/structs/FeedA/fields/1/offset", json!(0)), "structs.FeedA.exponent", overlap);
}

#[test]
fn structs_that_hold_themselves_or_too_many_others() {
    let recursive = |p: &Problem| *p == Problem::Recursive;
    let holds = |ty: &str| json!({"size": 8, "fields": [{"name": "f", "offset": 0, "type": ty}]});
    is(with("/structs/X", holds("X")), "structs.X", recursive);
    is(with("/structs/X", holds("[X;1]")), "structs.X", recursive);

    let mut json: Value = serde_json::from_str(SECOND).unwrap();
    json["structs"]["X"] = holds("Y");
    json["structs"]["Y"] = holds("[[X;1];1]");
    is(refused(&json.to_string()), "structs.X", recursive);

    let chain = |length: usize| {
        let mut json: Value = serde_json::from_str(SECOND).unwrap();
        for i in 0..length {
            let next = if i + 1 < length { format!("C{}", i + 1) } else { "u64".to_owned() };
            json["structs"][format!("C{i}")] = holds(&next);
        }
        json.to_string()
    };
    assert!(Profile::from_json(chain(12).as_bytes()).is_ok());
    for length in [13, 200] {
        assert!(matches!(refused(&chain(length)).1, Problem::TooDeep { .. }), "{length}");
    }
}

#[test]
fn too_many_of_anything_or_none() {
    let many = |p: &Problem| matches!(p, Problem::TooMany { .. });
    let empty = |p: &Problem| *p == Problem::Empty;
    is(with("/structs/X", fields(1025)), "structs.X", many);
    is(with("/structs/X", json!({"size": 8, "fields": []})), "structs.X", empty);
    let variants: Vec<String> = (0..257).map(|i| format!("V{i}")).collect();
    is(with("/enums/Source", json!(variants)), "enums.Source", many);
    is(with("/enums/Source", json!([])), "enums.Source", empty);
    is(with("/accounts", json!({})), "accounts", empty);
    is(with("/structs", json!({})), "structs", empty);
    let named = |count: usize, value: Value| -> Value {
        Value::Object((0..count).map(|i| (format!("n{i}"), value.clone())).collect())
    };
    is(with("/structs", named(257, fields(1))), "structs", many);
    is(with("/enums", named(257, json!(["A"]))), "enums", many);
    is(with("/units", named(65, json!({"decimals": 0}))), "units", many);
    is(with("/address_seeds", named(33, json!(["a"]))), "address_seeds", many);
    is(with("/accounts/Market/roles", named(65, json!("index"))), "accounts.Market.roles", many);
    is(with("/accounts/Trader/lengths", json!(vec![74; 17])), "accounts.Trader.lengths", many);
    is(with("/accounts/Trader/lengths", json!([])), "accounts.Trader.lengths", empty);
}

#[test]
fn too_many_different_arrays() {
    let arrays = |elem: &str| {
        let mut offset = 0;
        let field = |len: usize| {
            let field = json!({"name": format!("f{len}"), "offset": offset, "type": format!("[{elem};{len}]")});
            offset += len;
            field
        };
        let fields: Vec<Value> = (1..=257).map(field).collect();
        json!({"size": offset, "fields": fields})
    };
    let mut json: Value = serde_json::from_str(SECOND).unwrap();
    json["structs"]["X"] = arrays("bool");
    assert!(Profile::from_json(json.to_string().as_bytes()).is_ok());
    json["structs"]["Y"] = arrays("i8");
    is(refused(&json.to_string()), "arrays", |p| matches!(p, Problem::TooMany { .. }));
}

#[test]
fn units_that_do_not_fit() {
    let unit = |p: &Problem| matches!(p, Problem::Unit { .. });
    is(with("/structs/Grown/fields/0/unit", json!("euros")), "structs.Grown.fees", unit);
    is(with("/structs/Feed/fields/0/unit", json!("lots")), "structs.Feed.account", unit);
    is(with("/structs/Market/fields/1/unit", json!("lots")), "structs.Market.ticker", unit);
    let decimals = |p: &Problem| matches!(p, Problem::Decimals { .. });
    is(with("/units/lots/decimals", json!(39)), "units.lots", decimals);
}

#[test]
fn accounts_that_cannot_be() {
    let discriminator = |p: &Problem| matches!(p, Problem::Discriminator { .. });
    for bad in ["", "0adf0c2c6bf537f", "0adf0c2c6bf537f70", "+adf0c2c6bf537f7", "0adf0c2c6bf537fg"]
    {
        let at = "accounts.Market";
        is(with("/accounts/Market/discriminator", json!(bad)), at, discriminator);
    }
    let json: Value = serde_json::from_str(SECOND).unwrap();
    let taken = json["accounts"]["FeedA"]["discriminator"].clone();
    is(with("/accounts/FeedB/discriminator", taken), "accounts.FeedB", discriminator);

    let second = |p: &Problem| *p == Problem::SecondOfKind;
    is(with("/accounts/Trader/kind", json!("perp_market")), "accounts.Trader", second);
    let no_struct = |p: &Problem| *p == Problem::NoStruct;
    let account =
        json!({"kind": "user_stats", "discriminator": "00".repeat(8), "len": 9, "roles": {}});
    is(with("/accounts/Nobody", account), "accounts.Nobody", no_struct);

    let length = |p: &Problem| matches!(p, Problem::Length { found: 151, expected: 152 });
    is(with("/accounts/Market/len", json!(151)), "accounts.Market", length);
    let lengths = |p: &Problem| matches!(p, Problem::Lengths { .. });
    is(with("/accounts/Market/min_len", json!(153)), "accounts.Market", lengths);
    is(with("/accounts/Market/min_len", json!(8)), "accounts.Market", lengths);
    is(with("/accounts/Trader/lengths", json!([74, 0])), "accounts.Trader", lengths);
    is(with("/accounts/Trader/lengths", json!([65_537])), "accounts.Trader", lengths);
}

#[test]
fn roles_that_no_field_can_play() {
    let at = "accounts.Market.roles.symbol";
    let unknown = with("/accounts/Market/roles/symbol", json!("tickr"));
    is(
        unknown,
        at,
        |p| matches!(p, Problem::Path(PathError::UnknownField { nearest, .. }) if nearest == &["ticker"]),
    );
    is(with("/accounts/Market/roles/symbol", json!("")), at, |p| {
        matches!(p, Problem::Path(PathError::Malformed { .. }))
    });
    let role = |p: &Problem| matches!(p, Problem::Role { .. });
    is(with("/accounts/Market/roles/symbol", json!("index")), at, role);
    let pairs = [
        ("oracle", "index"),
        ("oracle_source", "index"),
        ("market_index", "feed"),
        ("market_index", "feed.source"),
        ("perp_positions", "grid"),
        ("idle", "index"),
    ];
    for (name, path) in pairs {
        let at = format!("accounts.Market.roles.{name}");
        is(with(&format!("/accounts/Market/roles/{name}"), json!(path)), &at, role);
    }
}

#[test]
fn seeds_that_are_none() {
    let seed = |p: &Problem| matches!(p, Problem::Seed { .. });
    is(with("/address_seeds/state", json!(["{index:u128}"])), "address_seeds.state", seed);
    is(with("/address_seeds/state", json!(vec!["a"; 16])), "address_seeds.state", seed);
    is(with("/address_seeds/state", json!([])), "address_seeds.state", seed);
}
