//! What all servers share.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::chain::{Chain, View};
use crate::commitment::Commitment;
use crate::counters::Counters;
use crate::faults::Line;
use crate::hub::Hub;
use crate::protocol::Protocol;

/// The chain, how to tell of it, and what is wrong with that.
#[derive(Debug)]
pub(crate) struct Node {
    pub chain: Chain,
    pub counters: Arc<Counters>,
    pub rpc: Arc<Line>,
    pub ws: Arc<Line>,
    pub grpc: Arc<Line>,
    pub ws_hub: Arc<Hub>,
    pub grpc_hub: Arc<Hub>,
    pub genesis_hash: String,
    pub version: String,
    pub x_token: Option<String>,
    pub ws_ping: Duration,
    pub grpc_ping: Duration,
    /// Slots that RPC is behind the streams.
    pub rpc_lag: AtomicU64,
}

impl Node {
    pub fn line(&self, protocol: Protocol) -> &Arc<Line> {
        match protocol {
            Protocol::Rpc => &self.rpc,
            Protocol::Ws => &self.ws,
            Protocol::Grpc => &self.grpc,
        }
    }

    /// The state that RPC answers from.
    pub fn rpc_view(&self, commitment: Commitment) -> View {
        let behind = self.rpc_lag.load(Ordering::Relaxed).max(self.rpc.slots_back());
        let view = self.chain.view(commitment, behind);
        match self.rpc.stalled_at() {
            Some(slot) => View { slot: view.slot.min(slot) },
            None => view,
        }
    }
}
