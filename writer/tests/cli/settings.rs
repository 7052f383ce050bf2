//! Flags, variables and the file: one list of settings, one order of precedence.

use std::collections::BTreeSet;
use std::path::Path;

use super::support::{Ran, complaint, driftshm, run};

const USER: &str = "dRiftyHA39MWEi3m9aunc5MzRF1JYuBsbn6VPcn33UH";

/// Every setting with three values that are not its default: for file, variable and flag.
const SETTINGS: &[(&str, [&str; 3])] = &[
    ("cluster", ["one", "two", "three"]),
    ("dir", ["/1", "/2", "/3"]),
    // There is one builtin profile; the files are made by the test.
    ("profile", ["PROFILE1", "PROFILE2", "PROFILE3"]),
    ("feed", ["sim", "replay", "sim"]),
    ("rpc-url", ["http://a.example", "https://b.example:1", "http://127.0.0.1:8899"]),
    ("ws-url", ["ws://a.example", "wss://b.example:1", "ws://127.0.0.1:8900"]),
    ("grpc-url", ["http://a.example", "https://b.example:1", "http://127.0.0.1:10000"]),
    ("x-token-file", ["TOKEN1", "TOKEN2", "TOKEN3"]),
    ("commitment", ["processed", "confirmed", "processed"]),
    ("poll-interval", ["1", "0.5", "3"]),
    ("audit-period", ["1", "0.5", "0"]),
    ("rpc-rate", ["1", "0.5", "3"]),
    ("rpc-batch", ["1", "2", "3"]),
    ("max-message", ["65536", "65537", "65538"]),
    ("fail-fast", ["true", "false", "true"]),
    ("markets", ["1", "2", "3"]),
    ("spot-markets", ["1", "2", "3"]),
    ("users", ["none", "active", "all"]),
    ("rate", ["1", "2", "3"]),
    ("seed", ["10", "20", "30"]),
    ("cold-users", ["1", "2", "3"]),
    ("focus-market", ["1", "2", "3"]),
    ("pairs", ["true", "false", "true"]),
    ("replay", ["a.jsonl", "b.jsonl", "c.jsonl"]),
    ("record", ["a.rec", "b.rec", "c.rec"]),
    ("loop", ["true", "false", "true"]),
    ("speed", ["2", "0.5", "3"]),
    ("follow", ["watched", "all", "watched"]),
    ("authority", [USER, "11111111111111111111111111111111", USER]),
    ("user", [USER, "11111111111111111111111111111111", USER]),
    ("watch-linger", ["1", "0.5", "0"]),
    ("max-users", ["1", "2", "3"]),
    ("max-perp-markets", ["1", "2", "3"]),
    ("max-spot-markets", ["1", "2", "3"]),
    ("max-oracles", ["1", "2", "3"]),
    ("max-user-stats", ["1", "2", "3"]),
    ("journal", ["64", "128", "256"]),
    ("headroom", ["1", "2", "3"]),
    ("mode", ["0600", "0644", "0604"]),
    ("allow-uid", ["1", "2", "3"]),
    ("allow-gid", ["1", "2", "3"]),
    ("max-connections", ["1", "2", "3"]),
    ("metrics-listen", ["127.0.0.1:1", "[::1]:2", "0.0.0.0:3"]),
    ("log-level", ["warn", "debug", "error"]),
    ("log-format", ["json", "text", "json"]),
];

/// Without these there is nothing to run, and with all kinds of feeds no flag is idle.
const BASE: [(&str, &str); 6] = [
    ("cluster", "'base'"),
    ("feed", "['sim', 'replay', 'ws']"),
    ("ws-url", "'ws://base.example'"),
    ("replay", "'base.jsonl'"),
    ("rpc-url", "'http://base.example'"),
    ("users", "'all'"),
];

/// A settings file with the base, and before it these lines.
fn with_base(path: &Path, lines: &str) {
    let mut text = lines.to_owned();
    for (key, value) in BASE {
        if !lines.starts_with(&format!("{key} = ")) {
            text += &format!("{key} = {value}\n");
        }
    }
    std::fs::write(path, text).unwrap();
}

/// The settings in force, by `run --check`.
fn in_force(ran: &Ran) -> toml::Table {
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let mut flat = toml::Table::new();
    for (key, value) in ran.stdout.parse::<toml::Table>().unwrap() {
        match value {
            toml::Value::Table(table) => flat.extend(table),
            value => drop(flat.insert(key, value)),
        }
    }
    flat
}

/// A value as text, whatever its type; a list's only item.
fn text(value: &toml::Value) -> String {
    match value {
        toml::Value::String(text) => text.clone(),
        toml::Value::Array(items) => items.iter().map(text).collect::<Vec<_>>().join(","),
        other => other.to_string(),
    }
}

#[test]
fn the_table_has_every_setting_there_is() {
    let ran = run(&mut driftshm(&["run", "--check", "--cluster", "sim"]));
    let mut known: BTreeSet<String> = in_force(&ran).keys().cloned().collect();
    let unset = ran.stdout.lines().filter_map(|line| line.strip_prefix("# ")?.split(' ').next());
    known.extend(unset.map(str::to_owned));
    let tabled: BTreeSet<String> = SETTINGS.iter().map(|(key, _)| (*key).to_owned()).collect();
    assert_eq!(known, tabled);
}

#[test]
fn a_flag_beats_a_variable_beats_the_file_beats_the_default() {
    let dir = tempfile::tempdir().unwrap();
    let base = dir.path().join("base.toml");
    with_base(&base, "");
    let base = base.to_str().unwrap();
    // What is to be replayed must be there.
    for recording in ["base.jsonl", "a.jsonl", "b.jsonl", "c.jsonl"] {
        std::fs::write(dir.path().join(recording), "").unwrap();
    }
    let check = |config: &str| {
        let mut command = driftshm(&["run", "--check", "--config", config]);
        command.current_dir(dir.path());
        command
    };
    let defaults = in_force(&run(&mut check(base)));
    let profile = driftshm_layout::profile::Profile::builtin("drift-v2").unwrap();
    for (key, values) in SETTINGS {
        let [in_file, in_variable, in_flag] = values.map(|value| match value {
            profile_file if profile_file.starts_with("PROFILE") => {
                let path = dir.path().join(profile_file);
                std::fs::write(&path, profile.to_json()).unwrap();
                path.to_str().unwrap().to_owned()
            }
            token if token.starts_with("TOKEN") => {
                let path = dir.path().join(token);
                std::fs::write(&path, token).unwrap();
                path.to_str().unwrap().to_owned()
            }
            value => value.to_owned(),
        });
        let file = dir.path().join("settings.toml");
        // As TOML people would write it: numbers and truths bare where they can be.
        let bare = in_file.parse::<u32>().is_ok() && !in_file.starts_with('0') || in_file == "true";
        let written = if bare { in_file.clone() } else { format!("{in_file:?}") };
        with_base(&file, &format!("{key} = {written}\n"));
        let variable = format!("DRIFTSHM_{}", key.to_uppercase().replace('-', "_"));
        let flag = format!("--{key}={in_flag}");
        let config = file.to_str().unwrap();

        let default = defaults.get(*key).map(text);
        assert_ne!(default.as_deref(), Some(in_file.as_str()), "{key}: the test shows nothing");
        let mut command = check(config);
        let got = |ran: Ran| (text(&in_force(&ran)[*key]), origin(&ran, key));
        let (value, from) = got(run(&mut command));
        assert_eq!((value, from), (in_file, format!("{config}:1: {key}")));
        command.env(&variable, &in_variable);
        assert_eq!(got(run(&mut command)), (in_variable, variable.clone()));
        command.arg(&flag);
        assert_eq!(got(run(&mut command)), (in_flag, format!("--{key}")));
        // An empty variable is none.
        let mut command = check(base);
        command.env(&variable, "");
        assert_eq!(in_force(&run(&mut command)).get(*key).map(text), default, "{key}");
    }
}

/// Where `run --check` says that a setting is from.
fn origin(ran: &Ran, key: &str) -> String {
    let line = ran.stdout.lines().find(|line| line.starts_with(&format!("{key} = "))).unwrap();
    line.split_once(" # ").unwrap().1.to_owned()
}

#[test]
fn the_file_may_be_named_by_a_variable_and_what_check_prints_is_a_file() {
    let dir = tempfile::tempdir().unwrap();
    let first = dir.path().join("first.toml");
    std::fs::write(&first, "[sim-feed]\nrate = 77\n[accounts]\nuser = []\n").unwrap();
    let mut command = driftshm(&["run", "--check", "--mode", "0600", "--cluster", "sim"]);
    let ran = run(command.env("DRIFTSHM_CONFIG", &first));
    assert_eq!(in_force(&ran)["rate"].as_integer(), Some(77));
    let second = dir.path().join("second.toml");
    std::fs::write(&second, &ran.stdout).unwrap();
    let again = run(driftshm(&["run", "--check"]).env("DRIFTSHM_CONFIG", &second));
    assert_eq!(in_force(&again), in_force(&ran));
}

#[test]
fn a_wrong_value_is_named_with_its_place_and_what_is_allowed() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("s.toml");
    let config = path.to_str().unwrap();
    for (key, wrong, allowed) in [
        ("rate", "0", "expected a whole number from 1 to 1000000"),
        ("journal", "100", "expected a power of two from 64 to 268435456"),
        ("mode", "0666", "expected 0600, 0640 or 0644: no one but the owner may write"),
        ("feed", "grpc2", "expected one of sim, replay"),
        ("user", "abc", "\"abc\" is not a public key: expected the base58 form of 32 bytes"),
        ("loop", "perhaps", "value was not a boolean"),
        ("profile", "drift-v9", "expected a file, or the name of a builtin profile: drift-v2"),
        ("cluster", "a/b", "expected up to 31 letters"),
        ("speed", "0", "expected a number above 0, such as 1 or 2.5"),
        ("watch-linger", "1m", "expected seconds from 0 to 86400, such as 30 or 0.5"),
        (
            "metrics-listen",
            "localhost:9464",
            "expected an IP address and a port, such as 127.0.0.1:9464",
        ),
    ] {
        let flag = format!("--{key}={wrong}");
        let said = complaint(&mut driftshm(&["run", "--check", &flag]), 2);
        let expected = format!("--{key} is {wrong:?}: {allowed}");
        assert!(said.starts_with(&expected), "{said}");

        let variable = format!("DRIFTSHM_{}", key.to_uppercase().replace('-', "_"));
        let said = complaint(driftshm(&["run", "--check"]).env(&variable, wrong), 2);
        assert!(said.starts_with(&format!("{variable} is {wrong:?}: {allowed}")), "{said}");

        std::fs::write(&path, format!("# a comment\n{key} = {wrong:?}\n")).unwrap();
        let said = complaint(&mut driftshm(&["run", "--check", "--config", config]), 2);
        let expected = format!("{config}:2: {key} is {wrong:?}: {allowed}");
        assert!(said.starts_with(&expected), "{said}");
    }
}

#[test]
fn what_is_missing_or_means_nothing_is_said() {
    for (args, expected) in [
        (&["run"][..], "no cluster is named: give --cluster NAME, DRIFTSHM_CLUSTER"),
        (
            &["run", "--cluster", "x"],
            "no feed is named: give --rpc-url URL (the chain), --feed sim",
        ),
        (&["run", "--cluster", "x", "--feed", "replay"], "give --replay FILE"),
        (
            &["run", "--cluster", "sim", "--speed", "2"],
            "--speed means nothing without --feed replay",
        ),
        (
            &["run", "--cluster", "sim", "--users", "active"],
            "--users active means nothing without a live feed",
        ),
        (&["run", "--cluster", "sim", "--focus-market", "16"], "the last one is 15"),
    ] {
        let said = complaint(&mut driftshm(args), 2);
        assert!(said.contains(expected), "{said}");
    }
}

#[test]
fn a_file_that_cannot_be_played_or_recorded_to_is_refused_by_check_too() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    let (text, new) = (path("notes.txt"), path("new.rec"));
    std::fs::write(&text, "notes").unwrap();
    let region = path("region");
    for (args, expected) in [
        (["--feed=replay", "--replay=/none/at/all"], "cannot read the recording /none/at/all"),
        (["--feed=sim", "--record=/none/at/all"], "cannot open the recording /none/at/all"),
        (["--feed=sim", &format!("--record={text}")], "it has something else in it already"),
    ] {
        let run = ["run", "--cluster", "x", "--dir", &region];
        for check in [&[][..], &["--check"]] {
            let ran = self::run(driftshm(&run).args(args).args(check));
            assert_eq!(ran.code, Some(2), "{args:?} {}", ran.stderr);
            assert!(ran.stderr.contains(expected), "{}", ran.stderr);
        }
    }
    let args = ["run", "--check", "--cluster=x", "--feed=sim", "--record", &new];
    assert_eq!(run(&mut driftshm(&args)).code, Some(0));
    assert!(!Path::new(&new).exists() && !Path::new(&region).exists(), "only looked at");
}

#[test]
fn a_variable_that_is_no_setting_is_warned_of() {
    let mut command = driftshm(&["run", "--check", "--cluster", "sim"]);
    let ran = run(command.env("DRIFTSHM_MAX_USER", "5").env("DRIFTSHM_QQQ", "x"));
    assert_eq!(in_force(&ran)["max-users"].as_integer(), Some(8192));
    let said: Vec<&str> = ran.stderr.lines().collect();
    let nothing = "is no setting of this driftshm: ignored";
    let meant = "did you mean DRIFTSHM_MAX_USERS?";
    assert_eq!(said[0], format!("driftshm: DRIFTSHM_MAX_USER {nothing}; {meant}"));
    assert_eq!(said[1], format!("driftshm: DRIFTSHM_QQQ {nothing}"));
    assert_eq!(said.len(), 2);
    let dir = super::process::directory();
    let variables = [("DRIFTSHM_MAX_USER", "5"), ("DRIFTSHM_SEED", "7")];
    let args = ["--feed", "sim", "--users", "4"];
    let writer = super::process::Writer::start_with(&dir, &args, &variables);
    let said = writer.line("DRIFTSHM_");
    assert!(said.contains("WARN") && said.contains(meant), "{said}");
}

#[test]
fn a_file_that_cannot_be_used_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("s.toml");
    let config = path.to_str().unwrap();
    let said = complaint(&mut driftshm(&["run", "--config", config]), 2);
    assert!(said.contains(config) && said.contains("named by --config"), "{said}");
    let said = complaint(driftshm(&["run"]).env("DRIFTSHM_CONFIG", config), 2);
    assert!(said.contains("named by DRIFTSHM_CONFIG"), "{said}");
    std::fs::write(&path, "rate = 5\n[sim-feed\n").unwrap();
    let said = complaint(&mut driftshm(&["run", "--config", config]), 2);
    assert!(said.starts_with(&format!("{config}:2: ")), "{said}");
    std::fs::write(&path, "rtae = 5\n").unwrap();
    let said = complaint(&mut driftshm(&["run", "--config", config]), 2);
    assert_eq!(said, format!("{config}:1: there is no setting \"rtae\"; did you mean rate?"));
}

#[test]
fn a_url_with_a_key_is_not_taken_from_a_flag_and_never_printed() {
    const URL: &str = "https://rpc.example/v2/SECRET?api-key=SECRET";
    let said = complaint(&mut driftshm(&["run", "--cluster", "x", "--rpc-url", URL]), 2);
    assert!(said.contains("DRIFTSHM_RPC_URL") && !said.contains("SECRET"), "{said}");
    let mut command = driftshm(&["run", "--check", "--cluster", "x"]);
    let ran = run(command.env("DRIFTSHM_RPC_URL", URL));
    assert_eq!(in_force(&ran)["rpc-url"].as_str(), Some("https://rpc.example/…"));
    let mut command = driftshm(&["run", "--check", "--cluster", "x"]);
    let said = complaint(command.env("DRIFTSHM_RPC_URL", "ftp://rpc.example/SECRET"), 2);
    assert!(said.contains("http:// or https://") && !said.contains("SECRET"), "{said}");
}

#[test]
fn a_live_feed_needs_rpc_and_says_so() {
    for (args, expected) in [
        (&["--ws-url", "ws://127.0.0.1:1"][..], "give --rpc-url URL"),
        (
            &["--rpc-url", "http://127.0.0.1:1", "--feed", "grpc"],
            "--feed grpc needs a URL: give --grpc-url URL",
        ),
        (&["--rpc-url", "http://127.0.0.1:1", "--users", "7"], "none, active or all"),
        (&["--rpc-url", "http://127.0.0.1:1", "--users", "all"], "need a stream"),
        (&["--feed", "sim", "--rpc-url", "http://127.0.0.1:1"], "--rpc-url means nothing"),
    ] {
        let said = complaint(driftshm(&["run", "--cluster", "x"]).args(args), 2);
        assert!(said.contains(expected), "{said}");
    }
}
