//! A running cluster, and all that can be done to it.

mod inner;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use bytes::Bytes;
use driftshm_layout::Pubkey;
use driftshm_layout::profile::Profile;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::MissedTickBehavior;

use crate::chain::{Account, Chain, Rules};
use crate::commitment::Commitment;
use crate::content::{self, Simulation};
use crate::counters::{Counters, Counts};
use crate::error::StartError;
use crate::faults::{Fault, FaultError, FaultOrder, Line};
use crate::hub::Hub;
use crate::net::{Gate, Listening, listen};
use crate::node::Node;
use crate::options::{Options, Pace};
use crate::protocol::{Protocol, Protocols};
use crate::{control, pubsub, rpc, yellowstone};

pub(crate) use inner::Inner;

/// A cluster that runs until this is dropped.
#[derive(Debug)]
pub struct Cluster {
    inner: Arc<Inner>,
    control: Listening,
    ticker: Option<JoinHandle<()>>,
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if let Some(ticker) = &self.ticker {
            ticker.abort();
        }
        for protocol in Protocol::ALL {
            self.inner.node.line(protocol).cut();
        }
    }
}

impl Cluster {
    /// Starts the servers; all accounts are there when this returns.
    pub async fn start(options: Options) -> Result<Self, StartError> {
        let node = Arc::new(node(&options));
        let mut simulation = None;
        if let Some(sim) = &options.sim {
            let (begun, first) = Simulation::start(&options, sim)?;
            first.into_iter().for_each(|write| node.chain.place(write));
            simulation = Some(begun);
        }
        if let Some(accounts) = &options.accounts {
            let oracles = options.oracles.as_deref();
            let all = content::load(&options.profile, accounts, oracles, options.start_slot)?;
            all.into_iter().for_each(|write| node.chain.place(write));
        }
        let rpc = rpc::router(Arc::clone(&node));
        let serve_rpc = move |stream| serve_http(rpc.clone(), stream);
        let ws = Arc::clone(&node);
        let serve_ws = move |stream| pubsub::serve(Arc::clone(&ws), stream);
        let grpc = Arc::clone(&node);
        let serve_grpc = move |stream| yellowstone::serve(Arc::clone(&grpc), stream);
        let failed = |server, port| move |source| StartError::Port { server, port, source };
        let (ports, counters) = (options.ports, &node.counters);
        let ports = [
            listen(ports.rpc, &node.rpc, counters, serve_rpc).map_err(failed("RPC", ports.rpc))?,
            listen(ports.ws, &node.ws, counters, serve_ws).map_err(failed("pubsub", ports.ws))?,
            listen(ports.grpc, &node.grpc, counters, serve_grpc)
                .map_err(failed("Yellowstone", ports.grpc))?,
        ];
        if let Some(simulation) = &mut simulation {
            simulation.feed(Arc::downgrade(&node), Arc::clone(&options.profile))?;
        }
        let inner = Arc::new_cyclic(|me| Inner {
            node,
            profile: Arc::clone(&options.profile),
            ports,
            simulation,
            halted: AtomicBool::new(false),
            me: Weak::clone(me),
        });
        let router = control::router(Arc::downgrade(&inner));
        let serve_control = move |stream| serve_http(router.clone(), stream);
        // Faults are no matter of the server that commands them, and neither is it counted.
        let control = listen(
            options.ports.control,
            &Line::new(Protocol::Rpc),
            &Arc::default(),
            serve_control,
        )
        .map_err(failed("control", options.ports.control))?;
        let ticker = match options.pace {
            Pace::Every(slot) => Some(tokio::spawn(tick(Arc::downgrade(&inner), slot))),
            Pace::OnCommand => None,
        };
        Ok(Self { inner, control, ticker })
    }

    /// Where JSON-RPC is.
    pub fn rpc_url(&self) -> String {
        self.inner.url("http", Protocol::Rpc)
    }

    /// Where pubsub is.
    pub fn ws_url(&self) -> String {
        self.inner.url("ws", Protocol::Ws)
    }

    /// Where Yellowstone is.
    pub fn grpc_url(&self) -> String {
        self.inner.url("http", Protocol::Grpc)
    }

    /// Where commands are taken over HTTP.
    pub fn control_url(&self) -> String {
        format!("http://{}", self.control.addr)
    }

    /// What accounts look like.
    pub fn profile(&self) -> &Profile {
        &self.inner.profile
    }

    /// The newest slot of a commitment.
    pub fn slot(&self, commitment: Commitment) -> u64 {
        self.inner.node.chain.slot(commitment)
    }

    /// Ends the open slot and begins the next, whose number is returned.
    pub fn advance(&self) -> u64 {
        self.inner.node.chain.advance()
    }

    /// [`advance`](Self::advance)s so many times.
    pub fn advance_by(&self, slots: u64) -> u64 {
        for _ in 0..slots {
            self.advance();
        }
        self.slot(Commitment::Processed)
    }

    /// An account as it is at a commitment, if it exists.
    pub fn account(&self, pubkey: &Pubkey, commitment: Commitment) -> Option<Account> {
        let chain = &self.inner.node.chain;
        chain.account(pubkey, chain.view(commitment, 0))
    }

    /// All accounts that exist at a commitment: the truth to compare with.
    pub fn snapshot(&self, commitment: Commitment) -> BTreeMap<Pubkey, Account> {
        self.inner.snapshot(commitment)
    }

    /// Writes an account's data in the open slot: the owner stays what it was, or is the
    /// profile's program. Returns the account with its slot and write version.
    pub fn set_account(&self, pubkey: &Pubkey, data: impl Into<Bytes>) -> Account {
        self.inner.set_account(pubkey, None, None, data.into())
    }

    /// Writes an account in the open slot.
    pub fn set_account_of(
        &self,
        pubkey: &Pubkey,
        owner: &Pubkey,
        lamports: u64,
        data: impl Into<Bytes>,
    ) -> Account {
        self.inner.set_account(pubkey, Some(*owner), Some(lamports), data.into())
    }

    /// Changes an account's bytes in the open slot; `None` if it does not exist.
    pub fn edit_account(
        &self,
        pubkey: &Pubkey,
        edit: impl FnOnce(&mut Vec<u8>),
    ) -> Option<Account> {
        self.inner.edit_account(pubkey, edit)
    }

    /// Closes an account, as programs do. `None` if it does not exist.
    pub fn close_account(&self, pubkey: &Pubkey) -> Option<Account> {
        self.inner.node.chain.close(pubkey, false)
    }

    /// Undoes the newest slots that are not confirmed; returns their numbers.
    pub fn orphan(&self, slots: usize) -> Vec<u64> {
        self.inner.node.chain.orphan(slots, true)
    }

    /// Puts a fault in force on all protocols; when this returns it is.
    pub async fn fault(&self, fault: Fault) -> Result<(), FaultError> {
        self.inner.fault(fault.into()).await
    }

    /// Puts a fault in force on some protocols, or for some time.
    pub async fn fault_on(&self, on: impl Into<Protocols>, fault: Fault) -> Result<(), FaultError> {
        self.inner.fault(FaultOrder { fault, on: on.into(), for_ms: None }).await
    }

    /// Puts a fault in force as ordered.
    pub async fn order(&self, order: FaultOrder) -> Result<(), FaultError> {
        self.inner.fault(order).await
    }

    /// Ends all faults.
    pub async fn heal(&self) -> Result<(), FaultError> {
        self.inner.heal(None, Protocols::ALL).await
    }

    /// What was asked of the servers so far.
    pub fn counts(&self) -> Counts {
        self.inner.node.counters.read()
    }
}

fn node(options: &Options) -> Node {
    let line = |protocol| Line::new(protocol);
    let (ws, grpc) = (line(Protocol::Ws), line(Protocol::Grpc));
    let ws_hub = Hub::new(Arc::clone(&ws), options.queue);
    let grpc_hub = Hub::new(Arc::clone(&grpc), options.queue);
    let rules = Rules {
        confirm_after: options.confirm_after,
        finalize_after: options.finalize_after,
        replay_slots: options.replay_slots,
        replay_bytes: options.replay_bytes,
    };
    let hubs = vec![Arc::clone(&ws_hub), Arc::clone(&grpc_hub)];
    Node {
        chain: Chain::new(rules, options.start_slot, hubs),
        counters: Arc::new(Counters::default()),
        rpc: line(Protocol::Rpc),
        ws,
        grpc,
        ws_hub,
        grpc_hub,
        genesis_hash: options.genesis_hash.clone(),
        version: options.version.clone(),
        x_token: options.x_token.clone(),
        ws_ping: options.ws_ping.max(Duration::from_millis(1)),
        grpc_ping: options.grpc_ping.max(Duration::from_millis(1)),
        rpc_lag: AtomicU64::new(0),
    }
}

async fn tick(inner: Weak<Inner>, slot: Duration) {
    let mut ticks = tokio::time::interval(slot.max(Duration::from_millis(1)));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks.reset();
    loop {
        ticks.tick().await;
        let Some(inner) = inner.upgrade() else { return };
        if !inner.halted.load(Ordering::Relaxed) {
            inner.node.chain.advance();
        }
    }
}

async fn serve_http(router: axum::Router, stream: Gate<TcpStream>) {
    let builder = auto::Builder::new(TokioExecutor::new());
    let service = TowerToHyperService::new(router);
    // Whatever goes wrong here is the client's to notice.
    let _ = builder.serve_connection(TokioIo::new(stream), service).await;
}
