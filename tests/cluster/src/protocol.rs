//! The protocols that the cluster speaks, and sets of them.

use serde::{Deserialize, Serialize};

/// One of the servers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Protocol {
    /// JSON-RPC over HTTP.
    Rpc,
    /// Pubsub over WebSocket.
    Ws,
    /// Yellowstone gRPC.
    Grpc,
}

impl Protocol {
    /// All of them.
    pub const ALL: [Protocol; 3] = [Protocol::Rpc, Protocol::Ws, Protocol::Grpc];

    /// Its name in counters and commands.
    pub const fn as_str(self) -> &'static str {
        match self {
            Protocol::Rpc => "rpc",
            Protocol::Ws => "ws",
            Protocol::Grpc => "grpc",
        }
    }
}

/// A set of protocols; in JSON a list of names.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<Protocol>", into = "Vec<Protocol>")]
pub struct Protocols(u8);

impl Protocols {
    /// None of them.
    pub const NONE: Self = Self(0);
    /// Every one.
    pub const ALL: Self = Self(0b111);

    /// Whether this one is in the set.
    pub const fn has(self, protocol: Protocol) -> bool {
        self.0 & (1 << protocol as u8) != 0
    }

    /// The set with this one in it.
    #[must_use]
    pub const fn with(self, protocol: Protocol) -> Self {
        Self(self.0 | 1 << protocol as u8)
    }

    /// Those in the set.
    pub fn iter(self) -> impl Iterator<Item = Protocol> {
        Protocol::ALL.into_iter().filter(move |protocol| self.has(*protocol))
    }
}

impl From<Protocol> for Protocols {
    fn from(protocol: Protocol) -> Self {
        Self::NONE.with(protocol)
    }
}

impl From<Vec<Protocol>> for Protocols {
    fn from(list: Vec<Protocol>) -> Self {
        list.into_iter().fold(Self::NONE, Self::with)
    }
}

impl<const N: usize> From<[Protocol; N]> for Protocols {
    fn from(list: [Protocol; N]) -> Self {
        list.into_iter().fold(Self::NONE, Self::with)
    }
}

impl From<Protocols> for Vec<Protocol> {
    fn from(set: Protocols) -> Self {
        set.iter().collect()
    }
}
