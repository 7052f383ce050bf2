//! A region taken over: what the publisher must know is read back from it.

use std::time::Instant;

use driftshm_layout::profile::Kind;
use driftshm_layout::{Applied, Pubkey, RecordRef, Region};

use super::Publisher;
use super::oracles::Market;

/// The newest slot that the region knows of, by its own word or any account's.
pub fn newest_slot(region: &Region) -> u64 {
    let accounts = Kind::ALL.into_iter().flat_map(|kind| region.accounts(kind));
    let slots = accounts.filter_map(|account| Some(region.meta(&account).ok()?.slot));
    slots.max().unwrap_or(0).max(region.slot())
}

impl Publisher {
    /// Reads markets, oracles and followed users back, and finishes what the last writer may have
    /// left between a market and its oracle.
    pub(super) fn adopt(&mut self) {
        for kind in [Kind::PerpMarket, Kind::SpotMarket] {
            for record in self.records(kind) {
                self.adopt_market(&record);
            }
        }
        let oracles: Vec<Pubkey> = self.registry.oracles().collect();
        for oracle in oracles {
            self.refresh_oracle(&oracle, 0);
        }
        for record in self.records(Kind::Oracle) {
            self.adopt_oracle(&record);
        }
        for kind in [Kind::User, Kind::UserStats] {
            for record in self.records(kind) {
                self.adopt_user(&record);
            }
        }
        for kind in Kind::ALL {
            for record in self.records(kind) {
                self.doubt(&record);
            }
        }
    }

    /// What happened to an account while there was no writer, only a feed can say. That a closed
    /// one is still closed needs no word of it, nor does what was never on chain.
    fn doubt(&mut self, record: &RecordRef) {
        let region = self.writer.region();
        let Some(pubkey) = region.pubkey(record) else { return };
        let has_content = region.meta(record).is_ok_and(|meta| !meta.closed);
        if has_content && region.is_followed(record) && !self.stands_for_quote(&pubkey) {
            self.unconfirmed.insert(pubkey);
        }
    }

    /// A feed has brought all accounts that it has: what it did not bring may be gone, and is
    /// vouched for again only once it comes.
    pub(super) fn end_doubts(&mut self) {
        let gone = std::mem::take(&mut self.unconfirmed);
        if !gone.is_empty() {
            let accounts = gone.len();
            tracing::info!(accounts, "the feed did not bring all accounts that the region has");
        }
        for pubkey in gone {
            self.set_followed(&pubkey, false);
            self.returning.insert(pubkey);
        }
    }

    fn records(&self, kind: Kind) -> Vec<RecordRef> {
        self.writer.region().accounts(kind).collect()
    }

    fn adopt_market(&mut self, record: &RecordRef) {
        let region = self.writer.region();
        let (Ok(old), Some(pubkey)) = (region.snapshot(record), region.pubkey(record)) else {
            return;
        };
        let Ok(index) = u16::try_from(record.place) else { return };
        if old.meta.closed {
            return;
        }
        let naming = self.classifier.classify(&old.data).and_then(|class| class.naming);
        let Some(naming) = naming else { return };
        let pointer = self.point_to(&naming);
        self.registry.set_market(record.kind, index, Some(Market { pubkey, naming, pointer }));
        self.registry.join(&naming);
        self.want_oracle(&naming);
        let extra = self.market_extra(record.kind, index);
        if let Applied::Published { .. } = self.writer.republish_extra(record, &extra) {
            self.subscribers.changed(record.kind, record.place, &pubkey);
        }
    }

    /// An oracle that no market names is no longer vouched for, unless it is the program's own.
    fn adopt_oracle(&mut self, record: &RecordRef) {
        let Some(pubkey) = self.writer.region().pubkey(record) else { return };
        if self.registry.uses(&pubkey).is_none() && !self.is_own_oracle(record) {
            self.writer.set_followed(record, false);
        }
    }

    /// Bots that watched a user are about to come back: until then it lingers. A user that was
    /// not followed is followed again as soon as a feed has brought it.
    fn adopt_user(&mut self, record: &RecordRef) {
        let Some(pubkey) = self.writer.region().pubkey(record) else { return };
        let is_followed = self.writer.region().is_followed(record);
        let all = self.follows_all_of(record.kind);
        if all && !is_followed {
            self.returning.insert(pubkey);
        }
        if !all && is_followed {
            self.watches.linger(&pubkey, Instant::now());
        }
    }
}
