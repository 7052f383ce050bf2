//! All subscriptions, and waking those that a batch concerns.

use std::collections::HashMap;

use driftshm_layout::control::Filter;
use driftshm_layout::profile::Kind;
use driftshm_layout::{Pubkey, notify};

use super::interest::Interest;
use super::signal::Signal;

struct Subscriber {
    signal: Signal,
    /// All that it is in the index for.
    filter: Filter,
    /// The batch in which it was last looked at.
    seen_in: u64,
}

/// Everybody who awaits changes.
pub(super) struct Subscribers {
    interest: Interest,
    /// By place; free places are used again.
    places: Vec<Option<Subscriber>>,
    free: Vec<u32>,
    /// From the control socket's number of a subscription to its place.
    by_id: HashMap<u64, u32>,
    /// Whom this batch concerns, some of them several times.
    concerned: Vec<u32>,
    batch: u64,
    /// The journal's head when the last batch ended: what is below it is known to all.
    looked_up_to: u64,
    anything: bool,
}

impl Subscribers {
    pub fn new() -> Self {
        Self {
            interest: Interest::default(),
            places: Vec::new(),
            free: Vec::new(),
            by_id: HashMap::new(),
            concerned: Vec::new(),
            // The index's marks begin at 0, which is no batch.
            batch: 1,
            looked_up_to: 0,
            anything: false,
        }
    }

    /// Adds a subscription.
    pub fn add(&mut self, id: u64, filter: &Filter, signal: Signal) {
        let subscriber = Subscriber { signal, filter: Filter::default(), seen_in: 0 };
        let place = self.free.pop().unwrap_or(self.places.len() as u32);
        match self.places.get_mut(place as usize) {
            Some(free) => *free = Some(subscriber),
            None => self.places.push(Some(subscriber)),
        }
        self.by_id.insert(id, place);
        self.extend(id, filter);
    }

    /// Adds to a subscription's filter. False if there is none of that number.
    pub fn extend(&mut self, id: u64, more: &Filter) -> bool {
        let Some(place) = self.by_id.get(&id).copied() else { return false };
        let Some(Some(subscriber)) = self.places.get_mut(place as usize) else { return false };
        let filter = &mut subscriber.filter;
        // What it has already is not added again, so that asking for ever costs no memory.
        let new = Filter {
            everything: more.everything && !filter.everything,
            kinds: Kind::ALL
                .into_iter()
                .filter(|kind| more.kinds.contains(kind) && !filter.kinds.contains(kind))
                .collect(),
            ..more.clone()
        };
        filter.everything |= new.everything;
        filter.kinds.extend(&new.kinds);
        filter.perp_markets.extend(&new.perp_markets);
        filter.spot_markets.extend(&new.spot_markets);
        filter.pubkeys.extend(&new.pubkeys);
        self.interest.add(place, &new);
        true
    }

    /// Ends a subscription and closes what belongs to it. Returns its filter.
    pub fn remove(&mut self, id: u64) -> Option<Filter> {
        let place = self.by_id.remove(&id)?;
        let subscriber = self.places.get_mut(place as usize)?.take()?;
        self.interest.remove(place, &subscriber.filter);
        self.free.push(place);
        Some(subscriber.filter)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    /// How many different addresses they name.
    pub fn pubkeys(&self) -> usize {
        self.interest.pubkeys()
    }

    /// An account was published.
    #[inline]
    pub fn changed(&mut self, kind: Kind, place: u32, pubkey: &Pubkey) {
        self.anything = true;
        self.interest.concerned(self.batch, kind, place, pubkey, &mut self.concerned);
    }

    /// Ends a batch, after which the journal has this head: wakes those whom it concerns and who
    /// sleep. Returns how many.
    pub fn wake(&mut self, journal_head: u64) -> u64 {
        let since = std::mem::replace(&mut self.looked_up_to, journal_head);
        if !std::mem::take(&mut self.anything) {
            return 0;
        }
        let batch = self.batch;
        self.batch += 1;
        if self.concerned.is_empty() {
            return 0;
        }
        notify::after_append();
        let mut woken = 0;
        for place in self.concerned.drain(..) {
            let Some(Some(subscriber)) = self.places.get_mut(place as usize) else { continue };
            if subscriber.seen_in != batch {
                subscriber.seen_in = batch;
                woken += u64::from(subscriber.signal.ring(since));
            }
        }
        woken
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use driftshm_layout::mapping::Mapping;
    use driftshm_layout::notify::Page;

    use super::*;

    const KEY: Pubkey = Pubkey([7; 32]);

    fn add(subscribers: &mut Subscribers, id: u64, filter: Filter) -> Mapping {
        let (signal, theirs) = Signal::new().unwrap();
        subscribers.add(id, &filter, signal);
        Mapping::writable(File::from(theirs.memfd)).unwrap()
    }

    fn arm(page: &Mapping) {
        Page::new(page.words()).unwrap().arm();
    }

    fn user_changes(subscribers: &mut Subscribers) -> u64 {
        subscribers.changed(Kind::User, 0, &KEY);
        subscribers.changed(Kind::User, 0, &KEY);
        subscribers.wake(0)
    }

    #[test]
    fn who_is_concerned_for_several_reasons_is_woken_once() {
        let mut subscribers = Subscribers::new();
        let kinds = vec![Kind::User];
        let filter = Filter { everything: true, kinds, pubkeys: vec![KEY], ..Filter::default() };
        let page = add(&mut subscribers, 1, filter);
        arm(&page);
        assert_eq!(user_changes(&mut subscribers), 1);
        assert_eq!(user_changes(&mut subscribers), 0, "it has not armed again");
        arm(&page);
        assert_eq!(user_changes(&mut subscribers), 1);
    }

    #[test]
    fn a_place_that_is_used_again_wakes_its_new_owner_only() {
        let mut subscribers = Subscribers::new();
        let old = add(&mut subscribers, 1, Filter::everything());
        assert!(subscribers.remove(1).is_some());
        assert!(subscribers.remove(1).is_none());
        let new = add(&mut subscribers, 2, Filter { pubkeys: vec![KEY], ..Filter::default() });
        for page in [&old, &new] {
            arm(page);
        }
        subscribers.changed(Kind::User, 0, &Pubkey::default());
        assert_eq!(subscribers.wake(0), 0);
        assert_eq!(user_changes(&mut subscribers), 1);
        assert_eq!((subscribers.len(), subscribers.places.len()), (1, 1));
    }

    #[test]
    fn who_is_woken_is_told_where_the_batch_begins_that_concerns_it() {
        let mut subscribers = Subscribers::new();
        let page = add(&mut subscribers, 1, Filter { pubkeys: vec![KEY], ..Filter::default() });
        arm(&page);
        // Of others, of nobody, and then its own.
        subscribers.changed(Kind::User, 0, &Pubkey::default());
        assert_eq!(subscribers.wake(500), 0);
        assert_eq!(subscribers.wake(600), 0);
        subscribers.changed(Kind::User, 0, &KEY);
        assert_eq!(subscribers.wake(700), 1);
        subscribers.changed(Kind::User, 0, &KEY);
        assert_eq!(subscribers.wake(800), 0, "it has not looked yet");
        assert_eq!(Page::new(page.words()).unwrap().disarm(), Some(600));
    }

    #[test]
    fn a_filter_can_grow_and_asking_again_costs_nothing() {
        let mut subscribers = Subscribers::new();
        let page = add(&mut subscribers, 1, Filter { perp_markets: vec![3], ..Filter::default() });
        arm(&page);
        assert_eq!(user_changes(&mut subscribers), 0);
        let more = Filter { kinds: vec![Kind::User; 50], ..Filter::default() };
        for _ in 0..3 {
            assert!(subscribers.extend(1, &more));
        }
        assert!(!subscribers.extend(2, &more), "nobody's");
        assert_eq!(user_changes(&mut subscribers), 1);
        let filter = subscribers.remove(1).unwrap();
        assert_eq!((filter.kinds, filter.perp_markets), (vec![Kind::User], vec![3]));
    }
}
