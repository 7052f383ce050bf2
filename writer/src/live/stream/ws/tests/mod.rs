//! A node in this process, and a client that follows plans and hands on what comes.

mod connecting;
mod failing;
mod following;
mod reading;

use std::time::Duration;

use driftshm_layout::Pubkey;
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, accept_async};

use super::Ws;
use crate::live::endpoint::Endpoint;
use crate::live::options::LiveOptions;
use crate::live::plan::{Plan, Sort};
use crate::live::stream::{Event, SlotUpdate, Stream, StreamError};

/// Longer than any timeout that is tested.
const WATCHDOG: Duration = Duration::from_secs(30);
const OWNER: Pubkey = Pubkey([7; 32]);

/// Where a node listens, with a key in its URL.
struct Node(TcpListener);

impl Node {
    async fn start() -> Self {
        Self(TcpListener::bind("127.0.0.1:0").await.unwrap())
    }

    fn options(&self, scheme: &str) -> LiveOptions {
        let url = format!("{scheme}://{}/TOP-SECRET", self.0.local_addr().unwrap());
        let endpoint = Endpoint::parse(&url, &["ws", "wss"]).unwrap();
        let mut options = LiveOptions::new("localnet", endpoint.clone());
        options.ws = Some(endpoint);
        options
    }

    async fn accept(&self) -> TcpStream {
        watched(self.0.accept()).await.unwrap().0
    }

    /// A client that follows `plan`, and the node's side of it.
    async fn connected(&self, plan: Plan) -> (Peer, Client) {
        let client = Client::start(self.options("ws"), plan);
        let socket = watched(accept_async(self.accept().await)).await.unwrap();
        (Peer { socket, last: 100 }, client)
    }
}

/// The node's side of a connection.
struct Peer {
    socket: WebSocketStream<TcpStream>,
    last: u64,
}

impl Peer {
    async fn send(&mut self, text: impl ToString) {
        watched(self.socket.send(Message::text(text.to_string()))).await.unwrap();
    }

    /// The next message that is not a ping.
    async fn request(&mut self) -> Value {
        watched(async {
            loop {
                if let Message::Text(text) = self.socket.next().await.unwrap().unwrap() {
                    return serde_json::from_str(&text).unwrap();
                }
            }
        })
        .await
    }

    /// Takes a request of this method, subscribes it, and says with which number.
    async fn grant(&mut self, method: &str) -> (Value, u64) {
        let request = self.request().await;
        assert_eq!(request["method"], method, "{request}");
        self.last += 1;
        let number = self.last;
        self.send(json!({"jsonrpc": "2.0", "id": request["id"], "result": number})).await;
        (request["params"].clone(), number)
    }

    async fn refuse(&mut self, code: i64, message: &str) {
        let id = self.request().await["id"].clone();
        let error = json!({"code": code, "message": message});
        self.send(json!({"jsonrpc": "2.0", "id": id, "error": error})).await;
    }

    async fn notify(&mut self, kind: &str, number: u64, result: Value) {
        let method = format!("{kind}Notification");
        let params = json!({"subscription": number, "result": result});
        self.send(json!({"jsonrpc": "2.0", "method": method, "params": params})).await;
    }

    async fn slot(&mut self, number: u64, slot: u64) {
        let result = json!({"slot": slot, "parent": slot - 1, "root": slot - 32});
        self.notify("slot", number, result).await;
    }

    async fn account(&mut self, number: u64, slot: u64, value: Value) {
        let result = json!({"context": {"slot": slot}, "value": value});
        self.notify("account", number, result).await;
    }
}

/// An account as nodes write it.
fn ui_account(base64: &str, lamports: u64) -> Value {
    json!({"data": [base64, "base64"], "owner": OWNER.to_string(), "lamports": lamports,
        "executable": false, "rentEpoch": u64::MAX, "space": 3})
}

/// A stream that is driven as the writer does it: what comes, beside changes of the plan.
struct Client {
    plans: mpsc::UnboundedSender<Plan>,
    events: mpsc::UnboundedReceiver<Result<Event, StreamError>>,
}

impl Client {
    fn start(options: LiveOptions, plan: Plan) -> Self {
        let (plans, mut new_plans) = mpsc::unbounded_channel::<Plan>();
        let (sender, events) = mpsc::unbounded_channel();
        let _ = plans.send(plan);
        tokio::spawn(async move {
            let mut ws = match Ws::connect(&options, None).await {
                Ok(ws) => ws,
                Err(error) => return drop(sender.send(Err(error))),
            };
            loop {
                tokio::select! {
                    event = ws.next() => {
                        let is_over = event.is_err();
                        if sender.send(event).is_err() || is_over {
                            return;
                        }
                    }
                    Some(plan) = new_plans.recv() => ws.follow(&plan).await.unwrap(),
                }
            }
        });
        Self { plans, events }
    }

    async fn next(&mut self) -> Result<Event, StreamError> {
        watched(self.events.recv()).await.unwrap()
    }

    /// The next that says something.
    async fn event(&mut self) -> Event {
        watched(async {
            loop {
                match self.next().await.unwrap() {
                    Event::Alive => {}
                    event => return event,
                }
            }
        })
        .await
    }

    async fn slot(&mut self) -> SlotUpdate {
        match self.event().await {
            Event::Slot(update) => update,
            other => panic!("{other:?}"),
        }
    }

    async fn bad(&mut self) -> String {
        match self.event().await {
            Event::Bad(why) | Event::Unreadable(_, why) => why,
            other => panic!("{other:?}"),
        }
    }

    /// What it ends with.
    async fn error(&mut self) -> StreamError {
        watched(async {
            loop {
                if let Err(error) = self.next().await {
                    return error;
                }
            }
        })
        .await
    }
}

async fn watched<F: Future>(future: F) -> F::Output {
    timeout(WATCHDOG, future).await.expect("it takes too long")
}

fn key(byte: u8) -> Pubkey {
    Pubkey([byte; 32])
}

fn accounts(bytes: &[u8]) -> Plan {
    let accounts = bytes.iter().copied().map(key).collect();
    Plan { program: OWNER, sorts: Vec::new(), accounts }
}

fn sort(name: &str) -> Sort {
    let filters = vec![(0, vec![1, 2, 3, 4, 5, 6, 7, 8]), (40, vec![0])];
    Sort { name: name.to_owned(), filters }
}
