//! Pyth Lazer prices, which the program keeps in accounts of its own: the profile says where.

use driftshm_layout::profile::{Field, Profile, role};

use super::Problem;
use super::bytes::{end_of_all, fits, require, require_discriminator};
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
        let account = profile.account_by_name(ACCOUNT)?;
        Some(Self {
            discriminator: account.discriminator,
            price: account.role(role::PRICE)?,
            confidence: account.role(role::CONFIDENCE)?,
            exponent: account.role(role::EXPONENT)?,
            posted_slot: account.role(role::PUBLISHED_SLOT)?,
        })
    }

    /// How far the figures reach into the account.
    fn needed(&self) -> usize {
        end_of_all([self.price, self.confidence, self.exponent, self.posted_slot])
    }
}

pub(super) fn read(layout: Option<&Layout>, data: &[u8]) -> Result<Reading, Problem> {
    let layout = layout.ok_or(Problem::NotInProfile { account: ACCOUNT })?;
    require(data, layout.needed())?;
    require_discriminator(data, layout.discriminator)?;
    let exponent = fits(layout.exponent.read_i64(data), "exponent")?;
    Ok(Reading {
        price: fits(layout.price.read_i64(data), "price")?,
        confidence: fits(layout.confidence.read_u64(data), "confidence")?,
        exponent: fits(exponent.try_into().ok(), "exponent")?,
        published_slot: fits(layout.posted_slot.read_u64(data), "slot")?,
        has_sufficient_number_of_data_points: true,
    })
}

#[cfg(test)]
pub(super) mod tests {
    use driftshm_layout::profile::Type;

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
    fn a_profiles_number_that_fits_no_price_is_refused() {
        let mut data = account();
        data[8..16].fill(0xff);
        let price = Field { ty: Type::U64, ..layout().price };
        let refused = Err(Problem::Overflow { what: "price" });
        assert_eq!(read(Some(&Layout { price, ..layout() }), &data), refused);
        assert_eq!(read(Some(&layout()), &data).unwrap().price, -1);
    }

    #[test]
    fn without_the_profiles_word_nothing_is_read() {
        let refused = Problem::NotInProfile { account: "PythLazerOracle" };
        assert_eq!(read(None, &account()), Err(refused));
    }
}
