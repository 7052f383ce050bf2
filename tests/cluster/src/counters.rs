//! What was asked of the servers, and how often.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;

use crate::faults::Refusal;
use crate::protocol::Protocol;

/// Counts of one protocol.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ProtocolCounts {
    /// Connections that were accepted since the start.
    pub connections: u64,
    /// Connections that are open.
    pub open: u64,
    /// HTTP requests, WebSocket upgrades or gRPC calls, those in error too.
    pub requests: u64,
    /// Those of them that were answered with 429.
    pub too_many: u64,
    /// Calls by method; of a batch, each.
    pub methods: BTreeMap<String, u64>,
    /// Account updates and slots sent to clients; of RPC, accounts in answers.
    pub sent: u64,
    /// Streams that were ended because their client was too slow.
    pub lagged: u64,
}

/// All counts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// JSON-RPC over HTTP.
    pub rpc: ProtocolCounts,
    /// Pubsub over WebSocket.
    pub ws: ProtocolCounts,
    /// Yellowstone gRPC.
    pub grpc: ProtocolCounts,
}

impl Counts {
    /// Those of one protocol.
    pub fn of(&self, protocol: Protocol) -> &ProtocolCounts {
        match protocol {
            Protocol::Rpc => &self.rpc,
            Protocol::Ws => &self.ws,
            Protocol::Grpc => &self.grpc,
        }
    }

    /// How often a method was called over RPC.
    pub fn rpc_calls(&self, method: &str) -> u64 {
        self.rpc.methods.get(method).copied().unwrap_or_default()
    }

    fn of_mut(&mut self, protocol: Protocol) -> &mut ProtocolCounts {
        match protocol {
            Protocol::Rpc => &mut self.rpc,
            Protocol::Ws => &mut self.ws,
            Protocol::Grpc => &mut self.grpc,
        }
    }
}

/// Method names that are told apart; clients may send anything.
const MOST_METHODS: usize = 64;

#[derive(Debug, Default)]
pub(crate) struct Counters(Mutex<Counts>);

impl Counters {
    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn read(&self) -> Counts {
        self.lock().clone()
    }

    /// A connection was accepted; it is open until what is returned is dropped.
    pub fn connected(self: &Arc<Self>, protocol: Protocol) -> Open {
        let mut counts = self.lock();
        let counts = counts.of_mut(protocol);
        counts.connections += 1;
        counts.open += 1;
        Open { counters: Arc::clone(self), protocol }
    }

    pub fn request(&self, protocol: Protocol) {
        self.lock().of_mut(protocol).requests += 1;
    }

    pub fn refused(&self, protocol: Protocol, refusal: Refusal) {
        if refusal.is_too_many() {
            self.lock().of_mut(protocol).too_many += 1;
        }
    }

    pub fn call(&self, protocol: Protocol, method: &str) {
        let mut counts = self.lock();
        let methods = &mut counts.of_mut(protocol).methods;
        if let Some(count) = methods.get_mut(method) {
            *count += 1;
        } else if methods.len() < MOST_METHODS {
            methods.insert(method.chars().take(64).collect(), 1);
        }
    }

    pub fn sent(&self, protocol: Protocol, messages: u64) {
        self.lock().of_mut(protocol).sent += messages;
    }

    pub fn lagged(&self, protocol: Protocol) {
        self.lock().of_mut(protocol).lagged += 1;
    }
}

/// An open connection, counted.
#[derive(Debug)]
pub(crate) struct Open {
    counters: Arc<Counters>,
    protocol: Protocol,
}

impl Drop for Open {
    fn drop(&mut self) {
        let mut counts = self.counters.lock();
        let counts = counts.of_mut(self.protocol);
        counts.open = counts.open.saturating_sub(1);
    }
}
