//! What providers do differently.

use std::time::{Duration, Instant};

use driftshm_cluster::{Fault, Options, Protocol};
use driftshm_layout::FeedState;
use libtest_mimic::Trial;

use crate::support::{
    Chain, Feeds, Followed, LiveWriter, Tls, WATCHDOG, small, two_hundred, until,
};
use crate::trial;

pub fn trials() -> Vec<Trial> {
    let tests: [(&str, fn()); 7] = [
        ("fewer_keys_are_asked_for_where_so_many_are_refused", key_limit),
        ("a_rate_limit_said_in_json_is_waited_out_and_costs_no_keys", rate_limit_in_json),
        ("where_markets_do_not_come_as_a_whole_each_is_named", refused_sorts),
        ("where_users_do_not_come_as_a_whole_each_is_named", refused_users),
        ("nothing_is_taken_from_a_stream_of_another_cluster", other_cluster),
        ("every_protocol_is_encrypted_where_its_url_says_so", encrypted),
        ("a_certificate_that_nobody_vouches_for_is_refused_and_named", not_trusted),
    ];
    tests.into_iter().map(|(name, test)| trial(format!("providers::{name}"), test)).collect()
}

const ROOM: [&str; 2] = ["--max-oracles", "256"];

fn key_limit() {
    let chain = Chain::start(two_hundred());
    chain.fault_on(Protocol::Rpc, Fault::KeyLimit { keys: 30 });
    let writer = LiveWriter::start(&chain, Feeds::Ws, &ROOM);
    writer.await_live();
    writer.assert_equals(&chain, &Followed::MARKETS, WATCHDOG);
    // Refused with 100 and with 50; then 25 at a time.
    let requests = chain.counts().rpc_calls("getMultipleAccounts");
    assert!((8..=20).contains(&requests), "{requests}; the log:\n{}", writer.log());
    assert!(writer.log().contains("no more keys"), "{}", writer.log());
}

fn rate_limit_in_json() {
    let chain = Chain::start(two_hundred());
    let writer = LiveWriter::start(&chain, Feeds::Rpc, &ROOM);
    writer.await_live();
    chain.fault_on(Protocol::Rpc, Fault::RateLimitInJson { count: Some(3) });
    let counted = || {
        let figures = writer.feed("rpc").figures;
        figures.get("error_too_many_requests").copied().unwrap_or_default()
    };
    until("it is refused three times", WATCHDOG, || (counted() == 3).then_some(()));
    writer.await_live();
    let (before, began) = (chain.counts().rpc.requests, Instant::now());
    std::thread::sleep(Duration::from_secs(8));
    let requests = chain.counts().rpc.requests - before;
    // Two requests every two seconds, as before.
    let most = began.elapsed().as_secs() + 3;
    assert!(requests <= most, "{requests} in 8 s; the log:\n{}", writer.log());
}

/// Every change comes though no sort is brought as a whole: to a writer that begins, and to one
/// that takes over a region.
fn all_changes_come(users: &str, followed: &Followed) {
    let chain = Chain::start(small());
    let method = "programSubscribe".to_owned();
    chain.fault_on(Protocol::Ws, Fault::RefuseMethod { method });
    let (rpc, ws) = (chain.rpc_url(), chain.ws_url());
    let arguments = [
        "--cluster",
        "local",
        "--rpc-url",
        &rpc,
        "--ws-url",
        &ws,
        "--users",
        users,
        "--audit-period",
        "0",
    ];
    let mut writer = LiveWriter::spawn(&arguments, &[]);
    for _ in 0..2 {
        writer.await_live();
        writer.assert_equals(&chain, followed, WATCHDOG);
        // Users come later than the rest, and are named as they come.
        std::thread::sleep(Duration::from_secs(1));
        for _ in 0..3 {
            chain.touch_all();
            chain.confirm();
            writer.assert_equals(&chain, followed, Duration::from_secs(5));
        }
        assert_eq!(writer.said_state(), Some(FeedState::Live));
        writer = writer.succeeded_by(&arguments);
    }
}

fn refused_sorts() {
    all_changes_come("none", &Followed::MARKETS);
}

fn refused_users() {
    all_changes_come("all", &Followed::AllUsers);
}

fn other_cluster() {
    let chain = Chain::start(small());
    let start_slot = Options::default().start_slot + 50_000_000;
    let other = Chain::start(Options { start_slot, ..small() });
    other.touch_all();
    let (rpc, ws, grpc) = (chain.rpc_url(), chain.ws_url(), other.grpc_url());
    let urls = ["--rpc-url", &rpc, "--ws-url", &ws, "--grpc-url", &grpc];
    let arguments: Vec<&str> =
        ["--cluster", "local", "--audit-period", "0"].iter().chain(&urls).copied().collect();
    let writer = LiveWriter::spawn(&arguments, &[]);
    writer.await_live();
    let said = until("the status says what is wrong", WATCHDOG, || writer.feed("grpc").error).0;
    assert!(said.contains("--grpc-url") && said.contains("same cluster"), "{said}");
    for _ in 0..3 {
        chain.touch_all();
        other.touch_all();
        chain.confirm();
        writer.assert_equals(&chain, &Followed::MARKETS, Duration::from_secs(5));
    }
    assert_eq!(writer.feed("ws").state, "live");
}

/// The URLs of a cluster behind proxies that speak TLS.
fn https(tls: &Tls, chain: &Chain) -> [String; 3] {
    [
        format!("https://{}", tls.in_front_of(&chain.rpc_url(), "http/1.1")),
        format!("wss://{}", tls.in_front_of(&chain.ws_url(), "http/1.1")),
        format!("https://{}", tls.in_front_of(&chain.grpc_url(), "h2")),
    ]
}

fn encrypted() {
    let (chain, tls) = (Chain::start(small()), Tls::new());
    let [rpc, ws, grpc] = https(&tls, &chain);
    let trusted = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(trusted.path(), &tls.pem).unwrap();
    let arguments = [
        "--cluster",
        "local",
        "--rpc-url",
        &rpc,
        "--ws-url",
        &ws,
        "--grpc-url",
        &grpc,
        "--audit-period",
        "0",
    ];
    let trust = [("SSL_CERT_FILE", trusted.path().to_str().unwrap())];
    let writer = LiveWriter::spawn(&arguments, &trust);
    writer.await_live();
    for name in ["ws", "grpc"] {
        until("each stream is live", WATCHDOG, || {
            (writer.feed(name).state == "live").then_some(())
        });
    }
    chain.touch_all();
    chain.confirm();
    writer.assert_equals(&chain, &Followed::MARKETS, Duration::from_secs(5));
}

fn not_trusted() {
    let (chain, tls) = (Chain::start(small()), Tls::new());
    let [rpc, ws, grpc] = https(&tls, &chain);
    let arguments = ["--cluster", "local", "--rpc-url", &rpc, "--ws-url", &ws, "--grpc-url", &grpc];
    let writer = LiveWriter::spawn(&arguments, &[]);
    for (name, setting) in [("rpc", "--rpc-url"), ("ws", "--ws-url"), ("grpc", "--grpc-url")] {
        let is_named = || {
            let said = writer.feed(name).error?;
            (said.contains(setting) && said.contains("certificate")).then_some(())
        };
        until("the certificate is named", WATCHDOG, is_named);
    }
    assert_ne!(writer.region().feed_state(), FeedState::Live);
}
