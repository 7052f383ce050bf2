//! Pyth's pull oracle: `PriceUpdateV2` of the Pyth receiver program, borsh-encoded.
//!
//! The verification level is an enum: `1` (full) is one byte, `0` (partial) is followed by the
//! number of signatures. So all that comes after it moves by one byte.
//!
//! ```text
//!   0  [u8; 8]   discriminator           81  u64  confidence
//!   8  [u8; 32]  write authority         89  i32  exponent
//!  40  u8        verification level      93  i64  publish time
//!      u8        signatures, if partial 101  i64  previous publish time
//!  41  [u8; 32]  feed id                109  i64  average price
//!  73  i64       price                  117  u64  average confidence
//!                                       125  u64  posted slot
//!            (offsets from 41 on: full level; one more if partial)
//! ```

use super::Problem;
use super::bytes::{i32_at, i64_at, require, require_discriminator, u8_at, u64_at};
use super::scale::Reading;

const DISCRIMINATOR: [u8; 8] = [0x22, 0xf1, 0x23, 0x63, 0x9d, 0x7e, 0xf4, 0xcd];
const VERIFICATION: usize = 8 + 32;

// Within the message, which begins right after the verification level.
const PRICE: usize = 32;
const CONFIDENCE: usize = PRICE + 8;
const EXPONENT: usize = CONFIDENCE + 8;
const POSTED_SLOT: usize = EXPONENT + 4 + 8 + 8 + 8 + 8;
const MESSAGE_LEN: usize = POSTED_SLOT + 8;
const _: () = assert!(VERIFICATION + 1 + PRICE == 73 && VERIFICATION + 1 + POSTED_SLOT == 125);

pub(super) fn read(data: &[u8]) -> Result<Reading, Problem> {
    require(data, VERIFICATION + 1 + MESSAGE_LEN)?;
    require_discriminator(data, DISCRIMINATOR)?;
    let message = match u8_at(data, VERIFICATION)? {
        0 => VERIFICATION + 2,
        1 => VERIFICATION + 1,
        tag => return Err(Problem::UnknownVerification { tag }),
    };
    require(data, message + MESSAGE_LEN)?;
    Ok(Reading {
        price: i64_at(data, message + PRICE)?,
        confidence: u64_at(data, message + CONFIDENCE)?,
        exponent: i32_at(data, message + EXPONENT)?,
        published_slot: u64_at(data, message + POSTED_SLOT)?,
        has_sufficient_number_of_data_points: true,
    })
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A price of 1.5 and a confidence of 0.01, posted in slot 42.
    pub fn account(verification: &[u8]) -> Vec<u8> {
        let mut data = DISCRIMINATOR.to_vec();
        data.extend([0xaa; 32]);
        data.extend(verification);
        data.extend([0xbb; 32]);
        data.extend(150_000_000_i64.to_le_bytes());
        data.extend(1_000_000_u64.to_le_bytes());
        data.extend((-8_i32).to_le_bytes());
        data.extend([0xcc; 32]);
        data.extend(42_u64.to_le_bytes());
        data
    }

    #[test]
    fn a_partial_verification_moves_the_message_by_one_byte() {
        let expected = Reading {
            price: 150_000_000,
            confidence: 1_000_000,
            exponent: -8,
            published_slot: 42,
            has_sufficient_number_of_data_points: true,
        };
        let (full, partial) = (account(&[1]), account(&[0, 5]));
        assert_eq!((full.len(), partial.len()), (133, 134));
        assert_eq!(read(&full), Ok(expected));
        assert_eq!(read(&partial), Ok(expected));
    }

    #[test]
    fn a_partial_verification_needs_its_byte_more() {
        let partial = account(&[0, 5]);
        let refused = Err(Problem::TooShort { len: 133, needed: 134 });
        assert_eq!(read(&partial[..133]), refused);
    }

    #[test]
    fn an_unknown_verification_is_refused() {
        for tag in [2, 255] {
            assert_eq!(read(&account(&[tag, 0])), Err(Problem::UnknownVerification { tag }));
        }
    }

    #[test]
    fn another_discriminator_is_refused() {
        let mut data = account(&[1]);
        data[7] = 0;
        assert!(matches!(read(&data), Err(Problem::WrongMagic { .. })));
    }
}
