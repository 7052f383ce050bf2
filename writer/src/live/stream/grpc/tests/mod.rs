//! A Yellowstone server in this process.

mod connecting;
mod failing;
mod following;

use std::pin::Pin;
use std::time::Duration;

use driftshm_layout::Pubkey;
use futures_util::{Stream as Updates, stream};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tonic::codec::CompressionEncoding;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status, Streaming};
use yellowstone_grpc_proto::geyser::geyser_server::{Geyser, GeyserServer};
use yellowstone_grpc_proto::geyser::subscribe_update::UpdateOneof;
use yellowstone_grpc_proto::geyser::*;

use super::Grpc;
use crate::live::endpoint::{Endpoint, Token};
use crate::live::options::LiveOptions;
use crate::live::plan::{Plan, Sort};
use crate::live::stream::{Event, SlotUpdate, Stream, StreamError};

/// Longer than any timeout that is tested.
const WATCHDOG: Duration = Duration::from_secs(60);
const OWNER: Pubkey = Pubkey([7; 32]);

type Sent = Result<SubscribeUpdate, Status>;
type Boxed<T> = Pin<Box<dyn Updates<Item = Result<T, Status>> + Send>>;

/// What answers each subscription: a status, or a session that the test plays.
struct Fake {
    refusal: Option<Status>,
    sessions: mpsc::UnboundedSender<Session>,
}

/// The server's side of a subscription.
struct Session {
    token: Option<String>,
    requests: Streaming<SubscribeRequest>,
    updates: mpsc::Sender<Sent>,
}

impl Session {
    async fn request(&mut self) -> SubscribeRequest {
        watched(self.requests.message()).await.unwrap().unwrap()
    }

    async fn send(&self, update: UpdateOneof) {
        let update = SubscribeUpdate { update_oneof: Some(update), ..Default::default() };
        watched(self.updates.send(Ok(update))).await.unwrap();
    }

    async fn fail(&self, status: Status) {
        watched(self.updates.send(Err(status))).await.unwrap();
    }

    async fn slot(&self, slot: u64) {
        let update = SubscribeUpdateSlot { slot, parent: Some(slot - 1), ..Default::default() };
        self.send(UpdateOneof::Slot(update)).await;
    }

    async fn pong(&self, id: i32) {
        self.send(UpdateOneof::Pong(SubscribeUpdatePong { id })).await;
    }

    async fn account(&self, pubkey: &[u8], slot: u64, data: Vec<u8>) {
        let account = SubscribeUpdateAccountInfo {
            pubkey: pubkey.to_vec(),
            lamports: 5,
            owner: OWNER.0.to_vec(),
            data,
            write_version: 9,
            ..Default::default()
        };
        let account = Some(account);
        let update = SubscribeUpdateAccount { account, slot, ..Default::default() };
        self.send(UpdateOneof::Account(update)).await;
    }

    /// Says that all is carried out, as servers do.
    async fn confirm(&mut self, grpc: &mut Grpc, slot: u64) {
        self.slot(slot).await;
        assert!(matches!(event(grpc).await, Event::Slot(_)));
        let id = self.request().await.ping.unwrap().id;
        self.pong(id).await;
        assert_eq!(event(grpc).await, Event::Following);
    }
}

/// Where it listens, and the subscriptions as they come.
struct Node {
    options: LiveOptions,
    sessions: mpsc::UnboundedReceiver<Session>,
}

impl Node {
    async fn start() -> Self {
        Self::with(None, None).await
    }

    async fn with(refusal: Option<Status>, packing: Option<CompressionEncoding>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let options = options(&listener, "http");
        let (sender, sessions) = mpsc::unbounded_channel();
        let service = GeyserServer::new(Fake { refusal, sessions: sender });
        let service = packing.into_iter().fold(service, GeyserServer::send_compressed);
        let incoming = TcpIncoming::from(listener);
        tokio::spawn(Server::builder().add_service(service).serve_with_incoming(incoming));
        Self { options, sessions }
    }

    async fn session(&mut self) -> Session {
        watched(self.sessions.recv()).await.unwrap()
    }

    /// A client that follows `plan`, and the server's side with the request taken.
    async fn following(&mut self, plan: &Plan, from_slot: Option<u64>) -> (Grpc, Session) {
        let mut grpc = watched(Grpc::connect(&self.options, from_slot)).await.unwrap();
        watched(grpc.follow(plan)).await.unwrap();
        let mut session = self.session().await;
        assert_eq!(session.request().await.from_slot, from_slot);
        (grpc, session)
    }
}

fn options(listener: &TcpListener, scheme: &str) -> LiveOptions {
    let url = format!("{scheme}://{}", listener.local_addr().unwrap());
    let endpoint = Endpoint::parse(&url, &["http", "https"]).unwrap();
    let mut options = LiveOptions::new("localnet", endpoint.clone());
    options.grpc = Some(endpoint);
    options.x_token = Some(Token::new("TOP-SECRET").unwrap());
    options
}

#[tonic::async_trait]
impl Geyser for Fake {
    type SubscribeStream = Boxed<SubscribeUpdate>;
    type SubscribeDeshredStream = Boxed<SubscribeUpdateDeshred>;
    type SubscribeGossipStream = Boxed<SubscribeUpdateGossip>;

    async fn subscribe(
        &self,
        request: Request<Streaming<SubscribeRequest>>,
    ) -> Result<Response<Self::SubscribeStream>, Status> {
        if let Some(refusal) = &self.refusal {
            return Err(refusal.clone());
        }
        let token = request.metadata().get("x-token").map(|it| it.to_str().unwrap().to_owned());
        let (updates, mut sent) = mpsc::channel(64);
        let requests = request.into_inner();
        let _ = self.sessions.send(Session { token, requests, updates });
        Ok(Response::new(Box::pin(stream::poll_fn(move |context| sent.poll_recv(context)))))
    }

    async fn subscribe_deshred(
        &self,
        _: Request<Streaming<SubscribeDeshredRequest>>,
    ) -> Result<Response<Self::SubscribeDeshredStream>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn subscribe_gossip(
        &self,
        _: Request<SubscribeGossipRequest>,
    ) -> Result<Response<Self::SubscribeGossipStream>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn subscribe_replay_info(
        &self,
        _: Request<SubscribeReplayInfoRequest>,
    ) -> Result<Response<SubscribeReplayInfoResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn ping(&self, _: Request<PingRequest>) -> Result<Response<PongResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn get_latest_blockhash(
        &self,
        _: Request<GetLatestBlockhashRequest>,
    ) -> Result<Response<GetLatestBlockhashResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn get_block_height(
        &self,
        _: Request<GetBlockHeightRequest>,
    ) -> Result<Response<GetBlockHeightResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn get_slot(
        &self,
        _: Request<GetSlotRequest>,
    ) -> Result<Response<GetSlotResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn is_blockhash_valid(
        &self,
        _: Request<IsBlockhashValidRequest>,
    ) -> Result<Response<IsBlockhashValidResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn get_version(
        &self,
        _: Request<GetVersionRequest>,
    ) -> Result<Response<GetVersionResponse>, Status> {
        Err(Status::unimplemented(""))
    }
}

/// The next event that says something.
async fn event(grpc: &mut Grpc) -> Event {
    watched(async {
        loop {
            match grpc.next().await.unwrap() {
                Event::Alive => {}
                event => return event,
            }
        }
    })
    .await
}

/// What the stream ends with.
async fn error(grpc: &mut Grpc) -> StreamError {
    watched(async {
        loop {
            if let Err(error) = grpc.next().await {
                assert!(!error.to_string().contains("SECRET"), "{error}");
                return error;
            }
        }
    })
    .await
}

async fn watched<F: Future>(future: F) -> F::Output {
    timeout(WATCHDOG, future).await.expect("it takes too long")
}

fn accounts(bytes: &[u8]) -> Plan {
    let accounts = bytes.iter().map(|byte| Pubkey([*byte; 32])).collect();
    Plan { program: OWNER, sorts: Vec::new(), accounts }
}
