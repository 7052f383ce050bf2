//! What an account is, by its owner and its first bytes.

use std::collections::HashMap;
use std::sync::Arc;

use driftshm_layout::Pubkey;
use driftshm_layout::profile::{DISCRIMINATOR_LEN, Field, Kind, Profile, role};

use super::oracles::Naming;

/// Indexes that are tried when a market has to be known by its address.
const INDEXES_TRIED: u16 = 1024;

/// An account of the profile's program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Class {
    pub kind: Kind,
    /// Whether its length is one that the profile trusts. If not, nothing below is known.
    pub layout_ok: bool,
    /// Markets: the index.
    pub index: Option<u16>,
    /// Markets: which oracle they read, and how.
    pub naming: Option<Naming>,
}

/// The fields that classifying needs, looked up once.
struct Fields {
    index: Option<Field>,
    oracle: Option<Field>,
    source: Option<Field>,
}

/// Tells accounts apart.
pub(crate) struct Classifier {
    profile: Arc<Profile>,
    /// By the account's place in the profile.
    fields: Vec<Fields>,
    /// Market addresses by kind, made when first needed.
    addresses: HashMap<Kind, HashMap<Pubkey, u16>>,
}

impl Classifier {
    pub fn new(profile: Arc<Profile>) -> Self {
        let fields = profile.accounts().iter().map(|account| Fields {
            index: account.role(role::MARKET_INDEX),
            oracle: account.role(role::ORACLE),
            source: account.role(role::ORACLE_SOURCE),
        });
        Self { fields: fields.collect(), addresses: HashMap::new(), profile }
    }

    /// Whether the account is another program's. One whose owner the feed does not know is not.
    pub fn is_foreign(&self, owner: Option<&Pubkey>) -> bool {
        owner.is_some_and(|owner| *owner != self.profile.program_id)
    }

    /// What the bytes are, if they are the program's; its owner is not looked at.
    pub fn classify(&self, data: &[u8]) -> Option<Class> {
        let start = data.get(..DISCRIMINATOR_LEN)?;
        let accounts = self.profile.accounts().iter();
        let (account, fields) =
            accounts.zip(&self.fields).find(|(account, _)| account.discriminator == start)?;
        let kind = account.kind;
        if !account.layout_ok(data.len()) {
            return Some(Class { kind, layout_ok: false, index: None, naming: None });
        }
        let number = |field: Option<Field>| field?.read_u64(data);
        let oracle = fields.oracle.and_then(|field| field.read_pubkey(data));
        let source = number(fields.source).and_then(|source| u8::try_from(source).ok());
        Some(Class {
            kind,
            layout_ok: true,
            index: number(fields.index).and_then(|index| u16::try_from(index).ok()),
            naming: oracle.zip(source).map(|(oracle, source)| Naming { oracle, source }),
        })
    }

    /// A market's index by its address alone: for markets whose own fields cannot be read.
    pub fn index_by_address(&mut self, kind: Kind, pubkey: &Pubkey) -> Option<u16> {
        let profile = &self.profile;
        let address = |index| match kind {
            Kind::PerpMarket => profile.perp_market_address(index),
            Kind::SpotMarket => profile.spot_market_address(index),
            _ => None,
        };
        let known = self.addresses.entry(kind).or_insert_with(|| {
            (0..INDEXES_TRIED).filter_map(|index| Some((address(index)?, index))).collect()
        });
        known.get(pubkey).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn classifier() -> (Arc<Profile>, Classifier) {
        let profile = Arc::new(Profile::builtin("drift-v2").unwrap());
        (Arc::clone(&profile), Classifier::new(profile))
    }

    #[test]
    fn a_market_says_its_index_and_how_it_reads_which_oracle() {
        let (profile, classifier) = classifier();
        let account = profile.account(Kind::PerpMarket).unwrap();
        let mut data = account.blank();
        assert!(account.role(role::MARKET_INDEX).unwrap().write_int(&mut data, 7));
        assert!(account.role(role::ORACLE).unwrap().write_pubkey(&mut data, &Pubkey([9; 32])));
        assert!(account.role(role::ORACLE_SOURCE).unwrap().write_int(&mut data, 3));
        let naming = Some(Naming { oracle: Pubkey([9; 32]), source: 3 });
        let expected = Class { kind: Kind::PerpMarket, layout_ok: true, index: Some(7), naming };
        assert_eq!(classifier.classify(&data), Some(expected));
    }

    #[test]
    fn nothing_is_read_from_an_account_of_a_length_that_the_profile_does_not_trust() {
        let (profile, classifier) = classifier();
        let data = profile.blank(Kind::PerpMarket).unwrap();
        let class = classifier.classify(&data[..100]).unwrap();
        assert_eq!((class.layout_ok, class.index, class.naming), (false, None, None));
    }

    #[test]
    fn short_and_unknown_data_is_of_no_class() {
        let (profile, classifier) = classifier();
        let data = profile.blank(Kind::User).unwrap();
        for len in 0..8 {
            assert_eq!(classifier.classify(&data[..len]), None, "{len} bytes");
        }
        assert_eq!(classifier.classify(&[0xee; 64]), None);
    }

    #[test]
    fn an_owner_that_is_not_said_is_not_foreign() {
        let (profile, classifier) = classifier();
        assert!(!classifier.is_foreign(None));
        assert!(!classifier.is_foreign(Some(&profile.program_id)));
        assert!(classifier.is_foreign(Some(&Pubkey([1; 32]))));
    }

    #[test]
    fn a_market_is_known_by_its_address_where_its_fields_cannot_be_read() {
        let (profile, mut classifier) = classifier();
        let address = profile.spot_market_address(5).unwrap();
        assert_eq!(classifier.index_by_address(Kind::SpotMarket, &address), Some(5));
        assert_eq!(classifier.index_by_address(Kind::PerpMarket, &address), None);
        assert_eq!(classifier.index_by_address(Kind::User, &address), None);
    }
}
