//! Bots that ask for too much, or talk nonsense.

use std::os::fd::OwnedFd;

use driftshm_layout::control::{ErrorCode, Filter, Link, LinkError, Response};
use driftshm_writer::control::Limits;
use driftshm_writer::serve::ServeOptions;

use crate::clients::{HELLO, Raw};
use crate::support::*;

fn code(response: Option<(Response, Vec<OwnedFd>)>) -> Option<ErrorCode> {
    match response {
        Some((Response::Error { code, .. }, _)) => Some(code),
        _ => None,
    }
}

fn with_limits(dir: &std::path::Path, limits: Limits) -> Writer {
    Writer::with(ServeOptions { limits, ..options(dir) })
}

#[test]
fn junk_is_answered_and_the_connection_closed_and_nobody_else_notices() {
    let dir = temp_dir();
    let writer = Writer::start(dir.path());
    let mut good = writer.subscribe(Filter::everything());
    let junk: [&[u8]; 6] =
        [b"", b"\x00", b"GET / HTTP/1.1\r\n\r\n", b"{\"op\":\"status\"}", b"[[[[", &[0xff; 70_000]];
    for message in junk {
        let client = Raw::connect(dir.path());
        client.send(message);
        client.send(message);
        if !message.is_empty() {
            assert_eq!(code(client.receive()), Some(ErrorCode::BadMessage), "{message:?}");
        }
        assert!(client.receive().is_none(), "closed");
    }
    let client = Raw::greeted(dir.path());
    client.send(br#"{"op":"extend","id":77,"filter":{}}"#);
    assert_eq!(code(client.receive()), Some(ErrorCode::BadMessage), "nobody's subscription");
    let mut items = Vec::new();
    good.drain(10, &mut items);
    writer.bring([user(key(1), 10)]);
    assert!(good.wait(Some(PATIENCE)).unwrap());
}

#[test]
fn a_bot_of_another_format_is_told_both() {
    let dir = temp_dir();
    let _writer = Writer::start(dir.path());
    let client = Raw::connect(dir.path());
    client.send(br#"{"op":"hello","abi":9999,"version":"9.9"}"#);
    let Some((Response::Error { code, message }, _)) = client.receive() else { panic!("no error") };
    assert_eq!(code, ErrorCode::Incompatible);
    assert!(message.contains("9999") && message.contains("9.9"), "{message}");
}

#[test]
fn too_many_connections_are_refused_by_name_and_a_place_comes_back() {
    let dir = temp_dir();
    let limits = Limits { connections: 3, connections_per_uid: 2, ..Limits::default() };
    let writer = with_limits(dir.path(), limits);
    let first = writer.link(&Filter::everything());
    let _second = writer.link(&Filter::everything());
    let mut third = Link::new(dir.path(), &Filter::everything()).unwrap();
    match third.connect(PATIENCE) {
        Err(LinkError::Refused { code: ErrorCode::TooMany, message }) => {
            assert!(message.contains("uid"), "{message}");
        }
        other => panic!("{other:?}"),
    }
    drop(first);
    until("there is room", || third.connect(PATIENCE).is_ok());
}

#[test]
fn bots_that_come_and_go_at_once_keep_no_place_from_one_that_stays() {
    let dir = temp_dir();
    let limits = Limits { connections: 3, connections_per_uid: 2, ..Limits::default() };
    let _writer = with_limits(dir.path(), limits);
    let hears = Raw::greeted(dir.path());
    // Of 200 the last find no place to wait either, and would try again.
    for many in [2, 20, 200] {
        let begun = || Link::new(dir.path(), &Filter::everything()).unwrap();
        let links: Vec<_> = (0..many).map(|_| begun()).collect();
        until("no place is left", || hears.status().connections == 2);
        drop(links);
        let mut last = begun();
        until("the last has one", || last.connect(PATIENCE).is_ok());
        drop(last);
        until("all are free", || hears.status().connections == 1);
    }
}

#[test]
fn subscriptions_and_addresses_of_a_connection_are_limited_and_come_back() {
    let dir = temp_dir();
    let limits = Limits { subscriptions: 2, keys: 10, keys_in_all: 15, ..Limits::default() };
    let writer = with_limits(dir.path(), limits);
    let client = Raw::greeted(dir.path());
    let first = client.subscribe(&Filter::everything()).unwrap();
    let keys = |count: u8| Filter { pubkeys: (0..count).map(key).collect(), ..Filter::default() };
    let second = client.subscribe(&keys(8)).unwrap();
    assert_eq!(client.subscribe(&keys(1)), Err(ErrorCode::TooMany), "a third");
    assert_eq!(client.extend(second, &keys(3)), Err(ErrorCode::TooMany));
    assert_eq!(client.extend(second, &keys(2)), Ok(()));
    let other = Raw::greeted(dir.path());
    assert_eq!(other.subscribe(&keys(6)), Err(ErrorCode::TooMany), "all together");
    assert!(other.subscribe(&keys(5)).is_ok());
    client.unsubscribe(second);
    client.unsubscribe(first);
    assert!(client.subscribe(&keys(10)).is_ok());
    drop(client);
    until("all is given back", || {
        let client = Raw::greeted(&writer.dir);
        client.subscribe(&keys(10)).is_ok()
    });
}

#[test]
fn a_message_with_too_many_addresses_is_refused() {
    let dir = temp_dir();
    let _writer = Writer::start(dir.path());
    let client = Raw::greeted(dir.path());
    let filter = Filter { pubkeys: vec![key(1); 1001], ..Filter::default() };
    assert_eq!(client.subscribe(&filter), Err(ErrorCode::TooMany));
    let filter = Filter { pubkeys: vec![key(1); 1000], ..Filter::default() };
    assert!(client.subscribe(&filter).is_ok());
}

#[test]
fn a_bot_that_never_reads_is_closed_and_holds_up_nobody() {
    let dir = temp_dir();
    let writer = Writer::start(dir.path());
    let deaf = Raw::connect(dir.path());
    deaf.send(HELLO);
    let hears = Raw::greeted(dir.path());
    assert_eq!(hears.status().connections, 2);
    writer.bring([user(key(1), 10)]);
    let mut sent = 0;
    until("it is closed", || {
        while deaf.try_send(br#"{"op":"status"}"#) {
            sent += 1;
            assert!(sent < 100_000, "somebody's memory is growing");
        }
        hears.status().connections == 1
    });
}

#[test]
fn who_says_nothing_at_all_is_closed_too() {
    let dir = temp_dir();
    let _writer = Writer::start(dir.path());
    let silent = Raw::connect(dir.path());
    assert_eq!(code(silent.receive()), Some(ErrorCode::BadMessage));
    assert!(silent.receive().is_none());
}
