//! Yellowstone: accounts and slots over one stream of gRPC.

mod connect;
mod request;
mod status;
#[cfg(test)]
mod tests;
mod update;

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use driftshm_layout::clock;
use futures_util::Stream as _;
use futures_util::stream;
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;
use tokio::time::{Instant, Sleep, sleep, timeout};
use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::Channel;
use tonic::{Request, Streaming};
use yellowstone_grpc_proto::geyser::geyser_client::GeyserClient;
use yellowstone_grpc_proto::geyser::{SubscribeRequest, SubscribeUpdate};

use self::update::Incoming;
use super::words::Words;
use super::{Event, Stream, StreamError};
use crate::live::options::{Commitment, LiveOptions};
use crate::live::plan::Plan;

const SETTING: &str = "--grpc-url";
/// Between two pings of ours: proxies close what a client says nothing on.
const PING: Duration = Duration::from_secs(10);
/// Within this, the other side reads what we write, and begins to answer.
const WRITE: Duration = Duration::from_secs(5);
/// Not every server answers pings.
const PONG: Duration = Duration::from_secs(2);
/// Requests that may wait until they are written.
const QUEUE: usize = 16;

/// A connection to Yellowstone.
pub struct Grpc {
    client: GeyserClient<Channel>,
    token: Option<MetadataValue<Ascii>>,
    commitment: Commitment,
    words: Words,
    limit: usize,
    /// Where the stream is to go on from, until something comes.
    from_slot: Option<u64>,
    open: Option<Open>,
    progress: Progress,
    last_ping: i32,
    /// When the next ping is due.
    due: Instant,
    /// Since when the other side does not take what we write.
    stuck: Option<Instant>,
    timer: Pin<Box<Sleep>>,
}

/// The stream, in both directions.
struct Open {
    requests: mpsc::Sender<SubscribeRequest>,
    updates: Streaming<SubscribeUpdate>,
}

/// Whether what was asked for last is carried out. Servers do not say, but they do one thing after
/// the other: a slot shows that the stream goes, and the pong after it that the request before
/// was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Progress {
    /// It is, and that was said.
    Following,
    /// A slot is to come.
    NoSlot,
    /// The ping with this id has gone out then, and is to be answered.
    NoPong(i32, Instant),
    /// It is, and that is to be said.
    Done,
}

impl Stream for Grpc {
    const NAME: &'static str = "grpc";
    const SETTING: &'static str = SETTING;

    async fn connect(options: &LiveOptions, from_slot: Option<u64>) -> Result<Self, StreamError> {
        let Some(endpoint) = &options.grpc else {
            let cause = "it is not set".to_owned();
            return Err(StreamError::Refused { setting: SETTING, cause });
        };
        let words = Words::new(options, endpoint);
        let token = options.x_token.as_ref().map(|token| {
            let mut token = MetadataValue::try_from(token.secret()).map_err(|_| {
                let cause = "it has characters that a header cannot hold".to_owned();
                StreamError::Unauthorized { setting: "--x-token-file", cause }
            })?;
            token.set_sensitive(true);
            Ok(token)
        });
        let limit = options.max_message;
        Ok(Self {
            token: token.transpose()?,
            client: connect::connect(endpoint, limit, &words).await?,
            commitment: options.commitment,
            words,
            limit,
            from_slot,
            open: None,
            progress: Progress::Following,
            last_ping: 0,
            due: Instant::now() + PING,
            stuck: None,
            timer: Box::pin(sleep(PING)),
        })
    }

    async fn follow(&mut self, plan: &Plan) -> Result<(), StreamError> {
        let late = |what| StreamError::TimedOut { setting: SETTING, what, after: WRITE };
        match &self.open {
            None => {
                let request = request::subscribe(plan, self.commitment, self.from_slot);
                let opening = timeout(WRITE, self.open(request)).await;
                self.open = Some(opening.map_err(|_| late("the answer to a subscription"))??);
            }
            Some(open) => {
                let request = request::subscribe(plan, self.commitment, None);
                // If nobody takes it any more the stream is over, and says itself why.
                let _ = timeout(WRITE, open.requests.send(request))
                    .await
                    .map_err(|_| late("writing"))?;
            }
        }
        self.progress = Progress::NoSlot;
        Ok(())
    }

    async fn next(&mut self) -> Result<Event, StreamError> {
        // All that this waits for is in `self`: it may be dropped at any point.
        poll_fn(|context| self.poll(context)).await
    }
}

impl Grpc {
    async fn open(&mut self, first: SubscribeRequest) -> Result<Open, StreamError> {
        let (requests, mut queue) = mpsc::channel(QUEUE);
        // It is empty: this cannot fail.
        let _ = requests.try_send(first);
        let mut request = Request::new(stream::poll_fn(move |context| queue.poll_recv(context)));
        if let Some(token) = &self.token {
            request.metadata_mut().insert("x-token", token.clone());
        }
        let answer = self.client.subscribe(request).await;
        let updates = answer.map_err(|status| self.end(&status))?.into_inner();
        Ok(Open { requests, updates })
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Result<Event, StreamError>> {
        loop {
            if self.progress == Progress::Done {
                self.progress = Progress::Following;
                return Poll::Ready(Ok(Event::Following));
            }
            let now = Instant::now();
            if self.due <= now {
                self.due = now + PING;
                self.ping(now);
            }
            let Some(open) = &mut self.open else {
                let cause = "nothing was asked for".to_owned();
                return Poll::Ready(Err(StreamError::Ended { setting: SETTING, cause }));
            };
            match Pin::new(&mut open.updates).poll_next(context) {
                Poll::Ready(Some(Ok(update))) => return Poll::Ready(Ok(self.take(update, now))),
                Poll::Ready(Some(Err(status))) => return Poll::Ready(Err(self.end(&status))),
                Poll::Ready(None) => {
                    let cause = "closed by the other side".to_owned();
                    return Poll::Ready(Err(StreamError::Ended { setting: SETTING, cause }));
                }
                Poll::Pending => {}
            }
            // Only now that nothing is left to read.
            self.stuck = self.stuck.filter(|_| open.requests.capacity() == 0);
            if self.stuck.is_some_and(|since| since + WRITE <= now) {
                let what = "writing";
                return Poll::Ready(Err(StreamError::TimedOut {
                    setting: SETTING,
                    what,
                    after: WRITE,
                }));
            }
            let next = self.stuck.map_or(self.due, |since| self.due.min(since + WRITE));
            if self.timer.deadline() != next {
                self.timer.as_mut().reset(next);
            }
            if self.timer.as_mut().poll(context).is_pending() {
                return Poll::Pending;
            }
        }
    }

    fn take(&mut self, update: SubscribeUpdate, now: Instant) -> Event {
        match update::read(update, clock::monotonic_ns()) {
            Incoming::Event(event) => {
                match event {
                    Event::Slot(_) => self.slot_came(now),
                    Event::Account(_) => self.from_slot = None,
                    _ => {}
                }
                event
            }
            Incoming::Ping => {
                self.ping(now);
                Event::Alive
            }
            Incoming::Pong(id) => {
                if matches!(self.progress, Progress::NoPong(expected, _) if expected == id) {
                    self.progress = Progress::Done;
                }
                Event::Alive
            }
        }
    }

    fn slot_came(&mut self, now: Instant) {
        self.from_slot = None;
        match self.progress {
            // Not together with the request: servers were seen that took a ping which came right
            // after it for all that there was.
            Progress::NoSlot => {
                if let Some(id) = self.ping(now) {
                    self.progress = Progress::NoPong(id, now);
                }
            }
            Progress::NoPong(_, since) if since + PONG <= now => self.progress = Progress::Done,
            _ => {}
        }
    }

    /// Sends a ping; with which id, unless the other side does not take what is written.
    fn ping(&mut self, now: Instant) -> Option<i32> {
        self.last_ping = self.last_ping.wrapping_add(1);
        let sent = self.open.as_ref()?.requests.try_send(request::ping(self.last_ping));
        match sent {
            Ok(()) => {
                self.stuck = None;
                Some(self.last_ping)
            }
            Err(TrySendError::Full(_)) => {
                self.stuck.get_or_insert(now);
                None
            }
            // The stream is over, and says itself why.
            Err(TrySendError::Closed(_)) => None,
        }
    }

    fn end(&self, status: &tonic::Status) -> StreamError {
        status::end(status, self.limit, self.from_slot, &self.words)
    }
}
