//! Whether the region is what the chain is.

use std::collections::BTreeMap;

use driftshm_cluster::{Account, Cluster};
use driftshm_layout::profile::{Kind, role};
use driftshm_layout::{Pubkey, Region};

/// Accounts of the chain.
pub type Accounts = BTreeMap<Pubkey, Account>;

/// Which users are followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Followed {
    /// Of users and their stats, these.
    Named(Vec<Pubkey>),
    /// Every user, and no stats.
    AllUsers,
}

impl Followed {
    /// Markets, oracles and the state.
    pub const MARKETS: Self = Self::Named(Vec::new());

    /// The accounts of the chain that are followed.
    pub fn of(&self, cluster: &Cluster, all: &Accounts) -> Accounts {
        let profile = cluster.profile();
        let def = |account: &Account| {
            let is_own = account.owner == profile.program_id;
            is_own.then(|| profile.classify(&account.data)).flatten()
        };
        let oracles = all.values().filter_map(|account| {
            let def = def(account)
                .filter(|def| matches!(def.kind, Kind::PerpMarket | Kind::SpotMarket))?;
            def.role(role::ORACLE)?.read_pubkey(&account.data)
        });
        let oracles: std::collections::BTreeSet<Pubkey> = oracles.collect();
        let is_followed = |(pubkey, account): &(Pubkey, Account)| match def(account) {
            Some(def) => match def.kind {
                Kind::State | Kind::PerpMarket | Kind::SpotMarket => true,
                Kind::User if *self == Self::AllUsers => true,
                _ => {
                    matches!(self, Self::Named(keys) if keys.contains(pubkey))
                        || oracles.contains(pubkey)
                }
            },
            None => oracles.contains(pubkey),
        };
        all.clone().into_iter().filter(is_followed).collect()
    }
}

/// What the region has otherwise than the chain; empty if nothing. Beyond what must be followed
/// there may be oracles that were in use, and they too are as the chain has them.
pub fn differences(region: &Region, truth: &Accounts, all: &Accounts) -> Vec<String> {
    let mut found = Vec::new();
    for (pubkey, account) in truth {
        let Some(record) = region.find(pubkey) else {
            found.push(format!("{pubkey}: not there"));
            continue;
        };
        match region.snapshot(&record) {
            Err(why) => found.push(format!("{pubkey}: {why:?}")),
            Ok(known) if known.meta.closed => found.push(format!("{pubkey}: closed")),
            Ok(known) if known.data[..] != account.data[..] => {
                let (is, slot) = (known.meta.slot, account.slot);
                found.push(format!("{pubkey}: as of slot {is}, the chain's is of {slot}"));
            }
            Ok(known) if known.meta.lamports != account.lamports => {
                found.push(format!("{pubkey}: {} lamports", known.meta.lamports));
            }
            Ok(_) => {}
        }
    }
    for kind in Kind::ALL {
        for record in region.accounts(kind).filter(|record| region.is_followed(record)) {
            let Some(pubkey) = region.pubkey(&record).filter(|it| !truth.contains_key(it)) else {
                continue;
            };
            let Ok(known) = region.snapshot(&record) else { continue };
            let account = all.get(&pubkey).filter(|_| kind == Kind::Oracle);
            let is_as_chain = account.is_some_and(|it| it.data[..] == known.data[..]);
            if known.meta.version > 0 && !known.meta.closed && !is_as_chain {
                found.push(format!("{pubkey}: a {kind} that is not to be there"));
            }
        }
    }
    found
}
