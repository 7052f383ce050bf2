//! One client, from its hello to its end.

use std::collections::HashMap;
use std::os::fd::AsFd;
use std::time::Duration;

use driftshm_layout::control::{
    ErrorCode, Filter, PUBKEYS_PER_MESSAGE, Request, Response, SubscribeRequest,
};
use driftshm_layout::header::ABI_VERSION;
use rustix::io::Errno;
use tokio_seqpacket::UnixSeqpacket;

use super::figures;
use super::limits::Permit;
use super::publisher_link::PublisherLink;
use super::refuse::refuse;
use super::server::Shared;
use super::wire::{Received, send, send_with};
use crate::publisher::{Command, Signal};
use crate::recording::{self, Guard, PipeSink};

/// A client says hello within this time, or it is closed.
const HELLO_TIMEOUT: Duration = Duration::from_secs(5);

/// Why a connection ends that the client did not close.
struct Refusal(ErrorCode, String);

/// What ends a connection.
enum End {
    /// The client is gone or does not listen, or the writer stops.
    Closed,
    /// The client is told why.
    Refused(Refusal),
}

impl From<std::io::Error> for End {
    fn from(_: std::io::Error) -> Self {
        Self::Closed
    }
}

/// The subscriptions of one connection; taken back when it ends, however it ends.
struct Subscriptions {
    publisher: PublisherLink,
    /// By number, with how many keys each has.
    keys: HashMap<u64, usize>,
}

impl Drop for Subscriptions {
    fn drop(&mut self) {
        if !self.keys.is_empty() {
            self.publisher.unsubscribe(self.keys.keys().copied().collect());
        }
    }
}

/// Serves one client until it goes.
pub(super) async fn serve(socket: UnixSeqpacket, shared: Shared, permit: Permit) {
    let subscriptions = Subscriptions { publisher: shared.publisher.clone(), keys: HashMap::new() };
    let mut connection = Connection { socket, shared, permit, subscriptions, recording: None };
    if let Err(End::Refused(Refusal(code, message))) = connection.run().await {
        let Connection { socket, shared, permit, subscriptions, recording } = connection;
        drop((subscriptions, recording));
        refuse(socket, &shared.buffer, code, message).await;
        drop(permit);
    }
}

struct Connection {
    socket: UnixSeqpacket,
    shared: Shared,
    permit: Permit,
    subscriptions: Subscriptions,
    recording: Option<Guard>,
}

fn bad(message: impl Into<String>) -> End {
    End::Refused(Refusal(ErrorCode::BadMessage, message.into()))
}

impl Connection {
    async fn run(&mut self) -> Result<(), End> {
        let hello = tokio::time::timeout(HELLO_TIMEOUT, self.next());
        let Ok(hello) = hello.await else {
            return Err(bad(format!("no hello within {} s", HELLO_TIMEOUT.as_secs())));
        };
        match hello? {
            request @ Request::Hello { .. } => self.answer(request).await?,
            _ => return Err(bad("the first message must be a hello")),
        }
        loop {
            let request = self.next().await?;
            self.answer(request).await?;
        }
    }

    async fn next(&self) -> Result<Request, End> {
        match self.shared.buffer.receive(&self.socket).await {
            Received::Request(request) => Ok(request),
            Received::Bad(why) => Err(bad(why)),
            Received::Closed => Err(End::Closed),
        }
    }

    async fn answer(&mut self, request: Request) -> Result<(), End> {
        let response = match request {
            Request::Hello { abi, version } => self.hello(abi, &version)?,
            Request::Subscribe(SubscribeRequest { filter }) => {
                match self.subscribe(filter).await? {
                    // Sent already, with its descriptors.
                    None => return Ok(()),
                    Some(error) => error,
                }
            }
            Request::Extend { id, filter } => self.extend(id, filter).await?,
            Request::Unsubscribe { id } => self.unsubscribe(id)?,
            Request::Record => match self.record().await? {
                None => return Ok(()),
                Some(error) => error,
            },
            Request::Status => self.status().await?,
        };
        Ok(send(&self.socket, &response).await?)
    }

    fn hello(&self, abi: u32, version: &str) -> Result<Response, End> {
        let ours = env!("CARGO_PKG_VERSION");
        if abi != ABI_VERSION {
            let version: String = version.chars().take(64).collect();
            return Err(End::Refused(Refusal(
                ErrorCode::Incompatible,
                format!(
                    "writer {ours} has format {ABI_VERSION}, this reader {version} has format {abi}"
                ),
            )));
        }
        let generation = self.shared.generation;
        Ok(Response::Hello { abi: ABI_VERSION, version: ours.to_owned(), generation })
    }

    async fn subscribe(&mut self, filter: Filter) -> Result<Option<Response>, End> {
        if let Err(message) = self.permit.add_subscription() {
            return Ok(Some(too_many(message)));
        }
        let keys = match self.admit(&filter) {
            Ok(keys) => keys,
            Err(error) => {
                self.permit.remove_subscription();
                return Ok(Some(error));
            }
        };
        let (signal, handover) = match Signal::new() {
            Ok(both) => both,
            Err(error) => {
                self.permit.remove_subscription();
                self.permit.remove_keys(keys);
                return Ok(Some(no_resources(&error)));
            }
        };
        let id = self.shared.next_id();
        // Noted before it is asked for: if this task is dropped meanwhile, it is taken back.
        self.subscriptions.keys.insert(id, keys);
        let done = self.shared.publisher.subscribe(id, filter, signal).await;
        done.map_err(|_| End::Closed)?;
        // Only now: whoever has the answer loses no wake-up.
        let fds = [handover.doorbell.as_fd(), handover.memfd.as_fd()];
        let sent = send_with(&self.socket, &Response::Subscribed { id }, &fds).await;
        match sent {
            Ok(()) => Ok(None),
            // Too many descriptors are under way to clients that do not fetch them.
            Err(error) if Errno::from_io_error(&error) == Some(Errno::TOOMANYREFS) => {
                self.unsubscribe(id)?;
                Ok(Some(no_resources(&error)))
            }
            Err(_) => Err(End::Closed),
        }
    }

    async fn extend(&mut self, id: u64, filter: Filter) -> Result<Response, End> {
        if !self.subscriptions.keys.contains_key(&id) {
            return Err(bad(format!("this connection has no subscription {id}")));
        }
        let more = match self.admit(&filter) {
            Ok(keys) => keys,
            Err(error) => return Ok(error),
        };
        if let Some(keys) = self.subscriptions.keys.get_mut(&id) {
            *keys += more;
        }
        let done = self.shared.publisher.extend(id, filter).await;
        done.map_err(|_| End::Closed)?;
        Ok(Response::Done)
    }

    /// How many keys the filter has, if there is room for them.
    fn admit(&mut self, filter: &Filter) -> Result<usize, Response> {
        if filter.pubkeys.len() > PUBKEYS_PER_MESSAGE {
            return Err(too_many(format!(
                "a message may have {PUBKEYS_PER_MESSAGE} addresses; extend the subscription with more"
            )));
        }
        let keys = filter.pubkeys.len() + filter.perp_markets.len() + filter.spot_markets.len();
        self.permit.add_keys(keys).map_err(too_many)?;
        Ok(keys)
    }

    fn unsubscribe(&mut self, id: u64) -> Result<Response, End> {
        let Some(keys) = self.subscriptions.keys.remove(&id) else {
            return Err(bad(format!("this connection has no subscription {id}")));
        };
        self.permit.remove_subscription();
        self.permit.remove_keys(keys);
        self.shared.publisher.unsubscribe(vec![id]);
        Ok(Response::Done)
    }

    /// Starts a recording, which goes to the client through a pipe.
    async fn record(&mut self) -> Result<Option<Response>, End> {
        if self.recording.is_some() {
            return Err(bad("this connection has a recording already"));
        }
        let Some(place) = self.shared.recordings.place() else {
            let message = "as many recordings are being made as are allowed at a time";
            return Ok(Some(too_many(message.to_owned())));
        };
        let guard = Guard::new();
        let started = PipeSink::new(guard.flag(), place).and_then(|(sink, theirs)| {
            let options = self.shared.recorder.clone();
            recording::start(sink, options, &guard).map(|(tap, _)| (tap, theirs))
        });
        let (tap, theirs) = match started {
            Ok(both) => both,
            Err(error) => return Ok(Some(no_resources(&error))),
        };
        // From here on it ends when this connection does.
        self.recording = Some(guard);
        let record = Command::Record(Box::new(tap));
        self.shared.publisher.send(record).map_err(|_| End::Closed)?;
        match send_with(&self.socket, &Response::Recording, &[theirs.as_fd()]).await {
            Ok(()) => Ok(None),
            Err(error) if Errno::from_io_error(&error) == Some(Errno::TOOMANYREFS) => {
                self.recording = None;
                Ok(Some(no_resources(&error)))
            }
            Err(_) => Err(End::Closed),
        }
    }

    async fn status(&self) -> Result<Response, End> {
        let report = self.shared.publisher.report().await.map_err(|_| End::Closed)?;
        Ok(Response::Status(figures::status(report, &self.shared.tally)))
    }
}

fn too_many(message: String) -> Response {
    Response::Error { code: ErrorCode::TooMany, message }
}

fn no_resources(error: &std::io::Error) -> Response {
    let message = format!(
        "the writer cannot make descriptors for another subscription ({error}): raise its limit \
         of open files (LimitNOFILE, ulimit -n)"
    );
    Response::Error { code: ErrorCode::Resources, message }
}
