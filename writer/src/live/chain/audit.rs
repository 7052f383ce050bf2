//! The audit: followed accounts are read again, a few at a time, and compared with the region. No
//! feed's completeness is taken on trust.
//!
//! A difference alone proves nothing: the stream may be about to bring what RPC shows already. So
//! it is looked at again a while later; only what is then still the older state, and not the one
//! that RPC showed, was missed. It is mended and counted.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use driftshm_layout::header::Owner;
use driftshm_layout::{Counter, FeedState, Pubkey, Region, clock};

use super::Chain;
use super::fetch::Fetcher;
use crate::feeds::AccountUpdate;

/// The stream has so long to bring what RPC shows already.
const GRACE: Duration = Duration::from_secs(1);
/// No two requests of the audit are closer together.
const PACE: Duration = Duration::from_millis(250);
/// Without anything to do.
const IDLE: Duration = Duration::from_secs(1);
const NEVER: Duration = Duration::from_secs(1 << 30);

pub(super) struct Audit<'a> {
    chain: &'a Chain,
    /// Still to be looked at in this round.
    left: VecDeque<Pubkey>,
    next: Instant,
    /// What differed, and when it is looked at again.
    suspects: VecDeque<(Instant, AccountUpdate)>,
}

impl<'a> Audit<'a> {
    pub fn new(chain: &'a Chain) -> Self {
        let mut audit =
            Self { chain, left: VecDeque::new(), next: Instant::now(), suspects: VecDeque::new() };
        audit.next = audit.after(0);
        audit
    }

    /// When there is something to do.
    pub fn due(&self) -> Instant {
        let verdict = self.suspects.front().map(|(due, _)| *due);
        verdict.map_or(self.next, |due| due.min(self.next))
    }

    /// Does it.
    pub async fn step(&mut self, fetcher: &Fetcher<'_>) {
        self.judge(fetcher);
        if Instant::now() < self.next {
            return;
        }
        if self.left.is_empty() {
            self.left.extend(self.keys());
        }
        let total = self.keys_in_all();
        let count = self.left.len().min(self.chain.rpc.batch());
        let mut keys: Vec<_> = self.left.drain(..count).collect();
        if !keys.is_empty() {
            self.compare(&mut keys, fetcher).await;
        }
        self.next = self.after(total);
    }

    /// What is looked at: beside streams everything, else what polling leaves out.
    fn keys(&self) -> Vec<Pubkey> {
        let roster = &self.chain.roster;
        let mut keys = roster.all_keys();
        if self.chain.polls() {
            let polled: std::collections::HashSet<_> = roster.keys().into_iter().collect();
            keys.retain(|key| !polled.contains(key));
        }
        keys
    }

    fn keys_in_all(&self) -> usize {
        if self.left.is_empty() { 0 } else { self.keys().len() }
    }

    /// The requests of a round are spread over the period.
    fn after(&self, total: usize) -> Instant {
        let period = self.chain.options.audit_period;
        if period.is_zero() {
            return Instant::now() + NEVER;
        }
        let requests = total.div_ceil(self.chain.rpc.batch()).max(1);
        let pause = period / u32::try_from(requests).unwrap_or(u32::MAX);
        Instant::now() + pause.max(PACE).min(period.max(IDLE))
    }

    async fn compare(&mut self, keys: &mut Vec<Pubkey>, fetcher: &Fetcher<'_>) {
        let asked = keys.len();
        // Only `fail_fast` makes it fail, and that is over by now.
        let Ok(brought) = fetcher.ask(keys, 0).await else { return };
        let Some(region) = self.chain.region() else { return };
        debug_assert!(keys.len() <= asked);
        self.chain.figures.audited(keys.len() as u64, 0);
        fetcher.sink.count(Counter::AuditChecked, keys.len() as u64);
        let due = Instant::now() + GRACE;
        let (mut new, known): (Vec<_>, Vec<_>) =
            brought.updates.into_iter().partition(|update| region.find(&update.pubkey).is_none());
        // A market that has come to be is no fault of any feed's.
        fetcher.hand_over(&mut new);
        let (mut idle, known): (Vec<_>, Vec<_>) =
            known.into_iter().partition(|update| self.chain.roster.let_go_if_idle(update));
        for update in known {
            if is_older_and_differs(&region, &update) {
                self.suspects.push_back((due, update));
            }
        }
        // No stream brings them any more, which is as it was asked for. They are as they are now,
        // and not vouched for until they are brought again.
        let let_go = idle.iter().map(|update| update.pubkey).collect();
        fetcher.sink.send(&mut idle);
        fetcher.sink.unsure(let_go);
        let _ = fetcher.confirm_missing(&brought.missing, brought.slot).await;
    }

    fn judge(&mut self, fetcher: &Fetcher<'_>) {
        let now = Instant::now();
        if self.suspects.front().is_none_or(|(due, _)| *due > now) {
            return;
        }
        let Some(region) = self.chain.region() else { return };
        let mut missed = Vec::new();
        while let Some((due, update)) = self.suspects.pop_front() {
            if due > now {
                self.suspects.push_front((due, update));
                break;
            }
            if is_older_and_differs(&region, &update) {
                missed.push(update);
            }
        }
        if missed.is_empty() {
            return;
        }
        // A feed that was away, or has only just come back, has not missed anything.
        if !has_been_live(&region) {
            return fetcher.hand_over(&mut missed);
        }
        // Nor has one that says itself that it is in doubt of these.
        let is_vouched_for = |update: &&AccountUpdate| {
            region.find(&update.pubkey).is_some_and(|record| region.is_followed(&record))
        };
        let mut quiet = missed.iter().filter(is_vouched_for);
        if let Some(first) = quiet.next().map(|update| update.pubkey) {
            let count = 1 + quiet.count() as u64;
            self.chain.figures.audited(0, count);
            fetcher.sink.count(Counter::AuditMismatches, count);
            tracing::warn!(count, %first, "the audit found accounts that no feed has brought; mended");
        }
        fetcher.hand_over(&mut missed);
    }
}

/// Whether the region was live all the while that it was watched for a difference.
fn has_been_live(region: &Region) -> bool {
    let since = region.header().owner(Owner::FeedSinceNs);
    let lasts = Duration::from_nanos(clock::monotonic_ns().saturating_sub(since));
    region.feed_state() == FeedState::Live && lasts >= GRACE
}

/// Whether the region has another state of the account, from before this one.
fn is_older_and_differs(region: &Region, update: &AccountUpdate) -> bool {
    let Some(record) = region.find(&update.pubkey) else { return false };
    let Ok(known) = region.snapshot(&record) else { return false };
    if known.meta.slot >= update.slot {
        return false;
    }
    known.meta.closed
        || known.meta.data_len as usize != update.data.len()
        || known.data.get(..) != update.data.get(..known.data.len())
}
