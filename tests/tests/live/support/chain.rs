//! A cluster with a runtime of its own, for tests that block.

use std::ops::Deref;
use std::time::Duration;

use driftshm_cluster::{
    Cluster, Commitment, Fault, FaultOrder, Options, Pace, Protocols, Sim, SimOptions,
};
use driftshm_layout::Pubkey;
use driftshm_layout::profile::{Kind, role};
use tokio::runtime::Runtime;

/// The cluster of a test; its other methods are [`Cluster`]'s.
pub struct Chain {
    // Before the runtime that it runs in.
    cluster: Cluster,
    runtime: Runtime,
}

/// A few accounts that stand still, and slots that do not.
pub fn small() -> Options {
    let accounts = SimOptions {
        markets: 4,
        spot_markets: 3,
        users: 8,
        cold_users: 0,
        ..SimOptions::default()
    };
    Options {
        sim: Some(Sim { accounts, rate: 0 }),
        pace: Pace::Every(Duration::from_millis(100)),
        ..Options::default()
    }
}

/// A hundred markets with an oracle each, and what they need beside: two hundred accounts.
pub fn two_hundred() -> Options {
    let accounts = SimOptions {
        markets: 62,
        spot_markets: 38,
        users: 4,
        cold_users: 0,
        ..SimOptions::default()
    };
    Options { sim: Some(Sim { accounts, rate: 0 }), ..small() }
}

impl Chain {
    pub fn start(options: Options) -> Self {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        let runtime = builder.worker_threads(1).enable_all().build().unwrap();
        let cluster = runtime.block_on(Cluster::start(options)).unwrap();
        Self { cluster, runtime }
    }

    /// Puts a fault in force everywhere.
    pub fn fault(&self, fault: Fault) {
        self.fault_on(Protocols::ALL, fault);
    }

    pub fn fault_on(&self, on: impl Into<Protocols>, fault: Fault) {
        self.runtime.block_on(self.cluster.fault_on(on, fault)).unwrap();
    }

    /// Puts a fault in force as ordered.
    pub fn order(&self, order: FaultOrder) {
        self.runtime.block_on(self.cluster.order(order)).unwrap();
    }

    pub fn heal(&self) {
        self.runtime.block_on(self.cluster.heal()).unwrap();
    }

    pub fn market(&self, index: u16) -> Pubkey {
        self.cluster.profile().perp_market_address(index).unwrap()
    }

    /// A copy of a perp market's oracle, at another address.
    pub fn oracle_like(&self, market: &Pubkey, address: Pubkey) -> Pubkey {
        let def = self.cluster.profile().account(Kind::PerpMarket).unwrap();
        let data = self.cluster.account(market, Commitment::Processed).unwrap().data;
        let oracle = def.role(role::ORACLE).unwrap().read_pubkey(&data).unwrap();
        let like = self.cluster.account(&oracle, Commitment::Processed).unwrap();
        self.cluster.set_account_of(&address, &like.owner, like.lamports, like.data);
        address
    }

    /// Gives every spot market an oracle of its own: the simulation's share those of perp markets.
    pub fn unshare_oracles(&self) {
        let profile = self.cluster.profile();
        let field = profile.account(Kind::SpotMarket).unwrap().role(role::ORACLE).unwrap();
        for index in 0..u8::MAX {
            let market = profile.spot_market_address(index.into()).unwrap();
            let Some(account) = self.cluster.account(&market, Commitment::Processed) else { break };
            let oracle = field.read_pubkey(&account.data).unwrap();
            let Some(shared) = self.cluster.account(&oracle, Commitment::Processed) else {
                continue;
            };
            let own = Pubkey([200 - index; 32]);
            self.cluster.set_account_of(&own, &shared.owner, shared.lamports, shared.data);
            self.cluster.edit_account(&market, |data| assert!(field.write_pubkey(data, &own)));
        }
        self.confirm();
    }

    /// All users.
    pub fn users(&self) -> Vec<Pubkey> {
        let all = self.cluster.snapshot(Commitment::Processed).into_values();
        let kind = |data: &[u8]| self.cluster.profile().classify(data).map(|def| def.kind);
        let users = all.filter(|account| kind(&account.data) == Some(Kind::User));
        users.map(|account| account.pubkey).collect()
    }

    /// A small change to a perp market.
    pub fn touch(&self, market: &Pubkey) {
        let def = self.cluster.profile().account(Kind::PerpMarket).unwrap();
        let volume = def.role(role::VOLUME_24H).unwrap();
        let edited = self.cluster.edit_account(market, |data| {
            let now = volume.read_u64(data).unwrap();
            assert!(volume.write_uint(data, u128::from(now) + 1));
        });
        edited.unwrap();
    }

    /// A small change to every account but the state: its last byte.
    pub fn touch_all(&self) {
        for (pubkey, account) in self.cluster.snapshot(Commitment::Processed) {
            let kind = self.cluster.profile().classify(&account.data).map(|def| def.kind);
            if kind != Some(Kind::State) {
                self.cluster.edit_account(&pubkey, |data| {
                    if let Some(last) = data.last_mut() {
                        *last = last.wrapping_add(1);
                    }
                });
            }
        }
    }

    /// Waits until what is written now is confirmed.
    pub fn confirm(&self) {
        let slot = self.cluster.slot(Commitment::Processed);
        super::until("the slot is confirmed", super::WATCHDOG, || {
            (self.cluster.slot(Commitment::Confirmed) >= slot).then_some(())
        });
    }
}

impl Deref for Chain {
    type Target = Cluster;
    fn deref(&self) -> &Cluster {
        &self.cluster
    }
}
