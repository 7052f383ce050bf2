//! Changes, as a bot gets them: drained from the journal, awaited on one descriptor.

use std::collections::HashMap;
use std::os::fd::BorrowedFd;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::error::LinkError;
use super::filter::{Filter, Matcher};
use super::link::{Link, wait};
use crate::Pubkey;
use crate::journal::{Entry, Next};
use crate::profile::Kind;
use crate::region::{RecordRef, Region};

/// One account changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change {
    /// Its record.
    pub account: RecordRef,
    /// Its address.
    pub pubkey: Pubkey,
    /// The version that was published.
    pub version: u64,
    /// The slot of the update.
    pub slot: u64,
    /// CLOCK_MONOTONIC of the publish.
    pub publish_ns: u64,
    /// Versions since the last one delivered that were passed over; of the first that is delivered,
    /// those that the journal has since the beginning of the subscription.
    pub missed: u64,
}

/// What a drain yields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Item {
    /// A change.
    Change(Change),
    /// Without conflation only: so many journal entries were lost to a reader that was too slow.
    Lagged(u64),
}

/// A stream of changes.
pub struct Subscription {
    link: Link,
    region: Arc<Region>,
    matcher: Matcher,
    conflate: bool,
    cursor: u64,
    /// All that was published before this has been looked at.
    caught_up_ns: u64,
    /// The writer's generation when the link was last looked after.
    generation: u64,
    /// The last version delivered, by record: (epoch, version).
    delivered: HashMap<u32, (u64, u64)>,
    armed: bool,
    /// Another region took this one's place: everything in it counts as changed.
    is_new_region: bool,
}

impl Subscription {
    /// Subscribes to what is published from now on. Waits at most `timeout` for the writer.
    pub fn new(
        dir: &Path,
        region: Arc<Region>,
        filter: &Filter,
        conflate: bool,
        timeout: Duration,
    ) -> Result<Self, LinkError> {
        let mut subscription = Self::begin(dir, region, filter, conflate)?;
        subscription.link.connect(timeout)?;
        Ok(subscription)
    }

    /// The same without waiting: [`Subscription::settle`] goes on.
    pub fn begin(
        dir: &Path,
        region: Arc<Region>,
        filter: &Filter,
        conflate: bool,
    ) -> Result<Self, LinkError> {
        let cursor = region.journal_head();
        let caught_up_ns = last_publish_ns(&region, cursor).unwrap_or(0);
        let generation = region.generation();
        let link = Link::new(dir, filter)?;
        let matcher = Matcher::new(filter);
        Ok(Self {
            link,
            region,
            matcher,
            conflate,
            cursor,
            caught_up_ns,
            generation,
            delivered: HashMap::new(),
            armed: false,
            is_new_region: false,
        })
    }

    /// Goes on with the first connection: whether it stands. If not, the descriptor becomes readable
    /// when there is more to do. An error is the end of the attempt.
    pub fn settle(&mut self) -> Result<bool, LinkError> {
        self.link.settle()
    }

    /// Ends the attempt to connect for the first time, and says why that is an error.
    pub fn give_up(&mut self) -> LinkError {
        self.link.give_up()
    }

    /// Readable when [`Subscription::drain`] may have something, after a drain that had nothing.
    pub fn fd(&self) -> BorrowedFd<'_> {
        self.link.fd()
    }

    /// Whether the writer is connected; if not, the subscription reconnects by itself.
    pub fn is_connected(&self) -> bool {
        self.link.is_up()
    }

    /// How often it has connected.
    pub fn times_connected(&self) -> u64 {
        self.link.times_up()
    }

    /// Why it is not connected, if it is not: what the last attempt ended with.
    pub fn last_error(&self) -> Option<&LinkError> {
        self.link.last_error()
    }

    /// The region that the last drained changes are in; another one after the writer made anew.
    pub fn region(&self) -> &Arc<Region> {
        &self.region
    }

    /// Moves at most `max` items into `out`. If there are none, the descriptor becomes readable as
    /// soon as there are: no change falls between.
    pub fn drain(&mut self, max: usize, out: &mut Vec<Item>) {
        if self.armed {
            if self.sleeps_on() {
                return;
            }
            self.armed = false;
            if let Some(since) = self.link.disarm() {
                // The number is of the region at the path; a bot does not take it on trust.
                self.follow();
                self.cursor = self.cursor.max(since.min(self.region.journal_head()));
            }
        }
        // A bot that always finds something must not miss that its writer was replaced.
        let generation = self.region.generation();
        if generation != self.generation || !self.link.is_up() {
            self.generation = generation;
            self.link.service();
        }
        self.take(max, out);
        if !out.is_empty() {
            return;
        }
        self.link.service();
        self.follow();
        self.armed = self.link.arm();
        self.take(max, out);
        if !out.is_empty() && self.armed {
            self.armed = false;
            // The ring's number is for who has looked to the end: `max` may have come before it.
            let _ = self.link.disarm();
        }
    }

    /// Waits until a drain may have something; false when the time is up, `EINTR` on a signal.
    pub fn wait(&self, timeout: Option<Duration>) -> std::io::Result<bool> {
        Ok(wait(self.fd(), timeout)?)
    }

    /// Whether the journal has run over a sleeper whom nothing of that concerns: else it would have
    /// been rung. It looks once it is, and then knows from where on.
    fn sleeps_on(&mut self) -> bool {
        if !matches!(self.region.journal(self.cursor), Next::Lapped(_)) {
            return false;
        }
        self.link.service();
        self.follow();
        let is_here = self.link.generation() == Some(self.region.generation());
        is_here && !self.is_new_region && self.link.is_armed()
    }

    fn take(&mut self, max: usize, out: &mut Vec<Item>) {
        if std::mem::take(&mut self.is_new_region) {
            self.caught_up_ns = 0;
            return self.catch_up(out);
        }
        match self.conflate {
            true => self.take_conflated(max, out),
            false => self.take_all(max, out),
        }
    }

    fn take_all(&mut self, max: usize, out: &mut Vec<Item>) {
        while out.len() < max {
            match self.region.journal(self.cursor) {
                Next::Empty => return,
                Next::Lapped(lost) => {
                    self.cursor += lost;
                    out.push(Item::Lagged(lost));
                }
                Next::Entry(entry) => {
                    self.cursor += 1;
                    self.caught_up_ns = entry.publish_ns;
                    if let Some(change) = self.change_of(&entry) {
                        self.deliver(change, out);
                    }
                }
            }
        }
    }

    fn take_conflated(&mut self, max: usize, out: &mut Vec<Item>) {
        // What comes while we drain is for the next time, or a fast writer would keep us here.
        let end = self.region.journal_head();
        let mut newest: HashMap<u32, usize> = HashMap::new();
        let mut changes: Vec<Change> = Vec::new();
        let mut lapped = false;
        while self.cursor < end && changes.len() < max {
            match self.region.journal(self.cursor) {
                Next::Empty => break,
                Next::Lapped(_) => {
                    lapped = true;
                    break;
                }
                Next::Entry(entry) => {
                    self.cursor += 1;
                    self.caught_up_ns = entry.publish_ns;
                    let Some(change) = self.change_of(&entry) else { continue };
                    match newest.get(&change.account.number) {
                        Some(place) => changes[*place] = after(&changes[*place], change),
                        None => {
                            newest.insert(change.account.number, changes.len());
                            changes.push(change);
                        }
                    }
                }
            }
        }
        for change in changes {
            self.deliver(change, out);
        }
        if lapped {
            self.catch_up(out);
        }
    }

    /// The journal no longer says what changed: the records do. Yields all of it at once.
    fn catch_up(&mut self, out: &mut Vec<Item>) {
        let since = self.caught_up_ns;
        self.cursor = self.region.journal_head();
        // Not the time now: a publish under way carries an earlier one.
        self.caught_up_ns = last_publish_ns(&self.region, self.cursor).unwrap_or(since);
        let region = Arc::clone(&self.region);
        for kind in Kind::ALL {
            for account in region.accounts(kind) {
                let Ok(meta) = region.meta(&account) else { continue };
                let Some(pubkey) = region.pubkey(&account) else { continue };
                let matches = self.matcher.matches(kind, account.place, || Some(pubkey));
                let (version, slot, publish_ns) = (meta.version, meta.slot, meta.publish_ns);
                if matches && publish_ns > since {
                    let change = Change { account, pubkey, version, slot, publish_ns, missed: 0 };
                    self.deliver(change, out);
                }
            }
        }
    }

    fn change_of(&self, entry: &Entry) -> Option<Change> {
        // If the record is another's by now, what was published is gone.
        let account = self.region.record(entry.record)?;
        if !entry.is_of(account.epoch) {
            return None;
        }
        let pubkey = self.region.pubkey(&account)?;
        if !self.matcher.matches(account.kind, account.place, || Some(pubkey)) {
            return None;
        }
        let version = entry.version(self.region.version(&account));
        let Entry { slot, publish_ns, .. } = *entry;
        Some(Change { account, pubkey, version, slot, publish_ns, missed: 0 })
    }

    fn deliver(&mut self, mut change: Change, out: &mut Vec<Item>) {
        let (epoch, version) = (change.account.epoch, change.version);
        let before = self.delivered.get(&change.account.number).copied();
        if let Some((_, before)) = before.filter(|(before, _)| *before == epoch) {
            if version <= before && self.conflate {
                return;
            }
            change.missed = version.saturating_sub(before.saturating_add(1));
        }
        self.delivered.insert(change.account.number, (epoch, version));
        out.push(Item::Change(change));
    }

    /// Goes over to the region that has taken this one's place, if one has.
    fn follow(&mut self) {
        // Who wakes us writes to the region at the path. A lost one says nothing of that, and for
        // a while its heart seems to beat.
        let generation = self.region.generation();
        let is_elsewhere = self.link.generation().is_some_and(|writer| writer != generation);
        let is_left = self.region.header().is_superseded() || !self.region.writer_alive();
        if !is_elsewhere && !is_left {
            return;
        }
        let Ok(Some(region)) = self.region.successor() else { return };
        let copied = region.journal_head() >= self.cursor && region.is_copy_of(&self.region);
        self.region = Arc::new(region);
        if !copied {
            self.delivered.clear();
            self.is_new_region = true;
        }
    }
}

/// A change that takes the place of an earlier one of its record, which is passed over.
fn after(passed: &Change, change: Change) -> Change {
    let first = passed.version.saturating_sub(passed.missed);
    let missed = match passed.account.epoch == change.account.epoch {
        true => change.version.saturating_sub(first),
        false => 0,
    };
    Change { missed, ..change }
}

/// When the last entry below `head` was published; the journal's times never go back.
fn last_publish_ns(region: &Region, head: u64) -> Option<u64> {
    match region.journal(head.checked_sub(1)?) {
        Next::Entry(last) => Some(last.publish_ns),
        _ => None,
    }
}
