//! One account as a feed brought it: what it is, and into its record.

use driftshm_layout::oracle_price::EXTRA_WORDS;
use driftshm_layout::profile::Kind;
use driftshm_layout::{AccountUpdate as RecordUpdate, Applied, Counter, RecordRef};

use super::Publisher;
use super::classify::Class;
use super::unclaimed::stamp;
use crate::feeds::AccountUpdate;

/// How an update goes into its record, beside what the feed said.
#[derive(Clone, Copy)]
pub(super) struct Entry<'a> {
    pub kind: Kind,
    /// Markets: the index.
    pub index: Option<u16>,
    pub extra: &'a [u64],
    pub closed: bool,
    pub layout_mismatch: bool,
}

impl Publisher {
    /// Publishes an update, if it is one for us. May take its data.
    pub(super) fn publish(&mut self, update: &mut AccountUpdate) {
        if self.tombstones.is_older(&update.pubkey, &stamp(update)) {
            return self.writer.count(Counter::Stale, 1);
        }
        if update.lamports == 0 || update.data.is_empty() {
            return self.close(update);
        }
        let is_foreign = self.classifier.is_foreign(update.owner.as_ref());
        let class = if is_foreign { None } else { self.classifier.classify(&update.data) };
        match class {
            Some(class) => self.publish_own(update, class),
            None if self.registry.uses(&update.pubkey).is_some() => {
                self.publish_oracle(update, !is_foreign && update.owner.is_some());
            }
            None => self.publish_unclassified(update, is_foreign),
        }
    }

    /// An account of the program.
    fn publish_own(&mut self, update: &AccountUpdate, class: Class) {
        let kind = class.kind;
        match kind {
            Kind::PerpMarket | Kind::SpotMarket => self.publish_market(update, class),
            Kind::Oracle => self.publish_oracle(update, !class.layout_ok),
            Kind::User | Kind::UserStats | Kind::State => {
                if self.follows(kind, &update.pubkey) {
                    let layout_mismatch = !class.layout_ok;
                    let entry =
                        Entry { kind, index: None, extra: &[], closed: false, layout_mismatch };
                    self.apply(update, &entry);
                }
            }
        }
    }

    /// An account whose bytes say nothing that we know, and that no market names.
    fn publish_unclassified(&mut self, update: &mut AccountUpdate, is_foreign: bool) {
        let known = self.writer.region().find(&update.pubkey);
        match known {
            // It was an oracle until lately, and may be one again.
            Some(known) if known.kind == Kind::Oracle && self.watches.wants(&update.pubkey) => {
                self.publish_oracle(update, !is_foreign && update.owner.is_some());
            }
            // Given to another program: what it was is no more.
            Some(known) if known.kind != Kind::Oracle && is_foreign => {
                if self.follows(known.kind, &update.pubkey) {
                    let gone = AccountUpdate { lamports: 0, data: Vec::new(), ..*update };
                    self.publish_as_known(&gone, &known, true);
                }
            }
            // Ours, but no longer as it was: its bytes can be read, its fields cannot.
            Some(known) if known.kind != Kind::Oracle => {
                if self.follows(known.kind, &update.pubkey) {
                    self.publish_as_known(update, &known, false);
                }
            }
            _ if is_foreign || update.owner.is_none() => {
                let update = AccountUpdate { data: std::mem::take(&mut update.data), ..*update };
                if !self.unclaimed.keep(update) {
                    self.writer.count(Counter::Unknown, 1);
                }
            }
            _ => self.writer.count(Counter::Unknown, 1),
        }
    }

    /// An account is no more.
    fn close(&mut self, update: &AccountUpdate) {
        let Some(known) = self.writer.region().find(&update.pubkey) else {
            // What waits may be newer than its end.
            let stamp = stamp(update);
            if self.unclaimed.forget_older(&update.pubkey, &stamp) {
                self.tombstones.put(update.pubkey, stamp);
            }
            return self.writer.count(Counter::Unknown, 1);
        };
        match known.kind {
            Kind::Oracle => self.close_oracle(update),
            kind if self.follows(kind, &update.pubkey) => {
                self.publish_as_known(update, &known, true);
            }
            _ => {}
        }
    }

    /// Keeps the kind and the place that the account has, whatever its bytes say.
    fn publish_as_known(&mut self, update: &AccountUpdate, known: &RecordRef, closed: bool) {
        let kind = known.kind;
        let is_market = matches!(kind, Kind::PerpMarket | Kind::SpotMarket);
        let index = u16::try_from(known.place).ok().filter(|_| is_market);
        let extra = match index {
            Some(index) if !closed => self.market_extra(kind, index),
            _ => [0; EXTRA_WORDS],
        };
        let entry = Entry { kind, index, extra: &extra, closed, layout_mismatch: !closed };
        let applied = self.apply(update, &entry);
        if let (true, Some(index), Applied::Published { .. }) = (closed, index, applied) {
            self.forget_market(kind, index);
        }
    }

    /// Hands an update over to the region, and tells those whom it concerns.
    pub(super) fn apply(&mut self, update: &AccountUpdate, entry: &Entry<'_>) -> Applied {
        let Entry { kind, index, extra, closed, layout_mismatch } = *entry;
        let applied = self.writer.apply(&RecordUpdate {
            kind,
            pubkey: update.pubkey,
            index,
            stamp: stamp(update),
            received_ns: update.received_ns,
            lamports: update.lamports,
            data: if closed { &[] } else { &update.data },
            extra,
            closed,
            layout_mismatch,
        });
        match applied {
            Applied::Published { record, .. } => {
                if layout_mismatch {
                    self.warn_layout(kind, update);
                }
                self.was_published(kind, record, update);
            }
            Applied::SectionFull => self.warn_full(kind),
            Applied::Absorbed | Applied::Stale => {}
        }
        if !self.unconfirmed.is_empty() {
            self.unconfirmed.remove(&update.pubkey);
        }
        if !self.returning.is_empty() {
            self.has_returned(&update.pubkey);
        }
        applied
    }

    fn was_published(&mut self, kind: Kind, record: u32, update: &AccountUpdate) {
        let first = self.writer.geometry().section(kind).first_record;
        self.subscribers.changed(kind, record.wrapping_sub(first), &update.pubkey);
    }

    fn warn_layout(&mut self, kind: Kind, update: &AccountUpdate) {
        if let Some(times) = self.warnings.layout.happened() {
            let (pubkey, length) = (&update.pubkey, update.data.len());
            tracing::warn!(
                %pubkey, %kind, length, times,
                "the account is not as --profile has it: its bytes can be read, its fields cannot"
            );
        }
    }

    pub(super) fn warn_full(&mut self, kind: Kind) {
        let capacity = self.writer.geometry().section(kind).capacity;
        let throttle = self.warnings.full.get_mut(kind as usize);
        if let Some(times) = throttle.and_then(super::Throttle::happened) {
            tracing::warn!(
                %kind, capacity, times,
                "no room for another account of this kind: raise its capacity (region is made anew)"
            );
        }
    }
}
