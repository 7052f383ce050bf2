//! JSON-RPC over HTTP: one request, one answer, no second try.

use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use reqwest::StatusCode;
use reqwest::header::{CONTENT_TYPE, RETRY_AFTER};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::batch::Batch;
use super::error::{MIN_CONTEXT_SLOT, RpcError};
use super::gate::{Gate, Pass};
use crate::live::endpoint::Endpoint;
use crate::live::refusal::{is_of_rate, retry_after};
use crate::live::storm::Storm;
use crate::live::stream::words::Words;

const CONNECT: Duration = Duration::from_secs(5);
const ANSWER: Duration = Duration::from_secs(6);
/// `getProgramAccounts` over all users takes a node a minute.
const LONG_ANSWER: Duration = Duration::from_secs(120);
/// No answer that is held whole is longer.
const MAX_ANSWER: usize = 64 << 20;
/// Pieces of a long answer that wait for whoever reads it.
const CHUNKS_AHEAD: usize = 8;

/// A node's RPC.
pub struct Rpc {
    http: reqwest::Client,
    /// What takes the keys out of what it says.
    words: Words,
    endpoint: Endpoint,
    gate: Gate,
    /// Of its provider.
    storm: Arc<Storm>,
    /// Requests that went out.
    requests: AtomicU64,
    /// Keys of one request.
    pub(super) batch: Batch,
}

#[derive(Deserialize)]
struct Answer<T> {
    result: Option<T>,
    error: Option<Refusal>,
}

/// A node's no.
#[derive(Deserialize)]
pub(super) struct Refusal {
    code: i64,
    message: String,
    data: Option<Value>,
}

impl Refusal {
    pub(super) fn into_error(self, method: &'static str, wanted: u64) -> RpcError {
        match self.code {
            MIN_CONTEXT_SLOT => {
                let at = self.data.and_then(|data| data.get("contextSlot")?.as_u64());
                RpcError::Behind { wanted, at }
            }
            // Some say it in HTTP's words, some in JSON-RPC's.
            code if is_of_rate(code, &self.message) => RpcError::TooMany { retry_after: None },
            code => RpcError::Refused { method, code, message: shorten(&self.message) },
        }
    }
}

impl Rpc {
    /// A client; connects when first needed.
    pub fn new(
        endpoint: Endpoint,
        rate: f64,
        batch: usize,
        storm: Arc<Storm>,
    ) -> Result<Self, String> {
        let http = reqwest::Client::builder()
            .connect_timeout(CONNECT)
            .pool_idle_timeout(Duration::from_secs(60))
            .tcp_nodelay(true)
            .user_agent(concat!("driftshm/", env!("CARGO_PKG_VERSION")))
            // A redirect would take the key elsewhere.
            .redirect(reqwest::redirect::Policy::none())
            .build();
        Ok(Self {
            http: http.map_err(|error| format!("cannot set up HTTP: {}", cause(error)))?,
            words: Words::of(&endpoint),
            endpoint,
            gate: Gate::new(rate),
            storm,
            requests: AtomicU64::new(0),
            batch: Batch::new(batch),
        })
    }

    /// Requests that went out so far.
    pub fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// There is reason to believe that the node is well again.
    pub fn try_now(&self) {
        self.gate.try_now();
    }

    /// Asks, when the gate lets it.
    pub async fn call<T: DeserializeOwned>(
        &self,
        method: &'static str,
        params: Value,
    ) -> Result<T, RpcError> {
        let pass = self.gate.pass().await;
        let turn = self.storm.turn().await;
        self.requests.fetch_add(1, Ordering::Relaxed);
        let answer = self.ask(method, params).await;
        let answer = answer.map_err(|error| error.without_keys(&self.words));
        match &answer {
            Err(RpcError::TooMany { retry_after }) => turn.refused(*retry_after),
            Err(error) if !error.was_answered() => drop(turn),
            _ => turn.answered(),
        }
        self.settle(pass, &answer);
        answer
    }

    async fn ask<T: DeserializeOwned>(
        &self,
        method: &'static str,
        params: Value,
    ) -> Result<T, RpcError> {
        let wanted = params.as_array().and_then(|params| params.last()?.get("minContextSlot"));
        let wanted = wanted.and_then(Value::as_u64).unwrap_or_default();
        let mut response = self.send(method, params, ANSWER).await?;
        let status = response.status();
        let malformed = |cause: String| RpcError::Malformed { method, cause };
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|e| unanswered(method, e))? {
            if bytes.len() + chunk.len() > MAX_ANSWER {
                return Err(malformed(format!("it is longer than {MAX_ANSWER} bytes")));
            }
            bytes.extend_from_slice(&chunk);
        }
        match serde_json::from_slice::<Answer<T>>(&bytes) {
            // A proxy that says in JSON what it says in HTTP: the node was not even asked.
            Ok(Answer { error: Some(refusal), .. })
                if status.is_server_error() && refusal.code > 0 =>
            {
                Err(RpcError::Http { method, status: status.as_u16() })
            }
            Ok(Answer { error: Some(refusal), .. }) => Err(refusal.into_error(method, wanted)),
            // What an error's page says is of no interest.
            _ if !status.is_success() => Err(RpcError::Http { method, status: status.as_u16() }),
            Ok(Answer { result: Some(result), .. }) => Ok(result),
            Ok(_) => Err(malformed("it has neither result nor error".to_owned())),
            Err(error) => Err(malformed(error.to_string())),
        }
    }

    /// Sends a request, and lets through what may have an answer in it.
    async fn send(
        &self,
        method: &'static str,
        params: Value,
        timeout: Duration,
    ) -> Result<reqwest::Response, RpcError> {
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        let request = self.http.post(self.endpoint.secret()).timeout(timeout);
        let request = request.header(CONTENT_TYPE, "application/json").body(body.to_string());
        let response = request.send().await.map_err(|error| unanswered(method, error))?;
        let status = response.status();
        let asked =
            response.headers().get(RETRY_AFTER).and_then(|it| retry_after(it.to_str().ok()?));
        match status {
            StatusCode::TOO_MANY_REQUESTS => Err(RpcError::TooMany { retry_after: asked }),
            StatusCode::SERVICE_UNAVAILABLE if asked.is_some() => {
                Err(RpcError::Unavailable { method, retry_after: asked })
            }
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                Err(RpcError::Unauthorized { status: status.as_u16() })
            }
            _ => Ok(response),
        }
    }

    /// Asks for an answer that is too long to hold, when the gate lets it: `read` gets its body,
    /// in a thread where it may block. How it ends says nothing of other requests: many providers
    /// refuse this one, or take minutes for it, and are well.
    pub(super) async fn call_long<T: Send + 'static>(
        &self,
        method: &'static str,
        params: Value,
        read: impl FnOnce(Body) -> Result<T, RpcError> + Send + 'static,
    ) -> Result<T, RpcError> {
        self.gate.beside().await;
        self.requests.fetch_add(1, Ordering::Relaxed);
        let answer = self.ask_long(method, params, read).await;
        answer.map_err(|error| error.without_keys(&self.words))
    }

    async fn ask_long<T: Send + 'static>(
        &self,
        method: &'static str,
        params: Value,
        read: impl FnOnce(Body) -> Result<T, RpcError> + Send + 'static,
    ) -> Result<T, RpcError> {
        let mut response = self.send(method, params, LONG_ANSWER).await?;
        let status = response.status();
        if !status.is_success() {
            return Err(RpcError::Http { method, status: status.as_u16() });
        }
        let (sender, chunks) = tokio::sync::mpsc::channel(CHUNKS_AHEAD);
        let reader = tokio::task::spawn_blocking(move || read(Body { chunks, rest: Bytes::new() }));
        let outcome = loop {
            let chunk = match response.chunk().await {
                Ok(Some(chunk)) => chunk,
                Ok(None) => break Ok(()),
                Err(error) => break Err(unanswered(method, error)),
            };
            // The reader may have had enough; it says why.
            if sender.send(chunk).await.is_err() {
                break Ok(());
            }
        };
        drop(sender);
        let panicked = |_| RpcError::Malformed { method, cause: "reading it failed".to_owned() };
        let answer = reader.await.map_err(panicked)?;
        outcome.and(answer)
    }

    fn settle<T>(&self, pass: Pass<'_>, answer: &Result<T, RpcError>) {
        match answer {
            // It was too long, or not understood, or the node is behind: the provider is well.
            Ok(_)
            | Err(
                RpcError::Refused { .. } | RpcError::Behind { .. } | RpcError::Malformed { .. },
            ) => {
                pass.succeeded();
            }
            Err(error) if error.is_of_size() => pass.succeeded(),
            Err(error) => pass.failed(error),
        }
    }
}

/// The body of a long answer, as it comes.
pub(super) struct Body {
    chunks: tokio::sync::mpsc::Receiver<Bytes>,
    rest: Bytes,
}

impl Read for Body {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.rest.is_empty() {
            self.rest = self.chunks.blocking_recv().unwrap_or_default();
        }
        let taken = self.rest.split_to(buffer.len().min(self.rest.len()));
        if let Some(start) = buffer.get_mut(..taken.len()) {
            start.copy_from_slice(&taken);
        }
        Ok(taken.len())
    }
}

fn unanswered(method: &'static str, error: reqwest::Error) -> RpcError {
    match is_of_tls(&error) {
        true => RpcError::Tls { cause: cause(error) },
        false => RpcError::Unanswered { method, cause: cause(error) },
    }
}

/// What TLS has against the other side, it says as data that it cannot accept; some wrap that once
/// more, in what is no source.
fn is_of_tls(error: &reqwest::Error) -> bool {
    let error: &(dyn std::error::Error + 'static) = error;
    std::iter::successors(Some(error), |&error| error.source()).any(|cause| {
        let io = cause.downcast_ref::<std::io::Error>();
        let within = io.and_then(|io| io.get_ref()?.downcast_ref::<std::io::Error>());
        [io, within].iter().flatten().any(|io| io.kind() == std::io::ErrorKind::InvalidData)
    })
}

/// A provider's words, of a length that fits a log.
fn shorten(message: &str) -> String {
    message.chars().filter(|c| !c.is_control()).take(200).collect()
}

/// What went wrong, without the URL: it may hold a key.
fn cause(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut innermost: &dyn std::error::Error = &error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    if error.is_timeout() { "timed out".to_owned() } else { innermost.to_string() }
}
