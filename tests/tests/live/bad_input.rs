//! Settings that are wrong: what is said names the setting and the cause, once and without a
//! secret in it; and the writer ends or goes on as it was told to.

use std::time::Duration;

use driftshm_cluster::{Commitment, Options};
use driftshm_layout::FeedState;
use libtest_mimic::Trial;

use crate::support::{Chain, LiveWriter, WATCHDOG, small, until};
use crate::trial;

/// No process that is to fail fast takes longer, on a machine that is busy elsewhere.
const FAST: Duration = Duration::from_secs(10);
/// What must never be seen.
const SECRET: &str = "hush-4f9c0d-hush";

pub fn trials() -> Vec<Trial> {
    let mut trials = Vec::new();
    for slip in SLIPS {
        let name = format!("bad_input::{}", slip.name);
        trials.push(trial(name, move || is_named(&slip)));
    }
    trials.push(trial("bad_input::an_account_that_is_not_as_the_profile_has_it", strange_layout));
    trials.push(trial("bad_input::secrets_are_never_seen", secrets));
    trials.push(trial("bad_input::a_key_in_a_flag_is_refused", key_in_flag));
    trials
}

/// Where things are: the cluster's URLs, without the scheme.
struct Places {
    rpc: String,
    ws: String,
    grpc: String,
    /// A port that nobody listens on.
    nobody: String,
    /// Files with tokens.
    wrong: String,
}

/// A setting that is wrong.
#[derive(Clone, Copy)]
struct Slip {
    name: &'static str,
    cluster: &'static str,
    /// `--rpc-url`, `--ws-url`, `--grpc-url`; empty where there is none.
    urls: fn(&Places) -> [String; 3],
    with_token: bool,
    /// What the complaint has in it.
    says: &'static [&'static str],
    /// The feed whose status has it too.
    feed: &'static str,
}

const SLIPS: [Slip; 9] = [
    Slip {
        name: "rpc_that_nobody_answers",
        cluster: "local",
        urls: |at| [format!("http://{}", at.nobody), String::new(), String::new()],
        with_token: false,
        says: &["--rpc-url", "refused"],
        feed: "rpc",
    },
    Slip {
        name: "ws_that_nobody_answers",
        cluster: "local",
        urls: |at| [format!("http://{}", at.rpc), format!("ws://{}", at.nobody), String::new()],
        with_token: false,
        says: &["--ws-url", "refused"],
        feed: "ws",
    },
    Slip {
        name: "grpc_that_nobody_answers",
        cluster: "local",
        urls: |at| [format!("http://{}", at.rpc), String::new(), format!("http://{}", at.nobody)],
        with_token: false,
        says: &["--grpc-url", "refused"],
        feed: "grpc",
    },
    Slip {
        name: "a_host_that_has_no_address",
        cluster: "local",
        urls: |_| ["http://nowhere.invalid".to_owned(), String::new(), String::new()],
        with_token: false,
        says: &["--rpc-url"],
        feed: "rpc",
    },
    Slip {
        name: "a_node_of_another_cluster",
        cluster: "mainnet",
        urls: |at| [format!("http://{}", at.rpc), String::new(), String::new()],
        with_token: false,
        says: &[
            "--rpc-url",
            "--cluster",
            "mainnet",
            "5eykt4UsFv8P8NJdTREpY1vzqKqZKvdpKuc147dw2N9d",
        ],
        feed: "rpc",
    },
    Slip {
        name: "a_token_that_is_not_the_right_one",
        cluster: "local",
        urls: |at| [format!("http://{}", at.rpc), String::new(), format!("http://{}", at.grpc)],
        with_token: true,
        says: &["--x-token-file", "token"],
        feed: "grpc",
    },
    Slip {
        name: "tls_where_rpc_has_none",
        cluster: "local",
        urls: |at| [format!("https://{}", at.rpc), String::new(), String::new()],
        with_token: false,
        says: &["--rpc-url", "TLS"],
        feed: "rpc",
    },
    Slip {
        name: "tls_where_ws_has_none",
        cluster: "local",
        urls: |at| [format!("http://{}", at.rpc), format!("wss://{}", at.ws), String::new()],
        with_token: false,
        says: &["--ws-url", "TLS"],
        feed: "ws",
    },
    Slip {
        name: "tls_where_grpc_has_none",
        cluster: "local",
        urls: |at| [format!("http://{}", at.rpc), String::new(), format!("https://{}", at.grpc)],
        with_token: false,
        says: &["--grpc-url", "TLS"],
        feed: "grpc",
    },
];

fn is_named(slip: &Slip) {
    let chain = Chain::start(Options { x_token: Some("right".to_owned()), ..small() });
    let files = tempfile::tempdir().unwrap();
    let wrong = files.path().join("token");
    std::fs::write(&wrong, format!("{SECRET}\n")).unwrap();
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let bare = |url: String| url.split_once("://").unwrap().1.trim_end_matches('/').to_owned();
    let places = Places {
        rpc: bare(chain.rpc_url()),
        ws: bare(chain.ws_url()),
        grpc: bare(chain.grpc_url()),
        nobody: nobody.to_string(),
        wrong: wrong.to_string_lossy().into_owned(),
    };
    let urls = (slip.urls)(&places);
    let mut flags = vec!["--cluster", slip.cluster];
    for (flag, url) in ["--rpc-url", "--ws-url", "--grpc-url"].iter().zip(&urls) {
        if !url.is_empty() {
            flags.extend([*flag, url.as_str()]);
        }
    }
    if slip.with_token {
        flags.extend(["--x-token-file", places.wrong.as_str()]);
    }

    let mut fast = flags.clone();
    fast.push("--fail-fast");
    let writer = LiveWriter::spawn(&fast, &[]);
    let status = writer.ended(FAST);
    assert!(status.code().is_some_and(|code| code != 0), "{status}");
    let has_all = |text: &str| slip.says.iter().all(|part| text.contains(part));
    until("the whole log is there", WATCHDOG, || has_all(&writer.log()).then_some(()));
    let said = writer.log().lines().filter(|line| has_all(line)).count();
    assert!(said >= 1, "no line has all of {:?}:\n{}", slip.says, writer.log());

    let writer = LiveWriter::spawn(&flags, &[]);
    let complaint = || writer.status().feeds.into_iter().find(|it| it.name == slip.feed)?.error;
    let error = until("the status says it", WATCHDOG, complaint).0;
    assert!(has_all(&error), "{error}");
    // It goes on trying, and does not fill the log with it.
    std::thread::sleep(Duration::from_secs(3));
    assert_ne!(writer.region().feed_state(), FeedState::Live);
    let said = writer.log().lines().filter(|line| has_all(line)).count();
    assert_eq!(said, 1, "{}", writer.log());
    assert!(!writer.log().contains(SECRET));
}

fn strange_layout() {
    let chain = Chain::start(small());
    let market = chain.market(1);
    let data = chain.account(&market, Commitment::Processed).unwrap().data;
    chain.set_account(&market, data[..data.len() - 100].to_vec());
    chain.confirm();
    let rpc = chain.rpc_url();
    let flags = ["--cluster", "local", "--rpc-url", &rpc];
    let says = ["--profile".to_owned(), market.to_string()];
    let has_all = |text: &str| says.iter().all(|part| text.contains(part.as_str()));

    let writer = LiveWriter::spawn(&[&flags[..], &["--fail-fast"]].concat(), &[]);
    let status = writer.ended(FAST);
    assert!(status.code().is_some_and(|code| code != 0), "{status}");
    until("the log names it", WATCHDOG, || writer.log().lines().any(has_all).then_some(()));

    // Without, everything else is served.
    let writer = LiveWriter::spawn(&flags, &[]);
    writer.await_live();
    until("the log names it", WATCHDOG, || writer.log().lines().any(has_all).then_some(()));
    let region = writer.region();
    let record = region.find(&market).unwrap();
    assert!(region.meta(&record).unwrap().layout_mismatch);
}

/// With a provider that answers, and with one that does not.
fn secrets() {
    let chain = Chain::start(Options { x_token: Some(SECRET.to_owned()), ..small() });
    let files = tempfile::tempdir().unwrap();
    let token = files.path().join("token");
    std::fs::write(&token, SECRET).unwrap();
    let token = token.to_string_lossy();
    let with = |url: String| format!("{}/{SECRET}?api-key={SECRET}", url.trim_end_matches('/'));
    let dead = "http://127.0.0.1:1";
    let good = [chain.rpc_url(), chain.ws_url(), chain.grpc_url()];
    let bad = [dead.to_owned(), dead.replace("http", "ws"), dead.to_owned()];
    for (urls, is_good) in [(good, true), (bad, false)] {
        let [rpc, ws, grpc] = urls;
        // The server knows no path: a call to another one is to nothing.
        let grpc = if is_good { grpc } else { with(grpc) };
        let variables = [
            ("DRIFTSHM_RPC_URL", &*with(rpc)),
            ("DRIFTSHM_WS_URL", &*with(ws)),
            ("DRIFTSHM_GRPC_URL", &*grpc),
        ];
        let flags = ["--cluster", "local", "--x-token-file", &token, "--log-level", "trace"];
        let writer = LiveWriter::spawn(&flags, &variables);
        if is_good {
            writer.await_live();
        } else {
            until("each complains", WATCHDOG, || {
                writer.status().feeds.iter().all(|feed| feed.error.is_some()).then_some(())
            });
        }
        let status = format!("{:?}", writer.status());
        let arguments = std::fs::read(format!("/proc/{}/cmdline", writer.pid())).unwrap();
        let arguments = String::from_utf8_lossy(&arguments).into_owned();
        assert!(arguments.contains("--cluster"));
        for (what, text) in [("log", writer.log()), ("status", status), ("arguments", arguments)] {
            assert!(!text.is_empty() && !text.contains(SECRET), "the {what} has it: {text}");
        }
    }
}

fn key_in_flag() {
    for (flag, variable) in [
        ("--rpc-url", "DRIFTSHM_RPC_URL"),
        ("--ws-url", "DRIFTSHM_WS_URL"),
        ("--grpc-url", "DRIFTSHM_GRPC_URL"),
    ] {
        let scheme = if flag == "--ws-url" { "wss" } else { "https" };
        let url = format!("{scheme}://rpc.example.org/{SECRET}");
        let variables = [("DRIFTSHM_RPC_URL", "https://rpc.example.org")];
        let writer = LiveWriter::spawn(&["--cluster", "local", flag, &url], &variables);
        let status = writer.ended(FAST);
        assert!(status.code().is_some_and(|code| code != 0), "{status}");
        until("it says where to put it", WATCHDOG, || {
            writer.log().contains(variable).then_some(())
        });
        assert!(!writer.log().contains(SECRET), "{}", writer.log());
    }
}
