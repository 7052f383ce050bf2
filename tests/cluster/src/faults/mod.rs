//! Faults: what can be made to go wrong, and where.

mod fault;
mod line;

use driftshm_layout::Pubkey;

pub use fault::Fault;
pub(crate) use line::{Line, Mangle, Refusal, Shape};

use crate::protocol::Protocols;

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
