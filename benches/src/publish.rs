//! Publishing, and the floor under it.

use std::cell::RefCell;
use std::time::Duration;

use driftshm_layout::mapping::Mapping;
use driftshm_layout::profile::Kind;
use driftshm_layout::record::{self, HEADER_WORDS, META_WORDS, Shape};
use driftshm_layout::{AccountUpdate, Applied, Stamp};
use serde_json::{Value, json};

use crate::accounts::Pair;
use crate::floor;
use crate::memory;
use crate::places::{NoRegion, Place};
use crate::rounds::{self, Contender};

/// A record on its own, in memory as a region has it, and the account that is published in it.
pub struct Record {
    memory: Mapping,
    shape: Shape,
    account: Pair,
    changes: u64,
}

impl Record {
    /// A record of `place`'s shape for its first account of that kind.
    pub fn of(place: &Place, kind: Kind) -> Result<Self, NoRegion> {
        let shape = place.writer.geometry().section(kind).shape;
        let accounts = if kind == Kind::PerpMarket { &place.markets } else { &place.users };
        let Some(account) = accounts.first().cloned() else {
            return Err(NoRegion(format!("there is no {kind}")));
        };
        let memory = memory::shared(shape.stride())?;
        record::rename(memory.words(), shape, &account.pubkey);
        Ok(Self { memory, shape, account, changes: 0 })
    }

    /// Stores the bytes of the next change where a publish would store them, and no more.
    pub fn store(&mut self) {
        let change = self.next();
        let buffer = HEADER_WORDS + (change & 1) as usize * self.shape.buffer_words();
        let start = buffer + META_WORDS + self.shape.extra_words;
        let payload = self.memory.words().get(start..).unwrap_or_default();
        floor::store(payload, self.account.data(change));
    }

    /// Publishes the next change.
    pub fn publish(&mut self) {
        let change = self.next();
        record::publish(self.memory.words(), self.shape, &self.account.version(change));
    }

    fn next(&mut self) -> u64 {
        self.changes += 1;
        self.changes
    }
}

/// A region whose accounts are changed one after the other.
pub struct Changing {
    place: Place,
    kind: Kind,
    /// How many of the accounts are changed in turn.
    accounts: usize,
    turn: usize,
    change: u64,
}

impl Changing {
    /// Changes the first `accounts` accounts of `kind` in `place`.
    pub fn new(place: Place, kind: Kind, accounts: usize) -> Self {
        let change = place.next_change();
        Self { place, kind, accounts, turn: 0, change }
    }

    /// Applies the next change.
    ///
    /// # Panics
    /// If it was not published: then something else than publishing was measured.
    pub fn apply(&mut self) {
        let accounts = match self.kind {
            Kind::PerpMarket => &self.place.markets,
            _ => &self.place.users,
        };
        let slot = self.change + 1;
        let stamp = Stamp { slot, write_version: 0, source: 0 };
        let update = AccountUpdate { stamp, ..accounts[self.turn].update(self.change) };
        let applied = self.place.writer.apply(&update);
        assert!(matches!(applied, Applied::Published { .. }), "{applied:?}");
        self.turn += 1;
        if self.turn >= self.accounts {
            self.turn = 0;
            self.change += 1;
        }
    }
}

/// Nanoseconds per publish of an account of `kind`, by round: bare stores, a record, a region.
pub fn measure(kind: Kind, rounds: usize, turn: Duration) -> Result<Value, NoRegion> {
    let place = Place::new(1, 1)?;
    let record = || Record::of(&place, kind).map(RefCell::new);
    let (stores, published) = (record()?, record()?);
    let bytes = stores.borrow().account.data(0).len();
    let region = RefCell::new(Changing::new(place, kind, 1));
    let mut contenders = [
        Contender::new("stores", |n| {
            let mut record = stores.borrow_mut();
            (0..n).for_each(|_| record.store());
        }),
        Contender::new("record", |n| {
            let mut record = published.borrow_mut();
            (0..n).for_each(|_| record.publish());
        }),
        Contender::new("region", |n| {
            let mut region = region.borrow_mut();
            (0..n).for_each(|_| region.apply());
        }),
    ];
    let ns = rounds::alternate(&mut contenders, rounds, turn);
    Ok(json!({ "kind": kind.as_str(), "bytes": bytes, "ns": ns }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_contenders_have_a_figure_for_every_round() {
        for kind in [Kind::PerpMarket, Kind::User] {
            let measured = measure(kind, 3, Duration::from_micros(50)).unwrap();
            for contender in ["stores", "record", "region"] {
                assert_eq!(measured["ns"][contender].as_array().map(Vec::len), Some(3));
            }
        }
    }

    #[test]
    fn the_floor_stores_to_where_a_publish_stores() {
        let place = Place::new(1, 1).unwrap();
        let mut floor = Record::of(&place, Kind::PerpMarket).unwrap();
        let mut record = Record::of(&place, Kind::PerpMarket).unwrap();
        for _ in 0..2 {
            floor.store();
            record.publish();
        }
        let words = |record: &Record, buffer: usize| -> Vec<u64> {
            let shape = record.shape;
            let start =
                HEADER_WORDS + buffer * shape.buffer_words() + META_WORDS + shape.extra_words;
            let payload = &record.memory.words()[start..start + shape.payload_words];
            payload.iter().map(|w| w.load(driftshm_layout::sync::Ordering::Relaxed)).collect()
        };
        for buffer in 0..2 {
            assert_eq!(words(&floor, buffer), words(&record, buffer));
        }
    }
}
