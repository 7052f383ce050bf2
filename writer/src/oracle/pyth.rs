//! Pyth's pushed price accounts.
//!
//! ```text
//!   0  u32  magic, a1b2c3d4        24  u32  publishers (num)
//!   4  u32  version                28  u32  publishers that count (num_qt)
//!   8  u32  type of account            ...
//!  12  u32  size                   40  u64  valid slot
//!  16  u32  price type                 ...
//!  20  i32  exponent              208  i64  aggregate price
//!                                 216  u64  aggregate confidence
//! ```

use super::Problem;
use super::bytes::{i32_at, i64_at, require, u32_at, u64_at};
use super::scale::Reading;

const MAGIC: u32 = 0xa1b2_c3d4;
const EXPONENT: usize = 20;
const PUBLISHERS: usize = 24;
const PUBLISHERS_THAT_COUNT: usize = 28;
const VALID_SLOT: usize = 40;
const AGGREGATE_PRICE: usize = 208;
const AGGREGATE_CONFIDENCE: usize = 216;
const NEEDED: usize = AGGREGATE_CONFIDENCE + 8;

/// A feed has enough data points with this many publishers, or with all if it has fewer.
const ENOUGH_PUBLISHERS: u32 = 3;

pub(super) fn read(data: &[u8]) -> Result<Reading, Problem> {
    require(data, NEEDED)?;
    let magic = u32_at(data, 0)?;
    if magic != MAGIC {
        return Err(Problem::WrongMagic { found: magic.into(), expected: MAGIC.into() });
    }
    let needed_publishers = u32_at(data, PUBLISHERS)?.min(ENOUGH_PUBLISHERS);
    Ok(Reading {
        price: i64_at(data, AGGREGATE_PRICE)?,
        confidence: u64_at(data, AGGREGATE_CONFIDENCE)?,
        exponent: i32_at(data, EXPONENT)?,
        published_slot: u64_at(data, VALID_SLOT)?,
        has_sufficient_number_of_data_points: u32_at(data, PUBLISHERS_THAT_COUNT)?
            >= needed_publishers,
    })
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A price of 1.5 and a confidence of 0.01, published in slot 42.
    pub fn account() -> Vec<u8> {
        let mut data = vec![0; 3312];
        data[..4].copy_from_slice(&[0xd4, 0xc3, 0xb2, 0xa1]);
        data[20..24].copy_from_slice(&(-8_i32).to_le_bytes());
        data[24..28].copy_from_slice(&12_u32.to_le_bytes());
        data[28..32].copy_from_slice(&11_u32.to_le_bytes());
        data[40..48].copy_from_slice(&42_u64.to_le_bytes());
        data[208..216].copy_from_slice(&150_000_000_i64.to_le_bytes());
        data[216..224].copy_from_slice(&1_000_000_u64.to_le_bytes());
        data
    }

    #[test]
    fn reads_the_aggregate() {
        let expected = Reading {
            price: 150_000_000,
            confidence: 1_000_000,
            exponent: -8,
            published_slot: 42,
            has_sufficient_number_of_data_points: true,
        };
        assert_eq!(read(&account()), Ok(expected));
    }

    #[test]
    fn enough_publishers_are_three_or_all_of_them() {
        let mut data = account();
        for (publishers, that_count, enough) in
            [(12, 3, true), (12, 2, false), (2, 2, true), (2, 1, false), (0, 0, true)]
        {
            data[24..28].copy_from_slice(&u32::to_le_bytes(publishers));
            data[28..32].copy_from_slice(&u32::to_le_bytes(that_count));
            let reading = read(&data).unwrap();
            let found = reading.has_sufficient_number_of_data_points;
            assert_eq!(found, enough, "{that_count} of {publishers}");
        }
    }

    #[test]
    fn another_magic_is_refused() {
        let mut data = account();
        data[0] = 0xd5;
        let refused = Problem::WrongMagic { found: 0xa1b2_c3d5, expected: 0xa1b2_c3d4 };
        assert_eq!(read(&data), Err(refused));
    }

    #[test]
    fn the_account_may_end_right_after_the_confidence() {
        let data = account();
        assert_eq!(read(&data[..224]), read(&data));
        assert_eq!(read(&data[..223]), Err(Problem::TooShort { len: 223, needed: 224 }));
    }
}
