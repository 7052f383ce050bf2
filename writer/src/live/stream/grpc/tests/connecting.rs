//! What keeps a stream from coming about, and what is said of it.

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;

#[tokio::test]
async fn nobody_there_is_unreachable() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let options = options(&listener, "http");
    drop(listener);
    let error = watched(Grpc::connect(&options, None)).await.err().unwrap();
    assert_eq!(error.kind(), "unreachable", "{error}");
    let shown = error.to_string();
    assert!(shown.contains("--grpc-url") && shown.contains("refused"), "{shown}");
}

#[tokio::test]
async fn encryption_that_the_other_side_does_not_speak_is_an_error_of_tls() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let options = options(&listener, "https");
    tokio::spawn(async move {
        let mut socket = listener.accept().await.unwrap().0;
        let mut hello = [0; 4096];
        let _ = socket.read(&mut hello).await;
        let _ = socket.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
        let _ = socket.read(&mut hello).await;
    });
    let error = watched(Grpc::connect(&options, None)).await.err().unwrap();
    assert_eq!(error.kind(), "tls", "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_says_nothing_is_given_up() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let error = watched(Grpc::connect(&options(&listener, "https"), None)).await.err().unwrap();
    assert_eq!(error.kind(), "timed_out", "{error}");

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    // Without TLS there is nothing to wait for until something is asked.
    let mut grpc = watched(Grpc::connect(&options(&listener, "http"), None)).await.unwrap();
    let error = watched(grpc.follow(&accounts(&[1]))).await.unwrap_err();
    assert_eq!(error.kind(), "timed_out", "{error}");
}

#[tokio::test]
async fn what_is_no_grpc_ends_the_stream() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let options = options(&listener, "http");
    tokio::spawn(async move {
        let mut socket = listener.accept().await.unwrap().0;
        let _ = socket.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
        let mut request = [0; 4096];
        while socket.read(&mut request).await.is_ok_and(|len| len > 0) {}
    });
    let mut grpc = watched(Grpc::connect(&options, None)).await.unwrap();
    let error = watched(grpc.follow(&accounts(&[1]))).await.unwrap_err();
    assert_eq!(error.kind(), "ended", "{error}");
}

#[tokio::test]
async fn a_token_that_is_refused_is_not_repeated() {
    for status in [
        Status::unauthenticated("no such token: TOP-SECRET"),
        Status::permission_denied("TOP-SECRET may not do this"),
    ] {
        let node = Node::with(Some(status), None).await;
        let mut grpc = watched(Grpc::connect(&node.options, None)).await.unwrap();
        let error = watched(grpc.follow(&accounts(&[1]))).await.unwrap_err();
        assert_eq!(error.kind(), "unauthorized");
        let shown = error.to_string();
        assert!(shown.contains("--x-token-file") && shown.contains('…'), "{shown}");
        assert!(!shown.contains("SECRET"), "{shown}");
    }
}

#[tokio::test]
async fn too_many_requests_say_how_long_to_wait() {
    let mut status = Status::resource_exhausted("slow down");
    status.metadata_mut().insert("retry-after", "7".parse().unwrap());
    let node = Node::with(Some(status), None).await;
    let mut grpc = watched(Grpc::connect(&node.options, None)).await.unwrap();
    let error = watched(grpc.follow(&accounts(&[1]))).await.unwrap_err();
    let retry_after = Some(Duration::from_secs(7));
    assert_eq!(error, StreamError::TooMany { setting: "--grpc-url", retry_after });
}

#[tokio::test]
async fn a_slot_that_the_server_no_longer_has_is_named() {
    let setting = "--grpc-url";
    for status in [
        Status::out_of_range("from_slot 5 is too old"),
        Status::invalid_argument("from_slot: 5"),
        Status::unimplemented("from_slot is not supported"),
        Status::internal("broadcast from 5 is not available, last available: 9"),
    ] {
        // At once, or on the stream.
        let mut node = Node::with(Some(status.clone()), None).await;
        let mut grpc = watched(Grpc::connect(&node.options, Some(5))).await.unwrap();
        let error = watched(grpc.follow(&accounts(&[1]))).await.unwrap_err();
        assert_eq!(error, StreamError::TooOld { setting, slot: 5 });

        node = Node::start().await;
        let (mut grpc, session) = node.following(&accounts(&[1]), Some(5)).await;
        session.fail(status.clone()).await;
        assert_eq!(super::error(&mut grpc).await, StreamError::TooOld { setting, slot: 5 });

        // Once something has come, it is about something else.
        let (mut grpc, session) = node.following(&accounts(&[1]), Some(5)).await;
        session.slot(6).await;
        session.fail(status).await;
        assert_ne!(super::error(&mut grpc).await.kind(), "too_old");
    }
}
