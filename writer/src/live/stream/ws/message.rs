//! What pubsub sends. Texts are borrowed from the message: accounts may be large.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::live::ui_account::UiAccount;

/// One message.
#[derive(Debug)]
pub(super) enum Incoming<'a> {
    /// The answer to a request: a subscription's number, or why there is none.
    Answer(u64, Result<Option<u64>, Refusal>),
    /// A refusal of nothing in particular.
    Refusal(Refusal),
    /// An account changed. None: it is gone.
    Account { subscription: u64, slot: u64, value: Option<UiAccount<Text<'a>>> },
    /// One of a program's accounts changed.
    Program { subscription: u64, slot: u64, pubkey: Text<'a>, account: UiAccount<Text<'a>> },
    /// A slot began.
    Slot { slot: u64, parent: Option<u64> },
}

/// A node's no.
#[derive(Debug, Deserialize)]
pub(super) struct Refusal {
    pub(super) code: i64,
    #[serde(default)]
    pub(super) message: String,
}

/// A text that stays where it is, unless it has escapes in it.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub(super) struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

impl AsRef<str> for Text<'_> {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

#[derive(Deserialize)]
struct Message<'a> {
    id: Option<u64>,
    #[serde(borrow)]
    method: Option<Text<'a>>,
    #[serde(borrow)]
    params: Option<Params<'a>>,
    #[serde(borrow)]
    result: Option<&'a RawValue>,
    error: Option<Refusal>,
}

#[derive(Deserialize)]
struct Params<'a> {
    subscription: u64,
    #[serde(borrow)]
    result: &'a RawValue,
}

#[derive(Deserialize)]
struct WithContext<T> {
    context: Context,
    value: T,
}

#[derive(Deserialize)]
struct Context {
    slot: u64,
}

#[derive(Deserialize)]
struct Keyed<'a> {
    #[serde(borrow)]
    pubkey: Text<'a>,
    #[serde(borrow)]
    account: UiAccount<Text<'a>>,
}

#[derive(Deserialize)]
struct Slot {
    slot: u64,
    parent: Option<u64>,
}

/// A message that cannot be read.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unreadable {
    pub(super) why: String,
    /// Whether there was, or may have been, an account in it.
    pub(super) of_account: bool,
}

/// Reads a message.
pub(super) fn read(text: &str) -> Result<Incoming<'_>, Unreadable> {
    let message: Message<'_> = serde_json::from_str(text)
        .map_err(|error| Unreadable { why: error.to_string(), of_account: true })?;
    let Message { id, method, params, result, error } = message;
    if let (Some(method), Some(Params { subscription, result })) = (method, params) {
        let method = method.as_ref();
        return notification(method, subscription, result.get()).map_err(|why| Unreadable {
            why: format!("a notification of subscription {subscription}: {why}"),
            of_account: matches!(method, "accountNotification" | "programNotification"),
        });
    }
    match (id, error) {
        (Some(id), Some(error)) => Ok(Incoming::Answer(id, Err(error))),
        (None, Some(error)) => Ok(Incoming::Refusal(error)),
        // An unsubscription is answered with a truth value.
        (Some(id), None) => {
            let number = result.and_then(|it| it.get().parse().ok());
            Ok(Incoming::Answer(id, Ok(number)))
        }
        (None, None) => {
            let why = "neither an answer nor a notification".to_owned();
            Err(Unreadable { why, of_account: false })
        }
    }
}

fn notification<'a>(
    method: &str,
    subscription: u64,
    result: &'a str,
) -> Result<Incoming<'a>, String> {
    fn parse<'a, T: Deserialize<'a>>(json: &'a str) -> Result<T, String> {
        serde_json::from_str(json).map_err(|error| error.to_string())
    }
    match method {
        "accountNotification" => {
            // Not of the serde kind of option, for which no value is as good as null.
            let WithContext { context, value } = parse::<WithContext<&RawValue>>(result)?;
            let value = parse(value.get())?;
            Ok(Incoming::Account { subscription, slot: context.slot, value })
        }
        "programNotification" => {
            let WithContext { context, value } = parse::<WithContext<Keyed<'a>>>(result)?;
            let Keyed { pubkey, account } = value;
            Ok(Incoming::Program { subscription, slot: context.slot, pubkey, account })
        }
        "slotNotification" => {
            let Slot { slot, parent } = parse(result)?;
            Ok(Incoming::Slot { slot, parent })
        }
        _ => Err("it is of an unknown kind".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nodes_send_is_read_without_copying_it() {
        let text = r#"{"jsonrpc":"2.0","method":"accountNotification","params":{"result":{
            "context":{"slot":5199307,"apiVersion":"2.1"},"value":{"data":["AQID","base64"],
            "executable":false,"lamports":33594,"owner":"11111111111111111111111111111111",
            "rentEpoch":635,"space":80}},"subscription":23784}}"#;
        let read = read(text).unwrap();
        let Incoming::Account { subscription: 23784, slot: 5199307, value: Some(value) } = read
        else {
            panic!("{read:?}")
        };
        let debug = format!("{value:?}");
        assert!(debug.contains("AQID"), "{debug}");
        assert!(matches!(serde_json::from_str(r#""AQID""#), Ok(Text(Cow::Borrowed("AQID")))));
        assert!(
            matches!(serde_json::from_str(r#""\/""#), Ok(Text(Cow::Owned(text))) if text == "/")
        );
    }

    #[test]
    fn a_programs_account_names_its_key_itself() {
        let text = r#"{"method":"programNotification","params":{"subscription":1,"result":{
            "value":{"account":{"data":["","base64"],"lamports":0,"owner":"1"},"pubkey":"K"},
            "context":{"slot":2}}}}"#;
        let read = read(text).unwrap();
        let Incoming::Program { subscription: 1, slot: 2, pubkey, .. } = read else {
            panic!("{read:?}")
        };
        assert_eq!(pubkey.as_ref(), "K");
    }

    #[test]
    fn slots_and_answers_are_read() {
        let slot = r#"{"method":"slotNotification","params":{"result":{"parent":75,"root":44,
            "slot":76},"subscription":0}}"#;
        assert!(matches!(read(slot), Ok(Incoming::Slot { slot: 76, parent: Some(75) })));
        let answer = |text| match read(text) {
            Ok(Incoming::Answer(id, outcome)) => (id, outcome.map_err(|it| it.code)),
            other => panic!("{other:?}"),
        };
        assert_eq!(answer(r#"{"jsonrpc":"2.0","result":23784,"id":1}"#), (1, Ok(Some(23784))));
        assert_eq!(answer(r#"{"jsonrpc":"2.0","result":true,"id":2}"#), (2, Ok(None)));
        assert_eq!(answer(r#"{"error":{"code":-32602,"message":"no"},"id":3}"#), (3, Err(-32602)));
        let refusal = read(r#"{"error":{"code":-32700,"message":"no"},"id":null}"#);
        assert!(matches!(refusal, Ok(Incoming::Refusal(Refusal { code: -32700, .. }))));
    }

    #[test]
    fn an_account_that_is_null_is_gone_and_one_that_is_missing_is_an_error() {
        let text = |value| {
            format!(
                r#"{{"method":"accountNotification","params":{{"subscription":1,
                "result":{{"context":{{"slot":2}}{value}}}}}}}"#
            )
        };
        let (null, missing) = (text(r#","value":null"#), text(""));
        assert!(matches!(read(&null), Ok(Incoming::Account { value: None, .. })));
        let unreadable = read(&missing).unwrap_err();
        assert!(unreadable.why.contains("value") && unreadable.of_account, "{unreadable:?}");
    }

    #[test]
    fn what_is_no_message_is_an_error_that_says_so() {
        for (text, reason, of_account) in [
            ("", "EOF", true),
            ("{", "EOF", true),
            ("[]", "expected", true),
            ("{}", "neither", false),
            (r#"{"method":"slotNotification"}"#, "neither", false),
            (r#"{"method":"slotNotification","params":{"result":{}}}"#, "subscription", true),
            (
                r#"{"method":"slotNotification","params":{"subscription":1,"result":{}}}"#,
                "slot",
                false,
            ),
            (
                r#"{"method":"slotNotification","params":{"subscription":1,"result":{"slot":-1}}}"#,
                "-1",
                false,
            ),
            (
                r#"{"method":"rootNotification","params":{"subscription":1,"result":1}}"#,
                "unknown",
                false,
            ),
            (
                r#"{"method":"programNotification","params":{"subscription":1,"result":1}}"#,
                "expected",
                true,
            ),
        ] {
            let unreadable = read(text).unwrap_err();
            assert!(unreadable.why.contains(reason), "{text}: {unreadable:?}");
            assert_eq!(unreadable.of_account, of_account, "{text}");
        }
    }
}
