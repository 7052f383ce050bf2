//! What is subscribed to, what is to be, and the requests that lead from one to the other.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::fmt;
use std::time::Duration;

use driftshm_layout::Pubkey;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::live::options::Commitment;
use crate::live::plan::{Plan, Sort};

/// Requests that are under way at a time. More at once look like an attack to a provider.
const TOGETHER: usize = 128;
/// Within this, the next one is answered.
pub(super) const ANSWER: Duration = Duration::from_secs(5);

/// What one subscription is of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Topic {
    Slots,
    Sort(Sort),
    Account(Pubkey),
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Slots => f.write_str("slotSubscribe"),
            Self::Sort(sort) => write!(f, "programSubscribe for {}", sort.name),
            Self::Account(pubkey) => write!(f, "accountSubscribe for {pubkey}"),
        }
    }
}

#[derive(Debug)]
enum Request {
    Begin(Topic),
    End(Topic, u64),
}

/// The state of one connection's subscriptions.
#[derive(Debug)]
pub(super) struct Subscriptions {
    commitment: Commitment,
    plan: Plan,
    last_id: u64,
    /// Requests that are to be sent.
    queue: VecDeque<Request>,
    /// Those that were, and have no answer yet, by their ids: in the order in which they were sent.
    asked: BTreeMap<u64, (Topic, Instant)>,
    /// By the numbers that the node has given them.
    active: HashMap<u64, Topic>,
    /// When the last answer came.
    answered: Option<Instant>,
    /// The plan is not known to be carried out.
    is_behind: bool,
}

impl Subscriptions {
    pub(super) fn new(commitment: Commitment) -> Self {
        Self {
            commitment,
            plan: Plan::default(),
            last_id: 0,
            queue: VecDeque::new(),
            asked: BTreeMap::new(),
            active: HashMap::new(),
            answered: None,
            is_behind: false,
        }
    }

    /// From now on, this is wanted.
    pub(super) fn follow(&mut self, plan: &Plan) {
        self.plan = plan.clone();
        self.is_behind = true;
        // What was not asked for yet is asked for again below, if it is still wanted.
        self.queue.retain(|request| matches!(request, Request::End(..)));
        let have = self.asked.values().map(|(topic, _)| topic).chain(self.active.values());
        let (mut has_slots, mut sorts, mut accounts) = (false, Vec::new(), HashSet::new());
        for topic in have {
            match topic {
                Topic::Slots => has_slots = true,
                Topic::Sort(sort) => sorts.push(sort),
                Topic::Account(pubkey) => drop(accounts.insert(pubkey)),
            }
        }
        let is_new = |sort: &&Sort| !sorts.contains(sort);
        let missing: Vec<_> = (!has_slots)
            .then_some(Topic::Slots)
            .into_iter()
            .chain(plan.sorts.iter().filter(is_new).cloned().map(Topic::Sort))
            .chain(
                plan.accounts
                    .iter()
                    .filter(|it| !accounts.contains(it))
                    .copied()
                    .map(Topic::Account),
            )
            .collect();
        self.queue.extend(missing.into_iter().map(Request::Begin));
    }

    /// The next request that is to be sent.
    pub(super) fn next_request(&mut self, now: Instant) -> Option<String> {
        if self.asked.len() >= TOGETHER {
            return None;
        }
        let request = self.queue.pop_front()?;
        self.last_id += 1;
        let id = self.last_id;
        let (method, params) = match request {
            Request::Begin(topic) => {
                let params = self.params(&topic);
                let method = match &topic {
                    Topic::Slots => "slotSubscribe",
                    Topic::Sort(_) => "programSubscribe",
                    Topic::Account(_) => "accountSubscribe",
                };
                self.asked.insert(id, (topic, now));
                (method, params)
            }
            Request::End(topic, number) => {
                let method = match topic {
                    Topic::Slots => "slotUnsubscribe",
                    Topic::Sort(_) => "programUnsubscribe",
                    Topic::Account(_) => "accountUnsubscribe",
                };
                (method, json!([number]))
            }
        };
        Some(json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}).to_string())
    }

    fn params(&self, topic: &Topic) -> Value {
        let commitment = self.commitment.as_str();
        match topic {
            Topic::Slots => json!([]),
            Topic::Sort(sort) => {
                // Base58 is what every node takes.
                let memcmp = |(offset, bytes): &(usize, Vec<u8>)| json!({"memcmp": {"offset": offset, "bytes": bs58::encode(bytes).into_string()}});
                let filters: Vec<_> = sort.filters.iter().map(memcmp).collect();
                // Plain base64: to compress costs a node more than it can afford at times.
                json!([
                    self.plan.program.to_string(),
                    {"encoding": "base64", "commitment": commitment, "filters": filters},
                ])
            }
            Topic::Account(pubkey) => {
                json!([pubkey.to_string(), {"encoding": "base64", "commitment": commitment}])
            }
        }
    }

    /// What a request was for, now that it is answered. None: it ended something.
    pub(super) fn answered(&mut self, id: u64, now: Instant) -> Option<Topic> {
        let (topic, _) = self.asked.remove(&id)?;
        self.answered = Some(now);
        Some(topic)
    }

    /// The node has subscribed us.
    pub(super) fn began(&mut self, topic: Topic, number: u64) {
        self.active.insert(number, topic);
    }

    /// What a notification is about. None for what has just ended.
    pub(super) fn topic(&self, number: u64) -> Option<&Topic> {
        self.active.get(&number)
    }

    /// Whether the plan is carried out; true once for each plan. What is no longer wanted ends
    /// only then: it may be what the new subscriptions are in place of.
    pub(super) fn has_caught_up(&mut self) -> bool {
        let is_underway = !self.asked.is_empty()
            || self.queue.iter().any(|request| matches!(request, Request::Begin(_)));
        if !self.is_behind || is_underway {
            return false;
        }
        self.is_behind = false;
        let plan = &self.plan;
        let is_wanted = |topic: &Topic| match topic {
            Topic::Slots => true,
            Topic::Sort(sort) => plan.sorts.contains(sort),
            Topic::Account(pubkey) => plan.accounts.contains(pubkey),
        };
        let active = std::mem::take(&mut self.active).into_iter();
        let (wanted, ended): (HashMap<_, _>, HashMap<_, _>) =
            active.partition(|(_, topic)| is_wanted(topic));
        self.active = wanted;
        self.queue.extend(ended.into_iter().map(|(number, topic)| Request::End(topic, number)));
        true
    }

    /// When the next answer must have come. A slow node is not a dead one: each answer gives it
    /// time for the next.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let (_, (_, sent)) = self.asked.first_key_value()?;
        let since = self.answered.map_or(*sent, |answered| answered.max(*sent));
        Some(since + ANSWER)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_node_has_time_for_each_answer() {
        let mut subscriptions = Subscriptions::new(Commitment::Confirmed);
        let accounts = [Pubkey([1; 32]), Pubkey([2; 32])].into();
        subscriptions.follow(&Plan { accounts, ..Plan::default() });
        let start = Instant::now();
        let after = |seconds| start + Duration::from_secs(seconds);
        assert_eq!(subscriptions.deadline(), None);
        while subscriptions.next_request(start).is_some() {}
        assert_eq!(subscriptions.deadline(), Some(after(5)));
        for (id, at) in [(2, 4), (1, 8)] {
            assert!(subscriptions.answered(id, after(at)).is_some());
            assert_eq!(subscriptions.deadline(), Some(after(at + 5)));
        }
        assert!(subscriptions.answered(3, after(12)).is_some());
        assert_eq!(subscriptions.deadline(), None);
    }

    #[test]
    fn what_was_not_asked_for_yet_is_asked_for_once_and_only_if_still_wanted() {
        let mut subscriptions = Subscriptions::new(Commitment::Confirmed);
        for accounts in [[1, 2], [2, 3]] {
            let accounts = accounts.map(|byte| Pubkey([byte; 32])).into();
            subscriptions.follow(&Plan { accounts, ..Plan::default() });
        }
        let now = Instant::now();
        let mut requests = String::new();
        while let Some(request) = subscriptions.next_request(now) {
            requests += &request;
        }
        assert_eq!(requests.matches("slotSubscribe").count(), 1, "{requests}");
        for (byte, times) in [(1, 0), (2, 1), (3, 1)] {
            let pubkey = Pubkey([byte; 32]).to_string();
            assert_eq!(requests.matches(&pubkey).count(), times, "{requests}");
        }
    }

    #[test]
    fn only_so_many_requests_are_under_way_at_a_time() {
        let mut subscriptions = Subscriptions::new(Commitment::Confirmed);
        let accounts = (0..=u8::MAX).map(|byte| Pubkey([byte; 32])).collect();
        subscriptions.follow(&Plan { accounts, ..Plan::default() });
        let now = Instant::now();
        let mut asked = 0;
        while subscriptions.next_request(now).is_some() {
            asked += 1;
        }
        assert_eq!(asked, TOGETHER);
        assert!(subscriptions.answered(7, now).is_some());
        assert!(subscriptions.answered(7, now).is_none(), "an answer counts once");
        assert!(subscriptions.next_request(now).is_some());
        assert!(subscriptions.next_request(now).is_none());
        assert!(!subscriptions.has_caught_up());
    }
}
