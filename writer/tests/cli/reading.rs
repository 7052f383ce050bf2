//! status, get and doctor on a region whose writer is this test.

use driftshm_layout::header::Pulse;
use driftshm_layout::profile::Kind;
use driftshm_layout::{Pubkey, State};

use super::support::{AUTHORITY, complaint, driftshm, perp_market, publish, region, run};

/// Calls `check` while the writer's heart beats.
fn alive(writer: &driftshm_layout::RegionWriter, check: impl Fn() + Sync) {
    let done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        let checking = scope.spawn(|| {
            let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(&check));
            done.store(true, std::sync::atomic::Ordering::Release);
            outcome
        });
        while !done.load(std::sync::atomic::Ordering::Acquire) {
            writer.heartbeat(Some(driftshm_layout::clock::monotonic_ns()));
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        if let Err(panic) = checking.join().unwrap() {
            std::panic::resume_unwind(panic);
        }
    });
}

#[test]
fn status_tells_a_live_writer_from_a_stopped_and_a_dead_one() {
    let temp = tempfile::tempdir().unwrap();
    let dir = temp.path().to_str().unwrap();
    let writer = region(temp.path());
    alive(&writer, || {
        let ran = run(&mut driftshm(&["status", "--json", "--dir", dir]));
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
        let status = ran.json();
        assert_eq!(status["state"], "live");
        assert_eq!(status["cluster"], "test");
        assert_eq!(status["writer"]["alive"], true);
        assert_eq!(status["writer"]["pid"], std::process::id());
        assert_eq!(status["feed"]["state"], "live");
        assert_eq!(status["slot"], 1000);
        assert_eq!(status["profile"]["name"], "drift-v2");
        let perps = &status["records"][0];
        assert_eq!((perps["in_use"].as_u64(), perps["capacity"].as_u64()), (Some(2), Some(4)));
        assert_eq!(status["counters"]["published"], 4);
        assert_eq!(status["socket"], serde_json::Value::Null);
        assert!(status["socket_error"].as_str().unwrap().contains("no writer listens"));
        let text = run(&mut driftshm(&["status", "--dir", dir]));
        assert_eq!(text.code, Some(0));
        assert!(text.stdout.contains("live, pid"), "{}", text.stdout);
        assert!(!text.stdout.contains('\x1b'), "no colours in a pipe");
    });
    // This process goes on holding the region, but its heart has stopped.
    writer.header().set_pulse(Pulse::HeartbeatNs, 1);
    let hung = run(&mut driftshm(&["status", "--dir", dir]));
    assert_eq!(hung.code, Some(3));
    if std::path::Path::new("/proc/locks").exists() {
        let expected = format!("hangs: pid {} holds the lock", std::process::id());
        assert!(hung.stdout.contains(&expected), "{}", hung.stdout);
        assert!(!hung.stdout.contains("dead"), "{}", hung.stdout);
        let said = complaint(&mut driftshm(&["status", "--ready", "--dir", dir]), 3);
        assert!(said.contains("the writer hangs: pid"), "{said}");
    }
    let json = run(&mut driftshm(&["status", "--dir", dir, "--json"])).json();
    assert_eq!(json["writer"]["alive"], false);
    assert_eq!(json["feed"]["state"], "down");
    writer.set_stopped();
    assert_eq!(writer.region().state(), Some(State::Stopped));
    let stopped = run(&mut driftshm(&["status", "--dir", dir]));
    assert_eq!(stopped.code, Some(3));
    assert!(stopped.stdout.contains("stopped "), "{}", stopped.stdout);
}

#[test]
fn a_writer_that_is_gone_and_has_its_lock_no_more_is_dead() {
    let temp = tempfile::tempdir().unwrap();
    let dir = temp.path().to_str().unwrap();
    let writer = region(temp.path());
    writer.header().set_pulse(Pulse::HeartbeatNs, 1);
    drop(writer);
    let dead = run(&mut driftshm(&["status", "--dir", dir]));
    assert_eq!(dead.code, Some(3));
    assert!(dead.stdout.contains("dead since"), "{}", dead.stdout);
}

#[test]
fn another_cluster_than_asked_for_is_refused() {
    let temp = tempfile::tempdir().unwrap();
    let dir = temp.path().to_str().unwrap();
    let writer = region(temp.path());
    let said = complaint(&mut driftshm(&["status", "--dir", dir, "--cluster", "mainnet"]), 1);
    assert!(said.contains("of cluster \"test\", asked for was \"mainnet\""), "{said}");
    let by_variable = |cluster: Option<&str>, args: &[&str]| {
        let mut command = driftshm(args);
        command.env("DRIFTSHM_DIR", dir).envs(cluster.map(|name| ("DRIFTSHM_CLUSTER", name)));
        command
    };
    let get = ["get", "perp", "0", "--json"];
    for cluster in [None, Some("test"), Some("")] {
        assert_eq!(run(&mut by_variable(cluster, &get)).json()["symbol"], "SOL-PERP");
    }
    let said = complaint(&mut by_variable(Some("mainnet"), &["status"]), 1);
    assert!(said.contains("of cluster \"test\", asked for was \"mainnet\""), "{said}");
    assert!(said.contains("DRIFTSHM_CLUSTER"), "{said}");
    // A flag beats the environment: a directory that is typed says enough.
    alive(&writer, || {
        let mut typed = by_variable(Some("mainnet"), &["status", "--dir", dir]);
        assert_eq!(run(&mut typed).code, Some(0));
    });
}

#[test]
fn what_no_cluster_is_called_is_refused_before_anything_is_looked_for() {
    for name in ["..", "", "/dev/shm/x"] {
        let said = complaint(&mut driftshm(&["status", "--cluster", name]), 2);
        assert!(said.starts_with(&format!("--cluster is {name:?}: expected up to 31")), "{said}");
    }
    let said = complaint(driftshm(&["status"]).env("DRIFTSHM_CLUSTER", "/dev/shm/x"), 2);
    assert!(said.starts_with("DRIFTSHM_CLUSTER is \"/dev/shm/x\", which is no"), "{said}");
}

#[test]
fn get_finds_markets_by_index_symbol_and_address() {
    let temp = tempfile::tempdir().unwrap();
    let dir = temp.path().to_str().unwrap();
    let writer = region(temp.path());
    let address = writer.region().profile().perp_market_address(1).unwrap().to_string();
    for key in ["1", "BTC-PERP", "btc-perp", &address] {
        let json = run(&mut driftshm(&["get", "perp", key, "--dir", dir, "--json"])).json();
        assert_eq!(json["symbol"], "BTC-PERP", "{key}");
        assert_eq!(json["index"], 1);
        assert_eq!(json["pubkey"], address.as_str());
        assert_eq!(json["mark_price"], 150_500_000);
        assert_eq!(json["oracle_price_float"], 150.25);
        assert_eq!(json["account"]["amm"]["peg_multiplier"], 150_500_000);
        assert_eq!(json["account"]["market_index"], 1);
    }
    let text = run(&mut driftshm(&["get", "perp", "sol-perp", "--dir", dir])).stdout;
    assert!(text.starts_with("perp_market 0 SOL-PERP "), "{text}");
    assert!(text.contains("mark_price 150.5  oracle_price 150.25"), "{text}");
    let reserve = text.lines().find(|line| line.starts_with("amm.base_asset_reserve")).unwrap();
    let words: Vec<_> = reserve.split_whitespace().collect();
    assert_eq!(words[1..], ["2000000000", "2", "amm_reserve"]);
    assert!(text.contains("\"SOL-PERP\""), "{text}");
}

#[test]
fn get_prints_only_the_fields_that_are_named() {
    let temp = tempfile::tempdir().unwrap();
    let dir = temp.path().to_str().unwrap();
    let _writer = region(temp.path());
    let paths = ["get", "perp", "0", "amm.peg_multiplier", "market_index", "--dir", dir];
    let text = run(&mut driftshm(&paths)).stdout;
    assert_eq!(text.lines().skip_while(|line| !line.starts_with("amm.")).count(), 2, "{text}");
    let json = run(driftshm(&paths).arg("--json")).json();
    assert_eq!(json["fields"]["amm.peg_multiplier"], 150_500_000);
    assert_eq!(json["fields"].as_object().unwrap().len(), 2);
    let paths = ["get", "perp", "0", "mark_price", "oracle_price", "--dir", dir];
    let json = run(driftshm(&paths).arg("--json")).json();
    assert_eq!(json["fields"]["mark_price"], 150_500_000, "a figure, as the heading has it");
    assert_eq!(json["fields"]["oracle_price"], 150_250_000);
    let text = run(&mut driftshm(&paths)).stdout;
    let figure = text.lines().find(|line| line.starts_with("mark_price")).unwrap();
    let words: Vec<_> = figure.split_whitespace().collect();
    assert_eq!(words, ["mark_price", "150500000", "150.5", "price"]);
    let said = complaint(&mut driftshm(&["get", "perp", "0", "peg_multiplier", "--dir", dir]), 1);
    assert!(said.contains("did you mean amm.peg_multiplier?"), "{said}");
    let said = complaint(&mut driftshm(&["get", "perp", "0", "amm[0]", "--dir", dir]), 1);
    assert!(said.contains("amm is not an array"), "{said}");
}

#[test]
fn get_finds_users_by_address_and_by_authority() {
    let temp = tempfile::tempdir().unwrap();
    let dir = temp.path().to_str().unwrap();
    let writer = region(temp.path());
    let address = writer.region().profile().user_address(&AUTHORITY, 2).unwrap().to_string();
    for key in [address.clone(), format!("{AUTHORITY}:2")] {
        let json = run(&mut driftshm(&["get", "user", &key, "--dir", dir, "--json"])).json();
        assert_eq!(json["pubkey"], address.as_str());
        assert_eq!(json["account"]["authority"], AUTHORITY.to_string());
        let keys = json.as_object().unwrap();
        assert!(keys.contains_key("name") && !keys.contains_key("symbol"), "a user has a name");
    }
    let missing = AUTHORITY.to_string();
    let said = complaint(&mut driftshm(&["get", "user", &missing, "--dir", dir]), 1);
    assert!(said.contains("of this authority there are the sub-accounts 2"), "{said}");
    let stranger = Pubkey([3; 32]).to_string();
    let said = complaint(&mut driftshm(&["get", "user", &stranger, "--dir", dir]), 1);
    assert!(said.contains(&format!("driftshm watch --user {stranger}")), "{said}");
    let said = complaint(&mut driftshm(&["get", "user", "me", "--dir", dir]), 2);
    assert!(said.contains("\"me\" is not a public key"), "{said}");
    let said =
        complaint(&mut driftshm(&["get", "user", &format!("{AUTHORITY}:x"), "--dir", dir]), 2);
    assert!(said.contains("no sub-account id"), "{said}");
}

#[test]
fn get_shows_an_oracles_prices_by_market_or_address() {
    let temp = tempfile::tempdir().unwrap();
    let dir = temp.path().to_str().unwrap();
    let _writer = region(temp.path());
    let address = Pubkey([7; 32]).to_string();
    for key in ["SOL-PERP", "perp:1", "0", &address] {
        let json = run(&mut driftshm(&["get", "oracle", key, "--dir", dir, "--json"])).json();
        assert_eq!(json["pubkey"], address.as_str());
        assert_eq!(json["prices"][0]["source"], "Pyth");
        assert_eq!(json["prices"][0]["price"], 150_250_000);
        let markets = serde_json::json!(["perp:0 SOL-PERP", "perp:1 BTC-PERP"]);
        assert_eq!(json["prices"][0]["markets"], markets);
    }
    let text = run(&mut driftshm(&["get", "oracle", "SOL-PERP", "--dir", dir])).stdout;
    assert!(text.contains("Pyth: price 150.25  confidence 0.001"), "{text}");
}

#[test]
fn what_is_not_there_is_said_with_what_is() {
    let temp = tempfile::tempdir().unwrap();
    let dir = temp.path().to_str().unwrap();
    let _writer = region(temp.path());
    let there = "there are 0 SOL-PERP, 1 BTC-PERP";
    for key in ["3", "99", "ETH-PERP", "-1"] {
        let said = complaint(&mut driftshm(&["get", "perp", key, "--dir", dir]), 1);
        assert_eq!(said, format!("there is no perp market {key}: {there}"));
    }
    let said = complaint(&mut driftshm(&["get", "perp", "--dir", dir]), 2);
    assert!(said.contains(there), "{said}");
    let said = complaint(&mut driftshm(&["get", "spot", "0", "--dir", dir]), 1);
    assert!(said.contains("nor any other yet"), "{said}");
    let said = complaint(&mut driftshm(&["get", "state", "--dir", dir]), 1);
    assert!(said.contains("no state account yet"), "{said}");
    let said = complaint(&mut driftshm(&["watch", "--perp", "ETH-PERP", "--dir", dir]), 1);
    assert!(said.contains(there), "{said}");
}

#[test]
fn a_name_cannot_steer_the_terminal() {
    let temp = tempfile::tempdir().unwrap();
    let dir = temp.path().to_str().unwrap();
    let mut writer = region(temp.path());
    let data = perp_market(writer.region().profile(), 2, "\x1b[31mEVIL\x07");
    publish(&mut writer, Kind::PerpMarket, Pubkey([5; 32]), Some(2), &data, &[]);
    let text = run(&mut driftshm(&["get", "perp", "2", "--dir", dir])).stdout;
    assert!(text.contains("EVIL") && !text.contains(['\x1b', '\x07']), "{text}");
}

#[test]
fn doctor_finds_what_is_wrong_and_nothing_else() {
    let temp = tempfile::tempdir().unwrap();
    let dir = temp.path().to_str().unwrap();
    let writer = region(temp.path());
    let verdict = |check: &str| {
        let json = run(&mut driftshm(&["doctor", "--dir", dir, "--json"])).json();
        let findings = json["findings"].as_array().unwrap().clone();
        let found = findings.into_iter().find(|finding| finding["check"] == check);
        found.unwrap_or_else(|| panic!("no {check} in {json}"))
    };
    alive(&writer, || {
        for check in ["directory", "readers", "region", "capacity", "feed", "writer"] {
            assert_eq!(verdict(check)["verdict"], "ok", "{}", verdict(check));
        }
        // Nobody listens: this writer has no socket.
        assert_eq!(verdict("socket")["verdict"], "error");
        assert!(verdict("socket")["remedy"].is_string());
        assert_eq!(run(&mut driftshm(&["doctor", "--dir", dir])).code, Some(1));
    });
    writer.header().set_pulse(Pulse::HeartbeatNs, 1);
    let held = verdict("writer");
    assert_eq!(held["verdict"], "error");
    drop(writer);
    let free = verdict("writer");
    assert_eq!(free["verdict"], "error");
    assert!(free["text"].as_str().unwrap().contains("the lock is free"), "{free}");
    assert!(free["remedy"].as_str().unwrap().contains("driftshm run"), "{free}");
    if std::path::Path::new("/proc/locks").exists() {
        assert!(held["remedy"].as_str().unwrap().contains("kill -CONT"), "{held}");
    }
}
