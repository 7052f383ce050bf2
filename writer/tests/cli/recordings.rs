//! Recordings on the command line: what is said of them, and what is left behind.

use super::process::{Writer, directory};
use super::support::{complaint, driftshm, region};

const REPLAY: [&str; 3] = ["--feed", "replay", "--replay"];

#[test]
fn the_end_of_a_recording_is_said() {
    let dir = directory();
    let path = dir.path().join("two.jsonl");
    let line = |key: &str| format!("{{\"pubkey\":\"{key}\",\"data\":\"AQ==\"}}\n");
    let keys = ["dRiftyHA39MWEi3m9aunc5MzRF1JYuBsbn6VPcn33UH", "11111111111111111111111111111111"];
    std::fs::write(&path, keys.map(line).concat()).unwrap();
    let recording = path.to_str().unwrap();
    let writer = Writer::start(&dir, &[&REPLAY[..], &[recording]].concat());
    let said = writer.line("played to its end");
    assert!(said.contains("INFO") && said.contains("accounts=2"), "{said}");
    assert!(said.contains(recording), "{said}");
}

#[test]
fn a_recording_without_an_account_is_warned_of() {
    for text in ["", "junk\nand more\n"] {
        let dir = directory();
        let path = dir.path().join("junk.jsonl");
        std::fs::write(&path, text).unwrap();
        let recording = path.to_str().unwrap();
        let writer = Writer::start(&dir, &[&REPLAY[..], &[recording]].concat());
        let said = writer.line("no account could be read from it");
        assert!(said.contains("WARN") && said.contains(recording), "{said}");
    }
}

#[test]
fn without_a_writer_no_recording_is_begun() {
    let temp = tempfile::tempdir().unwrap();
    let dir = temp.path().to_str().unwrap();
    drop(region(temp.path()));
    let file = temp.path().join("x.rec");
    let said = complaint(&mut driftshm(&["record", "--dir", dir, file.to_str().unwrap()]), 1);
    assert!(said.contains("no writer listens"), "{said}");
    assert!(!file.exists());
}
