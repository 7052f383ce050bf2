//! How much a bot, and all of them together, may ask for; and who may connect at all.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// What the control socket allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Connections at a time.
    pub connections: usize,
    /// Connections of one user at a time.
    pub connections_per_uid: usize,
    /// Subscriptions of one connection.
    pub subscriptions: usize,
    /// Subscriptions of all connections together; each takes descriptors and memory, so there are
    /// never more than half as many as the process may have open files.
    pub subscriptions_in_all: usize,
    /// Addresses and market indexes in all subscriptions of one connection.
    pub keys: usize,
    /// The same of all connections together.
    pub keys_in_all: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 1024,
            connections_per_uid: 512,
            subscriptions: 64,
            subscriptions_in_all: 16_384,
            keys: 100_000,
            keys_in_all: 1_000_000,
        }
    }
}

impl Limits {
    /// The defaults with room for so many connections, half of them of one user.
    pub fn with_connections(connections: usize) -> Self {
        let connections_per_uid = connections.div_ceil(2);
        Self { connections, connections_per_uid, ..Self::default() }
    }
}

/// Who may connect, beyond what the file system says. With both lists empty it alone decides.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Allow {
    /// Users.
    pub uids: Vec<u32>,
    /// Groups: a process's own (effective) group, not those it is in besides.
    pub gids: Vec<u32>,
}

impl Allow {
    /// Whether a process of that user and group may connect. The writer's own user and root
    /// always may.
    pub fn allows(&self, uid: u32, gid: u32, own_uid: u32) -> bool {
        let by_list = self.uids.contains(&uid) || self.gids.contains(&gid);
        let no_list = self.uids.is_empty() && self.gids.is_empty();
        no_list || by_list || uid == 0 || uid == own_uid
    }
}

/// What is in use of the limits.
#[derive(Debug, Default)]
struct InUse {
    connections: usize,
    by_uid: HashMap<u32, usize>,
    subscriptions: usize,
    keys: usize,
}

/// Keeps count.
#[derive(Debug, Clone)]
pub(super) struct Tally {
    pub limits: Limits,
    in_use: Arc<Mutex<InUse>>,
    given_back: Arc<Notify>,
}

/// A connection's place; given back when dropped.
#[derive(Debug)]
pub(super) struct Permit {
    tally: Tally,
    uid: u32,
    subscriptions: usize,
    keys: usize,
}

impl Tally {
    pub fn new(limits: Limits) -> Self {
        Self { limits, in_use: Arc::default(), given_back: Arc::default() }
    }

    fn lock(&self) -> MutexGuard<'_, InUse> {
        // Counting cannot panic half-way.
        self.in_use.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place for a connection of this user, or why there is none.
    pub fn connection(&self, uid: u32) -> Result<Permit, String> {
        let mut in_use = self.lock();
        let Limits { connections, connections_per_uid, .. } = self.limits;
        if in_use.connections >= connections {
            return Err(format!(
                "{connections} bots are connected, no more are allowed: raise --max-connections"
            ));
        }
        let of_user = in_use.by_uid.entry(uid).or_default();
        if *of_user >= connections_per_uid {
            return Err(format!(
                "{connections_per_uid} bots of uid {uid} are connected, no more are allowed: raise \
                 --max-connections, half of which is for one user"
            ));
        }
        *of_user += 1;
        in_use.connections += 1;
        Ok(Permit { tally: self.clone(), uid, subscriptions: 0, keys: 0 })
    }

    /// The same, as soon as there is one.
    pub async fn connection_in_time(&self, uid: u32) -> Permit {
        loop {
            // Before the look: a place that is given back in between is not overlooked.
            let mut given_back = std::pin::pin!(self.given_back.notified());
            given_back.as_mut().enable();
            if let Ok(permit) = self.connection(uid) {
                return permit;
            }
            given_back.await;
        }
    }

    pub fn connections(&self) -> usize {
        self.lock().connections
    }
}

impl Permit {
    /// Room for another subscription, or why there is none.
    pub fn add_subscription(&mut self) -> Result<(), String> {
        let Limits { subscriptions, subscriptions_in_all, .. } = self.tally.limits;
        if self.subscriptions >= subscriptions {
            return Err(format!(
                "a connection may have {subscriptions} subscriptions: name more accounts in each, \
                 or connect once more"
            ));
        }
        let mut in_use = self.tally.lock();
        if in_use.subscriptions >= subscriptions_in_all {
            return Err(format!(
                "all bots together may have {subscriptions_in_all} subscriptions (at most half of \
                 the writer's limit of open files): raise that limit (ulimit -n, LimitNOFILE=), or \
                 end some"
            ));
        }
        in_use.subscriptions += 1;
        self.subscriptions += 1;
        Ok(())
    }

    pub fn remove_subscription(&mut self) {
        let less = self.subscriptions.min(1);
        self.subscriptions -= less;
        let mut in_use = self.tally.lock();
        in_use.subscriptions = in_use.subscriptions.saturating_sub(less);
    }

    /// Room for so many more keys, or why there is none.
    pub fn add_keys(&mut self, more: usize) -> Result<(), String> {
        let Limits { keys, keys_in_all, .. } = self.tally.limits;
        if self.keys.saturating_add(more) > keys {
            return Err(format!(
                "a connection may ask for {keys} addresses and markets in all: subscribe to whole \
                 kinds, or connect once more"
            ));
        }
        let mut in_use = self.tally.lock();
        if in_use.keys.saturating_add(more) > keys_in_all {
            return Err(format!(
                "all bots together may ask for {keys_in_all} addresses: subscribe to whole kinds"
            ));
        }
        in_use.keys += more;
        self.keys += more;
        Ok(())
    }

    pub fn remove_keys(&mut self, less: usize) {
        let less = less.min(self.keys);
        self.keys -= less;
        let mut in_use = self.tally.lock();
        in_use.keys = in_use.keys.saturating_sub(less);
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut in_use = self.tally.lock();
        in_use.connections = in_use.connections.saturating_sub(1);
        in_use.subscriptions = in_use.subscriptions.saturating_sub(self.subscriptions);
        in_use.keys = in_use.keys.saturating_sub(self.keys);
        if let Some(of_user) = in_use.by_uid.get_mut(&self.uid) {
            *of_user -= 1;
            if *of_user == 0 {
                in_use.by_uid.remove(&self.uid);
            }
        }
        drop(in_use);
        self.tally.given_back.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_lists_the_file_system_decides_and_with_them_only_who_is_on_one() {
        assert!(Allow::default().allows(7, 7, 1));
        let allow = Allow { uids: vec![5], gids: vec![6] };
        assert!(allow.allows(5, 9, 1) && allow.allows(9, 6, 1));
        assert!(!allow.allows(6, 5, 1));
        assert!(allow.allows(0, 0, 1) && allow.allows(1, 1, 1), "root, and the writer's user");
    }

    #[test]
    fn places_are_limited_in_all_and_by_user_and_come_back() {
        let limits = Limits { connections: 3, connections_per_uid: 2, ..Limits::default() };
        let tally = Tally::new(limits);
        let first = tally.connection(1).unwrap();
        let _second = tally.connection(1).unwrap();
        assert!(tally.connection(1).unwrap_err().contains("uid 1"));
        let _third = tally.connection(2).unwrap();
        assert!(tally.connection(3).unwrap_err().contains("3 bots"));
        drop(first);
        assert_eq!(tally.connections(), 2);
        assert!(tally.connection(1).is_ok());
    }

    #[tokio::test]
    async fn a_place_that_is_given_back_is_for_whoever_waits_for_it() {
        let tally = Tally::new(Limits { connections: 1, ..Limits::default() });
        let first = tally.connection(1).unwrap();
        let waits = tokio::spawn({
            let tally = tally.clone();
            async move { tally.connection_in_time(2).await.uid }
        });
        tokio::task::yield_now().await;
        assert!(!waits.is_finished());
        drop(first);
        assert_eq!(waits.await.unwrap(), 2);
    }

    #[test]
    fn subscriptions_are_limited_for_a_connection_and_in_all_and_come_back() {
        let limits = Limits { subscriptions: 2, subscriptions_in_all: 3, ..Limits::default() };
        let tally = Tally::new(limits);
        let mut first = tally.connection(1).unwrap();
        let mut second = tally.connection(1).unwrap();
        first.add_subscription().unwrap();
        first.add_subscription().unwrap();
        assert!(first.add_subscription().unwrap_err().contains("a connection"));
        second.add_subscription().unwrap();
        assert!(second.add_subscription().unwrap_err().contains("all bots together"));
        first.remove_subscription();
        second.add_subscription().unwrap();
        drop(second);
        let mut third = tally.connection(1).unwrap();
        third.add_subscription().unwrap();
        third.add_subscription().unwrap();
        assert!(third.add_subscription().is_err() && first.add_subscription().is_err());
    }

    #[test]
    fn keys_are_limited_for_a_connection_and_in_all_and_come_back() {
        let limits = Limits { keys: 10, keys_in_all: 15, ..Limits::default() };
        let tally = Tally::new(limits);
        let mut first = tally.connection(1).unwrap();
        let mut second = tally.connection(1).unwrap();
        first.add_keys(10).unwrap();
        assert!(first.add_keys(1).is_err());
        assert!(second.add_keys(6).is_err());
        second.add_keys(5).unwrap();
        first.remove_keys(4);
        second.add_keys(4).unwrap();
        drop(first);
        assert!(second.add_keys(1).is_ok());
        assert!(second.add_keys(usize::MAX).is_err());
    }
}
