//! Which accounts somebody wants followed, and for how long after the last has gone.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use driftshm_layout::Pubkey;

/// Accounts that nobody wants any more may linger in this number; the oldest go first.
const MAX_LINGERING: usize = 65_536;
/// Instead of a time that does not fit the clock.
const FOR_EVER: Duration = Duration::from_secs(1 << 30);

#[derive(Default)]
struct Watch {
    count: usize,
    /// When it ends, once `count` is 0.
    until: Option<Instant>,
    /// It has a place in the queue of those that linger.
    queued: bool,
}

/// Counts who wants an account. A bot's subscription, a market that reads an oracle and an
/// address on the command line all count alike.
pub(super) struct Watches {
    linger: Duration,
    wanted: HashMap<Pubkey, Watch>,
    /// With the time at which each is due to be looked at.
    lingering: VecDeque<(Instant, Pubkey)>,
}

impl Watches {
    pub fn new(linger: Duration) -> Self {
        Self { linger, wanted: HashMap::new(), lingering: VecDeque::new() }
    }

    /// One more wants the account. True if nobody did, not even lately.
    pub fn add(&mut self, pubkey: &Pubkey) -> bool {
        let is_new = !self.wanted.contains_key(pubkey);
        let watch = self.wanted.entry(*pubkey).or_default();
        watch.count += 1;
        watch.until = None;
        is_new
    }

    /// One less wants the account; once it is the last, it lingers.
    pub fn remove(&mut self, pubkey: &Pubkey, now: Instant) {
        let Some(watch) = self.wanted.get_mut(pubkey) else { return };
        watch.count = watch.count.saturating_sub(1);
        if watch.count > 0 {
            return;
        }
        let until = now.checked_add(self.linger).unwrap_or(now + FOR_EVER);
        watch.until = Some(until);
        if !std::mem::replace(&mut watch.queued, true) {
            self.lingering.push_back((until, *pubkey));
        }
    }

    /// The account is wanted for as long as one lingers, by nobody in particular.
    pub fn linger(&mut self, pubkey: &Pubkey, now: Instant) {
        self.add(pubkey);
        self.remove(pubkey, now);
    }

    /// An account that nobody has wanted for long enough; to be called until there is none.
    pub fn expire(&mut self, now: Instant) -> Option<Pubkey> {
        loop {
            let too_many = self.lingering.len() > MAX_LINGERING;
            let (queued_until, pubkey) = *self.lingering.front()?;
            if queued_until > now && !too_many {
                return None;
            }
            self.lingering.pop_front();
            let Some(watch) = self.wanted.get_mut(&pubkey) else { continue };
            match watch.until {
                Some(until) if until <= now || too_many => {
                    self.wanted.remove(&pubkey);
                    return Some(pubkey);
                }
                // Wanted in between: it began to linger anew.
                Some(until) => self.lingering.push_back((until, pubkey)),
                None => watch.queued = false,
            }
        }
    }

    /// Whether somebody wants the account, or did until lately.
    pub fn wants(&self, pubkey: &Pubkey) -> bool {
        self.wanted.contains_key(pubkey)
    }

    /// All accounts that somebody wants, or did until lately.
    pub fn all(&self) -> impl Iterator<Item = Pubkey> + '_ {
        self.wanted.keys().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: Pubkey = Pubkey([1; 32]);
    const LINGER: Duration = Duration::from_secs(30);

    #[test]
    fn the_first_begins_and_a_while_after_the_last_it_ends() {
        let mut watches = Watches::new(LINGER);
        let start = Instant::now();
        assert!(watches.add(&KEY));
        assert!(!watches.add(&KEY));
        watches.remove(&KEY, start);
        assert_eq!(watches.expire(start + LINGER * 10), None, "one is left");
        watches.remove(&KEY, start);
        assert!(watches.wants(&KEY));
        assert_eq!(watches.expire(start + LINGER / 2), None);
        assert_eq!(watches.expire(start + LINGER), Some(KEY));
        assert!(!watches.wants(&KEY));
        assert_eq!(watches.expire(start + LINGER), None);
    }

    #[test]
    fn who_comes_back_in_time_finds_it_followed() {
        let mut watches = Watches::new(LINGER);
        let start = Instant::now();
        watches.add(&KEY);
        watches.remove(&KEY, start);
        assert!(!watches.add(&KEY));
        assert_eq!(watches.expire(start + LINGER * 10), None);
        watches.remove(&KEY, start + LINGER * 10);
        assert_eq!(watches.expire(start + LINGER * 10), None);
        assert_eq!(watches.expire(start + LINGER * 11), Some(KEY));
    }

    #[test]
    fn coming_and_going_for_ever_costs_one_place() {
        let mut watches = Watches::new(LINGER);
        let start = Instant::now();
        for _ in 0..1000 {
            watches.add(&KEY);
            watches.remove(&KEY, start);
        }
        assert_eq!((watches.wanted.len(), watches.lingering.len()), (1, 1));
        watches.remove(&KEY, start);
        assert_eq!(watches.expire(start + LINGER), Some(KEY));
        assert_eq!((watches.wanted.len(), watches.lingering.len()), (0, 0));
    }

    #[test]
    fn one_that_comes_and_goes_holds_up_no_other() {
        let other = Pubkey([2; 32]);
        let mut watches = Watches::new(LINGER);
        let start = Instant::now();
        watches.linger(&KEY, start);
        watches.linger(&other, start);
        watches.linger(&KEY, start + LINGER / 2);
        assert_eq!(watches.expire(start + LINGER), Some(other));
        assert_eq!(watches.expire(start + LINGER), None);
        assert_eq!(watches.expire(start + LINGER * 2), Some(KEY));
    }

    #[test]
    fn there_is_an_end_to_how_many_linger() {
        let mut watches = Watches::new(LINGER);
        let start = Instant::now();
        for number in 0..=MAX_LINGERING as u64 {
            watches.linger(&Pubkey::from_words([number, 0, 0, 0]), start);
        }
        assert_eq!(watches.expire(start), Some(Pubkey::from_words([0; 4])));
        assert_eq!(watches.expire(start), None);
    }
}
