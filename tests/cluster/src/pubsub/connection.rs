//! One client of pubsub.

use std::sync::Arc;

use futures_util::{SinkExt, StreamExt};
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::MissedTickBehavior;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Bytes, Message};

use super::subscriptions::{Subscriptions, id_of};
use crate::chain::{Notice, What};
use crate::node::Node;
use crate::protocol::Protocol;
use crate::rpc::{Params, Request, RpcError, response};

/// Notices that are handled in one go.
const BATCH: usize = 256;

/// Serves a client until it is gone, or too slow.
pub(super) async fn run<S>(node: &Node, mut socket: WebSocketStream<S>)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut stream = node.ws_hub.subscribe();
    let mut subscriptions = Subscriptions::default();
    let mut ping = tokio::time::interval(node.ws_ping);
    ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ping.reset();
    let mut batch = Vec::with_capacity(BATCH);
    let mut ends = node.ws.ends();
    loop {
        let sent = tokio::select! {
            news = stream.notices.recv_many(&mut batch, BATCH) => {
                if news == 0 {
                    node.counters.lagged(Protocol::Ws);
                    let reason = "client has lagged behind (notification is gone)";
                    return close(&mut socket, CloseCode::Policy, reason).await;
                }
                tell(node, &subscriptions, &mut batch, &mut socket).await
            }
            message = socket.next() => match message {
                Some(Ok(Message::Text(text))) => {
                    let answer = answer(node, &mut subscriptions, text.as_str());
                    socket.send(Message::text(answer)).await
                }
                Some(Ok(Message::Binary(_))) => {
                    let answer = response(&Value::Null, Err(RpcError::parse()));
                    socket.send(Message::text(answer)).await
                }
                // Pings are answered by the next write, or by this flush.
                Some(Ok(_)) => socket.flush().await,
                Some(Err(_)) | None => return,
            },
            _ = ends.changed() => return close(&mut socket, CloseCode::Away, "").await,
            _ = ping.tick() => socket.send(Message::Ping(Bytes::new())).await,
        };
        if sent.is_err() {
            return;
        }
    }
}

async fn close<S>(socket: &mut WebSocketStream<S>, code: CloseCode, reason: &'static str)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    // A client that is gone already needs no farewell.
    let _ = socket.close(Some(CloseFrame { code, reason: reason.into() })).await;
}

async fn tell<S>(
    node: &Node,
    subscriptions: &Subscriptions,
    batch: &mut Vec<Arc<Notice>>,
    socket: &mut WebSocketStream<S>,
) -> Result<(), tokio_tungstenite::tungstenite::Error>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut texts = Vec::new();
    let mut sent = 0;
    for notice in batch.drain(..) {
        let send = |text| texts.push(text);
        match &notice.what {
            What::Account(account) => {
                subscriptions.account_news(notice.number, account, || node.ws.mangle(), send);
            }
            What::Slot(slot) => subscriptions.slot_news(notice.number, slot, send),
        }
        sent += texts.len() as u64;
        for text in texts.drain(..) {
            socket.feed(Message::text(text)).await?;
        }
    }
    if sent > 0 {
        node.counters.sent(Protocol::Ws, sent);
        socket.flush().await?;
    }
    Ok(())
}

fn answer(node: &Node, subscriptions: &mut Subscriptions, text: &str) -> String {
    let call: Value = match serde_json::from_str(text) {
        Ok(call) => call,
        Err(_) => return response(&Value::Null, Err(RpcError::parse())),
    };
    let mut answer_one = |call: Value| {
        let id = id_of(&call);
        let result = Request::read(call).and_then(|request| {
            node.counters.call(Protocol::Ws, &request.method);
            if !node.ws.has_method(&request.method) {
                return Err(RpcError::no_method());
            }
            let params = Params::new(request.params)?;
            subscriptions.call(&request.method, params, node.chain.notices())
        });
        response(&id, result)
    };
    match call {
        Value::Array(batch) if !batch.is_empty() => {
            let answers: Vec<_> = batch.into_iter().map(answer_one).collect();
            format!("[{}]", answers.join(","))
        }
        call => answer_one(call),
    }
}
