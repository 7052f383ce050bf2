//! Switchboard's on-demand feeds: `PullFeedAccountData`, all figures with 18 decimals.
//!
//! ```text
//!    0  [u8; 8]         discriminator     a submission (64 bytes)
//!    8  [[u8; 64]; 32]  submissions        0  [u8; 32]  oracle
//! 2056  [u8; 32]        authority         32  u64       slot it was signed in
//! 2088  [u8; 32]        queue             40  u64       slot it landed in
//! 2120  [u8; 32]        feed hash         48  i128      value
//! 2152  i64             initialized at
//! 2160  u64             permissions       the current result
//! 2168  u64             max variance       0  i128      value
//! 2176  u32             min responses     16  i128      standard deviation
//! 2180  [u8; 32]        name              32  i128      mean
//! 2212  [u8; 2]         padding           48  i128      range
//! 2214  u8              history index     64  i128      minimum
//! 2215  u8              min sample size   80  i128      maximum
//! 2216  i64             last update       96  u8        samples
//! 2224  u64             lookup table slot 97  u8        submission index
//! 2232  [u8; 32]        reserved          98  [u8; 6]   padding
//! 2264                  current result   104  u64       slot
//! ```

use super::bytes::{i128_at, require, require_discriminator, u64_at};
use super::scale::Scale;
use super::{OraclePrice, Problem};

const DISCRIMINATOR: [u8; 8] = [0xc4, 0x1b, 0x6c, 0xc4, 0x0a, 0xd7, 0xdb, 0x28];
const DECIMALS: u32 = 18;

const SUBMISSIONS: usize = 8;
const SUBMISSION_LEN: usize = 64;
const SUBMISSIONS_END: usize = SUBMISSIONS + 32 * SUBMISSION_LEN;
const CURRENT_RESULT: usize =
    SUBMISSIONS_END + 32 + 32 + 32 + 8 + 8 + 8 + 4 + 32 + 2 + 1 + 1 + 8 + 8 + 32;
const NEEDED: usize = CURRENT_RESULT + RESULT_SLOT + 8;
const _: () = assert!(SUBMISSIONS_END == 2056 && CURRENT_RESULT == 2264);

// Within a submission.
const LANDED_AT: usize = 40;
const VALUE: usize = 48;

// Within the current result.
const RANGE: usize = 48;
const RESULT_SLOT: usize = 104;

pub(super) fn decode(data: &[u8]) -> Result<OraclePrice, Problem> {
    require(data, NEEDED)?;
    require_discriminator(data, DISCRIMINATOR)?;
    // The mean that the program takes may span values signed in different slots: what they
    // share is the slot they landed in.
    let mut landed_at = 0;
    for submission in submissions(data) {
        landed_at = landed_at.max(u64_at(submission, LANDED_AT)?);
    }
    if landed_at == 0 {
        return Err(Problem::NoSubmissions);
    }
    if u64_at(data, CURRENT_RESULT + RESULT_SLOT)? == 0 {
        return Err(Problem::NoResult);
    }
    let scale = Scale::of_decimals(DECIMALS)?;
    let price = scale.signed(mean_landed_at(landed_at, data)?, "price")?;
    let range = scale.signed(i128_at(data, CURRENT_RESULT + RANGE)?, "range")?;
    Ok(OraclePrice {
        price,
        confidence: range.unsigned_abs(),
        published_slot: landed_at,
        has_sufficient_number_of_data_points: true,
    })
}

/// The submissions of a feed, empty ones too (all of their bytes are zero).
fn submissions(data: &[u8]) -> impl Iterator<Item = &[u8]> {
    data.get(SUBMISSIONS..SUBMISSIONS_END).unwrap_or_default().chunks_exact(SUBMISSION_LEN)
}

/// The mean of the values that landed in the given slot.
fn mean_landed_at(landed_at: u64, data: &[u8]) -> Result<i128, Problem> {
    let (mut sum, mut count) = (0_i128, 0_i128);
    for submission in submissions(data) {
        if u64_at(submission, LANDED_AT)? == landed_at {
            let value = i128_at(submission, VALUE)?;
            sum = sum.checked_add(value).ok_or(Problem::Overflow { what: "sum of submissions" })?;
            count += 1;
        }
    }
    sum.checked_div(count).ok_or(Problem::NoSubmissions)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    const ONE: i128 = 1_000_000_000_000_000_000;

    /// A feed of the given submissions (landed at, value) and range.
    pub fn account(submissions: &[(u64, i128)], range: i128) -> Vec<u8> {
        let mut data = vec![0; 3208];
        data[..8].copy_from_slice(&DISCRIMINATOR);
        for (index, (landed_at, value)) in submissions.iter().enumerate() {
            let submission = &mut data[8 + 64 * index..][..64];
            submission[32..40].copy_from_slice(&landed_at.saturating_sub(1).to_le_bytes());
            submission[40..48].copy_from_slice(&landed_at.to_le_bytes());
            submission[48..].copy_from_slice(&value.to_le_bytes());
        }
        data[2312..2328].copy_from_slice(&range.to_le_bytes());
        data[2368..2376].copy_from_slice(&41_u64.to_le_bytes());
        data
    }

    fn price(submissions: &[(u64, i128)]) -> Result<i64, Problem> {
        decode(&account(submissions, 0)).map(|price| price.price)
    }

    #[test]
    fn the_price_is_the_mean_of_what_landed_last() {
        let old = (41, 900 * ONE);
        let feed = account(&[(42, ONE), old, (42, 2 * ONE), (42, 6 * ONE), old], ONE / 4);
        let expected = OraclePrice {
            price: 3_000_000,
            confidence: 250_000,
            published_slot: 42,
            has_sufficient_number_of_data_points: true,
        };
        assert_eq!(decode(&feed), Ok(expected));
    }

    #[test]
    fn what_landed_last_may_stand_anywhere_and_alone() {
        let mut feed = vec![(7, ONE); 32];
        feed[31] = (8, 5 * ONE);
        assert_eq!(price(&feed), Ok(5_000_000));
    }

    #[test]
    fn the_mean_is_truncated_toward_zero_before_it_is_scaled() {
        let micro = ONE / 1_000_000;
        // Half a unit of 1e-18 short of two millionths, short of minus two, and beyond it.
        assert_eq!(price(&[(1, 2 * micro), (1, 2 * micro - 1)]), Ok(1));
        assert_eq!(price(&[(1, -2 * micro), (1, -2 * micro + 1)]), Ok(-1));
        assert_eq!(price(&[(1, -2 * micro), (1, -2 * micro - 1)]), Ok(-2));
    }

    #[test]
    fn a_feed_nobody_submitted_to_is_refused() {
        assert_eq!(price(&[]), Err(Problem::NoSubmissions));
        assert_eq!(price(&[(0, ONE)]), Err(Problem::NoSubmissions));
    }

    #[test]
    fn a_feed_without_a_current_result_is_refused() {
        let mut feed = account(&[(42, ONE)], ONE);
        feed[2368..2376].fill(0);
        assert_eq!(decode(&feed), Err(Problem::NoResult));
    }

    #[test]
    fn figures_out_of_range_are_refused() {
        let overflow = |what| Err(Problem::Overflow { what });
        assert_eq!(price(&[(1, i128::MAX), (1, 1)]), overflow("sum of submissions"));
        assert_eq!(price(&[(1, i128::MIN)]), overflow("price"));
        let wide = decode(&account(&[(1, ONE)], i128::MAX)).map(|price| price.price);
        assert_eq!(wide, overflow("range"));
        // What did not land last is not even added up.
        assert_eq!(price(&[(1, i128::MAX), (1, i128::MAX), (2, ONE)]), Ok(1_000_000));
    }

    #[test]
    fn a_negative_range_counts_by_its_size() {
        assert_eq!(decode(&account(&[(1, ONE)], -ONE)).unwrap().confidence, 1_000_000);
    }

    #[test]
    fn the_account_may_end_right_after_the_results_slot() {
        let data = account(&[(1, ONE)], 0);
        assert_eq!(decode(&data[..2376]), decode(&data));
        assert_eq!(decode(&data[..2375]), Err(Problem::TooShort { len: 2375, needed: 2376 }));
    }
}
