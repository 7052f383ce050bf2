//! What the tests have in common.

use std::future::Future;
use std::time::Duration;

use driftshm_cluster::{Cluster, Options, Pace, Sim, SimOptions};
use driftshm_layout::Pubkey;
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

/// Nothing that must happen takes longer.
pub const WATCHDOG: Duration = Duration::from_secs(30);
/// What must not happen did not within this time.
pub const QUIET: Duration = Duration::from_millis(300);

/// A few accounts that stand still, and slots on command.
pub fn options() -> Options {
    let accounts = SimOptions {
        markets: 3,
        spot_markets: 2,
        users: 5,
        cold_users: 0,
        ..SimOptions::default()
    };
    Options {
        sim: Some(Sim { accounts, rate: 0 }),
        pace: Pace::OnCommand,
        start_slot: 1000,
        finalize_after: 2,
        ..Options::default()
    }
}

pub async fn cluster() -> Cluster {
    Cluster::start(options()).await.unwrap()
}

/// Fails rather than wait for ever.
pub async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(WATCHDOG, future).await.unwrap_or_else(|_| panic!("not in time: {what}"))
}

pub fn market(cluster: &Cluster, index: u16) -> Pubkey {
    cluster.profile().perp_market_address(index).unwrap()
}

/// Calls a method; the whole response.
pub async fn call(cluster: &Cluster, method: &str, params: Value) -> Value {
    let request = json!({"jsonrpc": "2.0", "id": 7, "method": method, "params": params});
    let sent = reqwest::Client::new().post(cluster.rpc_url()).json(&request).send();
    let response = soon(method, sent).await.unwrap();
    assert_eq!(response.status(), 200);
    soon(method, response.json()).await.unwrap()
}

/// Posts to the control address.
pub async fn command(cluster: &Cluster, path: &str, json: Value) -> (u16, Value) {
    let url = format!("{}{path}", cluster.control_url());
    let response = soon(path, reqwest::Client::new().post(url).json(&json).send()).await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap())
}

/// A client of pubsub.
pub struct Ws {
    pub socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    next: u64,
}

impl Ws {
    pub async fn connect(cluster: &Cluster) -> Self {
        let connected = soon("connect", connect_async(cluster.ws_url())).await;
        Self { socket: connected.unwrap().0, next: 0 }
    }

    /// Calls a method; the whole response. Notifications before it are lost.
    pub async fn call(&mut self, method: &str, params: Value) -> Value {
        self.next += 1;
        let request =
            json!({"jsonrpc": "2.0", "id": self.next, "method": method, "params": params});
        self.socket.send(Message::text(request.to_string())).await.unwrap();
        loop {
            let message = self.json().await;
            if message["id"] == json!(self.next) {
                return message;
            }
        }
    }

    /// Subscribes; the subscription's number.
    pub async fn subscribe(&mut self, method: &str, params: Value) -> u64 {
        let response = self.call(method, params).await;
        response["result"].as_u64().unwrap_or_else(|| panic!("{response}"))
    }

    /// The next text, pings aside.
    pub async fn text(&mut self) -> String {
        loop {
            match soon("a message", self.socket.next()).await.unwrap().unwrap() {
                Message::Text(text) => return text.to_string(),
                Message::Ping(_) | Message::Pong(_) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    pub async fn json(&mut self) -> Value {
        let text = self.text().await;
        serde_json::from_str(&text).unwrap_or_else(|_| panic!("no JSON: {text}"))
    }

    /// Nothing comes but pings.
    pub async fn is_quiet(&mut self) {
        let text = tokio::time::timeout(QUIET, self.text()).await;
        assert!(text.is_err(), "{text:?}");
    }
}
