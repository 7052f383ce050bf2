//! Accounts that may yet turn out to be a market's oracle: they came before the market.

use std::collections::{HashMap, VecDeque};

use driftshm_layout::{Pubkey, Stamp};

use crate::feeds::AccountUpdate;

/// How many are kept.
const KEPT: usize = 1024;

/// The newest version of each, up to a limit.
pub(super) struct Unclaimed {
    kept: HashMap<Pubkey, AccountUpdate>,
    /// In the order in which they came first.
    order: VecDeque<Pubkey>,
    /// A longer account is no oracle.
    max_len: usize,
}

pub(super) fn stamp(update: &AccountUpdate) -> Stamp {
    let AccountUpdate { slot, write_version, source, .. } = *update;
    Stamp { slot, write_version, source }
}

impl Unclaimed {
    pub fn new(max_len: usize) -> Self {
        Self { kept: HashMap::new(), order: VecDeque::new(), max_len }
    }

    /// Keeps an account unless a newer version is here. False if one had to be dropped for it.
    pub fn keep(&mut self, update: AccountUpdate) -> bool {
        if update.data.len() > self.max_len {
            return false;
        }
        if let Some(known) = self.kept.get_mut(&update.pubkey) {
            if stamp(&update).replaces(&stamp(known)) {
                *known = update;
            }
            return true;
        }
        let is_full = self.kept.len() >= KEPT;
        if is_full {
            if let Some(oldest) = self.order.pop_front() {
                self.kept.remove(&oldest);
            }
        }
        self.order.push_back(update.pubkey);
        self.kept.insert(update.pubkey, update);
        !is_full
    }

    /// Drops an account that ended with this stamp. False if a newer version of it is here.
    pub fn forget_older(&mut self, pubkey: &Pubkey, end: &Stamp) -> bool {
        let is_newer = self.kept.get(pubkey).is_some_and(|known| !end.replaces(&stamp(known)));
        if !is_newer {
            self.take(pubkey);
        }
        !is_newer
    }

    /// Hands an account over to whoever has a use for it.
    pub fn take(&mut self, pubkey: &Pubkey) -> Option<AccountUpdate> {
        let update = self.kept.remove(pubkey)?;
        self.order.retain(|key| key != pubkey);
        Some(update)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn update(key: u32, slot: u64) -> AccountUpdate {
        let mut pubkey = Pubkey::default();
        pubkey.0[..4].copy_from_slice(&key.to_le_bytes());
        AccountUpdate {
            pubkey,
            owner: None,
            slot,
            write_version: 0,
            lamports: 1,
            data: vec![1],
            received_ns: 0,
            source: 1,
        }
    }

    #[test]
    fn the_newest_version_is_kept_whatever_the_order() {
        let mut unclaimed = Unclaimed::new(100);
        for slot in [5, 9, 7] {
            assert!(unclaimed.keep(update(1, slot)));
        }
        assert_eq!(unclaimed.take(&update(1, 0).pubkey).map(|found| found.slot), Some(9));
        assert_eq!(unclaimed.take(&update(1, 0).pubkey), None);
    }

    #[test]
    fn an_end_takes_what_is_older_and_leaves_what_is_newer() {
        let mut unclaimed = Unclaimed::new(100);
        unclaimed.keep(update(1, 10));
        let key = update(1, 0).pubkey;
        assert!(!unclaimed.forget_older(&key, &stamp(&update(1, 9))));
        assert!(unclaimed.forget_older(&key, &stamp(&update(1, 11))));
        assert_eq!(unclaimed.take(&key), None);
        assert!(unclaimed.forget_older(&key, &stamp(&update(1, 11))), "nothing is there");
    }

    #[test]
    fn the_one_that_came_first_makes_room() {
        let mut unclaimed = Unclaimed::new(100);
        for key in 0..KEPT as u32 {
            assert!(unclaimed.keep(update(key, 1)));
        }
        assert!(!unclaimed.keep(update(9999, 1)));
        assert_eq!(unclaimed.take(&update(0, 0).pubkey), None);
        assert!(unclaimed.take(&update(1, 0).pubkey).is_some());
        assert!(unclaimed.keep(update(9998, 1)), "there is room again");
        assert!(unclaimed.order.len() <= KEPT);
    }

    #[test]
    fn an_account_that_is_too_long_for_an_oracle_is_not_kept() {
        let mut unclaimed = Unclaimed::new(100);
        assert!(!unclaimed.keep(AccountUpdate { data: vec![0; 101], ..update(1, 1) }));
        assert_eq!(unclaimed.take(&update(1, 0).pubkey), None);
    }
}
