//! Errors of JSON-RPC, with Solana's numbers and words.

use serde_json::{Value, json};

/// An error object.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct RpcError {
    code: i64,
    message: String,
    data: Option<Value>,
}

impl RpcError {
    pub fn new(code: i64, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), data: None }
    }

    pub fn parse() -> Self {
        Self::new(-32700, "Parse error")
    }

    pub fn invalid_request() -> Self {
        Self::new(-32600, "Invalid request")
    }

    pub fn no_method() -> Self {
        Self::new(-32601, "Method not found")
    }

    pub fn params(message: impl Into<String>) -> Self {
        Self::new(-32602, message)
    }

    pub fn base58_too_long() -> Self {
        let message = "Encoded binary (base 58) data should be less than 128 bytes, \
                       please use Base64 encoding.";
        Self::new(-32600, message)
    }

    pub fn min_context_slot(slot: u64) -> Self {
        let data = Some(json!({ "contextSlot": slot }));
        Self { data, ..Self::new(-32016, "Minimum context slot has not been reached") }
    }

    pub fn behind(slots: u64) -> Self {
        let data = Some(json!({ "numSlotsBehind": slots }));
        Self { data, ..Self::new(-32005, format!("Node is behind by {slots} slots")) }
    }

    pub fn to_json(&self) -> Value {
        let mut json = json!({ "code": self.code, "message": self.message });
        if let (Some(data), Some(object)) = (&self.data, json.as_object_mut()) {
            object.insert("data".to_owned(), data.clone());
        }
        json
    }
}
