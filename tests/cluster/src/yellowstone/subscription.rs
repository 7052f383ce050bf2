//! One stream of Yellowstone.

use std::collections::VecDeque;
use std::sync::Arc;

use tokio::sync::watch;
use tokio::time::{Interval, MissedTickBehavior};
use tonic::{Status, Streaming};
use yellowstone_grpc_proto::geyser::SubscribeRequest;

use super::codec::Frame;
use super::filter::Filter;
use super::updates;
use crate::chain::{Notice, What};
use crate::hub::Stream;
use crate::node::Node;
use crate::protocol::Protocol;

/// Notices that are handled in one go.
const BATCH: usize = 256;

/// The stream's state between two updates.
pub(super) struct Subscription {
    node: Arc<Node>,
    requests: Streaming<SubscribeRequest>,
    stream: Stream,
    filter: Filter,
    /// Notices up to this number were before the filter.
    after: u64,
    ping: Interval,
    ends: watch::Receiver<u64>,
    /// What is yet to be told. Updates are made one at a time: they can be large.
    backlog: VecDeque<Arc<Notice>>,
    pending: VecDeque<Frame>,
    end: Option<Option<Status>>,
    ended: bool,
}

impl Subscription {
    pub fn new(node: Arc<Node>, requests: Streaming<SubscribeRequest>) -> Self {
        let mut ping = tokio::time::interval(node.grpc_ping);
        ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
        ping.reset();
        let stream = node.grpc_hub.subscribe();
        let ends = node.grpc.ends();
        Self {
            node,
            requests,
            stream,
            filter: Filter::default(),
            after: 0,
            ping,
            ends,
            backlog: VecDeque::new(),
            pending: VecDeque::new(),
            end: None,
            ended: false,
        }
    }

    /// The next update, or how the stream ends.
    pub async fn next(&mut self) -> Option<Result<Frame, Status>> {
        let mut batch = Vec::new();
        loop {
            if let Some(frame) = self.pending.pop_front() {
                return Some(Ok(frame));
            }
            if let Some(notice) = self.backlog.pop_front() {
                self.tell(&notice);
                continue;
            }
            if self.ended {
                return None;
            }
            if let Some(end) = self.end.take() {
                self.ended = true;
                return end.map(Err);
            }
            tokio::select! {
                request = self.requests.message() => match request {
                    Ok(Some(request)) => {
                        if let Err(status) = self.obey(&request) {
                            self.end = Some(Some(status));
                        }
                    }
                    Ok(None) | Err(_) => self.end = Some(None),
                },
                news = self.stream.notices.recv_many(&mut batch, BATCH) => {
                    if news == 0 {
                        self.lagged();
                    }
                    self.backlog.extend(batch.drain(..));
                }
                _ = self.ends.changed() => self.end = Some(None),
                _ = self.ping.tick() => self.pending.push_back(updates::ping()),
            }
        }
    }

    fn lagged(&mut self) {
        self.node.counters.lagged(Protocol::Grpc);
        self.end = Some(Some(Status::internal("lagged to receive geyser messages")));
    }

    /// A request with a ping is that and nothing else; any other is the new filter.
    fn obey(&mut self, request: &SubscribeRequest) -> Result<(), Status> {
        if let Some(ping) = &request.ping {
            self.pending.push_back(updates::pong(ping.id));
            return Ok(());
        }
        if let Some(code) = self.node.grpc.grpc_status() {
            return Err(Status::new(code.into(), "as ordered"));
        }
        let filter = Filter::new(request)?;
        let (replay, now) = match request.from_slot {
            Some(from) => self.node.chain.replay(from, filter.commitment).map_err(|first| {
                let message =
                    format!("broadcast from {from} is not available, last available: {first}");
                Status::out_of_range(message)
            })?,
            None => (Vec::new(), self.node.chain.notices()),
        };
        // What was told until now is a matter of the old filter, and here in the channel.
        while let Ok(notice) = self.stream.notices.try_recv() {
            self.backlog.push_back(notice);
        }
        while self.backlog.front().is_some_and(|notice| notice.number <= now) {
            let Some(notice) = self.backlog.pop_front() else { break };
            self.tell(&notice);
        }
        self.filter = filter;
        self.after = now;
        let shape = self.node.grpc.shape();
        let told = |notice: &Arc<Notice>| match &notice.what {
            What::Account(account) => !account.written.withheld.has(Protocol::Grpc),
            What::Slot(slot) => !shape.omits(slot.event),
        };
        for notice in replay.into_iter().filter(|_| !shape.silence).filter(told).rev() {
            self.backlog.push_front(notice);
        }
        Ok(())
    }

    fn tell(&mut self, notice: &Notice) {
        let is_replayed = notice.number == 0;
        if notice.number <= self.after && !is_replayed {
            return;
        }
        let frame = match &notice.what {
            What::Account(account) => {
                if account.commitment != self.filter.commitment {
                    return;
                }
                let names = self.filter.of_account(&account.written.account);
                if names.is_empty() {
                    return;
                }
                updates::account(names, account, &self.filter.slices, self.node.grpc.mangle())
            }
            What::Slot(slot) => {
                let names = self.filter.of_slot(slot.event);
                if names.is_empty() {
                    return;
                }
                updates::slot(names, slot)
            }
        };
        self.node.counters.sent(Protocol::Grpc, 1);
        self.pending.push_back(frame);
    }
}
