//! What ends a stream, and what keeps it alive.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::Instant;

use super::*;

#[tokio::test]
async fn the_end_of_the_stream_is_an_error_like_any_other() {
    let mut node = Node::start().await;
    let (mut grpc, session) = node.following(&accounts(&[1]), None).await;
    drop(session);
    assert_eq!(error(&mut grpc).await.kind(), "ended");
    for (status, kind) in [
        (Status::internal("lagged"), "ended"),
        (Status::unavailable("restarting"), "ended"),
        (Status::invalid_argument("Max amount of filters reached: TOP-SECRET"), "refused"),
        (Status::resource_exhausted("too many streams"), "too_many_requests"),
    ] {
        let (mut grpc, session) = node.following(&accounts(&[1]), None).await;
        session.slot(7).await;
        session.fail(status).await;
        assert_eq!(error(&mut grpc).await.kind(), kind);
    }
}

#[tokio::test]
async fn a_plan_for_a_stream_that_is_over_leaves_the_error_to_the_stream() {
    let mut node = Node::start().await;
    let (mut grpc, session) = node.following(&accounts(&[1]), None).await;
    session.fail(Status::invalid_argument("no")).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    watched(grpc.follow(&accounts(&[2]))).await.unwrap();
    assert_eq!(error(&mut grpc).await.kind(), "refused");
}

#[tokio::test]
async fn a_message_over_the_limit_is_named_with_it_packed_or_not() {
    for packing in [None, Some(CompressionEncoding::Zstd)] {
        let mut node = Node::with(None, packing).await;
        node.options.max_message = 10_000;
        let (mut grpc, session) = node.following(&accounts(&[1]), None).await;
        session.account(&[1; 32], 70, vec![1; 9_000]).await;
        assert!(matches!(event(&mut grpc).await, Event::Account(_)));
        session.account(&[1; 32], 71, vec![1; 10_001]).await;
        let limit = 10_000;
        let expected = StreamError::Oversized { setting: "--grpc-url", limit };
        assert_eq!(error(&mut grpc).await, expected);
    }
}

#[tokio::test]
async fn a_message_of_thirty_megabytes_is_no_trouble() {
    let mut node = Node::start().await;
    let (mut grpc, session) = node.following(&accounts(&[1]), None).await;
    session.account(&[1; 32], 70, vec![1; 30 << 20]).await;
    let Event::Account(update) = event(&mut grpc).await else { panic!() };
    assert_eq!(update.data.len(), 30 << 20);
}

#[tokio::test]
async fn the_servers_pings_are_answered() {
    let mut node = Node::start().await;
    let (mut grpc, mut session) = node.following(&accounts(&[1]), None).await;
    for _ in 0..40 {
        session.send(UpdateOneof::Ping(SubscribeUpdatePing {})).await;
        assert_eq!(watched(grpc.next()).await, Ok(Event::Alive));
        let answer = session.request().await;
        assert!(answer.ping.is_some() && answer.accounts.is_empty(), "{answer:?}");
    }
}

#[tokio::test]
async fn there_is_a_ping_every_ten_seconds() {
    let mut node = Node::start().await;
    let (mut grpc, mut session) = node.following(&accounts(&[1]), None).await;
    session.confirm(&mut grpc, 7).await;
    let began = Instant::now();
    tokio::time::pause();
    for count in 1..=3 {
        let request = tokio::select! {
            request = session.request() => request,
            event = grpc.next() => panic!("{event:?}"),
        };
        assert!(request.ping.is_some());
        // A clock that is paused jumps ahead while bytes are under way.
        let (early, late) = (Duration::from_secs(1), Duration::from_secs(6));
        let (due, elapsed) = (Duration::from_secs(10 * count), began.elapsed());
        assert!(elapsed + early >= due && elapsed <= due + late, "{elapsed:?}");
    }
}

/// Passes bytes on until it is told to keep them to itself, without closing anything.
async fn passing_on(mut from: TcpStream, mut to: TcpStream, is_black_hole: Arc<AtomicBool>) {
    let (mut one, mut other) = (vec![0; 4096], vec![0; 4096]);
    loop {
        tokio::select! {
            Ok(len @ 1..) = from.read(&mut one) => {
                if !is_black_hole.load(Ordering::Relaxed) && to.write_all(&one[..len]).await.is_err() {
                    return;
                }
            }
            Ok(len @ 1..) = to.read(&mut other) => {
                if !is_black_hole.load(Ordering::Relaxed) && from.write_all(&other[..len]).await.is_err() {
                    return;
                }
            }
            else => return,
        }
    }
}

#[tokio::test]
async fn a_connection_on_which_nothing_arrives_any_more_is_over_within_a_keep_alive() {
    let mut node = Node::start().await;
    let url = node.options.grpc.as_ref().unwrap().authority();
    let proxy = TcpListener::bind("127.0.0.1:0").await.unwrap();
    node.options = options(&proxy, "http");
    let is_black_hole = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&is_black_hole);
    tokio::spawn(async move {
        let client = proxy.accept().await.unwrap().0;
        let server = TcpStream::connect(url).await.unwrap();
        passing_on(client, server, flag).await;
    });
    let (mut grpc, mut session) = node.following(&accounts(&[1]), None).await;
    session.confirm(&mut grpc, 7).await;
    is_black_hole.store(true, Ordering::Relaxed);
    tokio::time::pause();
    let began = Instant::now();
    assert_eq!(error(&mut grpc).await.kind(), "ended");
    let elapsed = began.elapsed();
    assert!(elapsed <= Duration::from_secs(11), "{elapsed:?}");
    drop(session);
}
