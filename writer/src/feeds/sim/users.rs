//! Who the simulated users are. It follows from the profile and the options alone, so that tests
//! and bots can know it without asking the feed.

use driftshm_layout::Pubkey;
use driftshm_layout::profile::Profile;

use super::SimOptions;
use super::dice::{Purpose, address};

/// A user of the simulation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SimUser {
    /// The user account's address.
    pub pubkey: Pubkey,
    /// Who owns it.
    pub authority: Pubkey,
    /// Which of its authority's users it is.
    pub sub_account_id: u16,
    /// Whether the feed brings it only while somebody follows it.
    pub cold: bool,
}

/// The users that the feed brings without being asked, in their order.
pub fn users(profile: &Profile, options: &SimOptions) -> Vec<SimUser> {
    sim_users(profile, options).filter(|user| !user.cold).map(Numbered::into_public).collect()
}

/// The users that exist and that the feed brings only while somebody follows them, each the only
/// one of its authority.
pub fn cold_users(profile: &Profile, options: &SimOptions) -> Vec<SimUser> {
    let all = sim_users(profile, options).skip(options.users as usize);
    all.map(Numbered::into_public).collect()
}

/// A user with the numbers that it was made from.
pub(super) struct Numbered {
    pub pubkey: Pubkey,
    pub authority: Pubkey,
    pub sub_account_id: u16,
    pub cold: bool,
    pub number: u32,
    pub authority_number: u32,
    /// How many users the authority has.
    pub siblings: u16,
}

impl Numbered {
    fn into_public(self) -> SimUser {
        let Self { pubkey, authority, sub_account_id, cold, .. } = self;
        SimUser { pubkey, authority, sub_account_id, cold }
    }
}

/// Of every four users, the last two have the same authority.
const GROUP: u32 = 4;
const AUTHORITIES_OF_GROUP: u32 = 3;

/// All users, those with the same authority one after the other, cold ones last.
pub(super) fn sim_users<'a>(
    profile: &'a Profile,
    options: &'a SimOptions,
) -> impl Iterator<Item = Numbered> + 'a {
    let hot = options.users;
    let hot_authorities = hot.div_ceil(GROUP).saturating_mul(AUTHORITIES_OF_GROUP);
    (0..hot.saturating_add(options.cold_users)).map(move |number| {
        let (authority_number, sub_account_id, siblings) = match number.checked_sub(hot) {
            Some(cold) => (hot_authorities.saturating_add(cold), 0, 1),
            None => {
                let of_group = number % GROUP;
                let authority = of_group.min(AUTHORITIES_OF_GROUP - 1);
                let siblings = match of_group {
                    2 if number + 1 < hot => 2,
                    3 => 2,
                    _ => 1,
                };
                let first = number / GROUP * AUTHORITIES_OF_GROUP;
                (first + authority, (of_group - authority) as u16, siblings)
            }
        };
        let authority = authority(options.seed, authority_number);
        let derived = profile.user_address(&authority, sub_account_id);
        Numbered {
            pubkey: derived.unwrap_or_else(|| address(options.seed, Purpose::User, number)),
            authority,
            sub_account_id,
            cold: number >= hot,
            number,
            authority_number,
            siblings,
        }
    })
}

/// The authority with this number.
pub(super) fn authority(seed: u64, number: u32) -> Pubkey {
    address(seed, Purpose::Authority, number)
}

/// The address of an authority's stats.
pub(super) fn stats_address(profile: &Profile, seed: u64, number: u32) -> Pubkey {
    let derived = profile.user_stats_address(&authority(seed, number));
    derived.unwrap_or_else(|| address(seed, Purpose::Other, 0x8000_0000 | number))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn users_have_addresses_derived_from_their_authority_who_may_have_two() {
        let profile = Profile::builtin("drift-v2").unwrap();
        let options = SimOptions { users: 10, cold_users: 3, ..SimOptions::default() };
        let (hot, cold) = (users(&profile, &options), cold_users(&profile, &options));
        assert_eq!((hot.len(), cold.len()), (10, 3));
        let all: Vec<_> = hot.iter().chain(&cold).collect();
        for user in &all {
            let derived = profile.user_address(&user.authority, user.sub_account_id);
            assert_eq!(Some(user.pubkey), derived);
        }
        let ids: Vec<_> = hot.iter().map(|user| user.sub_account_id).collect();
        assert_eq!(ids, [0, 0, 0, 1, 0, 0, 0, 1, 0, 0]);
        assert_eq!(hot[2].authority, hot[3].authority);
        let authorities: HashSet<_> = all.iter().map(|user| user.authority).collect();
        assert_eq!(authorities.len(), 11);
        assert!(cold.iter().all(|user| user.cold) && !hot.iter().any(|user| user.cold));
    }

    #[test]
    fn an_authority_is_told_how_many_users_it_has() {
        let profile = Profile::builtin("drift-v2").unwrap();
        let options = SimOptions { users: 7, cold_users: 1, ..SimOptions::default() };
        let siblings: Vec<_> = sim_users(&profile, &options).map(|user| user.siblings).collect();
        assert_eq!(siblings, [1, 1, 2, 2, 1, 1, 1, 1]);
    }
}
