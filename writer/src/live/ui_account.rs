//! Accounts as JSON-RPC and pubsub write them: `{"data": ["…", "base64"], "owner": …, …}`.

use std::fmt;
use std::io::Read;
use std::marker::PhantomData;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use driftshm_layout::Pubkey;
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::feeds::AccountUpdate;

/// The longest account that is taken. Solana's own limit is 10 MiB.
const LONGEST: usize = 16 << 20;
/// zstd's window, as a power of two: more than an account of [`LONGEST`] can make use of.
const WINDOW_LOG: u32 = 24;

/// An account in JSON, not yet looked into. `S` is how its texts are held: a type that borrows
/// saves a copy of each account where the JSON is in memory as a whole.
#[derive(Debug, Deserialize)]
#[serde(bound = "S: Deserialize<'de>")]
pub struct UiAccount<S = String> {
    /// Its bytes.
    data: Option<UiData<S>>,
    /// The program that owns it.
    owner: Option<S>,
    /// The balance.
    lamports: Option<u64>,
}

/// The `data` of an account.
#[derive(Debug)]
enum UiData<S> {
    /// `["…", "encoding"]`.
    Encoded(S, S),
    /// Of another shape: what it is.
    Other(&'static str),
}

/// An account out of its JSON; what is wrong with it if there is none.
pub fn account<S: AsRef<str>>(
    pubkey: Pubkey,
    slot: u64,
    value: &UiAccount<S>,
    received_ns: u64,
) -> Result<AccountUpdate, String> {
    let read = || {
        let owner = value.owner.as_ref().ok_or("it names no owner")?.as_ref();
        let owner: Pubkey = owner.parse().map_err(|error| format!("its owner: {error}"))?;
        let lamports = value.lamports.ok_or("it has no lamports")?;
        let data = match value.data.as_ref().ok_or("it has no data")? {
            // What a closed account is said to hold is nobody's.
            _ if lamports == 0 => Vec::new(),
            UiData::Encoded(text, encoding) => bytes(text.as_ref(), encoding.as_ref())?,
            UiData::Other(what) => return Err(format!("its data is {what}, expected base64")),
        };
        Ok((owner, lamports, data))
    };
    let (owner, lamports, data) =
        read().map_err(|why: String| format!("account {pubkey}: {why}"))?;
    Ok(AccountUpdate {
        pubkey,
        owner: Some(owner),
        slot,
        write_version: 0,
        lamports,
        data,
        received_ns,
        source: 0,
    })
}

fn bytes(text: &str, encoding: &str) -> Result<Vec<u8>, String> {
    let decode = || STANDARD.decode(text).map_err(|error| format!("its base64: {error}"));
    let data = match encoding {
        "base64" => decode()?,
        "base64+zstd" => unpack(&decode()?).map_err(|error| format!("its zstd: {error}"))?,
        // Short, since it is the other side's.
        other => {
            let other: String = other.chars().filter(|c| !c.is_control()).take(20).collect();
            return Err(format!("its data is in {other:?}, expected base64"));
        }
    };
    if data.len() > LONGEST {
        return Err(format!("it is longer than {LONGEST} bytes"));
    }
    Ok(data)
}

/// One byte more than is allowed at most.
fn unpack(packed: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut data = Vec::new();
    if packed.is_empty() {
        return Ok(data);
    }
    let mut decoder = zstd::stream::read::Decoder::with_buffer(packed)?;
    decoder.window_log_max(WINDOW_LOG)?;
    decoder.take(LONGEST as u64 + 1).read_to_end(&mut data)?;
    Ok(data)
}

impl<'de, S: Deserialize<'de>> Deserialize<'de> for UiData<S> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyShape(PhantomData))
    }
}

/// Takes whatever stands in `data`, so that one odd account does not spoil its neighbours.
struct AnyShape<S>(PhantomData<S>);

impl<'de, S: Deserialize<'de>> Visitor<'de> for AnyShape<S> {
    type Value = UiData<S>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an account's data")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let data = match (seq.next_element()?, seq.next_element()?) {
            (Some(text), Some(encoding)) => UiData::Encoded(text, encoding),
            _ => UiData::Other("a list of fewer than two"),
        };
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(data)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(UiData::Other("jsonParsed"))
    }

    fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
        Ok(UiData::Other("base58 without an encoding"))
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(UiData::Other("null"))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(UiData::Other("a truth value"))
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
        Ok(UiData::Other("a number"))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(UiData::Other("a number"))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(UiData::Other("a number"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWNER: Pubkey = Pubkey([7; 32]);
    const PUBKEY: Pubkey = Pubkey([9; 32]);

    fn json(data: &str, lamports: u64) -> String {
        format!(
            r#"{{"data":{data},"owner":"{OWNER}","lamports":{lamports},"executable":false,
               "rentEpoch":18446744073709551615,"space":3}}"#
        )
    }

    fn read(json: &str) -> Result<AccountUpdate, String> {
        let value: UiAccount = serde_json::from_str(json).map_err(|error| error.to_string())?;
        account(PUBKEY, 5, &value, 6)
    }

    fn packed(data: &[u8]) -> String {
        let packed = zstd::stream::encode_all(data, 0).unwrap();
        format!(r#"["{}","base64+zstd"]"#, STANDARD.encode(packed))
    }

    #[test]
    fn an_account_is_read_from_base64_and_from_zstd() {
        let expected = AccountUpdate {
            pubkey: PUBKEY,
            owner: Some(OWNER),
            slot: 5,
            write_version: 0,
            lamports: 3,
            data: vec![1, 2, 3],
            received_ns: 6,
            source: 0,
        };
        assert_eq!(read(&json(r#"["AQID","base64"]"#, 3)), Ok(expected.clone()));
        // Some encoders of JSON escape the slash.
        let slash = AccountUpdate { data: vec![0xff, 0xff, 0xff], ..expected.clone() };
        assert_eq!(read(&json(r#"["\/\/\/\/","base64"]"#, 3)), Ok(slash));
        assert_eq!(read(&json(&packed(&[1, 2, 3]), 3)), Ok(expected));
        assert_eq!(read(&json(r#"["","base64+zstd"]"#, 3)).unwrap().data, Vec::<u8>::new());
    }

    #[test]
    fn without_lamports_an_account_is_closed_whatever_its_data() {
        for data in [r#"["AQID","base64"]"#, r#"["","base58"]"#, r#"{"parsed":1}"#] {
            let update = read(&json(data, 0)).unwrap();
            assert_eq!((update.lamports, update.data), (0, Vec::new()));
        }
    }

    #[test]
    fn data_of_another_shape_is_refused_with_the_reason() {
        for (data, reason) in [
            (r#"["AQID","base58"]"#, "\"base58\", expected base64"),
            (r#""AQID""#, "base58 without an encoding"),
            (r#""error: data too large for bs58 encoding""#, "base58 without"),
            (r#"{"program":"spl-token","parsed":{"a":[1]}}"#, "jsonParsed"),
            ("[]", "fewer than two"),
            (r#"["AQID"]"#, "fewer than two"),
            ("null", "no data"),
            ("1", "a number"),
            ("-1", "a number"),
            ("1.5", "a number"),
            ("true", "a truth value"),
            (r#"["AQI","base64"]"#, "base64"),
            (r#"["\u0000","base64"]"#, "base64"),
            (r#"["AQID","base64+zstd"]"#, "zstd"),
        ] {
            let error = read(&json(data, 1)).unwrap_err();
            assert!(
                error.contains(reason) && error.contains(&PUBKEY.to_string()),
                "{data}: {error}"
            );
        }
        for (json, reason) in [
            ("{}".to_owned(), "owner"),
            (format!(r#"{{"owner":"{OWNER}"}}"#), "lamports"),
            (r#"{"owner":"111","lamports":1,"data":["","base64"]}"#.to_owned(), "owner"),
        ] {
            assert!(read(&json).unwrap_err().contains(reason), "{json}");
        }
    }

    #[test]
    fn what_grows_without_end_is_not_unpacked() {
        assert_eq!(read(&json(&packed(&vec![0; LONGEST]), 1)).unwrap().data.len(), LONGEST);
        let error = read(&json(&packed(&vec![0; LONGEST + 1]), 1)).unwrap_err();
        assert!(error.contains("longer than"), "{error}");
        let bomb = zstd::stream::encode_all(&vec![0; 2 * LONGEST][..], 0).unwrap();
        assert_eq!(unpack(&bomb).unwrap().len(), LONGEST + 1);
    }

    #[test]
    fn a_torn_zstd_frame_is_an_error() {
        let packed = zstd::stream::encode_all(&[7u8; 1000][..], 0).unwrap();
        for len in 1..packed.len() {
            let torn = STANDARD.encode(&packed[..len]);
            assert!(read(&json(&format!(r#"["{torn}","base64+zstd"]"#), 1)).is_err(), "{len}");
        }
    }
}
