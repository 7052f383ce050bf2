//! What is answered to which request.

use std::time::Duration;

use driftshm_layout::header::Owner;
use driftshm_layout::{Region, clock};
use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{ACCEPT, ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};
use serde::Serialize;

use super::watch::Watch;
use crate::health::{Verdict, feed_trouble, last_live};

const PLAIN: &str = "text/plain; charset=utf-8";
const JSON: &str = "application/json";
/// The same text is both: what this format adds, older scrapers take for comments.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
const PROMETHEUS: &str = "text/plain; version=0.0.4; charset=utf-8";

/// What `/readyz` says.
#[derive(Debug, Serialize)]
struct Ready {
    ready: bool,
    verdict: &'static str,
    /// What is not as it should be, also if it has not lasted long enough to count.
    reason: Option<String>,
    feed: &'static str,
    feed_since_s: f64,
    /// Since all was known to be as the chain has it; null if it never was.
    last_live_s: Option<f64>,
    slot: u64,
}

/// The answer to a request. Its body, if any, is not looked at.
pub(super) async fn answer<B>(request: &Request<B>, watch: &Watch) -> Response<Full<Bytes>> {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let mut answer = response(StatusCode::METHOD_NOT_ALLOWED, PLAIN, "only GET and HEAD\n");
        answer.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        return answer;
    }
    match request.uri().path() {
        "/metrics" => metrics(request, watch).await,
        "/healthz" => health(watch),
        "/readyz" => ready(watch),
        _ => response(StatusCode::NOT_FOUND, PLAIN, "there are /metrics, /healthz and /readyz\n"),
    }
}

async fn metrics<B>(request: &Request<B>, watch: &Watch) -> Response<Full<Bytes>> {
    let accepts = request.headers().get(ACCEPT).and_then(|accept| accept.to_str().ok());
    let is_open = accepts.is_some_and(|accept| accept.contains("application/openmetrics-text"));
    match watch.page().await {
        Some(page) => {
            response(StatusCode::OK, if is_open { OPEN_METRICS } else { PROMETHEUS }, page)
        }
        None => response(StatusCode::SERVICE_UNAVAILABLE, PLAIN, "there is no region to read\n"),
    }
}

/// Whether the publisher's heart beats.
fn health(watch: &Watch) -> Response<Full<Bytes>> {
    match unwell(watch.region().as_deref()) {
        None => response(StatusCode::OK, PLAIN, "ok\n"),
        Some(why) => response(StatusCode::SERVICE_UNAVAILABLE, PLAIN, format!("{why}\n")),
    }
}

/// Why the writer does not count as alive, if it does not.
fn unwell(region: Option<&Region>) -> Option<String> {
    let Some(region) = region else { return Some("the region cannot be read".to_owned()) };
    if region.writer_alive() {
        return None;
    }
    let age = Duration::from_nanos(region.heartbeat_age_ns()).as_secs_f64();
    let state = region.state().map_or("unknown", |state| state.as_str());
    Some(format!("the publisher's heart has not beaten for {age:.1} s; the region is {state}"))
}

fn ready(watch: &Watch) -> Response<Full<Bytes>> {
    let region = watch.region();
    let region = region.as_deref();
    let verdict = watch.verdict(region);
    let feed = region.map_or("down", |region| region.feed_state().as_str());
    let since = region.map_or(0, |region| region.header().owner(Owner::FeedSinceNs));
    let since = Duration::from_nanos(clock::monotonic_ns().saturating_sub(since)).as_secs_f64();
    let reason = unwell(region).or_else(|| region.and_then(feed_trouble));
    let said = Ready {
        ready: verdict == Verdict::Ready,
        verdict: verdict.as_str(),
        reason,
        feed,
        feed_since_s: since,
        last_live_s: region.and_then(last_live).map(|ago| ago.as_secs_f64()),
        slot: region.map_or(0, Region::slot),
    };
    let status = if said.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    // It holds nothing that JSON could not say.
    let text = serde_json::to_string(&said).unwrap_or_default();
    response(status, JSON, text + "\n")
}

fn response(
    status: StatusCode,
    kind: &'static str,
    body: impl Into<Bytes>,
) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    // A proxy that keeps a verdict would keep it too long.
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

#[cfg(test)]
mod tests {
    use driftshm_layout::header::Pulse;
    use driftshm_layout::profile::{Kind, Profile};
    use driftshm_layout::{Capacities, FeedState, RegionOptions, RegionWriter};
    use http_body_util::BodyExt;

    use super::*;
    use crate::control::Figures;

    fn region(dir: &std::path::Path) -> RegionWriter {
        let mut options = RegionOptions::new("test", Profile::builtin("drift-v2").unwrap());
        options.capacities = Capacities { journal: 64, ..options.capacities }
            .with(Kind::User, 4)
            .with(Kind::UserStats, 4);
        let (writer, _) = RegionWriter::open(dir, options).unwrap();
        writer.set_feed_state(FeedState::Live);
        writer.set_live();
        writer
    }

    async fn get(watch: &Watch, path: &str) -> (u16, String) {
        let request = Request::get(path).body(()).unwrap();
        let answer = answer(&request, watch).await;
        let status = answer.status().as_u16();
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn a_heart_that_has_stopped_is_told_at_once_and_figures_are_still_served() {
        let temp = tempfile::tempdir().unwrap();
        let writer = region(temp.path());
        let watch = Watch::new(temp.path(), Figures::of_nobody());
        writer.heartbeat(None);
        assert_eq!(get(&watch, "/healthz").await, (200, "ok\n".to_owned()));
        writer.heartbeat(None);
        assert_eq!(get(&watch, "/readyz").await.0, 200);
        writer.header().set_pulse(Pulse::HeartbeatNs, 1);
        let (status, why) = get(&watch, "/healthz").await;
        assert!(status == 503 && why.starts_with("the publisher's heart has not beaten"), "{why}");
        let (status, page) = get(&watch, "/metrics").await;
        assert_eq!(status, 200);
        assert!(page.contains("\ndriftshm_up 0\n"), "{page}");
        assert!(!page.contains("\ndriftshm_subscriptions "), "nobody has said how many: {page}");
        assert!(page.ends_with("# EOF\n"), "{page}");
        writer.heartbeat(None);
        assert_eq!(get(&watch, "/healthz").await.0, 200);
    }

    #[tokio::test]
    async fn without_a_region_everything_is_unwell() {
        let temp = tempfile::tempdir().unwrap();
        let watch = Watch::new(temp.path(), Figures::of_nobody());
        for path in ["/healthz", "/readyz", "/metrics"] {
            let (status, why) = get(&watch, path).await;
            assert_eq!(status, 503, "{path}: {why}");
        }
    }
}
