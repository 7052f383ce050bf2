//! Markets and the oracles that they read.
//!
//! When a market changes how it reads which oracle, its readers must find a price all the time:
//! the new entry is there before the market points to it, the old one goes afterwards.

use driftshm_layout::oracle_price::{EXTRA_WORDS, OraclePointer};
use driftshm_layout::profile::Kind;
use driftshm_layout::record::Unread;
use driftshm_layout::{Applied, Counter, Pubkey, RecordRef};

use super::Publisher;
use super::accounts::Entry;
use super::classify::Class;
use super::oracles::{Market, Naming};
use super::prices::Prices;
use super::unclaimed::stamp;
use crate::feeds::AccountUpdate;

impl Publisher {
    pub(super) fn publish_market(&mut self, update: &AccountUpdate, class: Class) {
        let kind = class.kind;
        let Some(index) = class.index.or_else(|| self.index_of(kind, &update.pubkey)) else {
            self.writer.count(Counter::Unknown, 1);
            if let Some(times) = self.warnings.market.happened() {
                let pubkey = update.pubkey;
                tracing::warn!(%kind, %pubkey, times, "a market whose index cannot be read: left out");
            }
            return;
        };
        let layout_mismatch = !class.layout_ok;
        let fits = usize::from(index) < self.writer.geometry().section(kind).capacity;
        let renamed = match class.naming {
            Some(naming) if fits && !self.is_as_known(kind, index, &update.pubkey, &naming) => {
                if !self.writer.is_news(kind, &update.pubkey, Some(index), &stamp(update)) {
                    return self.writer.count(Counter::Stale, 1);
                }
                Some(self.rename_oracle(kind, index, update, naming))
            }
            _ => None,
        };
        let extra = self.market_extra(kind, index);
        let entry =
            Entry { kind, index: Some(index), extra: &extra, closed: false, layout_mismatch };
        self.apply(update, &entry);
        if let Some(left) = renamed {
            left.into_iter().flatten().for_each(|market| self.leave(&market.naming));
        }
    }

    fn index_of(&mut self, kind: Kind, pubkey: &Pubkey) -> Option<u16> {
        let known = self.writer.find(kind, pubkey).and_then(|r| u16::try_from(r.place).ok());
        known.or_else(|| self.classifier.index_by_address(kind, pubkey))
    }

    /// Whether the market reads its oracle as it did, and points to where that is.
    fn is_as_known(&self, kind: Kind, index: u16, pubkey: &Pubkey, naming: &Naming) -> bool {
        self.registry.market(kind, index).is_some_and(|known| {
            known.pubkey == *pubkey
                && known.naming == *naming
                && known.pointer.is_some_and(|pointer| self.points_to_oracle(&pointer))
        })
    }

    fn points_to_oracle(&self, pointer: &OraclePointer) -> bool {
        let record = self.writer.region().record(pointer.record);
        record.is_some_and(|record| record.epoch == pointer.epoch)
    }

    /// The extra words of a market's record: the pointer to its oracle.
    pub(super) fn market_extra(&self, kind: Kind, index: u16) -> [u64; EXTRA_WORDS] {
        let mut extra = [0; EXTRA_WORDS];
        let pointer = self.registry.market(kind, index).and_then(|market| market.pointer);
        if let (Some(pointer), Some(words)) = (pointer, extra.first_chunk_mut()) {
            *words = pointer.to_words();
        }
        extra
    }

    /// The market reads another oracle from now on, or in another way. Returns what it, and who
    /// had its index before, must [`leave`](Self::leave) once the market is published.
    fn rename_oracle(
        &mut self,
        kind: Kind,
        index: u16,
        update: &AccountUpdate,
        naming: Naming,
    ) -> [Option<Market>; 2] {
        let pointer = self.point_to(&naming);
        let moved = self.registry.index_of(kind, &update.pubkey).filter(|at| *at != index);
        let market = Market { pubkey: update.pubkey, naming, pointer };
        let moved = moved.and_then(|from| self.registry.set_market(kind, from, None));
        let before = self.registry.set_market(kind, index, Some(market));
        self.join(&naming, update.slot);
        [before, moved]
    }

    /// The market with that index is no more.
    pub(super) fn forget_market(&mut self, kind: Kind, index: u16) {
        if let Some(market) = self.registry.set_market(kind, index, None) {
            self.leave(&market.naming);
        }
    }

    /// Where an oracle's price is, with a record made for it if need be.
    pub(super) fn point_to(&mut self, naming: &Naming) -> Option<OraclePointer> {
        let record = match self.writer.region().find(&naming.oracle) {
            Some(known) if known.kind == Kind::Oracle => known,
            Some(known) => {
                if let Some(times) = self.warnings.market.happened() {
                    let (oracle, kind) = (naming.oracle, known.kind);
                    tracing::warn!(%oracle, %kind, times, "a market names this account as its oracle");
                }
                return None;
            }
            None => {
                let made = self.writer.reserve(Kind::Oracle, &naming.oracle, None);
                if made.is_none() {
                    self.writer.count(Counter::SectionFull, 1);
                    self.warn_full(Kind::Oracle);
                }
                made?
            }
        };
        let source = naming.source;
        Some(OraclePointer { record: record.number, epoch: record.epoch, source })
    }

    /// One more market reads an oracle so.
    fn join(&mut self, naming: &Naming, slot: u64) {
        let is_new_source = self.registry.join(naming);
        self.want_oracle(naming);
        if let Some(mut update) = self.unclaimed.take(&naming.oracle) {
            self.publish(&mut update);
        } else if is_new_source {
            self.refresh_oracle(&naming.oracle, slot);
        }
    }

    /// One market less reads an oracle so.
    fn leave(&mut self, naming: &Naming) {
        let was_last = self.registry.leave(naming);
        if self.pricer.needs_account(naming.source) {
            self.unwant(&naming.oracle);
        } else if self.registry.uses(&naming.oracle).is_none() {
            self.set_followed(&naming.oracle, false);
        }
        if was_last {
            self.refresh_oracle(&naming.oracle, 0);
        }
    }

    /// The feeds are to bring the oracle; where there is nothing to bring, it is always current.
    pub(super) fn want_oracle(&mut self, naming: &Naming) {
        if self.pricer.needs_account(naming.source) {
            self.want(&naming.oracle);
        } else {
            self.set_followed(&naming.oracle, true);
        }
    }

    // -------------------------------------------------------------------------- oracles

    pub(super) fn publish_oracle(&mut self, update: &AccountUpdate, layout_mismatch: bool) {
        // What is there on chain means nothing.
        if self.stands_for_quote(&update.pubkey) {
            return;
        }
        let uses = self.registry.uses(&update.pubkey).unwrap_or_default();
        let prices = self.pricer.prices(uses, Some(&update.data));
        let extra = &prices.words;
        let entry =
            Entry { kind: Kind::Oracle, index: None, extra, closed: false, layout_mismatch };
        if let Applied::Published { .. } = self.apply(update, &entry) {
            self.count_errors(&update.pubkey, &prices);
        }
    }

    /// Whether the address is no account's, but stands for the quote asset.
    pub(super) fn stands_for_quote(&self, pubkey: &Pubkey) -> bool {
        let uses = self.registry.uses(pubkey).unwrap_or_default();
        !uses.is_empty() && uses.iter().all(|known| !self.pricer.needs_account(known.source))
    }

    pub(super) fn close_oracle(&mut self, update: &AccountUpdate) {
        if self.stands_for_quote(&update.pubkey) {
            return;
        }
        let uses = self.registry.uses(&update.pubkey).unwrap_or_default();
        let extra = self.pricer.prices(uses, None).words;
        let (kind, layout_mismatch) = (Kind::Oracle, false);
        let entry = Entry { kind, index: None, extra: &extra, closed: true, layout_mismatch };
        self.apply(update, &entry);
    }

    /// Publishes an oracle again after the set of its sources changed; one that stands for the
    /// quote asset, for the first time too, in `slot`.
    pub(super) fn refresh_oracle(&mut self, oracle: &Pubkey, slot: u64) {
        let Some(record) = self.writer.find(Kind::Oracle, oracle) else { return };
        let uses = self.registry.uses(oracle).unwrap_or_default();
        match self.writer.region().snapshot(&record) {
            Ok(old) => {
                let has_data = !old.meta.closed && !old.data.is_empty();
                let prices = self.pricer.prices(uses, has_data.then_some(&old.data));
                let applied = self.writer.republish_extra(&record, &prices.words);
                if let Applied::Published { .. } = applied {
                    self.subscribers.changed(Kind::Oracle, record.place, oracle);
                    self.count_errors(oracle, &prices);
                }
            }
            Err(Unread::Empty) => {
                let prices = self.pricer.prices(uses, None);
                if uses.iter().any(|known| !self.pricer.needs_account(known.source)) {
                    self.publish_without_account(oracle, slot, &prices);
                }
            }
            Err(Unread::Gone) => {}
        }
    }

    fn publish_without_account(&mut self, oracle: &Pubkey, slot: u64, prices: &Prices) {
        let update = AccountUpdate {
            pubkey: *oracle,
            owner: None,
            slot,
            write_version: 0,
            lamports: 0,
            data: Vec::new(),
            received_ns: driftshm_layout::clock::monotonic_ns(),
            // Below every feed's rank: if the account itself is wanted too, it replaces this.
            source: 0,
        };
        let extra = &prices.words;
        let (kind, layout_mismatch) = (Kind::Oracle, false);
        self.apply(&update, &Entry { kind, index: None, extra, closed: false, layout_mismatch });
    }

    fn count_errors(&mut self, oracle: &Pubkey, prices: &Prices) {
        if prices.errors == 0 {
            return;
        }
        self.writer.count(Counter::OracleErrors, prices.errors);
        if let Some(times) = self.warnings.oracle.happened() {
            let why = prices.error.map_or_else(
                || "this writer cannot read its oracle source".to_owned(),
                |error| error.to_string(),
            );
            tracing::warn!(%oracle, times, why, "an oracle without a price");
        }
    }

    /// Whether an oracle belongs to the program itself, by what the region has of it.
    pub(super) fn is_own_oracle(&self, record: &RecordRef) -> bool {
        let start = self.writer.region().read(record, |buffer| buffer.payload(0).to_le_bytes());
        start.is_ok_and(|start| {
            self.classifier.classify(&start).is_some_and(|class| class.kind == Kind::Oracle)
        })
    }
}
