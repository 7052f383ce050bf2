//! Regions to publish into and read from.

use driftshm_layout::profile::{Kind, Profile};
use driftshm_layout::{RecordRef, RegionOptions, RegionWriter, WriterError};
use tempfile::TempDir;

use crate::accounts::{self, Pair};

/// A directory of its own, on the file system that regions are meant for.
pub fn directory() -> std::io::Result<TempDir> {
    tempfile::Builder::new()
        .prefix("driftshm-bench-")
        .tempdir_in("/dev/shm")
        .or_else(|_| tempfile::tempdir())
}

/// A region with markets and users in it; it ends with its directory.
pub struct Place {
    /// Its writer.
    pub writer: RegionWriter,
    /// Its perp markets, by index.
    pub markets: Vec<Pair>,
    /// Its users.
    pub users: Vec<Pair>,
    /// How many changes were published of each account.
    changes: u64,
    _directory: TempDir,
}

/// Why there is nothing to measure with.
#[derive(Debug)]
pub struct NoRegion(pub String);

impl std::fmt::Display for NoRegion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "cannot make a region to measure with: {}", self.0)
    }
}

impl std::error::Error for NoRegion {}

impl From<WriterError> for NoRegion {
    fn from(error: WriterError) -> Self {
        Self(error.to_string())
    }
}

impl From<std::io::Error> for NoRegion {
    fn from(error: std::io::Error) -> Self {
        Self(error.to_string())
    }
}

impl Place {
    /// A region with so many perp markets and users, at the default capacities.
    pub fn new(markets: u16, users: u64) -> Result<Self, NoRegion> {
        let profile: Profile = accounts::profile();
        let directory = directory()?;
        let markets = (0..markets).map(|index| Pair::perp_market(&profile, index)).collect();
        let users = (0..users).map(|number| Pair::user(&profile, number)).collect();
        let options = RegionOptions::new("bench", profile);
        let (writer, _) = RegionWriter::open(directory.path(), options)?;
        let mut place = Self { writer, markets, users, changes: 0, _directory: directory };
        place.writer.set_live();
        // Both of each record's buffers are touched.
        for _ in 0..2 {
            place.publish_all();
        }
        Ok(place)
    }

    fn publish_all(&mut self) {
        for account in self.markets.iter().chain(&self.users) {
            self.writer.apply(&account.update(self.changes));
        }
        self.changes += 1;
    }

    /// The number of the next change of every account.
    pub fn next_change(&self) -> u64 {
        self.changes
    }

    /// Where a perp market is.
    ///
    /// # Panics
    /// If there is none with that index.
    pub fn market(&self, index: usize) -> RecordRef {
        self.writer.region().at(Kind::PerpMarket, index).expect("the market was published")
    }

    /// Where a user is.
    ///
    /// # Panics
    /// If there is none with that number.
    pub fn user(&self, number: usize) -> RecordRef {
        let pubkey = self.users[number].pubkey;
        self.writer.region().find(&pubkey).expect("the user was published")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_has_what_was_asked_for_and_takes_the_next_change() {
        let mut place = Place::new(2, 3).unwrap();
        let next = place.next_change();
        assert_eq!(place.writer.region().version(&place.market(1)), next);
        assert_eq!(place.writer.region().version(&place.user(2)), next);
        let update = place.markets[1].update(next);
        let applied = place.writer.apply(&update);
        assert!(matches!(applied, driftshm_layout::Applied::Published { .. }), "{applied:?}");
    }
}
