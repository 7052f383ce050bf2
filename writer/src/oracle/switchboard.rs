//! Switchboard v2 aggregators: `AggregatorAccountData`, packed without padding.
//!
//! ```text
//!   0  [u8; 8]  discriminator            (the latest confirmed round)
//!      ...                          341  u32   oracles that answered (num_success)
//! 236  u32      min_oracle_results      ...
//!      ...                          350  u64   slot the round was opened in
//!                                   366  i128  result, mantissa
//!                                   382  u32   result, decimals
//!                                   386  i128  standard deviation, mantissa
//!                                   402  u32   standard deviation, decimals
//! ```

use super::bytes::{i128_at, require, require_discriminator, u32_at, u64_at};
use super::scale::Scale;
use super::{OraclePrice, Problem};

const DISCRIMINATOR: [u8; 8] = [0xd9, 0xe6, 0x41, 0x65, 0xc9, 0xa2, 0x1b, 0x7d];
const MIN_ORACLE_RESULTS: usize = 236;
const NUM_SUCCESS: usize = 341;
const ROUND_OPEN_SLOT: usize = 350;
const RESULT: usize = 366;
const STD_DEVIATION: usize = RESULT + DECIMAL_LEN;
const DECIMAL_LEN: usize = 16 + 4;
const NEEDED: usize = STD_DEVIATION + DECIMAL_LEN;

/// The confidence is never better than this part of the price.
const BEST_CONFIDENCE: u64 = 1_000;

pub(super) fn decode(data: &[u8]) -> Result<OraclePrice, Problem> {
    require(data, NEEDED)?;
    require_discriminator(data, DISCRIMINATOR)?;
    let price = decimal(data, RESULT, "price")?;
    let deviation = decimal(data, STD_DEVIATION, "standard deviation")?;
    let confidence = match u64::try_from(deviation) {
        Ok(deviation) => deviation.max(price.unsigned_abs() / BEST_CONFIDENCE),
        // Nonsense: as wide as can be, so that every check of the price's quality fails.
        Err(_negative) => u64::MAX,
    };
    Ok(OraclePrice {
        price,
        confidence,
        published_slot: u64_at(data, ROUND_OPEN_SLOT)?,
        has_sufficient_number_of_data_points: u32_at(data, NUM_SUCCESS)?
            >= u32_at(data, MIN_ORACLE_RESULTS)?,
    })
}

/// A mantissa and its number of decimals, in price precision.
fn decimal(data: &[u8], offset: usize, what: &'static str) -> Result<i64, Problem> {
    let mantissa = i128_at(data, offset)?;
    Scale::of_decimals(u32_at(data, offset + 16)?)?.signed(mantissa, what)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// An account of the given result and standard deviation: mantissa, decimals.
    pub fn account(result: (i128, u32), deviation: (i128, u32)) -> Vec<u8> {
        let mut data = vec![0; 3851];
        data[..8].copy_from_slice(&DISCRIMINATOR);
        data[236..240].copy_from_slice(&3_u32.to_le_bytes());
        data[341..345].copy_from_slice(&4_u32.to_le_bytes());
        data[350..358].copy_from_slice(&42_u64.to_le_bytes());
        data[366..382].copy_from_slice(&result.0.to_le_bytes());
        data[382..386].copy_from_slice(&result.1.to_le_bytes());
        data[386..402].copy_from_slice(&deviation.0.to_le_bytes());
        data[402..406].copy_from_slice(&deviation.1.to_le_bytes());
        data
    }

    fn price_and_confidence(result: (i128, u32), deviation: (i128, u32)) -> (i64, u64) {
        let price = decode(&account(result, deviation)).unwrap();
        (price.price, price.confidence)
    }

    #[test]
    fn reads_the_latest_confirmed_round() {
        let expected = OraclePrice {
            price: 133_873_782,
            confidence: 2_500_000,
            published_slot: 42,
            has_sufficient_number_of_data_points: true,
        };
        assert_eq!(decode(&account((1_338_737_824_817_671, 13), (25, 1))), Ok(expected));
    }

    #[test]
    fn result_and_deviation_have_decimals_of_their_own() {
        assert_eq!(price_and_confidence((7, 0), (12_345_678, 8)), (7_000_000, 123_456));
        assert_eq!(price_and_confidence((7_000_000, 6), (1, 2)), (7_000_000, 10_000));
    }

    #[test]
    fn the_confidence_is_the_deviation_or_a_thousandth_of_the_price() {
        assert_eq!(price_and_confidence((5, 0), (5_001, 6)), (5_000_000, 5_001));
        assert_eq!(price_and_confidence((5, 0), (4_999, 6)), (5_000_000, 5_000));
        assert_eq!(price_and_confidence((-5, 0), (0, 6)), (-5_000_000, 5_000));
    }

    #[test]
    fn a_negative_deviation_makes_the_confidence_useless() {
        assert_eq!(price_and_confidence((5, 0), (-1, 6)), (5_000_000, u64::MAX));
        // Truncated to zero first, as the program does.
        assert_eq!(price_and_confidence((5, 0), (-1, 7)), (5_000_000, 5_000));
    }

    #[test]
    fn negative_prices_are_truncated_toward_zero() {
        assert_eq!(price_and_confidence((-19, 7), (0, 0)).0, -1);
    }

    #[test]
    fn too_few_answers_are_told() {
        let mut data = account((1, 0), (0, 0));
        data[341] = 2;
        assert!(!decode(&data).unwrap().has_sufficient_number_of_data_points);
        data[341] = 3;
        assert!(decode(&data).unwrap().has_sufficient_number_of_data_points);
    }

    #[test]
    fn decimals_and_figures_out_of_range_are_refused() {
        let decode = |result, deviation| decode(&account(result, deviation));
        let refused = Err(Problem::ScaleOutOfRange { decimals: 39 });
        assert_eq!(decode((1, 39), (0, 0)), refused);
        assert_eq!(decode((1, 0), (0, 39)), refused);
        let overflow = |what| Err(Problem::Overflow { what });
        assert_eq!(decode((i128::MAX, 0), (0, 0)), overflow("price"));
        assert_eq!(decode((i128::MIN, 6), (0, 0)), overflow("price"));
        assert_eq!(decode((1, 0), (i128::from(i64::MAX) + 1, 6)), overflow("standard deviation"));
    }

    #[test]
    fn the_account_may_end_right_after_the_deviation() {
        let data = account((1, 0), (0, 0));
        assert_eq!(decode(&data[..406]), decode(&data));
        assert_eq!(decode(&data[..405]), Err(Problem::TooShort { len: 405, needed: 406 }));
    }
}
