//! Metrics, health and readiness over HTTP, while a feed does what the test says.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use driftshm_layout::control::Filter;
use driftshm_layout::{FeedState, Region};
use driftshm_writer::feeds::{Figures, Part};
use driftshm_writer::serve::ServeOptions;
use tempfile::TempDir;

use crate::http::{get, samples};
use crate::support::*;

/// An address of this test's own.
fn address(number: u8) -> SocketAddr {
    let [low, high, ..] = std::process::id().to_le_bytes();
    (IpAddr::V4(Ipv4Addr::new(127, high, low, number)), 9464).into()
}

fn served(dir: &TempDir, address: SocketAddr) -> ServeOptions {
    ServeOptions { metrics_listen: Some(address), ..options(dir.path()) }
}

#[test]
fn readiness_follows_what_lasts_and_health_follows_the_writer() {
    let dir = temp_dir();
    let address = address(1);
    let (feed, sinks) = feed();
    let (stop, thread) = run(served(&dir, address), vec![feed]);
    let (_, sink) = sinks.recv_timeout(PATIENCE).unwrap();

    let ready = || get(address, "/readyz");
    let starting = ready();
    assert_eq!((starting.status, &starting.json()["verdict"]), (503, &"starting".into()));
    until("it lives, ready or not", || get(address, "/healthz").status == 200);
    sink.state(FeedState::Live);
    until("ready", || ready().status == 200);
    assert_eq!(ready().json()["reason"], serde_json::Value::Null);

    // A hiccup is to be seen, and has no consequence.
    sink.state(FeedState::Stalled);
    until("the hiccup is seen", || ready().json()["feed"] == "stalled");
    let hiccup = ready();
    assert_eq!(hiccup.status, 200);
    assert!(hiccup.json()["reason"].as_str().unwrap().starts_with("the feed is stalled for"));
    sink.state(FeedState::Live);
    until("it is over", || ready().json()["feed"] == "live");

    let began = Instant::now();
    sink.state(FeedState::Down);
    until("not ready", || ready().status == 503);
    let lasted = began.elapsed();
    assert!(lasted >= Duration::from_millis(4900), "not before it has lasted: {lasted:?}");
    assert_eq!(ready().json()["verdict"], "not_ready");
    assert_eq!(samples(&get(address, "/metrics").body)["driftshm_ready"], 0.0);
    until("it lives all the same", || get(address, "/healthz").status == 200);

    let began = Instant::now();
    sink.state(FeedState::Live);
    until("ready again", || ready().status == 200);
    let lasted = began.elapsed();
    assert!(lasted >= Duration::from_millis(900), "not before it has lasted: {lasted:?}");
    drop(stop);
    thread.join().unwrap().unwrap();
    let gone = std::net::TcpStream::connect(address);
    assert!(gone.is_err(), "nobody listens when the writer has ended");
}

#[test]
fn what_is_served_is_what_region_and_control_socket_say() {
    let dir = temp_dir();
    let address = address(2);
    let writer = Writer::with(served(&dir, address));
    let start = writer.start_slot;
    writer.bring([user(key(1), start), user(key(2), start), closed(key(9), start)]);
    writer.sink.slot(start + 7);
    let region = writer.region();
    until("the slot is there", || region.slot() == start + 7);
    let _subscription = writer.subscribe(Filter { pubkeys: vec![key(1)], ..Filter::default() });
    let page = || samples(&get(address, "/metrics").body);
    until("the subscription is there", || page()["driftshm_subscriptions"] == 1.0);

    is_alive(&region);
    let answer = get(address, "/metrics");
    assert!(answer.head.contains("content-type: text/plain; version=0.0.4"), "{}", answer.head);
    let page = samples(&answer.body);
    for (name, count) in region.counters() {
        assert_eq!(page[&format!("driftshm_{name}_total")], count as f64, "{name}");
    }
    assert!(page["driftshm_published_total"] >= 2.0);
    assert_eq!(page["driftshm_generation"], region.generation() as f64);
    assert_eq!(page["driftshm_slot"], (start + 7) as f64);
    assert_eq!(page[r#"driftshm_records{kind="user"}"#], 2.0);
    assert_eq!(page[r#"driftshm_record_capacity{kind="user"}"#], 16.0);
    assert_eq!(page[r#"driftshm_region_state{state="live"}"#], 1.0);
    assert_eq!(page[r#"driftshm_region_state{state="stopped"}"#], 0.0);
    assert_eq!(page[r#"driftshm_feed_state{feed="test",state="live"}"#], 1.0);
    assert_eq!(page[r#"driftshm_feed_state{feed="test",state="down"}"#], 0.0);
    assert_eq!((page["driftshm_up"], page["driftshm_feed_live"]), (1.0, 1.0));
    assert_eq!((page["driftshm_connections"], page["driftshm_watches"]), (1.0, 1.0));
    let age = || samples(&get(address, "/metrics").body)["driftshm_heartbeat_age_seconds"];
    until("it has just beaten", || age() < 0.7);
    let about = page.keys().find(|name| name.starts_with("driftshm_build_info")).unwrap();
    let package = env!("CARGO_PKG_VERSION");
    assert!(
        about.contains(&format!("version=\"{package}\"")) && about.contains("cluster=\"test\"")
    );
    assert!(page["process_resident_memory_bytes"] > 0.0 && page["process_open_fds"] > 0.0);
}

#[test]
fn each_feed_has_its_own_figures_and_its_errors_by_kind() {
    let dir = temp_dir();
    let address = address(3);
    let figures = Arc::new(Figures::default());
    let (first, first_sink) = feed_named("ws");
    let (second, _second_sink) = feed_named("rpc");
    let feeds = vec![first.with(Part::Mirror, Arc::clone(&figures)), second];
    let (stop, thread) = run(served(&dir, address), feeds);
    let (_, sink) = first_sink.recv_timeout(PATIENCE).unwrap();
    sink.slot(110);
    figures.slot(100);
    figures.requests(7);
    figures.connected();
    figures.connected();
    figures.gap(3);
    figures.audited(50, 2);
    figures.failed("timeout", "it took too long");
    figures.failed("timeout", "it took too long again");
    let page = || samples(&get(address, "/metrics").body);
    until("counted", || {
        page().contains_key(r#"driftshm_feed_errors_total{feed="ws",kind="timeout"}"#)
    });
    until("the slot is there", || page()["driftshm_slot"] == 110.0);

    let page = page();
    for (name, expected) in [
        (r#"driftshm_feed_slot{feed="ws"}"#, 100.0),
        (r#"driftshm_feed_lag_slots{feed="ws"}"#, 10.0),
        (r#"driftshm_feed_requests_total{feed="ws"}"#, 7.0),
        (r#"driftshm_feed_connects_total{feed="ws"}"#, 2.0),
        (r#"driftshm_feed_reconnects_total{feed="ws"}"#, 1.0),
        (r#"driftshm_feed_gap_slots_total{feed="ws"}"#, 3.0),
        (r#"driftshm_feed_audit_checked_total{feed="ws"}"#, 50.0),
        (r#"driftshm_feed_audit_mismatches_total{feed="ws"}"#, 2.0),
        (r#"driftshm_feed_errors_total{feed="ws",kind="timeout"}"#, 2.0),
    ] {
        assert_eq!(page.get(name), Some(&expected), "{name}");
    }
    let of_rpc = |name: &&String| name.contains("feed=\"rpc\"") && !name.contains("feed_state");
    assert_eq!(page.keys().find(of_rpc), None, "a feed that counts nothing has no figures");
    drop(stop);
    thread.join().unwrap().unwrap();
}

#[test]
fn a_region_that_is_made_anew_is_followed() {
    let dir = temp_dir();
    let address = address(4);
    let writer = Writer::with(served(&dir, address));
    writer.bring([user(key(1), writer.start_slot)]);
    std::fs::remove_file(driftshm_layout::dir::region_path(dir.path())).unwrap();
    until("it is made anew", || Region::open(dir.path()).is_ok());
    writer.bring([user(key(2), writer.start_slot)]);
    let page = || samples(&get(address, "/metrics").body);
    until("the new one is read", || page()[r#"driftshm_records{kind="user"}"#] == 2.0);
    assert_eq!(page()["driftshm_remade_total"], 1.0);
    until("it is well", || {
        (get(address, "/readyz").status, get(address, "/healthz").status) == (200, 200)
    });
}
