//! Who wants to hear of which account: what a change costs does not depend on how many others
//! listen, nor, within one batch, on how often the account changes.

use std::collections::HashMap;

use driftshm_layout::Pubkey;
use driftshm_layout::control::Filter;
use driftshm_layout::profile::Kind;

/// Subscribers to one thing, and the batch in which they were last told of it.
#[derive(Default)]
struct Listeners {
    /// Ascending, each once: a bot may name a thing a hundred thousand times.
    ids: Vec<u32>,
    told_in: u64,
}

impl Listeners {
    fn tell(&mut self, batch: u64, who: &mut Vec<u32>) {
        if self.told_in != batch {
            self.told_in = batch;
            who.extend(&self.ids);
        }
    }

    fn add(&mut self, id: u32) {
        if let Err(at) = self.ids.binary_search(&id) {
            self.ids.insert(at, id);
        }
    }

    fn remove(&mut self, id: u32) {
        if let Ok(at) = self.ids.binary_search(&id) {
            self.ids.remove(at);
        }
    }
}

/// The index from accounts to subscribers.
#[derive(Default)]
pub(super) struct Interest {
    everything: Listeners,
    kinds: [Listeners; Kind::ALL.len()],
    /// By market index.
    perp_markets: Vec<Listeners>,
    spot_markets: Vec<Listeners>,
    /// Looked up at every publish. Whoever chooses addresses does not know the hash's seed.
    pubkeys: HashMap<Pubkey, Listeners, foldhash::fast::RandomState>,
}

impl Interest {
    /// Adds a subscriber for all that the filter names. A thing that it has been added for
    /// already does no harm.
    pub fn add(&mut self, id: u32, filter: &Filter) {
        if filter.everything {
            self.everything.add(id);
        }
        for kind in &filter.kinds {
            if let Some(listeners) = self.kinds.get_mut(*kind as usize) {
                listeners.add(id);
            }
        }
        add_markets(&mut self.perp_markets, id, &filter.perp_markets);
        add_markets(&mut self.spot_markets, id, &filter.spot_markets);
        for pubkey in &filter.pubkeys {
            self.pubkeys.entry(*pubkey).or_default().add(id);
        }
    }

    /// Takes a subscriber out of all that the filter names.
    pub fn remove(&mut self, id: u32, filter: &Filter) {
        if filter.everything {
            self.everything.remove(id);
        }
        for kind in &filter.kinds {
            if let Some(listeners) = self.kinds.get_mut(*kind as usize) {
                listeners.remove(id);
            }
        }
        remove_markets(&mut self.perp_markets, id, &filter.perp_markets);
        remove_markets(&mut self.spot_markets, id, &filter.spot_markets);
        for pubkey in &filter.pubkeys {
            if let Some(listeners) = self.pubkeys.get_mut(pubkey) {
                listeners.remove(id);
                if listeners.ids.is_empty() {
                    self.pubkeys.remove(pubkey);
                }
            }
        }
    }

    /// Appends to `who` the subscribers that an account's change concerns and that were not
    /// appended for the same reason in this batch. One may be appended for several reasons.
    pub fn concerned(
        &mut self,
        batch: u64,
        kind: Kind,
        place: u32,
        pubkey: &Pubkey,
        who: &mut Vec<u32>,
    ) {
        self.everything.tell(batch, who);
        if let Some(listeners) = self.kinds.get_mut(kind as usize) {
            listeners.tell(batch, who);
        }
        let markets = match kind {
            Kind::PerpMarket => Some(&mut self.perp_markets),
            Kind::SpotMarket => Some(&mut self.spot_markets),
            _ => None,
        };
        if let Some(listeners) = markets.and_then(|markets| markets.get_mut(place as usize)) {
            listeners.tell(batch, who);
        }
        if !self.pubkeys.is_empty() {
            if let Some(listeners) = self.pubkeys.get_mut(pubkey) {
                listeners.tell(batch, who);
            }
        }
    }

    /// How many different addresses somebody listens to.
    pub fn pubkeys(&self) -> usize {
        self.pubkeys.len()
    }

    /// Whether nobody is left in it, for tests.
    #[cfg(test)]
    fn is_empty(&self) -> bool {
        let lists = self.kinds.iter().chain(&self.perp_markets).chain(&self.spot_markets);
        self.everything.ids.is_empty()
            && self.pubkeys.is_empty()
            && lists.into_iter().all(|listeners| listeners.ids.is_empty())
    }
}

fn add_markets(markets: &mut Vec<Listeners>, id: u32, indexes: &[u16]) {
    for index in indexes.iter().copied().map(usize::from) {
        if markets.len() <= index {
            markets.resize_with(index + 1, Listeners::default);
        }
        if let Some(listeners) = markets.get_mut(index) {
            listeners.add(id);
        }
    }
}

fn remove_markets(markets: &mut [Listeners], id: u32, indexes: &[u16]) {
    for index in indexes {
        if let Some(listeners) = markets.get_mut(usize::from(*index)) {
            listeners.remove(id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: Pubkey = Pubkey([7; 32]);

    fn filter() -> Filter {
        Filter {
            kinds: vec![Kind::State],
            perp_markets: vec![1],
            spot_markets: vec![2],
            pubkeys: vec![KEY],
            ..Filter::default()
        }
    }

    fn concerned(
        interest: &mut Interest,
        batch: u64,
        kind: Kind,
        place: u32,
        key: Pubkey,
    ) -> usize {
        let mut who = Vec::new();
        interest.concerned(batch, kind, place, &key, &mut who);
        who.len()
    }

    #[test]
    fn a_change_concerns_those_who_named_its_kind_index_or_address_and_nobody_else() {
        let mut interest = Interest::default();
        interest.add(5, &filter());
        let other = Pubkey::default();
        let mut batch = 0;
        let mut count = |kind, place, key| {
            batch += 1;
            concerned(&mut interest, batch, kind, place, key)
        };
        assert_eq!(count(Kind::State, 0, other), 1);
        assert_eq!(count(Kind::PerpMarket, 1, other), 1);
        assert_eq!(count(Kind::SpotMarket, 2, other), 1);
        assert_eq!(count(Kind::User, 9, KEY), 1);
        assert_eq!(count(Kind::SpotMarket, 1, other), 0);
        assert_eq!(count(Kind::PerpMarket, 2, other), 0);
        assert_eq!(count(Kind::User, 1, other), 0);
        assert_eq!(count(Kind::PerpMarket, 60_000, other), 0);
    }

    #[test]
    fn within_a_batch_a_subscriber_is_told_once_and_again_in_the_next() {
        let mut interest = Interest::default();
        interest.add(5, &Filter::everything());
        assert_eq!(concerned(&mut interest, 1, Kind::User, 0, KEY), 1);
        assert_eq!(concerned(&mut interest, 1, Kind::User, 1, KEY), 0);
        assert_eq!(concerned(&mut interest, 2, Kind::User, 0, KEY), 1);
    }

    #[test]
    fn naming_a_thing_many_times_costs_one_place() {
        let mut interest = Interest::default();
        let (pubkeys, markets) = (vec![KEY; 1000], vec![3; 1000]);
        let kinds = vec![Kind::User; 1000];
        let many = Filter { pubkeys, perp_markets: markets, kinds, ..Filter::default() };
        for id in [9, 5, 7] {
            interest.add(id, &many);
        }
        assert_eq!(interest.kinds[Kind::User as usize].ids, [5, 7, 9]);
        assert_eq!(interest.perp_markets[3].ids, [5, 7, 9]);
        assert_eq!(concerned(&mut interest, 1, Kind::State, 0, KEY), 3);
        interest.remove(7, &many);
        assert_eq!(interest.pubkeys[&KEY].ids, [5, 9]);
    }

    #[test]
    fn who_is_removed_leaves_nothing_behind_even_if_added_twice() {
        let mut interest = Interest::default();
        let mut twice = filter();
        interest.add(5, &twice);
        interest.add(5, &twice);
        interest.add(6, &Filter::everything());
        twice.everything = true;
        interest.remove(5, &twice);
        assert_eq!(concerned(&mut interest, 1, Kind::User, 0, KEY), 1, "the other one stays");
        interest.remove(6, &Filter::everything());
        assert!(interest.is_empty());
    }
}
