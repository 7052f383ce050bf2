//! Pyth Lazer prices, which the program keeps in accounts of its own: the profile says where.

use driftshm_layout::profile::{Field, Profile};

use super::Problem;
use super::bytes::{require, require_discriminator};
use super::scale::Reading;

const ACCOUNT: &str = "PythLazerOracle";

/// Where a profile's `PythLazerOracle` has the figures of a price.
#[derive(Debug, Clone)]
pub(super) struct Layout {
    discriminator: [u8; 8],
    price: Field,
    confidence: Field,
    exponent: Field,
    posted_slot: Field,
}

impl Layout {
    /// `None` if the profile lacks the account or one of the fields.
    pub fn from_profile(profile: &Profile) -> Option<Self> {
        let field = |path| profile.resolve(ACCOUNT, path).ok();
        Some(Self {
            discriminator: profile.account_by_name(ACCOUNT)?.discriminator,
            price: field("price")?,
            confidence: field("conf")?,
            exponent: field("exponent")?,
            posted_slot: field("posted_slot")?,
        })
    }

    /// How far the figures reach into the account.
    fn needed(&self) -> usize {
        let fields = [&self.price, &self.confidence, &self.exponent, &self.posted_slot];
        fields.map(Field::end).into_iter().fold(self.discriminator.len(), usize::max)
    }
}

pub(super) fn read(layout: Option<&Layout>, data: &[u8]) -> Result<Reading, Problem> {
    let not_in_profile = Problem::NotInProfile { account: ACCOUNT };
    let layout = layout.ok_or(not_in_profile)?;
    require(data, layout.needed())?;
    require_discriminator(data, layout.discriminator)?;
    let exponent = layout.exponent.read_i64(data).and_then(|exponent| exponent.try_into().ok());
    Ok(Reading {
        // The bytes are there, so `None` can only be a profile whose field is no such number.
        price: layout.price.read_i64(data).ok_or(not_in_profile)?,
        confidence: layout.confidence.read_u64(data).ok_or(not_in_profile)?,
        exponent: exponent.ok_or(not_in_profile)?,
        published_slot: layout.posted_slot.read_u64(data).ok_or(not_in_profile)?,
        has_sufficient_number_of_data_points: true,
    })
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A price of 1.5 and a confidence of 0.01, posted in slot 42.
    pub fn account() -> Vec<u8> {
        let mut data = vec![0x9f, 0x07, 0xa1, 0xf9, 0x22, 0x51, 0x79, 0x85];
        data.extend(150_000_000_i64.to_le_bytes());
        data.extend(1_700_000_000_000_000_u64.to_le_bytes());
        data.extend(42_u64.to_le_bytes());
        data.extend((-8_i32).to_le_bytes());
        data.extend([0; 4]);
        data.extend(1_000_000_u64.to_le_bytes());
        data
    }

    fn layout() -> Layout {
        Layout::from_profile(&Profile::builtin("drift-v2").unwrap()).unwrap()
    }

    #[test]
    fn reads_what_the_profile_points_at() {
        let expected = Reading {
            price: 150_000_000,
            confidence: 1_000_000,
            exponent: -8,
            published_slot: 42,
            has_sufficient_number_of_data_points: true,
        };
        assert_eq!(read(Some(&layout()), &account()), Ok(expected));
    }

    #[test]
    fn every_figure_is_needed() {
        assert_eq!(layout().needed(), account().len());
    }

    #[test]
    fn another_discriminator_is_refused() {
        let mut data = account();
        data[0] = 0;
        assert!(matches!(read(Some(&layout()), &data), Err(Problem::WrongMagic { .. })));
    }

    #[test]
    fn without_the_profiles_word_nothing_is_read() {
        let refused = Problem::NotInProfile { account: "PythLazerOracle" };
        assert_eq!(read(None, &account()), Err(refused));
    }
}
