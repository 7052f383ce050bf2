//! What the statuses of gRPC mean for a stream.

use std::error::Error;
use std::time::Duration;

use tonic::{Code, Status};

use super::SETTING;
use crate::live::stream::StreamError;
use crate::live::stream::words::{Words, innermost};

/// Why the server, or the connection, ended the stream. `from_slot` is where it was to go on from,
/// if nothing has come since.
pub(super) fn end(
    status: &Status,
    limit: usize,
    from_slot: Option<u64>,
    words: &Words,
) -> StreamError {
    let setting = SETTING;
    let message = status.message();
    if is_too_large(status) {
        return StreamError::Oversized { setting, limit };
    }
    if let Some(slot) = from_slot.filter(|_| is_about_the_slot(status)) {
        return StreamError::TooOld { setting, slot };
    }
    // Where a proxy answers in the server's place there is but HTTP's status.
    let is_of_rate = message.contains("HTTP status code 429");
    let code = status.code();
    // Of what broke on the way, gRPC's own words say little.
    let said = match status.source() {
        Some(source) if matches!(code, Code::Unknown | Code::Unavailable | Code::Internal) => {
            innermost(source)
        }
        _ => message.to_owned(),
    };
    let cause = match words.clean(&said) {
        said if said.is_empty() => format!("{code:?}"),
        said => format!("{code:?}: {said}"),
    };
    match code {
        Code::ResourceExhausted => {
            StreamError::TooMany { setting, retry_after: retry_after(status) }
        }
        _ if is_of_rate => StreamError::TooMany { setting, retry_after: retry_after(status) },
        Code::Unauthenticated | Code::PermissionDenied => {
            StreamError::Unauthorized { setting: "--x-token-file", cause }
        }
        Code::InvalidArgument
        | Code::NotFound
        | Code::AlreadyExists
        | Code::FailedPrecondition
        | Code::OutOfRange
        | Code::Unimplemented => StreamError::Refused { setting, cause },
        Code::Ok
        | Code::Cancelled
        | Code::Unknown
        | Code::DeadlineExceeded
        | Code::Aborted
        | Code::Internal
        | Code::Unavailable
        | Code::DataLoss => StreamError::Ended { setting, cause },
    }
}

/// tonic says so of messages over our limit, packed or not.
fn is_too_large(status: &Status) -> bool {
    let message = status.message();
    match status.code() {
        Code::OutOfRange => message.contains("decoded message length too large"),
        Code::ResourceExhausted => message.contains("exceeded while decompressing"),
        _ => false,
    }
}

/// Whether it is from where the stream was to go on that the server has something against. Some
/// say so with `Internal` and words of their own, and would say it again for ever.
fn is_about_the_slot(status: &Status) -> bool {
    let message = status.message().to_ascii_lowercase();
    let words = ["slot", "replay", "not available"];
    match status.code() {
        Code::OutOfRange | Code::Unimplemented => true,
        Code::Internal => status.source().is_none(),
        Code::InvalidArgument | Code::FailedPrecondition | Code::NotFound | Code::Unknown => {
            words.iter().any(|word| message.contains(word))
        }
        _ => false,
    }
}

fn retry_after(status: &Status) -> Option<Duration> {
    let metadata = status.metadata();
    let number = |name| metadata.get(name)?.to_str().ok()?.trim().parse().ok();
    let millis = number("grpc-retry-pushback-ms").map(Duration::from_millis);
    millis.or_else(|| number("retry-after").map(Duration::from_secs))
}

#[cfg(test)]
mod tests {
    use tonic::metadata::MetadataMap;

    use super::*;

    fn kind(code: Code, message: &str, from_slot: Option<u64>) -> &'static str {
        end(&Status::new(code, message), 1000, from_slot, &Words::default()).kind()
    }

    #[test]
    fn what_the_codes_mean() {
        for (code, expected) in [
            (Code::Unauthenticated, "unauthorized"),
            (Code::PermissionDenied, "unauthorized"),
            (Code::ResourceExhausted, "too_many_requests"),
            (Code::InvalidArgument, "refused"),
            (Code::Unimplemented, "refused"),
            (Code::OutOfRange, "refused"),
            (Code::Internal, "ended"),
            (Code::Unavailable, "ended"),
            (Code::Unknown, "ended"),
            (Code::Aborted, "ended"),
        ] {
            assert_eq!(kind(code, "", None), expected, "{code:?}");
        }
        let proxied = "grpc-status header missing, mapped from HTTP status code 429";
        assert_eq!(kind(Code::Unavailable, proxied, None), "too_many_requests");
    }

    #[test]
    fn a_slot_that_is_gone_is_told_apart_from_other_refusals() {
        for (code, message) in [
            (Code::OutOfRange, ""),
            (Code::Unimplemented, "from_slot is not supported"),
            (Code::InvalidArgument, "from_slot is too old"),
            (Code::FailedPrecondition, "Slot is not available"),
            (Code::Internal, "broadcast from 5 is not available, last available: 9"),
            (Code::Internal, ""),
        ] {
            assert_eq!(kind(code, message, Some(5)), "too_old", "{code:?}");
            assert_ne!(kind(code, message, None), "too_old", "{code:?}");
        }
        assert_eq!(kind(Code::InvalidArgument, "Max amount of filters", Some(5)), "refused");
        assert_eq!(kind(Code::Unavailable, "slot", Some(5)), "ended");
    }

    #[test]
    fn the_wait_that_is_asked_for_is_passed_on() {
        for (name, value, expected) in [
            ("retry-after", "7", Some(Duration::from_secs(7))),
            ("grpc-retry-pushback-ms", "250", Some(Duration::from_millis(250))),
            ("grpc-retry-pushback-ms", "-1", None),
            ("retry-after", "soon", None),
        ] {
            let mut metadata = MetadataMap::new();
            metadata.insert(name, value.parse().unwrap());
            let status = Status::with_metadata(Code::ResourceExhausted, "slow down", metadata);
            let error = end(&status, 1000, None, &Words::default());
            assert_eq!(error.retry_after(), expected, "{name}: {value}");
        }
    }

    #[test]
    fn a_refusal_for_access_names_the_setting_of_the_token() {
        let error = end(&Status::unauthenticated("no"), 1000, None, &Words::default());
        assert!(error.to_string().starts_with("--x-token-file: "), "{error}");
    }
}
