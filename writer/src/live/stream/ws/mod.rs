//! Solana's pubsub over WebSocket.
//!
//! Nothing is ever written but from [`Ws::next`], beside reading: a node that waits until we have
//! read what it sends must not find us waiting until it has read what we send.

mod connect;
mod message;
mod subscriptions;
#[cfg(test)]
mod tests;

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use driftshm_layout::{Pubkey, clock};
use futures_util::{Sink, Stream as _};
use tokio::time::{Instant, Sleep, sleep};
use tokio_tungstenite::tungstenite::Message;

use self::connect::Socket;
use self::message::{Incoming, Refusal, Unreadable};
use self::subscriptions::{ANSWER, Subscriptions, Topic};
use super::words::Words;
use super::{Event, SlotStatus, SlotUpdate, Stream, StreamError};
use crate::feeds::AccountUpdate;
use crate::live::options::LiveOptions;
use crate::live::plan::Plan;
use crate::live::refusal;
use crate::live::ui_account;

const SETTING: &str = "--ws-url";
/// After so much silence from our side, a ping: proxies close what is idle.
const PING: Duration = Duration::from_secs(10);
/// Within this, the other side reads what we write.
const WRITE: Duration = Duration::from_secs(5);

/// A connection to pubsub.
pub struct Ws {
    socket: Socket,
    subscriptions: Subscriptions,
    words: Words,
    limit: usize,
    /// When something was last written.
    written: Instant,
    /// Something is written that may not have left yet.
    is_unflushed: bool,
    /// Since when the other side does not take what we write.
    stuck: Option<Instant>,
    timer: Pin<Box<Sleep>>,
}

impl Stream for Ws {
    const NAME: &'static str = "ws";
    const SETTING: &'static str = SETTING;

    async fn connect(options: &LiveOptions, _: Option<u64>) -> Result<Self, StreamError> {
        let Some(endpoint) = &options.ws else {
            let cause = "it is not set".to_owned();
            return Err(StreamError::Refused { setting: SETTING, cause });
        };
        let words = Words::new(options, endpoint);
        let limit = options.max_message;
        Ok(Self {
            socket: connect::connect(endpoint, limit, &words).await?,
            subscriptions: Subscriptions::new(options.commitment),
            words,
            limit,
            written: Instant::now(),
            is_unflushed: false,
            stuck: None,
            timer: Box::pin(sleep(PING)),
        })
    }

    async fn follow(&mut self, plan: &Plan) -> Result<(), StreamError> {
        self.subscriptions.follow(plan);
        Ok(())
    }

    async fn next(&mut self) -> Result<Event, StreamError> {
        // All that this waits for is in `self`: it may be dropped at any point.
        poll_fn(|context| self.poll(context)).await
    }
}

impl Ws {
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Result<Event, StreamError>> {
        loop {
            if self.subscriptions.has_caught_up() {
                return Poll::Ready(Ok(Event::Following));
            }
            self.poll_write(context)?;
            match Pin::new(&mut self.socket).poll_next(context) {
                Poll::Ready(Some(Ok(message))) => return Poll::Ready(self.take(message)),
                Poll::Ready(Some(Err(error))) => {
                    return Poll::Ready(Err(connect::breach(error, self.limit, &self.words)));
                }
                Poll::Ready(None) => return Poll::Ready(Err(ended("it was closed".to_owned()))),
                Poll::Pending => {}
            }
            // Only now that nothing is left to read: an answer may have waited there for us.
            let idle = self.stuck.map_or(self.written + PING, |since| since + WRITE);
            let next = self.subscriptions.deadline().map_or(idle, |answer| answer.min(idle));
            if self.timer.deadline() != next {
                self.timer.as_mut().reset(next);
            }
            if self.timer.as_mut().poll(context).is_pending() {
                return Poll::Pending;
            }
            self.check_deadlines()?;
        }
    }

    /// Writes what there is to write, as far as the other side takes it.
    fn poll_write(&mut self, context: &mut Context<'_>) -> Result<(), StreamError> {
        let now = Instant::now();
        let breach = |error| connect::breach(error, self.limit, &self.words);
        let mut socket = Pin::new(&mut self.socket);
        loop {
            match socket.as_mut().poll_ready(context).map_err(breach)? {
                Poll::Ready(()) => {}
                Poll::Pending => {
                    self.stuck.get_or_insert(now);
                    return Ok(());
                }
            }
            let message = match self.subscriptions.next_request(now) {
                Some(request) => Message::text(request),
                None if now >= self.written + PING => Message::Ping(Default::default()),
                None => break,
            };
            socket.as_mut().start_send(message).map_err(breach)?;
            self.written = now;
            self.is_unflushed = true;
        }
        if self.is_unflushed {
            match socket.poll_flush(context).map_err(breach)? {
                Poll::Ready(()) => (self.is_unflushed, self.stuck) = (false, None),
                Poll::Pending => drop(self.stuck.get_or_insert(now)),
            }
        }
        Ok(())
    }

    fn check_deadlines(&self) -> Result<(), StreamError> {
        let now = Instant::now();
        let has_passed = |since: Option<Instant>| since.is_some_and(|since| since <= now);
        if has_passed(self.subscriptions.deadline()) {
            let what = "the answer to a subscription";
            return Err(StreamError::TimedOut { setting: SETTING, what, after: ANSWER });
        }
        if has_passed(self.stuck.map(|since| since + WRITE)) {
            return Err(StreamError::TimedOut { setting: SETTING, what: "writing", after: WRITE });
        }
        Ok(())
    }

    fn take(&mut self, message: Message) -> Result<Event, StreamError> {
        let received_ns = clock::monotonic_ns();
        let text = match &message {
            Message::Text(text) => text.as_str(),
            Message::Binary(bytes) => match std::str::from_utf8(bytes) {
                Ok(text) => text,
                Err(_) => {
                    let why = "a message that is not text".to_owned();
                    return Ok(Event::Unreadable(None, why));
                }
            },
            Message::Ping(_) => {
                // The answer is written, but does not leave by itself.
                self.is_unflushed = true;
                return Ok(Event::Alive);
            }
            Message::Pong(_) | Message::Frame(_) => return Ok(Event::Alive),
            Message::Close(None) => return Err(ended("closed by the other side".to_owned())),
            Message::Close(Some(frame)) => {
                let reason = self.words.clean(&frame.reason);
                return Err(ended(format!("closed with {}: {reason}", u16::from(frame.code))));
            }
        };
        match message::read(text) {
            Ok(Incoming::Answer(id, outcome)) => self.answered(id, outcome),
            Ok(Incoming::Refusal(refusal)) => Err(self.refusal("a request", &refusal)),
            Ok(incoming) => Ok(self
                .notified(incoming, received_ns)
                .unwrap_or_else(|(pubkey, why)| Event::Unreadable(pubkey, self.words.clean(&why)))),
            Err(Unreadable { why, of_account }) => Ok(match (self.words.clean(&why), of_account) {
                (why, true) => Event::Unreadable(None, why),
                (why, false) => Event::Bad(why),
            }),
        }
    }

    fn answered(
        &mut self,
        id: u64,
        outcome: Result<Option<u64>, Refusal>,
    ) -> Result<Event, StreamError> {
        let Some(topic) = self.subscriptions.answered(id, Instant::now()) else {
            return Ok(Event::Alive);
        };
        match outcome {
            Ok(Some(number)) => {
                self.subscriptions.began(topic, number);
                Ok(Event::Alive)
            }
            Ok(None) => {
                let cause = format!("{topic} was not answered with a number");
                Err(StreamError::Refused { setting: SETTING, cause })
            }
            Err(refusal) => match (self.refusal(&topic.to_string(), &refusal), topic) {
                // Some providers do not allow it, or not for so large a program.
                (StreamError::Refused { cause, .. }, Topic::Sort(sort)) => {
                    Ok(Event::Refused(sort, cause))
                }
                (error, _) => Err(error),
            },
        }
    }

    fn refusal(&self, asked: &str, refusal: &Refusal) -> StreamError {
        if refusal.is_of_rate() {
            return StreamError::TooMany { setting: SETTING, retry_after: None };
        }
        let Refusal { code, message } = refusal;
        let cause = format!("{asked}: {} ({code})", self.words.clean(message));
        StreamError::Refused { setting: SETTING, cause }
    }

    /// What a notification says; if it cannot be read, of which account it is, and why.
    fn notified(
        &self,
        incoming: Incoming<'_>,
        received_ns: u64,
    ) -> Result<Event, (Option<Pubkey>, String)> {
        let read = |pubkey, slot, value: &_| {
            ui_account::account(pubkey, slot, value, received_ns).map_err(|why| (Some(pubkey), why))
        };
        let update = match incoming {
            Incoming::Slot { slot, parent } => {
                // It is told of when its bank is made.
                let status = SlotStatus::Begun;
                return Ok(Event::Slot(SlotUpdate { slot, parent, status }));
            }
            Incoming::Account { subscription, slot, value } => {
                let pubkey = match self.subscriptions.topic(subscription) {
                    Some(Topic::Account(pubkey)) => *pubkey,
                    Some(topic) => return Err((None, format!("an account came for {topic}"))),
                    None => return Ok(Event::Alive),
                };
                match value {
                    Some(value) => read(pubkey, slot, &value)?,
                    None => AccountUpdate {
                        pubkey,
                        owner: None,
                        slot,
                        write_version: 0,
                        lamports: 0,
                        data: Vec::new(),
                        received_ns,
                        source: 0,
                    },
                }
            }
            Incoming::Program { subscription, slot, pubkey, account } => {
                match self.subscriptions.topic(subscription) {
                    Some(Topic::Sort(_)) => {}
                    Some(topic) => {
                        return Err((None, format!("a program's account came for {topic}")));
                    }
                    None => return Ok(Event::Alive),
                }
                let pubkey = pubkey.as_ref().parse();
                let pubkey = pubkey.map_err(|error| (None, format!("its key: {error}")))?;
                read(pubkey, slot, &account)?
            }
            Incoming::Answer(..) | Incoming::Refusal(_) => return Ok(Event::Alive),
        };
        Ok(Event::Account(update))
    }
}

impl Refusal {
    /// Whether it is how often we ask that is refused, not what we ask for.
    fn is_of_rate(&self) -> bool {
        refusal::is_of_rate(self.code, &self.message)
    }
}

fn ended(cause: String) -> StreamError {
    StreamError::Ended { setting: SETTING, cause }
}
