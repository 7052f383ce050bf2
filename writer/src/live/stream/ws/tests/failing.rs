//! What ends a stream, and what keeps it alive.

use tokio::time::Instant;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{CloseCode, Data as OpData, OpCode};

use super::*;

#[tokio::test]
async fn a_refused_account_ends_the_stream_and_is_named() {
    let (mut peer, mut client) = Node::start().await.connected(accounts(&[1])).await;
    peer.grant("slotSubscribe").await;
    peer.refuse(-32602, "no such thing at /TOP-SECRET").await;
    let error = client.error().await;
    assert_eq!(error.kind(), "refused");
    let shown = error.to_string();
    assert!(shown.contains(&format!("accountSubscribe for {}", key(1))), "{shown}");
    assert!(shown.contains("no such thing") && !shown.contains("SECRET"), "{shown}");
}

#[tokio::test]
async fn a_refused_sort_is_named_and_the_rest_goes_on() {
    let plan = Plan { sorts: vec![sort("User")], ..accounts(&[1]) };
    let (mut peer, mut client) = Node::start().await.connected(plan).await;
    let (_, slots) = peer.grant("slotSubscribe").await;
    peer.refuse(-32601, "Method not found at /TOP-SECRET").await;
    let Event::Refused(refused, why) = client.event().await else { panic!() };
    assert_eq!(refused, sort("User"));
    assert!(why.contains("programSubscribe for User: Method not found"), "{why}");
    assert!(!why.contains("SECRET"), "{why}");
    peer.grant("accountSubscribe").await;
    assert_eq!(client.event().await, Event::Following);
    peer.slot(slots, 50).await;
    assert_eq!(client.slot().await.slot, 50);
    // Its accounts are named in its place.
    client.plans.send(accounts(&[1, 2])).unwrap();
    peer.grant("accountSubscribe").await;
    assert_eq!(client.event().await, Event::Following);
}

#[tokio::test]
async fn a_refusal_for_asking_too_often_says_so() {
    for (code, message) in [(429, "slow down"), (-32005, "Rate limit exceeded")] {
        let plan = Plan { sorts: vec![sort("User")], ..accounts(&[]) };
        let (mut peer, mut client) = Node::start().await.connected(plan).await;
        peer.grant("slotSubscribe").await;
        peer.refuse(code, message).await;
        assert_eq!(client.error().await.kind(), "too_many_requests");
    }
}

#[tokio::test]
async fn a_refusal_of_nothing_in_particular_ends_the_stream() {
    let (mut peer, mut client) = Node::start().await.connected(accounts(&[])).await;
    peer.send(r#"{"error":{"code":-32700,"message":"Parse error"},"id":null}"#).await;
    assert!(client.error().await.to_string().contains("Parse error"));
}

#[tokio::test]
async fn an_answer_without_a_number_is_a_refusal() {
    let (mut peer, mut client) = Node::start().await.connected(accounts(&[])).await;
    let id = peer.request().await["id"].clone();
    peer.send(json!({"id": id, "result": "yes"})).await;
    assert!(client.error().await.to_string().contains("slotSubscribe was not answered"));
}

#[tokio::test]
async fn a_node_that_never_answers_is_given_up() {
    let (mut peer, mut client) = Node::start().await.connected(accounts(&[1])).await;
    peer.grant("slotSubscribe").await;
    peer.request().await;
    tokio::time::pause();
    let began = Instant::now();
    let what = "the answer to a subscription";
    let after = Duration::from_secs(5);
    let expected = StreamError::TimedOut { setting: "--ws-url", what, after };
    assert_eq!(client.error().await, expected);
    assert!(began.elapsed() <= after + Duration::from_millis(10));
}

#[tokio::test]
async fn a_message_over_the_limit_is_named_with_it() {
    let node = Node::start().await;
    let mut options = node.options("ws");
    options.max_message = 10_000;
    let mut client = Client::start(options, accounts(&[]));
    let socket = accept_async(node.accept().await).await.unwrap();
    let mut peer = Peer { socket, last: 0 };
    let (_, slots) = peer.grant("slotSubscribe").await;
    peer.send(" ".repeat(10_000)).await;
    assert_eq!(client.event().await, Event::Following);
    assert!(client.bad().await.contains("EOF"));
    peer.slot(slots, 50).await;
    assert_eq!(client.slot().await.slot, 50);
    peer.send(" ".repeat(10_001)).await;
    let limit = 10_000;
    assert_eq!(client.error().await, StreamError::Oversized { setting: "--ws-url", limit });
}

#[tokio::test]
async fn a_message_in_pieces_is_measured_as_a_whole() {
    let node = Node::start().await;
    let mut options = node.options("ws");
    options.max_message = 10_000;
    let mut client = Client::start(options, accounts(&[]));
    let socket = accept_async(node.accept().await).await.unwrap();
    let mut peer = Peer { socket, last: 0 };
    for code in [OpData::Text, OpData::Continue] {
        let piece = Frame::message(vec![b' '; 6_000], OpCode::Data(code), false);
        watched(peer.socket.send(Message::Frame(piece))).await.unwrap();
    }
    assert_eq!(client.error().await.kind(), "oversized");
}

#[tokio::test]
async fn a_connection_that_is_cut_is_over() {
    let (peer, mut client) = Node::start().await.connected(accounts(&[])).await;
    drop(peer);
    assert_eq!(client.error().await.kind(), "ended");

    let (mut peer, mut client) = Node::start().await.connected(accounts(&[])).await;
    peer.grant("slotSubscribe").await;
    let frame = CloseFrame { code: CloseCode::Policy, reason: "no credit for /TOP-SECRET".into() };
    watched(peer.socket.close(Some(frame))).await.unwrap();
    let error = client.error().await;
    assert_eq!(error.kind(), "ended");
    let shown = error.to_string();
    assert!(shown.contains("1008: no credit") && !shown.contains("SECRET"), "{shown}");
}

#[tokio::test]
async fn a_ping_is_answered_though_nothing_else_is_written() {
    let (mut peer, mut client) = Node::start().await.connected(accounts(&[])).await;
    peer.grant("slotSubscribe").await;
    assert_eq!(client.event().await, Event::Following);
    for payload in ["one", "two"] {
        watched(peer.socket.send(Message::Ping(payload.into()))).await.unwrap();
        let pong = watched(peer.socket.next()).await.unwrap().unwrap();
        assert_eq!(pong, Message::Pong(payload.into()));
    }
}

#[tokio::test]
async fn after_ten_seconds_of_silence_there_is_a_ping() {
    let (mut peer, mut client) = Node::start().await.connected(accounts(&[])).await;
    peer.grant("slotSubscribe").await;
    assert_eq!(client.event().await, Event::Following);
    tokio::time::pause();
    let began = Instant::now();
    for count in 1..=3 {
        let ping = watched(peer.socket.next()).await.unwrap().unwrap();
        assert!(ping.is_ping(), "{ping:?}");
        let second = Duration::from_secs(1);
        let (due, elapsed) = (Duration::from_secs(10 * count), began.elapsed());
        assert!(elapsed + second >= due && elapsed <= due + second, "{elapsed:?}");
    }
}
