//! `status --ready`: nothing to read, an exit status to act on.

use rustix::process::Signal;

use super::process::{Writer, directory, unreadable_recording, until};
use super::support::{complaint, driftshm, run};

#[test]
fn it_tells_ready_from_not_ready_from_dead_from_none() {
    let dir = directory();
    let path = dir.path().to_str().unwrap();
    let args = ["status", "--ready", "--dir", path];
    let said = complaint(&mut driftshm(&args), 4);
    assert!(said.contains("no region at"), "{said}");

    let mut writer = Writer::start(&dir, &["--feed", "sim", "--users", "4"]);
    until("ready, and nothing is said", || {
        let ran = run(&mut driftshm(&args));
        ran.code == Some(0) && (ran.stdout.as_str(), ran.stderr.as_str()) == ("", "")
    });

    writer.signal(Signal::TERM);
    assert_eq!(writer.wait(), Some(0));
    let said = complaint(&mut driftshm(&args), 3);
    assert!(said.starts_with("not ready: the writer has stopped"), "{said}");

    let recording = unreadable_recording(&dir);
    let writer = Writer::start(&dir, &["--feed", "replay", "--replay", &recording]);
    writer.line("the feed failed");
    until("the feed is down", || {
        let ran = run(&mut driftshm(&args));
        ran.code == Some(5) && ran.stderr.contains("the feed is down")
    });
    let said = complaint(&mut driftshm(&args), 5);
    assert!(said.starts_with("not ready: the feed is down for "), "{said}");
    assert_eq!(run(&mut driftshm(&["status", "--dir", path])).code, Some(0), "it lives");
    let why = "has format 99";
    assert!(said.contains(why), "{said}");
    let doctor = run(&mut driftshm(&["doctor", "--dir", path])).stdout;
    let feed = doctor.lines().find(|line| line.starts_with("! feed")).unwrap();
    assert!(feed.contains("the feed is down for") && feed.contains(why), "{doctor}");
}

#[test]
fn a_writer_that_was_killed_is_dead_and_when_is_said() {
    let dir = directory();
    let path = dir.path().to_str().unwrap();
    let args = ["status", "--ready", "--dir", path];
    let mut writer = Writer::start(&dir, &["--feed", "sim", "--users", "4"]);
    until("ready", || run(&mut driftshm(&args)).code == Some(0));
    writer.signal(Signal::KILL);
    writer.wait();
    until("its death is noticed", || run(&mut driftshm(&args)).code == Some(3));
    let said = complaint(&mut driftshm(&args), 3);
    assert!(said.starts_with("not ready: the writer is dead since "), "{said}");
}

#[test]
fn it_prints_nothing_so_json_beside_it_makes_no_sense() {
    let said = complaint(&mut driftshm(&["status", "--ready", "--json"]), 2);
    assert!(said.contains("cannot be used with"), "{said}");
}
