//! Accounts to publish: the real lengths, arbitrary contents, always the same.

use driftshm_layout::profile::{Kind, Profile, role};
use driftshm_layout::record::Version;
use driftshm_layout::{AccountUpdate, Pubkey, Stamp};

/// The profile that everything here is measured with.
///
/// # Panics
/// Never: the profile is built in.
pub fn profile() -> Profile {
    Profile::builtin("drift-v2").expect("drift-v2 is built in")
}

/// An address; the same number gives the same one.
pub fn key(number: u64) -> Pubkey {
    let mut bytes = [0; 32];
    for (place, chunk) in bytes.chunks_exact_mut(8).enumerate() {
        chunk.copy_from_slice(&mix(number ^ (place as u64) << 56).to_le_bytes());
    }
    Pubkey(bytes)
}

/// The finalizer of splitmix64.
fn mix(number: u64) -> u64 {
    let z = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ z >> 31
}

/// Two states of one account that differ in their last bytes only, which is the worst case for
/// whoever compares them.
#[derive(Debug, Clone)]
pub struct Pair {
    /// What it is.
    pub kind: Kind,
    /// Its index, if it is a market.
    pub index: Option<u16>,
    /// Its address.
    pub pubkey: Pubkey,
    states: [Vec<u8>; 2],
}

impl Pair {
    /// The perp market with that index.
    ///
    /// # Panics
    /// Never: the profile has perp markets with an index.
    pub fn perp_market(profile: &Profile, index: u16) -> Self {
        let def = profile.account(Kind::PerpMarket).expect("the profile has perp markets");
        let pubkey = profile.perp_market_address(index).unwrap_or_else(|| key(index.into()));
        let mut pair = Self::of(Kind::PerpMarket, Some(index), pubkey, def.blank());
        let field = def.role(role::MARKET_INDEX).expect("the profile says where the index is");
        for state in &mut pair.states {
            assert!(field.write_int(state, index.into()), "an index fits its field");
        }
        pair
    }

    /// A user.
    ///
    /// # Panics
    /// Never: the profile has users.
    pub fn user(profile: &Profile, number: u64) -> Self {
        let def = profile.account(Kind::User).expect("the profile has users");
        Self::of(Kind::User, None, key(number), def.blank())
    }

    fn of(kind: Kind, index: Option<u16>, pubkey: Pubkey, blank: Vec<u8>) -> Self {
        let mut state = blank;
        // Behind the discriminator.
        for (place, chunk) in state.chunks_exact_mut(8).enumerate().skip(1) {
            chunk.copy_from_slice(&mix(place as u64).to_le_bytes());
        }
        let mut other = state.clone();
        if let Some(last) = other.last_mut() {
            *last ^= 1;
        }
        Self { kind, index, pubkey, states: [state, other] }
    }

    /// The account's bytes at its `nth` change.
    pub fn data(&self, nth: u64) -> &[u8] {
        let [even, odd] = &self.states;
        if nth % 2 == 0 { even } else { odd }
    }

    /// The `nth` change as a record takes it.
    pub fn version(&self, nth: u64) -> Version<'_> {
        Version {
            data: self.data(nth),
            slot: nth,
            received_ns: nth,
            publish_ns: nth,
            lamports: 1,
            ..Version::default()
        }
    }

    /// The `nth` change as a region takes it.
    pub fn update(&self, nth: u64) -> AccountUpdate<'_> {
        AccountUpdate {
            kind: self.kind,
            pubkey: self.pubkey,
            index: self.index,
            stamp: Stamp { slot: nth + 1, write_version: 0, source: 0 },
            received_ns: nth,
            lamports: 1,
            data: self.data(nth),
            extra: &[],
            closed: false,
            layout_mismatch: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_differs_from_the_one_before_and_equals_the_one_before_that() {
        for pair in [Pair::perp_market(&profile(), 3), Pair::user(&profile(), 3)] {
            assert_ne!(pair.data(0), pair.data(1));
            assert_eq!(pair.data(0), pair.data(2));
        }
    }

    #[test]
    fn accounts_are_what_the_writer_takes_them_for() {
        let profile = profile();
        let market = Pair::perp_market(&profile, 3);
        let def = profile.classify(market.data(0)).unwrap();
        assert_eq!((def.kind, def.len), (Kind::PerpMarket, market.data(1).len()));
        let index = def.role(role::MARKET_INDEX).unwrap().read_i128(market.data(1));
        assert_eq!(index, Some(3));
        assert_eq!(profile.classify(Pair::user(&profile, 1).data(0)).unwrap().kind, Kind::User);
    }

    #[test]
    fn addresses_differ() {
        let mut keys: Vec<_> = (0..10_000).map(|number| key(number).0).collect();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), 10_000);
    }
}
