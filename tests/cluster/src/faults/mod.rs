//! Faults: what can be made to go wrong, and where.

mod line;

use driftshm_layout::Pubkey;
use serde::{Deserialize, Serialize};

pub(crate) use line::{Line, Mangle, Shape, TooMany};

use crate::protocol::Protocols;

const OVERSIZED: usize = 80 << 20;

/// Something that goes wrong. All but the last group last until [`heal`](crate::Cluster::heal),
/// until their `count` of messages is used up, or until the order's `for_ms` is over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "fault", rename_all = "snake_case", deny_unknown_fields)]
pub enum Fault {
    /// Requests (RPC), upgrades (WebSocket) and calls (gRPC) are answered with HTTP 429.
    TooManyRequests {
        /// Said in `Retry-After`, if given.
        #[serde(default)]
        retry_after_s: Option<u64>,
        /// Only so many of them.
        #[serde(default)]
        count: Option<u64>,
    },
    /// The listener is closed: connections are refused, and those there are cut.
    Refuse {
        /// Connections that exist are left alone.
        #[serde(default)]
        keep_connections: bool,
    },
    /// New connections are accepted and never answered.
    HalfOpen {},
    /// New connections are accepted and closed at once.
    Eof {},
    /// Nothing flows on any connection, and none is closed.
    BlackHole {},
    /// No accounts and no slots come; pings go on and requests of a stream are answered. What
    /// happens meanwhile is lost to the streams. RPC requests are not answered.
    Silence {},
    /// Slots are no longer told; accounts come. RPC answers from the slot that it had.
    Stall {},
    /// The whole chain stands still: no slots, and nothing from the simulation. Not a matter of
    /// protocols.
    Halt {},
    /// An account's update is held back until the next one has overtaken it, two slots at most.
    Reorder {
        /// Only this account's.
        #[serde(default)]
        pubkey: Option<Pubkey>,
    },
    /// Every account update comes twice.
    Duplicate {},
    /// The streams never bring the next updates of an account, at no commitment and in no replay.
    /// RPC shows them.
    Skip {
        /// Whose.
        pubkey: Pubkey,
        /// How many.
        #[serde(default = "one")]
        count: u64,
    },
    /// Slots that are told are lower than they are; RPC lags.
    SlotsBack {
        /// By so much.
        by: u64,
    },
    /// Instead of an account update: text that is no JSON; on gRPC an update with a short address,
    /// or without an account.
    Malformed {
        /// Only so many messages.
        #[serde(default)]
        count: Option<u64>,
    },
    /// Account updates and answers are cut in the middle.
    Truncated {
        /// Only so many messages.
        #[serde(default)]
        count: Option<u64>,
    },
    /// Account updates and answers have an account of this many bytes.
    Oversized {
        /// Bytes of the account's data.
        #[serde(default = "oversized")]
        bytes: usize,
        /// Only so many messages.
        #[serde(default)]
        count: Option<u64>,
    },
    /// The data of accounts is no base64. Not on gRPC.
    BadBase64 {
        /// Only so many messages.
        #[serde(default)]
        count: Option<u64>,
    },
    /// RPC answers as of so many slots ago. Not a matter of protocols.
    RpcLag {
        /// How many.
        slots: u64,
    },

    /// At once: all connections are cut.
    Cut {},
    /// At once: the newest slots that are not confirmed are undone, and the chain goes on from
    /// what is left. Not a matter of protocols.
    Orphan {
        /// How many; the open one is the first.
        #[serde(default = "one_slot")]
        slots: usize,
        /// Yellowstone says `SLOT_DEAD`. If not, only the parents of later slots tell.
        #[serde(default = "yes")]
        announce: bool,
    },
    /// At once: connections are cut and refused, the chain moves on meanwhile, and the servers come
    /// back; Yellowstone can replay nothing from before.
    Restart {
        /// So many slots pass at once, beside those that pass anyway.
        #[serde(default = "ten")]
        slots: u64,
        /// So long the servers are away.
        #[serde(default = "half_a_second")]
        down_ms: u64,
        /// Every perp market has changed when they come back.
        #[serde(default = "yes")]
        touch: bool,
    },
    /// At once: an account is closed, as programs do: no lamports, no data, owned by the system.
    Close {
        /// Which.
        pubkey: Pubkey,
        /// The owner stays, so that filters by owner see it.
        #[serde(default)]
        keep_owner: bool,
    },
    /// At once: a closed account is there again as it was.
    Reopen {
        /// Which.
        pubkey: Pubkey,
    },
    /// At once: an account gets longer, by zeroes.
    Grow {
        /// Which.
        pubkey: Pubkey,
        /// By so many bytes.
        #[serde(default = "extension")]
        by: usize,
    },
}

fn one() -> u64 {
    1
}
fn one_slot() -> usize {
    1
}
fn ten() -> u64 {
    10
}
fn half_a_second() -> u64 {
    500
}
fn yes() -> bool {
    true
}
fn oversized() -> usize {
    OVERSIZED
}
fn extension() -> usize {
    64
}

/// A fault, where, and for how long: what is posted to the control address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FaultOrder {
    /// What.
    pub fault: Fault,
    /// Where; by default everywhere.
    pub on: Protocols,
    /// It heals itself after so long.
    pub for_ms: Option<u64>,
}

impl From<Fault> for FaultOrder {
    fn from(fault: Fault) -> Self {
        Self { fault, on: Protocols::ALL, for_ms: None }
    }
}

impl FaultOrder {
    /// Reads `{"fault": "...", "on": ["ws"], "for_ms": 500, ...}`.
    pub fn from_json(mut json: serde_json::Value) -> Result<Self, serde_json::Error> {
        let mut take = |key| json.as_object_mut().and_then(|object| object.remove(key));
        let (on, for_ms) = (take("on"), take("for_ms"));
        Ok(Self {
            on: on.map(serde_json::from_value).transpose()?.unwrap_or(Protocols::ALL),
            for_ms: for_ms.map(serde_json::from_value).transpose()?,
            fault: serde_json::from_value(json)?,
        })
    }
}

/// Why a fault could not be put in force.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FaultError {
    /// The account that it is about is not there.
    #[error("there is no account {pubkey} to {what}; GET /accounts lists those there are")]
    NoAccount {
        /// Which.
        pubkey: Pubkey,
        /// What was to be done with it.
        what: &'static str,
    },
    /// The port of a server cannot be opened again.
    #[error("the {server} server cannot listen on its port again: {reason}")]
    Port {
        /// Which server.
        server: &'static str,
        /// Why not.
        reason: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::Protocol;
    use serde_json::json;

    #[test]
    fn an_order_names_the_fault_the_places_and_the_time() {
        let order = FaultOrder::from_json(json!({
            "fault": "too_many_requests", "retry_after_s": 2, "on": ["rpc", "ws"], "for_ms": 100
        }));
        let fault = Fault::TooManyRequests { retry_after_s: Some(2), count: None };
        let on = Protocols::from([Protocol::Rpc, Protocol::Ws]);
        assert_eq!(order.unwrap(), FaultOrder { fault, on, for_ms: Some(100) });
        let order = FaultOrder::from_json(json!({"fault": "stall"})).unwrap();
        assert_eq!(order, FaultOrder::from(Fault::Stall {}));
    }

    #[test]
    fn an_order_with_a_slip_in_it_is_refused() {
        for json in [
            json!({"fault": "stal"}),
            json!({"fault": "stall", "In": ["ws"]}),
            json!({"fault": "rpc_lag"}),
            json!({"fault": "rpc_lag", "slots": 3, "count": 1}),
            json!({"fault": "stall", "on": ["http"]}),
            json!({"fault": "skip", "pubkey": "x"}),
            json!([]),
        ] {
            assert!(FaultOrder::from_json(json.clone()).is_err(), "{json}");
        }
    }

    #[test]
    fn the_readme_has_every_fault_and_each_can_be_ordered_so() {
        let key = "dRiftyHA39MWEi3m9aunc5MzRF1JYuBsbn6VPcn33UH";
        let readme = include_str!("../../README.md").replace('…', key);
        let mut told = std::collections::BTreeSet::new();
        for order in readme.split('\'').filter(|part| part.starts_with("{\"fault\"")) {
            let json = serde_json::from_str(order).unwrap();
            let order =
                FaultOrder::from_json(json).unwrap_or_else(|error| panic!("{order}: {error}"));
            let json = serde_json::to_value(&order.fault).unwrap();
            told.insert(json["fault"].as_str().unwrap().to_owned());
        }
        let error = FaultOrder::from_json(json!({"fault": "?"})).unwrap_err().to_string();
        let known: Vec<_> = error.split('`').skip(3).step_by(2).collect();
        assert!(known.len() > 20, "{error}");
        for fault in known {
            assert!(told.contains(fault), "{fault} is not in README.md");
        }
    }
}
