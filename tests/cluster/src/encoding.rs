//! Accounts as JSON, in the shapes of Solana's servers.

use std::fmt::Write;
use std::ops::Range;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use crate::chain::Account;
use crate::faults::Mangle;

/// The longest data that is written in base58.
pub(crate) const MAX_BASE58: usize = 128;

/// How data is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Encoding {
    /// Base58 without its name, for clients of old; Solana's default.
    #[default]
    Binary,
    Base58,
    Base64,
    #[serde(rename = "base64+zstd")]
    Base64Zstd,
    /// No parser knows these accounts, so this is base64.
    JsonParsed,
}

impl Encoding {
    pub fn is_base58(self) -> bool {
        matches!(self, Self::Binary | Self::Base58)
    }
}

/// The part of the data that is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(crate) struct DataSlice {
    pub offset: usize,
    pub length: usize,
}

impl DataSlice {
    fn range(self, len: usize) -> Range<usize> {
        let start = self.offset.min(len);
        start..self.offset.saturating_add(self.length).clamp(start, len)
    }
}

/// The bytes that are to be written.
pub(crate) fn sliced(data: &[u8], slice: Option<DataSlice>) -> &[u8] {
    slice.map_or(data, |slice| data.get(slice.range(data.len())).unwrap_or_default())
}

/// Writes an account as JSON.
pub(crate) fn write_account(
    out: &mut String,
    account: &Account,
    encoding: Encoding,
    slice: Option<DataSlice>,
    mangle: Option<Mangle>,
) {
    out.reserve(account.data.len() * 4 / 3 + 256);
    let name = match encoding {
        Encoding::Binary => None,
        Encoding::Base58 => Some("base58"),
        Encoding::Base64 | Encoding::JsonParsed => Some("base64"),
        Encoding::Base64Zstd => Some("base64+zstd"),
    };
    out.push_str(if name.is_some() { r#"{"data":[""# } else { r#"{"data":""# });
    match mangle {
        Some(Mangle::BadBase64) => out.push_str("*this is no base64*"),
        // Base64 of zeroes: four letters for three bytes.
        Some(Mangle::Oversized(bytes)) => {
            out.extend(std::iter::repeat_n('A', bytes.div_ceil(3).saturating_mul(4)));
        }
        _ => write_data(out, sliced(&account.data, slice), encoding),
    }
    match name {
        Some(name) => {
            let _ = write!(out, r#"","{name}"],"#);
        }
        None => out.push_str(r#"","#),
    }
    let _ = write!(
        out,
        r#""executable":false,"lamports":{},"owner":"{}","rentEpoch":{},"space":{}}}"#,
        account.lamports,
        account.owner,
        u64::MAX,
        account.data.len()
    );
}

fn write_data(out: &mut String, data: &[u8], encoding: Encoding) {
    match encoding {
        Encoding::Base64 | Encoding::JsonParsed => STANDARD.encode_string(data, out),
        Encoding::Base64Zstd => match zstd::encode_all(data, 0) {
            Ok(packed) => STANDARD.encode_string(packed, out),
            Err(_) => out.push_str("error: data cannot be compressed"),
        },
        Encoding::Binary | Encoding::Base58 if data.len() > MAX_BASE58 => {
            out.push_str("error: data too large for bs58 encoding");
        }
        Encoding::Binary | Encoding::Base58 => out.push_str(&bs58::encode(data).into_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::SYSTEM_PROGRAM;
    use serde_json::{Value, json};

    fn written(data: &'static [u8], encoding: Encoding, slice: Option<DataSlice>) -> Value {
        let account = Account {
            pubkey: SYSTEM_PROGRAM,
            owner: SYSTEM_PROGRAM,
            lamports: 5,
            data: data.into(),
            slot: 1,
            write_version: 1,
        };
        let mut out = String::new();
        write_account(&mut out, &account, encoding, slice, None);
        serde_json::from_str(&out).unwrap()
    }

    #[test]
    fn an_account_has_solanas_shape() {
        let expected = json!({
            "data": ["aGVsbG8=", "base64"],
            "executable": false,
            "lamports": 5,
            "owner": "11111111111111111111111111111111",
            "rentEpoch": u64::MAX,
            "space": 5,
        });
        assert_eq!(written(b"hello", Encoding::Base64, None), expected);
        assert_eq!(written(b"hello", Encoding::JsonParsed, None), expected);
    }

    #[test]
    fn base58_is_for_short_data_only() {
        assert_eq!(written(b"hello", Encoding::Base58, None)["data"], json!(["Cn8eVZg", "base58"]));
        assert_eq!(written(b"hello", Encoding::Binary, None)["data"], json!("Cn8eVZg"));
        let long = written(&[1; 129], Encoding::Base58, None);
        assert_eq!(long["data"][0], "error: data too large for bs58 encoding");
    }

    #[test]
    fn a_slice_is_cut_where_the_data_ends() {
        let data = |offset, length| {
            let slice = DataSlice { offset, length };
            written(b"hello", Encoding::Base64, Some(slice))["data"][0].clone()
        };
        assert_eq!(data(1, 3), "ZWxs");
        assert_eq!(data(3, usize::MAX), "bG8=");
        assert_eq!(data(9, 1), "");
    }

    #[test]
    fn zstd_can_be_unpacked() {
        let packed = written(b"hello hello hello", Encoding::Base64Zstd, None);
        assert_eq!(packed["data"][1], "base64+zstd");
        let packed = STANDARD.decode(packed["data"][0].as_str().unwrap()).unwrap();
        assert_eq!(zstd::decode_all(&packed[..]).unwrap(), b"hello hello hello");
    }
}
