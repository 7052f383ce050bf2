//! What the handle and the control server have in common: writing accounts, and faults.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use bytes::Bytes;
use driftshm_layout::Pubkey;
use driftshm_layout::profile::{Kind, Profile, role};

use crate::chain::{Account, SYSTEM_PROGRAM, Write, rent};
use crate::commitment::Commitment;
use crate::content::Simulation;
use crate::faults::{Fault, FaultError, FaultOrder};
use crate::net::Listening;
use crate::node::Node;
use crate::protocol::{Protocol, Protocols};

/// A cluster without its control server and its ticks.
#[derive(Debug)]
pub(crate) struct Inner {
    pub node: Arc<Node>,
    pub(super) profile: Arc<Profile>,
    pub(super) ports: [Listening; 3],
    pub(super) simulation: Option<Simulation>,
    pub(super) halted: AtomicBool,
    pub(super) me: Weak<Inner>,
}

impl Inner {
    pub(super) fn url(&self, scheme: &str, protocol: Protocol) -> String {
        format!("{scheme}://{}", self.ports[protocol as usize].addr)
    }

    pub fn urls(&self) -> [String; 3] {
        [
            self.url("http", Protocol::Rpc),
            self.url("ws", Protocol::Ws),
            self.url("http", Protocol::Grpc),
        ]
    }

    pub fn snapshot(&self, commitment: Commitment) -> BTreeMap<Pubkey, Account> {
        let chain = &self.node.chain;
        let all = chain.find(chain.view(commitment, 0), |_| true);
        all.into_iter().map(|account| (account.pubkey, account)).collect()
    }

    pub fn set_account(
        &self,
        pubkey: &Pubkey,
        owner: Option<Pubkey>,
        lamports: Option<u64>,
        data: Bytes,
    ) -> Account {
        let program = self.profile.program_id;
        let write = |now: Option<&Account>| Write {
            pubkey: *pubkey,
            owner: owner.or(now.map(|now| now.owner)).unwrap_or(program),
            lamports: lamports.unwrap_or(rent(data.len())),
            data: data.clone(),
        };
        let known = self.node.chain.rewrite(pubkey, |now| {
            Some(write(Some(now).filter(|now| now.owner != SYSTEM_PROGRAM)))
        });
        known.unwrap_or_else(|| self.node.chain.write_one(write(None)))
    }

    pub fn edit_account(
        &self,
        pubkey: &Pubkey,
        edit: impl FnOnce(&mut Vec<u8>),
    ) -> Option<Account> {
        self.node.chain.rewrite(pubkey, |now| {
            if !now.exists() {
                return None;
            }
            let mut data = now.data.to_vec();
            edit(&mut data);
            let (owner, lamports) = (now.owner, now.lamports.max(rent(data.len())));
            Some(Write { pubkey: *pubkey, owner, lamports, data: data.into() })
        })
    }

    /// Puts a fault in force; when this returns it is.
    pub async fn fault(&self, order: FaultOrder) -> Result<(), FaultError> {
        let FaultOrder { fault, on, for_ms } = order;
        self.at_once(&fault).await?;
        let slot = self.node.chain.slot(Commitment::Processed);
        for protocol in on.iter() {
            self.node.line(protocol).apply(&fault, slot);
        }
        if let Fault::Restart { slots, down_ms, touch } = fault {
            return self.restart(on, slots, Duration::from_millis(down_ms), touch).await;
        }
        if let Fault::Skip { pubkey, count } = &fault {
            self.node.chain.skip(pubkey, on, *count);
        }
        self.settle().await?;
        if let (Some(for_ms), Some(me)) = (for_ms, self.me.upgrade()) {
            tokio::spawn(async move {
                tokio::time::sleep(Duration::from_millis(for_ms)).await;
                // What cannot be healed shows at the next command.
                let _ = me.heal(Some(&fault), on).await;
            });
        }
        Ok(())
    }

    /// What is no matter of protocols.
    async fn at_once(&self, fault: &Fault) -> Result<(), FaultError> {
        let chain = &self.node.chain;
        let (pubkey, what, done) = match fault {
            Fault::Halt {} => {
                self.halt(true);
                return Ok(());
            }
            Fault::RpcLag { slots } => {
                self.node.rpc_lag.store(*slots, Ordering::Relaxed);
                return Ok(());
            }
            Fault::Orphan { slots, announce } => {
                chain.orphan(*slots, *announce);
                return Ok(());
            }
            Fault::Close { pubkey, keep_owner } => {
                (pubkey, "close", chain.close(pubkey, *keep_owner))
            }
            Fault::Reopen { pubkey } => (pubkey, "reopen", chain.reopen(pubkey)),
            Fault::Grow { pubkey, by } => {
                let grown = |data: &mut Vec<u8>| data.resize(data.len().saturating_add(*by), 0);
                (pubkey, "grow", self.edit_account(pubkey, grown))
            }
            _ => return Ok(()),
        };
        done.map(|_| ()).ok_or(FaultError::NoAccount { pubkey: *pubkey, what })
    }

    /// Ends a fault, or all.
    pub async fn heal(&self, fault: Option<&Fault>, on: Protocols) -> Result<(), FaultError> {
        for protocol in on.iter() {
            self.node.line(protocol).heal(fault);
        }
        if matches!(fault, None | Some(Fault::Halt {})) {
            self.halt(false);
        }
        if matches!(fault, None | Some(Fault::RpcLag { .. })) {
            self.node.rpc_lag.store(0, Ordering::Relaxed);
        }
        if matches!(fault, None | Some(Fault::Skip { .. })) {
            self.node.chain.heal();
        }
        if matches!(fault, None | Some(Fault::Reorder { .. })) {
            self.node.ws_hub.release();
            self.node.grpc_hub.release();
        }
        self.settle().await
    }

    async fn restart(
        &self,
        on: Protocols,
        slots: u64,
        down: Duration,
        touch: bool,
    ) -> Result<(), FaultError> {
        let fault = Fault::Refuse { keep_connections: false };
        for protocol in on.iter() {
            self.node.line(protocol).apply(&fault, 0);
        }
        self.settle().await?;
        if touch {
            self.touch();
        }
        // One at least: no write of the slot that was open can follow one of before.
        for _ in 0..slots.max(1) {
            self.node.chain.advance();
        }
        if on.has(Protocol::Grpc) {
            self.node.chain.restart();
        }
        tokio::time::sleep(down).await;
        for protocol in on.iter() {
            self.node.line(protocol).heal(Some(&fault));
        }
        self.settle().await
    }

    /// Changes every perp market a little, and to something valid.
    fn touch(&self) {
        let volume = |data: &[u8]| {
            let account = self.profile.classify(data)?;
            (account.kind == Kind::PerpMarket).then(|| account.role(role::VOLUME_24H))?
        };
        for (pubkey, account) in self.snapshot(Commitment::Processed) {
            let Some(volume) = volume(&account.data) else { continue };
            self.edit_account(&pubkey, |data| {
                let now = volume.read_u64(data).unwrap_or_default();
                let _ = volume.write_uint(data, now.wrapping_add(1).into());
            });
        }
    }

    fn halt(&self, halted: bool) {
        self.halted.store(halted, Ordering::Relaxed);
        if let Some(simulation) = &self.simulation {
            simulation.pause(halted);
        }
    }

    /// Waits until ports are open or closed as they are to be.
    async fn settle(&self) -> Result<(), FaultError> {
        for protocol in Protocol::ALL {
            let open = !self.node.line(protocol).net().borrow().refuse;
            let port = &self.ports[protocol as usize];
            let server = protocol.as_str();
            port.is(open).await.map_err(|reason| FaultError::Port { server, reason })?;
        }
        Ok(())
    }
}
