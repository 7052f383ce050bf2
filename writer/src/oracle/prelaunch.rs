//! Prices of markets that no outside feed covers, kept by the program itself from the market's
//! own trades. They are in price precision as they lie; the profile says where.

use driftshm_layout::profile::{Field, Profile, role};

use super::bytes::{end_of_all, fits, require, require_discriminator};
use super::{OraclePrice, Problem};

const ACCOUNT: &str = "PrelaunchOracle";

/// Where a profile's `PrelaunchOracle` has the figures of a price.
#[derive(Debug, Clone)]
pub(super) struct Layout {
    discriminator: [u8; 8],
    price: Field,
    confidence: Field,
    published_slot: Field,
}

impl Layout {
    /// `None` if the profile lacks the account or one of the fields.
    pub fn from_profile(profile: &Profile) -> Option<Self> {
        let account = profile.account_by_name(ACCOUNT)?;
        Some(Self {
            discriminator: account.discriminator,
            price: account.role(role::PRICE)?,
            confidence: account.role(role::CONFIDENCE)?,
            published_slot: account.role(role::PUBLISHED_SLOT)?,
        })
    }

    /// How far the figures reach into the account.
    fn needed(&self) -> usize {
        end_of_all([self.price, self.confidence, self.published_slot])
    }
}

pub(super) fn decode(layout: Option<&Layout>, data: &[u8]) -> Result<OraclePrice, Problem> {
    let layout = layout.ok_or(Problem::NotInProfile { account: ACCOUNT })?;
    require(data, layout.needed())?;
    require_discriminator(data, layout.discriminator)?;
    Ok(OraclePrice {
        price: fits(layout.price.read_i64(data), "price")?,
        confidence: fits(layout.confidence.read_u64(data), "confidence")?,
        published_slot: fits(layout.published_slot.read_u64(data), "slot")?,
        has_sufficient_number_of_data_points: true,
    })
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A price of 1.5 and a confidence of 0.01, the market last updated in slot 42.
    pub fn account() -> Vec<u8> {
        let mut data = vec![0x5c, 0x0e, 0x8b, 0xea, 0x48, 0xf4, 0x44, 0x1a];
        data.extend(1_500_000_i64.to_le_bytes());
        data.extend(2_000_000_i64.to_le_bytes());
        data.extend(10_000_u64.to_le_bytes());
        data.extend(43_u64.to_le_bytes());
        data.extend(42_u64.to_le_bytes());
        data.extend([0; 72]);
        data
    }

    fn layout() -> Layout {
        Layout::from_profile(&Profile::builtin("drift-v2").unwrap()).unwrap()
    }

    #[test]
    fn the_slot_is_the_markets_last_update_and_nothing_is_scaled() {
        let expected = OraclePrice {
            price: 1_500_000,
            confidence: 10_000,
            published_slot: 42,
            has_sufficient_number_of_data_points: true,
        };
        assert_eq!(decode(Some(&layout()), &account()), Ok(expected));
    }

    #[test]
    fn the_tail_of_the_account_is_not_needed() {
        let data = account();
        assert_eq!(layout().needed(), 48);
        assert!(decode(Some(&layout()), &data[..48]).is_ok());
    }

    #[test]
    fn another_discriminator_is_refused() {
        let mut data = account();
        data[0] = 0;
        assert!(matches!(decode(Some(&layout()), &data), Err(Problem::WrongMagic { .. })));
    }

    #[test]
    fn without_the_profiles_word_nothing_is_read() {
        let refused = Problem::NotInProfile { account: "PrelaunchOracle" };
        assert_eq!(decode(None, &account()), Err(refused));
    }
}
