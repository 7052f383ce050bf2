//! Filters on accounts' data: those of RPC and pubsub, and Yellowstone's, which are alike.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

/// As many as Solana's servers take.
pub(crate) const MOST_FILTERS: usize = 4;
/// As long as Solana's servers take.
const LONGEST_COMPARED: usize = 128;

/// A filter as JSON has it.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum JsonFilter {
    Memcmp(JsonMemcmp),
    DataSize(u64),
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct JsonMemcmp {
    offset: usize,
    bytes: JsonBytes,
    #[serde(default)]
    encoding: Option<BytesEncoding>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
enum JsonBytes {
    Text(String),
    Bytes(Vec<u8>),
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum BytesEncoding {
    Base58,
    Base64,
    Bytes,
}

/// A filter that can be applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum DataFilter {
    Memcmp { offset: usize, bytes: Vec<u8> },
    DataSize(u64),
}

impl DataFilter {
    pub fn fits(&self, data: &[u8]) -> bool {
        match self {
            Self::DataSize(size) => data.len() as u64 == *size,
            Self::Memcmp { offset, bytes } => {
                let there = data.get(*offset..offset.saturating_add(bytes.len()));
                there.is_some_and(|there| there == bytes)
            }
        }
    }

    /// Compares with bytes given as text; the error says what is wrong, as Solana does.
    pub fn memcmp(offset: usize, bytes: Result<Vec<u8>, &'static str>) -> Result<Self, String> {
        let bytes = bytes.map_err(str::to_owned)?;
        if bytes.len() > LONGEST_COMPARED {
            return Err("encoded binary data should be less than 129 bytes".to_owned());
        }
        Ok(Self::Memcmp { offset, bytes })
    }
}

pub(crate) fn from_base58(text: &str) -> Result<Vec<u8>, &'static str> {
    bs58::decode(text).into_vec().map_err(|_| "base58 decode error")
}

pub(crate) fn from_base64(text: &str) -> Result<Vec<u8>, &'static str> {
    STANDARD.decode(text).map_err(|_| "base64 decode error")
}

impl JsonFilter {
    pub fn compile(&self) -> Result<DataFilter, String> {
        match self {
            Self::DataSize(size) => Ok(DataFilter::DataSize(*size)),
            Self::Memcmp(JsonMemcmp { offset, bytes, encoding }) => {
                let bytes = match (bytes, encoding) {
                    (JsonBytes::Bytes(bytes), None | Some(BytesEncoding::Bytes)) => {
                        Ok(bytes.clone())
                    }
                    (JsonBytes::Text(text), None | Some(BytesEncoding::Base58)) => {
                        from_base58(text)
                    }
                    (JsonBytes::Text(text), Some(BytesEncoding::Base64)) => from_base64(text),
                    _ => Err("bytes do not match the encoding"),
                };
                DataFilter::memcmp(*offset, bytes)
            }
        }
    }
}

/// Compiles a list of filters.
pub(crate) fn compile(filters: &[JsonFilter]) -> Result<Vec<DataFilter>, String> {
    if filters.len() > MOST_FILTERS {
        return Err(format!("Too many filters provided; max {MOST_FILTERS}"));
    }
    filters.iter().map(JsonFilter::compile).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn compiled(json: serde_json::Value) -> Result<DataFilter, String> {
        let filter: JsonFilter = serde_json::from_value(json).map_err(|error| error.to_string())?;
        filter.compile()
    }

    #[test]
    fn memcmp_takes_base58_base64_and_bytes() {
        let expected = DataFilter::Memcmp { offset: 8, bytes: b"hello".to_vec() };
        for memcmp in [
            json!({"offset": 8, "bytes": "Cn8eVZg"}),
            json!({"offset": 8, "bytes": "Cn8eVZg", "encoding": "base58"}),
            json!({"offset": 8, "bytes": "aGVsbG8=", "encoding": "base64"}),
            json!({"offset": 8, "bytes": [104, 101, 108, 108, 111]}),
        ] {
            assert_eq!(compiled(json!({"memcmp": memcmp})), Ok(expected.clone()));
        }
        assert!(expected.fits(b"01234567hello!"));
        assert!(!expected.fits(b"01234567hell"));
        assert!(!expected.fits(b""));
    }

    #[test]
    fn a_filter_that_makes_no_sense_is_refused() {
        for bad in [
            json!({"memcmp": {"offset": 0, "bytes": "0OIl"}}),
            json!({"memcmp": {"offset": 0, "bytes": "aGVsbG8=", "encoding": "base58"}}),
            json!({"memcmp": {"offset": 0, "bytes": vec![1; 129]}}),
            json!({"memcmp": {"bytes": "2"}}),
            json!({"dataSize": -1}),
            json!("dataSize"),
        ] {
            assert!(compiled(bad.clone()).is_err(), "{bad}");
        }
        let five = vec![JsonFilter::DataSize(1); 5];
        assert!(compile(&five).is_err() && compile(&five[..4]).is_ok());
    }
}
