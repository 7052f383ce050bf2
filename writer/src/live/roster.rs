//! Which accounts are followed: known to all feeds, each of which makes its requests of it.
//!
//! ```text
//!   fixed    the state, and the market after the last one: it may come to be
//!   found    the program's own: markets, and users where all are followed
//!   named    an oracle, by a market
//!   asked    by the publisher: an oracle in use, a user that is named or watched
//! ```

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use driftshm_layout::Pubkey;
use driftshm_layout::profile::{AccountDef, Kind, Profile, role};
use tokio::sync::watch;

use super::options::Users;
use super::plan::{Plan, Sort};
use crate::feeds::AccountUpdate;
use crate::publisher::classify::Classifier;

/// Markets that are asked for at first, before it is known how many there are.
const FIRST_PERPS: u16 = 60;
const FIRST_SPOTS: u16 = 39;

#[derive(Debug, Clone, Copy, Default)]
struct Entry {
    /// The publisher wants it.
    asked: bool,
    /// A market names it.
    named: bool,
    /// It is the program's own, of this kind.
    kind: Option<Kind>,
    /// It has been asked for over RPC, and there was an answer.
    was_fetched: bool,
}

struct Inner {
    entries: HashMap<Pubkey, Entry>,
    /// How many perp and spot markets there are, as far as is known.
    counts: [u16; 2],
    /// Their addresses, as far as they were needed: to derive one takes a while.
    addresses: [Vec<Pubkey>; 2],
    state: Option<Pubkey>,
}

/// All that is followed. Cheap to ask, also for every update.
pub struct Roster {
    profile: Arc<Profile>,
    classifier: Classifier,
    users: Users,
    inner: Mutex<Inner>,
    plan: watch::Sender<Arc<Plan>>,
}

impl Roster {
    /// The state and the first markets.
    pub fn new(profile: Arc<Profile>, users: Users) -> Self {
        let state = profile.state_address();
        let inner =
            Inner { entries: HashMap::new(), counts: [0; 2], addresses: Default::default(), state };
        let roster = Self {
            classifier: Classifier::new(Arc::clone(&profile)),
            profile,
            users,
            inner: Mutex::new(inner),
            plan: watch::Sender::new(Arc::default()),
        };
        roster.replan(&mut roster.lock());
        roster
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What streams are to bring, and word of every change to it.
    pub fn plans(&self) -> watch::Receiver<Arc<Plan>> {
        self.plan.subscribe()
    }

    /// The state's address, if the profile has one.
    pub fn state(&self) -> Option<Pubkey> {
        self.lock().state
    }

    /// The publisher wants accounts, or no longer does. The plan is made anew once for all of them,
    /// since that takes as long as there are accounts.
    pub fn ask(&self, wishes: impl Iterator<Item = (Pubkey, bool)>) {
        let mut is_new = false;
        for (pubkey, wanted) in wishes {
            // Streams wait for the lock at each account that they bring.
            let mut inner = self.lock();
            let entry = inner.entries.entry(pubkey).or_default();
            is_new |= entry.asked != wanted;
            entry.asked = wanted;
            if !wanted {
                // Without one who wants it, only what the program owns is still followed.
                entry.named = false;
                if entry.kind.is_none_or(|kind| !self.follows_whole(kind)) {
                    inner.entries.remove(&pubkey);
                }
            }
        }
        if is_new {
            self.replan(&mut self.lock());
        }
    }

    /// Of these, the ones that streams bring one by one: not as part of a sort.
    pub fn singly(&self, pubkeys: &[Pubkey]) -> Vec<Pubkey> {
        let inner = self.lock();
        let is_single = |pubkey: &&Pubkey| {
            inner.entries.get(*pubkey).is_some_and(|entry| !self.is_covered(entry))
        };
        pubkeys.iter().filter(is_single).copied().collect()
    }

    /// Lets go of a user that only active ones of are followed, if this is no longer one of them
    /// and nobody asks for it by name. Whether it was let go: streams do not say that they leave
    /// one out from now on.
    pub fn let_go_if_idle(&self, update: &AccountUpdate) -> bool {
        if self.users != Users::Active {
            return false;
        }
        let Some(account) = self.profile.account(Kind::User) else { return false };
        let Some((offset, active)) = not_idle(account) else { return false };
        let is_active = |data: &[u8]| data.get(offset..offset + active.len()) == Some(&active[..]);
        let mut inner = self.lock();
        let is_user = |entry: &Entry| entry.kind == Some(Kind::User) && !entry.asked;
        let is_idle =
            inner.entries.get(&update.pubkey).is_some_and(is_user) && !is_active(&update.data);
        if is_idle {
            inner.entries.remove(&update.pubkey);
        }
        is_idle
    }

    /// A feed has brought an account.
    pub fn seen(&self, update: &AccountUpdate) {
        let is_gone = update.lamports == 0 || update.data.is_empty();
        let mut inner = self.lock();
        if is_gone {
            // One that is asked for may come to be again.
            let is_over = |entry: &Entry| !entry.asked && !entry.named;
            if inner.entries.get(&update.pubkey).is_some_and(is_over) {
                inner.entries.remove(&update.pubkey);
            }
            return;
        }
        let known = inner.entries.get(&update.pubkey);
        // Users do not name anything, and come often.
        if known.is_some_and(|known| matches!(known.kind, Some(Kind::User | Kind::UserStats))) {
            return;
        }
        let is_own = !self.classifier.is_foreign(update.owner.as_ref());
        let Some(class) = self.classifier.classify(&update.data).filter(|_| is_own) else { return };
        let is_state = class.kind == Kind::State && inner.state == Some(update.pubkey);
        if !inner.entries.contains_key(&update.pubkey) && !self.follows_whole(class.kind) {
            if is_state {
                self.count_markets(&mut inner, update);
            }
            return;
        }
        let before = inner.entries.len();
        let entry = inner.entries.entry(update.pubkey).or_default();
        let was = entry.kind.replace(class.kind);
        if let Some(index) = class.index {
            let which = usize::from(class.kind == Kind::SpotMarket);
            if let Some(count) = inner.counts.get_mut(which) {
                *count = (*count).max(index.saturating_add(1));
            }
        }
        let mut is_new = was.is_none() && inner.entries.len() == before;
        if let Some(naming) = class.naming.filter(|naming| naming.oracle != Pubkey::default()) {
            let oracle = inner.entries.entry(naming.oracle).or_default();
            is_new |= !oracle.named && !oracle.asked;
            oracle.named = true;
        }
        if is_new {
            self.replan(&mut inner);
        }
    }

    fn count_markets(&self, inner: &mut Inner, update: &AccountUpdate) {
        let Some(state) = self.profile.account(Kind::State) else { return };
        let roles = [role::NUMBER_OF_MARKETS, role::NUMBER_OF_SPOT_MARKETS];
        for (count, role) in inner.counts.iter_mut().zip(roles) {
            let said = state.role(role).and_then(|field| field.read_u64(&update.data));
            let said = said.and_then(|said| u16::try_from(said).ok()).unwrap_or_default();
            *count = (*count).max(said);
        }
    }

    /// What an account of the program is that is not as the profile has it.
    pub fn strange_kind(&self, update: &AccountUpdate) -> Option<Kind> {
        let is_own = !self.classifier.is_foreign(update.owner.as_ref());
        let class = self.classifier.classify(&update.data).filter(|_| is_own)?;
        (!class.layout_ok).then_some(class.kind)
    }

    /// These were asked for, and there was an answer.
    pub fn were_fetched(&self, pubkeys: &[Pubkey]) {
        let mut inner = self.lock();
        for pubkey in pubkeys {
            if let Some(entry) = inner.entries.get_mut(pubkey) {
                entry.was_fetched = true;
            }
        }
    }

    /// Whether nothing is known of the program yet.
    pub fn is_new(&self) -> bool {
        self.lock().counts == [0; 2]
    }

    /// What to ask for first: the state, and as many markets as fit one request beside it.
    pub fn first_keys(&self) -> Vec<Pubkey> {
        self.markets(&mut self.lock(), [FIRST_PERPS, FIRST_SPOTS])
    }

    /// What is followed, markets first, save what is there in great number: users, where all are
    /// followed.
    pub fn keys(&self) -> Vec<Pubkey> {
        let few = |entry: &Entry| {
            entry.asked
                || entry.kind.is_none_or(|kind| !matches!(kind, Kind::User | Kind::UserStats))
        };
        self.keys_of(few)
    }

    /// Everything that is followed.
    pub fn all_keys(&self) -> Vec<Pubkey> {
        self.keys_of(|_| true)
    }

    /// The state, every market that it counts and one more of each kind, which may come to be;
    /// then the oracles, then the rest.
    fn keys_of(&self, is_wanted: impl Fn(&Entry) -> bool) -> Vec<Pubkey> {
        let mut inner = self.lock();
        let counts = inner.counts.map(|count| count.saturating_add(1));
        let mut keys = self.markets(&mut inner, counts);
        let known: HashSet<_> = keys.iter().copied().collect();
        let others = inner.entries.iter();
        let others = others.filter(|(key, entry)| !known.contains(*key) && is_wanted(entry));
        let mut others: Vec<_> = others.map(|(key, entry)| (!entry.named, *key)).collect();
        others.sort_unstable();
        keys.extend(others.into_iter().map(|(_, key)| key));
        keys
    }

    fn markets(&self, inner: &mut Inner, counts: [u16; 2]) -> Vec<Pubkey> {
        let derive: [fn(&Profile, u16) -> Option<Pubkey>; 2] =
            [Profile::perp_market_address, Profile::spot_market_address];
        let mut keys: Vec<_> = inner.state.into_iter().collect();
        for ((addresses, derive), count) in inner.addresses.iter_mut().zip(derive).zip(counts) {
            let known = u16::try_from(addresses.len()).unwrap_or(u16::MAX);
            addresses.extend((known..count).filter_map(|index| derive(&self.profile, index)));
            keys.extend(addresses.iter().take(count.into()));
        }
        keys
    }

    /// What is followed and was not asked for yet.
    pub fn unfetched(&self) -> Vec<Pubkey> {
        let inner = self.lock();
        let is_open = |entry: &Entry| !entry.was_fetched && (entry.asked || entry.named);
        inner.entries.iter().filter(|(_, entry)| is_open(entry)).map(|(key, _)| *key).collect()
    }

    /// Sorts of accounts of which there are too many to name.
    pub fn bulk(&self) -> Option<Sort> {
        (self.users != Users::None).then(|| self.sort(Kind::User)).flatten()
    }

    /// The accounts of these sorts that are known, for a stream that does not bring them as a whole.
    pub fn accounts_of(&self, sorts: &[Sort]) -> Vec<Pubkey> {
        let is_of = |kind: Kind| {
            let account = self.profile.account(kind);
            account.is_some_and(|account| sorts.iter().any(|sort| sort.name == account.name))
        };
        let inner = self.lock();
        let known = inner.entries.iter().filter(|(_, entry)| entry.kind.is_some_and(is_of));
        known.map(|(pubkey, _)| *pubkey).collect()
    }

    /// The program.
    pub fn program(&self) -> Pubkey {
        self.profile.program_id
    }

    fn follows_whole(&self, kind: Kind) -> bool {
        match kind {
            Kind::PerpMarket | Kind::SpotMarket => true,
            Kind::User => self.users != Users::None,
            _ => false,
        }
    }

    fn sort(&self, kind: Kind) -> Option<Sort> {
        let account = self.profile.account(kind)?;
        let mut filters = vec![(0, account.discriminator.to_vec())];
        if kind == Kind::User && self.users == Users::Active {
            filters.extend(not_idle(account));
        }
        Some(Sort { name: account.name.clone(), filters })
    }

    /// Users that are named come one by one where only active ones come as a whole: a named one
    /// may be idle.
    fn is_covered(&self, entry: &Entry) -> bool {
        entry.kind.is_some_and(|kind| match kind {
            Kind::User => self.users == Users::All || self.users == Users::Active && !entry.asked,
            kind => self.follows_whole(kind),
        })
    }

    fn replan(&self, inner: &mut Inner) {
        let kinds = [Kind::PerpMarket, Kind::SpotMarket, Kind::User];
        let kinds = kinds.into_iter().filter(|kind| self.follows_whole(*kind));
        let single = inner.entries.iter().filter(|(_, entry)| !self.is_covered(entry));
        let plan = Plan {
            program: self.profile.program_id,
            sorts: kinds.filter_map(|kind| self.sort(kind)).collect(),
            accounts: single.map(|(pubkey, _)| *pubkey).chain(inner.state).collect(),
        };
        self.plan.send_if_modified(|old| {
            let is_new = **old != plan;
            if is_new {
                *old = Arc::new(plan);
            }
            is_new
        });
    }
}

/// What every user has that the program does not call idle.
fn not_idle(account: &AccountDef) -> Option<(usize, Vec<u8>)> {
    let field = account.role(role::IDLE)?;
    let offset = usize::try_from(field.offset).ok()?;
    (field.size() == 1).then(|| (offset, vec![0]))
}
