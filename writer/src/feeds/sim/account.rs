//! An account as the simulation keeps it, and the time at which something happens to it.

use driftshm_layout::Pubkey;

use crate::feeds::AccountUpdate;

/// A pair of slot and Unix time on mainnet, from which all others are counted.
const KNOWN_SLOT: u64 = 405_286_914;
const KNOWN_UNIX_SECONDS: i64 = 1_773_072_629;

/// When something happens, on the chain's clock: a slot always means the same time, so that a
/// simulation can be repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Moment {
    pub slot: u64,
    pub unix_us: i64,
}

impl Moment {
    /// So many microseconds after the beginning of `start_slot`, with slots of `slot_us`.
    pub fn after(start_slot: u64, slot_us: u64, elapsed_us: u64) -> Self {
        let slot_us = slot_us.max(1);
        let slots = start_slot as i64 - KNOWN_SLOT as i64;
        let began =
            (KNOWN_UNIX_SECONDS * 1_000_000).saturating_add(slots.saturating_mul(slot_us as i64));
        Self {
            slot: start_slot.saturating_add(elapsed_us / slot_us),
            unix_us: began.saturating_add(elapsed_us as i64),
        }
    }

    /// Unix time in seconds.
    pub fn unix_seconds(self) -> i64 {
        self.unix_us / 1_000_000
    }
}

/// An account on the simulated chain.
#[derive(Debug, Clone)]
pub(super) struct Account {
    pub pubkey: Pubkey,
    pub owner: Pubkey,
    pub data: Vec<u8>,
}

impl Account {
    /// The account as it is now.
    pub fn update(&self, slot: u64, write_version: u64) -> AccountUpdate {
        AccountUpdate {
            pubkey: self.pubkey,
            owner: Some(self.owner),
            slot,
            write_version,
            lamports: rent(self.data.len()),
            data: self.data.clone(),
            received_ns: 0,
            source: 0,
        }
    }
}

/// What an account of this length must hold to be kept for ever.
fn rent(len: usize) -> u64 {
    (len as u64 + 128) * 6960
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_always_means_the_same_time() {
        let known = Moment::after(KNOWN_SLOT, 400_000, 0);
        assert_eq!(known.unix_seconds(), KNOWN_UNIX_SECONDS);
        let later = Moment::after(KNOWN_SLOT - 10, 400_000, 4_000_000);
        assert_eq!(later, known);
        assert_eq!(Moment::after(KNOWN_SLOT, 400_000, 399_999).slot, KNOWN_SLOT);
        assert_eq!(Moment::after(KNOWN_SLOT, 400_000, 400_000).slot, KNOWN_SLOT + 1);
        assert!(Moment::after(0, 400_000, 0).unix_us > 0);
        assert_eq!(Moment::after(u64::MAX, 0, 1).slot, u64::MAX);
    }
}
