//! Fetching accounts, with patience: what fails is tried again until it is there. Always what is
//! confirmed: streams may run ahead of it, and fall back on it.

use std::cell::{Cell, RefCell};
use std::collections::HashSet;
use std::time::{Duration, Instant};

use driftshm_layout::{Pubkey, clock};
use tokio::time::sleep;

use super::Chain;
use super::unread::Unread;
use crate::feeds::{AccountUpdate, Sink};
use crate::live::options::Commitment;
use crate::live::rpc::{Brought, RpcError};

/// A node that is behind catches up by a slot in so long.
const SLOT: Duration = Duration::from_millis(400);
/// What is confirmed is a slot or two behind what streams have seen: to ask at once would only be
/// refused.
const CONFIRMING: Duration = Duration::from_millis(500);
/// However far a node is behind, it is asked again after this.
const BEHIND: Duration = Duration::from_secs(2);
/// After an answer that says no, for a reason that may pass.
const REFUSED: Duration = Duration::from_secs(1);
const REFUSED_LONGEST: Duration = Duration::from_secs(30);
/// Before a node without the program's state is asked again.
const NO_STATE: Duration = Duration::from_secs(5);

/// Fetches, and hands over what comes.
pub(in crate::live) struct Fetcher<'a> {
    pub(super) chain: &'a Chain,
    pub(super) sink: &'a Sink,
    /// Whether what fails ends the feed.
    fail_fast: Cell<bool>,
    unread: RefCell<Unread>,
}

impl<'a> Fetcher<'a> {
    pub(super) fn new(chain: &'a Chain, sink: &'a Sink) -> Self {
        let fail_fast = Cell::new(chain.options.fail_fast);
        Self { chain, sink, fail_fast, unread: RefCell::default() }
    }

    /// It was live once: from now on what fails is waited for.
    pub(super) fn fail_fast_no_more(&self) {
        self.fail_fast.set(false);
    }

    /// Everything that is followed, as of `min_slot` or later.
    pub(super) async fn sync(&self, min_slot: u64) -> Result<(), String> {
        if min_slot > 0 {
            sleep(CONFIRMING).await;
        }
        loop {
            if self.sync_once(min_slot).await? {
                self.chain.figures.recovered();
                return Ok(());
            }
            sleep(NO_STATE).await;
        }
    }

    /// False if the node does not have the program's state: then its answers are not to be trusted.
    async fn sync_once(&self, min_slot: u64) -> Result<bool, String> {
        let began_ns = clock::monotonic_ns();
        let mut requests = 0;
        // What everything is at least as of.
        let mut oldest = u64::MAX;
        let roster = &self.chain.roster;
        let mut fetched = HashSet::new();
        let mut missing = Vec::new();
        let mut newest = min_slot;
        let mut keys = match roster.is_new() {
            true => roster.first_keys(),
            false => roster.keys(),
        };
        loop {
            keys.retain(|key| !fetched.contains(key));
            keys.truncate(self.chain.rpc.batch());
            if keys.is_empty() {
                break;
            }
            let brought = self.fetch(&mut keys, min_slot).await?;
            fetched.extend(keys.iter().copied());
            requests += 1;
            newest = newest.max(brought.slot);
            oldest = oldest.min(brought.slot);
            missing.extend(brought.missing);
            // What came may name more, and does at first.
            keys = roster.keys();
        }
        if !self.confirm_missing(&missing, newest).await? {
            return Ok(false);
        }
        // A node that stands still, or is far behind, has nothing to vouch for.
        if self.chain.pulse.polled(oldest, requests) && !self.chain.tip.leaves_behind(oldest) {
            self.sink.vouch(began_ns);
        }
        Ok(true)
    }

    /// These, as of `min_slot` or later: a stream brings them only since then.
    pub(super) async fn fetch_again(
        &self,
        mut left: Vec<Pubkey>,
        min_slot: u64,
    ) -> Result<(), String> {
        left.sort_unstable();
        left.dedup();
        if left.is_empty() {
            return Ok(());
        }
        if min_slot > 0 {
            sleep(CONFIRMING).await;
        }
        while !left.is_empty() {
            let mut keys: Vec<_> = left.iter().copied().take(self.chain.rpc.batch()).collect();
            let brought = self.fetch(&mut keys, min_slot).await?;
            left.drain(..keys.len());
            self.confirm_missing(&brought.missing, brought.slot).await?;
        }
        Ok(())
    }

    /// What is followed since lately.
    pub(super) async fn fetch_new(&self) -> Result<(), String> {
        loop {
            let mut keys = self.chain.roster.unfetched();
            keys.truncate(self.chain.rpc.batch());
            if keys.is_empty() {
                return Ok(());
            }
            let brought = self.fetch(&mut keys, 0).await?;
            if self.chain.has_streams() {
                // What happens to them before streams are subscribed is told by nobody.
                self.sink.unsure(self.chain.roster.singly(&keys));
            }
            self.confirm_missing(&brought.missing, brought.slot).await?;
        }
    }

    /// One request's worth of accounts, on to the publisher; of `keys` only those are left that
    /// were asked for.
    async fn fetch(&self, keys: &mut Vec<Pubkey>, min_slot: u64) -> Result<Brought, String> {
        let mut brought = self.ask(keys, min_slot).await?;
        self.check_layouts(&brought.updates)?;
        self.hand_over(&mut brought.updates);
        self.chain.roster.were_fetched(keys);
        self.unread.borrow_mut().were_asked_for(keys, &brought, min_slot);
        // What is there of them may be old.
        self.sink.unsure(brought.unreadable.clone());
        Ok(brought)
    }

    /// When what could not be read is to be asked for again, if there is any.
    pub(super) fn unread_due(&self) -> Option<Instant> {
        self.unread.borrow().due()
    }

    /// Asks for it again.
    pub(super) async fn fetch_unread(&self) -> Result<(), String> {
        let (keys, min_slot) = self.unread.borrow_mut().take();
        self.fetch_again(keys, min_slot).await
    }

    /// An account that is not as the profile has it can be read as bytes only. An error if that is
    /// to end the feed.
    fn check_layouts(&self, updates: &[AccountUpdate]) -> Result<(), String> {
        let strange = updates.iter().find_map(|update| {
            let kind = self.chain.roster.strange_kind(update)?;
            Some((update, kind))
        });
        let Some((update, kind)) = strange else { return Ok(()) };
        let (pubkey, len) = (update.pubkey, update.data.len());
        let text = format!(
            "--profile: account {pubkey}, a {kind} of {len} bytes, is not as the profile has it; \
             give the profile of the program's version"
        );
        // The publisher says it of each, in the log.
        self.chain.figures.failed("layout", &text);
        if self.fail_fast.get() { Err(text) } else { Ok(()) }
    }

    /// The same, only looked at.
    pub(super) async fn ask(
        &self,
        keys: &mut Vec<Pubkey>,
        min_slot: u64,
    ) -> Result<Brought, String> {
        let rpc = &self.chain.rpc;
        let mut refused = REFUSED;
        loop {
            keys.truncate(rpc.batch());
            let answer = rpc.accounts(keys, Commitment::Confirmed, min_slot).await;
            self.chain.figures.requests(rpc.requests());
            match answer {
                Ok(brought) => {
                    if self.chain.polls() {
                        self.chain.figures.slot(brought.slot);
                    }
                    self.chain.tip.rpc_is_at(brought.slot);
                    self.chain.tip.reach(brought.slot);
                    self.sink.slot(brought.slot);
                    if !brought.unreadable.is_empty() {
                        self.sink.bad_input(brought.unreadable.len() as u64);
                        if self.chain.figures.failed("unreadable", &brought.why) {
                            let why = &brought.why;
                            tracing::warn!(feed = "rpc", why, "an account cannot be read");
                        }
                    }
                    return Ok(brought);
                }
                Err(error) if error.is_of_size() && rpc.halve_batch(keys.len()) => {
                    let keys = rpc.batch();
                    tracing::info!(keys, %error, "the node takes no more keys in one request");
                }
                Err(error) => {
                    self.failed(&error)?;
                    match error {
                        RpcError::Behind { wanted, at } => {
                            let slots = at.map_or(1, |at| wanted.saturating_sub(at)).max(1);
                            let slots = u32::try_from(slots).unwrap_or(u32::MAX);
                            sleep(SLOT.saturating_mul(slots).min(BEHIND)).await;
                        }
                        RpcError::Refused { .. } | RpcError::Malformed { .. } => {
                            sleep(refused).await;
                            refused = (refused * 2).min(REFUSED_LONGEST);
                        }
                        // The gate makes the pause.
                        _ => {}
                    }
                }
            }
        }
    }

    /// On to the publisher.
    pub(super) fn hand_over(&self, updates: &mut Vec<AccountUpdate>) {
        updates.iter().for_each(|update| self.chain.roster.seen(update));
        self.sink.send(updates);
    }

    /// Counts and says what failed; an error if it is to end the feed.
    pub(in crate::live) fn failed(&self, error: &RpcError) -> Result<(), String> {
        let text = error.to_string();
        // A node that lags a stream is nothing to write home about.
        let is_usual = matches!(error, RpcError::Behind { .. });
        if self.chain.figures.failed(error.kind(), &text) && !is_usual {
            tracing::warn!(feed = "rpc", "{text}");
        }
        if self.fail_fast.get() && !is_usual { Err(text) } else { Ok(()) }
    }

    /// Accounts that an answer did not have. One answer is not believed: it takes a second one, of
    /// a node that does have the state, to say that what the region has is no more. False if it
    /// does not have the state.
    pub(super) async fn confirm_missing(
        &self,
        missing: &[Pubkey],
        min_slot: u64,
    ) -> Result<bool, String> {
        let Some(state) = self.chain.roster.state() else { return Ok(true) };
        if missing.contains(&state) {
            let text = format!(
                "--rpc-url: the node does not have the account {state}, the state of program {}: \
                 check --profile and --cluster; nothing was closed for it",
                self.chain.roster.program()
            );
            if self.chain.figures.failed("no_state", &text) {
                tracing::error!(feed = "rpc", "{text}");
            }
            return if self.fail_fast.get() { Err(text) } else { Ok(false) };
        }
        let region = self.chain.region();
        let is_open = |pubkey: &Pubkey| {
            let region = region.as_ref();
            region.is_some_and(|region| {
                let found = region.find(pubkey);
                found.is_some_and(|it| region.meta(&it).is_ok_and(|meta| !meta.closed))
            })
        };
        let mut suspects: Vec<_> = missing.iter().copied().filter(is_open).collect();
        while !suspects.is_empty() {
            // The state first: where fewer keys are taken than were, it is still there.
            let room = self.chain.rpc.batch().saturating_sub(1).min(suspects.len());
            let mut keys: Vec<_> = [state].into_iter().chain(suspects[..room].to_vec()).collect();
            let mut brought = self.ask(&mut keys, min_slot).await?;
            if brought.missing.contains(&state) {
                self.chain.figures.failed("short_answer", "an answer without the state");
                return Ok(false);
            }
            if keys.len() == 1 {
                // A node that takes one key at a time has the state, so it is believed.
                keys = vec![suspects[0]];
                brought = self.ask(&mut keys, brought.slot).await?;
            }
            suspects.retain(|suspect| !keys.contains(suspect));
            self.hand_over(&mut brought.updates);
            let received_ns = clock::monotonic_ns();
            let gone = brought.missing.iter().map(|pubkey| AccountUpdate {
                pubkey: *pubkey,
                owner: None,
                slot: brought.slot,
                write_version: 0,
                lamports: 0,
                data: Vec::new(),
                received_ns,
                source: 0,
            });
            self.hand_over(&mut gone.collect());
        }
        Ok(true)
    }
}
