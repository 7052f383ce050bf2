//! Yellowstone gRPC.

mod codec;
mod filter;
mod subscription;
mod updates;

use std::convert::Infallible;
use std::future::ready;
use std::sync::Arc;

use futures_util::stream;
use http::{HeaderValue, Request, Response, header};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;
use tonic::body::Body;
use tonic::codec::{CompressionEncoding, EnabledCompressionEncodings};
use tonic::server::Grpc;
use tonic::{Status, Streaming};
use tonic_prost::ProstCodec;
use yellowstone_grpc_proto::geyser::{
    CommitmentLevel, GetBlockHeightRequest, GetBlockHeightResponse, GetSlotRequest,
    GetSlotResponse, GetVersionRequest, GetVersionResponse, PingRequest, PongResponse,
    SubscribeReplayInfoRequest, SubscribeReplayInfoResponse, SubscribeRequest,
};
use yellowstone_grpc_proto::prost::Message;

use crate::commitment::Commitment;
use crate::faults::Refusal;
use crate::net::Gate;
use crate::node::Node;
use crate::protocol::Protocol;

const SERVICE: &str = "/geyser.Geyser/";
/// Clients name thousands of accounts in one request.
const MOST_BYTES: usize = 64 << 20;

/// Serves one connection.
pub(crate) async fn serve(node: Arc<Node>, stream: Gate<TcpStream>) {
    let service = service_fn(move |request| {
        let node = Arc::clone(&node);
        async move { Ok::<_, Infallible>(answer(node, request).await) }
    });
    let builder = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
    // Whatever goes wrong here is the client's to notice.
    let _ = builder.serve_connection(TokioIo::new(stream), service).await;
}

async fn answer(node: Arc<Node>, request: Request<Incoming>) -> Response<Body> {
    node.counters.request(Protocol::Grpc);
    if let Some(refusal) = node.grpc.refusal() {
        node.counters.refused(Protocol::Grpc, refusal);
        return refused(refusal);
    }
    if let Some(token) = &node.x_token {
        let given = request.headers().get("x-token").map(HeaderValue::as_bytes);
        if given != Some(token.as_bytes()) {
            return Status::unauthenticated("No valid auth token").into_http();
        }
    }
    let method = request.uri().path().strip_prefix(SERVICE).unwrap_or_default().to_owned();
    node.counters.call(Protocol::Grpc, &method);
    let slot = |commitment: Option<i32>| {
        let level = commitment.and_then(|level| CommitmentLevel::try_from(level).ok());
        node.chain.slot(match level {
            None | Some(CommitmentLevel::Processed) => Commitment::Processed,
            Some(CommitmentLevel::Confirmed) => Commitment::Confirmed,
            Some(CommitmentLevel::Finalized) => Commitment::Finalized,
        })
    };
    if !node.grpc.has_method(&method) {
        return Status::unimplemented("Method not found").into_http();
    }
    match method.as_str() {
        "Subscribe" => subscribe(Arc::clone(&node), request).await,
        "Ping" => unary(request, |ping: PingRequest| PongResponse { count: ping.count }).await,
        "GetSlot" => {
            let answer = |asked: GetSlotRequest| GetSlotResponse { slot: slot(asked.commitment) };
            unary(request, answer).await
        }
        "GetBlockHeight" => {
            let answer = |asked: GetBlockHeightRequest| GetBlockHeightResponse {
                block_height: slot(asked.commitment),
            };
            unary(request, answer).await
        }
        "GetVersion" => {
            let answer = |_: GetVersionRequest| GetVersionResponse { version: version(&node) };
            unary(request, answer).await
        }
        "SubscribeReplayInfo" => {
            let answer = |_: SubscribeReplayInfoRequest| SubscribeReplayInfoResponse {
                first_available: Some(node.chain.replay_from()),
            };
            unary(request, answer).await
        }
        _ => Status::unimplemented("this cluster serves accounts and slots").into_http(),
    }
}

fn version(node: &Node) -> String {
    let (own, solana) = (env!("CARGO_PKG_VERSION"), &node.version);
    let version = serde_json::json!({
        "package": "driftshm-cluster", "version": own, "proto": "14.0.1", "solana": solana,
    });
    serde_json::json!({ "version": version, "extra": { "hostname": "localhost" } }).to_string()
}

async fn subscribe(node: Arc<Node>, request: Request<Incoming>) -> Response<Body> {
    let begin = tower::service_fn(move |request: tonic::Request<Streaming<SubscribeRequest>>| {
        let subscription = subscription::Subscription::new(Arc::clone(&node), request.into_inner());
        let updates = stream::unfold(subscription, |mut subscription| async move {
            let update = subscription.next().await?;
            Some((update, subscription))
        });
        ready(Ok::<_, Status>(tonic::Response::new(updates)))
    });
    let mut packed = EnabledCompressionEncodings::default();
    packed.enable(CompressionEncoding::Gzip);
    packed.enable(CompressionEncoding::Zstd);
    Grpc::new(codec::FrameCodec)
        .apply_compression_config(packed, packed)
        .apply_max_message_size_config(Some(MOST_BYTES), Some(usize::MAX))
        .streaming(begin, request)
        .await
}

async fn unary<Asked, Answer>(
    request: Request<Incoming>,
    answer: impl Fn(Asked) -> Answer,
) -> Response<Body>
where
    Asked: Message + Default + 'static,
    Answer: Message + 'static,
{
    let answer = tower::service_fn(|asked: tonic::Request<Asked>| {
        ready(Ok::<_, Status>(tonic::Response::new(answer(asked.into_inner()))))
    });
    Grpc::new(ProstCodec::<Answer, Asked>::default()).unary(answer, request).await
}

/// As a proxy before the server answers.
fn refused(refusal: Refusal) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = refusal.status;
    if let Some(seconds) = refusal.retry_after_s {
        response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    }
    response
}
