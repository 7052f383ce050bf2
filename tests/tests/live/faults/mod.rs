//! Everything that can go wrong with a provider, with each feed: what bots are told while it lasts,
//! and that all is made good afterwards without anything being written again.

mod cell;

use std::time::Duration;

use driftshm_cluster::{Commitment, Fault};
use libtest_mimic::Trial;

use crate::support::{Chain, Feeds};
use crate::trial;

/// A fault, and what is expected of it.
struct Case {
    name: &'static str,
    /// What is put in force, in this order, on all protocols.
    strike: fn(&Chain) -> Vec<Fault>,
    /// Whether accounts cannot arrive: then the region says so.
    hides: bool,
    /// How long it is left in force at least.
    lasts: Duration,
    mended: Mended,
    /// Counters of the region, of which one goes up where there are streams.
    counted: &'static [&'static str],
    /// For how long the provider asks not to be asked again.
    asks: Duration,
    /// Flags of the writer.
    flags: &'static [&'static str],
}

/// By what the region becomes what the chain is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mended {
    /// By the feed itself, within two seconds of its return. There is no audit that could help.
    ByFeed,
    /// By the audit: no feed can know that something was left out.
    ByAudit,
}

pub fn trials() -> Vec<Trial> {
    let cases = cases();
    let of = |feeds: Feeds| {
        let is_one = move |case: &&Case| feeds != Feeds::Grpc || case.name != BAD_BASE64;
        cases.iter().filter(is_one).map(move |case| {
            let name = format!("faults::{feeds}::{}", case.name);
            let run = cell::Cell { feeds, case: case.clone() };
            trial(name, move || run.run())
        })
    };
    Feeds::EACH.into_iter().flat_map(of).collect()
}

impl Clone for Case {
    fn clone(&self) -> Self {
        Self { ..*self }
    }
}

/// Yellowstone's streams end with this status as soon as they are asked for, three times.
fn grpc_status(code: i32) -> Vec<Fault> {
    vec![Fault::GrpcStatus { code, count: Some(3) }, Fault::EndStreams {}]
}

/// There is none over Yellowstone.
const BAD_BASE64: &str = "bad_base64";
const AUDITED: &[&str] = &["--audit-period", "1"];

fn cases() -> Vec<Case> {
    let case = |name, strike| Case {
        name,
        strike,
        hides: false,
        lasts: Duration::from_secs(2),
        mended: Mended::ByFeed,
        counted: &[],
        asks: Duration::ZERO,
        flags: &[],
    };
    let hides = |name, strike| Case { hides: true, ..case(name, strike) };
    let counts = |counted, case: Case| Case { counted, ..case };
    let audited = |name, strike| Case { mended: Mended::ByAudit, ..case(name, strike) };
    let seconds = Duration::from_secs;
    vec![
        // Long enough for the connection to be given up, and for tries that hang as well.
        Case { lasts: seconds(14), ..hides("black_hole", |_| vec![Fault::BlackHole {}]) },
        // Not long enough: the connection lives on, and what was not told on it is missing.
        Case { lasts: seconds(6), ..hides("silence_with_pings", |_| vec![Fault::Silence {}]) },
        Case { lasts: seconds(14), ..hides("long_silence", |_| vec![Fault::Silence {}]) },
        Case { lasts: seconds(6), ..hides("slots_stall", |_| vec![Fault::Stall {}]) },
        Case { lasts: seconds(6), ..hides("chain_halts", |_| vec![Fault::Halt {}]) },
        // Long enough for the connection to be given up, and the next one to be to a node that is
        // as far behind.
        Case {
            lasts: seconds(14),
            ..hides("slots_go_back", |_| vec![Fault::SlotsBack { by: 1000 }])
        },
        Case {
            lasts: seconds(5),
            ..hides("too_many_requests", |_| {
                vec![Fault::TooManyRequests { retry_after_s: None, count: None }, Fault::Cut {}]
            })
        },
        Case {
            lasts: seconds(5),
            asks: seconds(3),
            ..hides("too_many_requests_with_retry_after", |_| {
                vec![Fault::TooManyRequests { retry_after_s: Some(3), count: None }, Fault::Cut {}]
            })
        },
        hides("refused", |_| vec![Fault::Refuse { keep_connections: false }]),
        hides("half_open", |_| vec![Fault::HalfOpen {}, Fault::Cut {}]),
        hides("eof_after_accept", |_| vec![Fault::Eof {}, Fault::Cut {}]),
        hides("restart_with_newer_state", |_| {
            vec![Fault::Restart { slots: 50, down_ms: 5000, touch: true }]
        }),
        hides("http_says_unavailable", |_| {
            vec![Fault::HttpStatus { status: 503, count: None }, Fault::Cut {}]
        }),
        case("streams_end_in_good_order", |_| vec![Fault::EndStreams {}]),
        case("streams_end_as_internal_errors", |_| grpc_status(13)),
        case("streams_end_as_out_of_range", |_| grpc_status(11)),
        case("streams_end_as_invalid_arguments", |_| grpc_status(3)),
        case("slow_answers", |_| vec![Fault::Slow { ms: 300 }, Fault::Cut {}]),
        case("no_word_of_confirmation", |_| {
            vec![Fault::OmitStatus { status: Commitment::Confirmed }]
        }),
        counts(&["reconnects"], case("cut", |_| vec![Fault::Cut {}])),
        counts(&["stale"], case("reordered", |_| vec![Fault::Reorder { pubkey: None }])),
        counts(
            &["absorbed", "stale", "conflated"],
            case("duplicated", |_| vec![Fault::Duplicate {}]),
        ),
        case("rpc_lags_the_stream", |_| vec![Fault::RpcLag { slots: 5 }, Fault::Cut {}]),
        counts(
            &["audit_mismatches"],
            audited("one_update_left_out", |chain| {
                vec![Fault::Skip { pubkey: chain.market(1), count: 1000 }]
            }),
        ),
        // Too short for anything but the slots that were not told to show it.
        case("short_silence", |_| vec![Fault::Silence {}]),
        counts(&["bad_input"], case("malformed", |_| vec![Fault::Malformed { count: None }])),
        // Half a message of Protobuf is none: it ends the stream.
        counts(
            &["bad_input", "reconnects"],
            case("truncated", |_| vec![Fault::Truncated { count: None }]),
        ),
        counts(&["bad_input"], case(BAD_BASE64, |_| vec![Fault::BadBase64 { count: None }])),
        // The answer with such an account in it is right by all signs.
        Case {
            flags: &["--max-message", "65536"],
            counted: &["reconnects"],
            ..audited("oversized", |_| vec![Fault::Oversized { bytes: 200_000, count: None }])
        },
    ]
}
