//! Help, version, and what is said of a command line that makes no sense.

use super::support::{complaint, driftshm, run};

#[test]
fn the_version_names_package_format_and_profiles() {
    let ran = run(&mut driftshm(&["--version"]));
    assert_eq!(ran.code, Some(0));
    let package = env!("CARGO_PKG_VERSION");
    let format = driftshm_layout::header::ABI_VERSION;
    let expected = format!("driftshm {package} (region format {format}, profiles: drift-v2");
    assert!(ran.stdout.starts_with(&expected), "{}", ran.stdout);
}

#[test]
fn without_a_command_there_is_help() {
    let ran = run(&mut driftshm(&[]));
    assert_eq!(ran.code, Some(2));
    for command in ["run", "status", "get", "watch", "doctor"] {
        assert!(ran.stderr.contains(&format!("\n  {command} ")), "{}", ran.stderr);
    }
    assert!(ran.stderr.contains("Exit status"), "{}", ran.stderr);
}

#[test]
fn each_command_explains_itself() {
    for (command, expected) in [
        ("run", "--max-users"),
        ("status", "4 = there is no\n          region"),
        ("get", "AUTHORITY:SUB_ID"),
        ("watch", "--no-conflate"),
        ("watch", "Perp markets, by index or symbol; repeatable, or several parted by commas"),
        ("doctor", "Exit status"),
    ] {
        let ran = run(&mut driftshm(&[command, "--help"]));
        assert_eq!(ran.code, Some(0));
        let flat = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(flat(&ran.stdout).contains(&flat(expected)), "{}", ran.stdout);
    }
}

#[test]
fn what_makes_no_sense_is_said_in_one_line() {
    for (args, expected) in [
        (&["rnu"][..], "unrecognized subcommand 'rnu'"),
        (&["run", "--max-user", "1"], "did you mean --max-users?"),
        (&["status", "extra"], "unexpected argument 'extra'"),
        (&["get", "perps", "0"], "expected one of perp, spot, oracle, user, user-stats, state"),
        (&["watch", "--count", "-1"], "--count is \"-1\": "),
        (&["run", "--rate", "-1"], "--rate is \"-1\": expected a whole number from 1 to"),
        (&["watch", "--count", "many"], "--count is \"many\""),
        (&["watch", "--kind", "perpetual"], "--kind is \"perpetual\": expected one of perp, spot"),
    ] {
        let said = complaint(&mut driftshm(args), 2);
        assert!(said.contains(expected), "{said}");
    }
}

#[test]
fn without_a_region_each_command_says_so_by_its_status() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path().to_str().unwrap();
    let said = complaint(&mut driftshm(&["status", "--dir", dir]), 4);
    assert!(said.contains("driftshm run"), "{said}");
    let json = run(&mut driftshm(&["status", "--dir", dir, "--json"]));
    assert_eq!((json.code, json.json()["state"].as_str()), (Some(4), Some("none")));
    for args in [&["get", "perp", "0", "--dir", dir][..], &["watch", "--dir", dir]] {
        let said = complaint(&mut driftshm(args), 1);
        assert!(said.contains("no region at"), "{said}");
    }
    let doctor = run(&mut driftshm(&["doctor", "--dir", dir]));
    assert_eq!(doctor.code, Some(1));
    assert!(doctor.stdout.contains("✗ region"), "{}", doctor.stdout);
    assert!(doctor.stdout.contains("→ start the writer"), "{}", doctor.stdout);
    let doctor = run(&mut driftshm(&["doctor", "--dir", &format!("{dir}/none"), "--json"])).json();
    assert_eq!(doctor["ok"], false);
    assert_eq!(doctor["findings"][0]["check"], "directory");
    assert_eq!(doctor["findings"][0]["verdict"], "error");
}

#[test]
fn a_file_that_is_no_region_is_told_from_none() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("region"), vec![b'x'; 8192]).unwrap();
    let dir = dir.path().to_str().unwrap();
    let said = complaint(&mut driftshm(&["status", "--dir", dir]), 1);
    assert!(said.contains("not a sound driftshm region"), "{said}");
    let doctor = run(&mut driftshm(&["doctor", "--dir", dir]));
    assert!(doctor.stdout.contains("is not sound"), "{}", doctor.stdout);
    std::fs::write(std::path::Path::new(dir).join("region"), "123456").unwrap();
    let said = complaint(&mut driftshm(&["status", "--dir", dir]), 1);
    assert!(said.contains("the file has 6 bytes only"), "{said}");
}
