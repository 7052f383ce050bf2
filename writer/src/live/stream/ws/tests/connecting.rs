//! What keeps a connection from coming about, and what is said of it.

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;

/// What comes of connecting to a server that answers the upgrade with this.
async fn answered(response: &'static str) -> StreamError {
    let node = Node::start().await;
    let options = node.options("ws");
    tokio::spawn(async move {
        let mut socket = node.accept().await;
        let mut request = [0; 4096];
        let _ = socket.read(&mut request).await;
        let _ = socket.write_all(response.as_bytes()).await;
        // Until the client has read it and gone.
        let _ = socket.read(&mut request).await;
    });
    let error = watched(Ws::connect(&options, None)).await.err().unwrap();
    assert!(!error.to_string().contains("SECRET"), "{error}");
    error
}

#[tokio::test]
async fn too_many_requests_say_how_long_to_wait() {
    let setting = "--ws-url";
    let response = "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n";
    let retry_after = Some(Duration::from_secs(7));
    assert_eq!(answered(response).await, StreamError::TooMany { setting, retry_after });
    let response =
        "HTTP/1.1 429 Too Many Requests\r\nRetry-After: soon\r\nContent-Length: 0\r\n\r\n";
    assert_eq!(answered(response).await, StreamError::TooMany { setting, retry_after: None });
}

#[tokio::test]
async fn a_refused_upgrade_is_told_apart_from_a_wrong_key() {
    for (response, kind, text) in [
        ("HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n", "unauthorized", "HTTP 401"),
        ("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", "unauthorized", "HTTP 403"),
        ("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "refused", "HTTP 404"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 14\r\n\r\n/TOP-SECRET: ?!", "refused", "HTTP 200"),
        ("SSH-2.0-OpenSSH_9.6\r\n\r\n", "refused", "no WebSocket"),
    ] {
        let error = answered(response).await;
        assert_eq!(error.kind(), kind, "{error}");
        let shown = error.to_string();
        assert!(shown.contains(text) && shown.contains("--ws-url"), "{shown}");
    }
}

#[tokio::test]
async fn nobody_there_is_unreachable() {
    let node = Node::start().await;
    let options = node.options("ws");
    drop(node);
    let error = Ws::connect(&options, None).await.err().unwrap();
    assert_eq!(error.kind(), "unreachable", "{error}");
    assert!(error.to_string().contains("refused"), "{error}");
}

#[tokio::test]
async fn encryption_that_the_other_side_does_not_speak_is_an_error_of_tls() {
    let node = Node::start().await;
    let options = node.options("wss");
    tokio::spawn(async move {
        let mut socket = node.accept().await;
        let mut hello = [0; 4096];
        let _ = socket.read(&mut hello).await;
        let _ = socket.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
        let _ = socket.read(&mut hello).await;
    });
    let error = watched(Ws::connect(&options, None)).await.err().unwrap();
    assert_eq!(error.kind(), "tls", "{error}");

    let node = Node::start().await;
    let options = node.options("wss");
    tokio::spawn(async move { drop(node.accept().await) });
    let error = watched(Ws::connect(&options, None)).await.err().unwrap();
    assert!(matches!(error.kind(), "tls" | "unreachable"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_says_nothing_is_given_up() {
    for scheme in ["ws", "wss"] {
        let node = Node::start().await;
        // The kernel accepts; nobody else does.
        let error = watched(Ws::connect(&node.options(scheme), None)).await.err().unwrap();
        let what = "connecting";
        let after = Duration::from_secs(5);
        assert_eq!(error, StreamError::TimedOut { setting: "--ws-url", what, after });
    }
}

#[tokio::test]
async fn a_login_in_the_url_is_sent() {
    let node = Node::start().await;
    let url = format!("ws://me:hush@{}/", node.0.local_addr().unwrap());
    let mut options = node.options("ws");
    options.ws = Some(Endpoint::parse(&url, &["ws"]).unwrap());
    let client = Client::start(options, Plan::default());
    let mut socket = node.accept().await;
    let mut request = vec![0; 4096];
    let len = watched(socket.read(&mut request)).await.unwrap();
    let request = String::from_utf8_lossy(&request[..len]).into_owned();
    assert!(request.contains("authorization: Basic bWU6aHVzaA==\r\n"), "{request}");
    let host = format!("Host: {}\r\n", node.0.local_addr().unwrap());
    assert!(request.contains(&host), "{request}");
    drop(client);
}
