//! Figures that the program computes from an account's fields, computed the same way.
//!
//! Integers are in the program's own precisions and exact: products are never rounded or cut off
//! before they are divided. What has no value (a division by zero, a result of more than 128
//! bits) is `None`.

/// Decimals of a spot balance (9) and of its cumulative interest (10) together.
const BALANCE_AND_INTEREST_DECIMALS: u32 = 19;
const FUNDING_RATE_PRECISION: f64 = 1e9;
const PRICE_PRECISION: f64 = 1e6;

/// The AMM's reserve price, 1e6: `quote_reserve * peg / base_reserve`, truncated.
///
/// Reserves are 1e9 and the peg is 1e6, as prices are, so no further factor is left.
pub fn mark_price(base_reserve: u128, quote_reserve: u128, peg: u128) -> Option<u128> {
    mul_div(quote_reserve, peg, base_reserve).map(|(price, _)| price)
}

/// Funding as a fraction of the price: 0.0001 is what a long position of 10,000 pays as 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FundingRate {
    /// Of one hour, which is the program's funding period.
    pub hourly: f64,
    /// Of eight hours.
    pub eight_hour: f64,
    /// Of a year of 365 days, without compounding.
    pub annual: f64,
}

/// The last funding rate (quote per base, 1e9) as a fraction of the oracle's average price then
/// (1e6). `None` without a positive price.
pub fn funding_rate(last_funding_rate: i64, last_funding_oracle_twap: i64) -> Option<FundingRate> {
    if last_funding_oracle_twap <= 0 {
        return None;
    }
    let price = last_funding_oracle_twap as f64 / PRICE_PRECISION;
    let hourly = last_funding_rate as f64 / FUNDING_RATE_PRECISION / price;
    Some(FundingRate { hourly, eight_hour: hourly * 8.0, annual: hourly * 24.0 * 365.0 })
}

/// A perp's open interest, 1e9: the larger of both sides, of which `short` is negative.
pub fn open_interest(long: i128, short: i128) -> u128 {
    long.unsigned_abs().max(short.unsigned_abs())
}

/// A spot balance in the smallest unit of its token: deposits round down, borrows up.
///
/// `None` also for a token of more than 19 decimals, which the program does not know.
pub fn token_amount(
    scaled_balance: u128,
    cumulative_interest: u128,
    decimals: u32,
    is_deposit: bool,
) -> Option<u128> {
    let divisor = 10u128.checked_pow(BALANCE_AND_INTEREST_DECIMALS.checked_sub(decimals)?)?;
    let (amount, rest) = mul_div(scaled_balance, cumulative_interest, divisor)?;
    if is_deposit || rest == 0 { Some(amount) } else { amount.checked_add(1) }
}

/// `a * b / divisor` and the remainder, also where the product has more than 128 bits.
fn mul_div(a: u128, b: u128, divisor: u128) -> Option<(u128, u128)> {
    if divisor == 0 {
        return None;
    }
    match a.checked_mul(b) {
        Some(product) => Some((product / divisor, product % divisor)),
        None => div_wide(mul_wide(a, b), divisor),
    }
}

/// The product as its high and low 128 bits.
fn mul_wide(a: u128, b: u128) -> (u128, u128) {
    const LOW: u128 = u64::MAX as u128;
    let (a_high, a_low) = (a >> 64, a & LOW);
    let (b_high, b_low) = (b >> 64, b & LOW);
    let low = a_low * b_low;
    // No sum here overflows: (2^64 − 1)² + 2 (2^64 − 1) = 2^128 − 1.
    let middle = a_high * b_low + (low >> 64);
    let middle_low = a_low * b_high + (middle & LOW);
    let high = a_high * b_high + (middle >> 64) + (middle_low >> 64);
    (high, middle_low << 64 | low & LOW)
}

/// Long division, bit by bit; `None` if the quotient has more than 128 bits.
fn div_wide((high, low): (u128, u128), divisor: u128) -> Option<(u128, u128)> {
    if high >= divisor {
        return None;
    }
    let (mut rest, mut quotient) = (high, 0u128);
    for bit in (0..128).rev() {
        let carry = rest >> 127 == 1;
        rest = rest << 1 | low >> bit & 1;
        quotient <<= 1;
        if carry || rest >= divisor {
            rest = rest.wrapping_sub(divisor);
            quotient |= 1;
        }
    }
    Some((quotient, rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::{Field, Kind, Profile, role};
    use base64::Engine;
    use proptest::prelude::*;

    /// Real accounts of a kind; none where the shared facts are not there.
    fn accounts(kind: &str) -> Vec<(serde_json::Value, Vec<u8>)> {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/drift/accounts.jsonl");
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) => {
                assert!(std::env::var("CI").as_deref() != Ok("true"), "{path}: {error}");
                println!("skipped: {path}: {error}");
                return Vec::new();
            }
        };
        let lines = text.lines().map(|line| serde_json::from_str(line).unwrap());
        lines
            .filter(|line: &serde_json::Value| line["kind"] == kind)
            .map(|line| {
                let data = line["data"].as_str().unwrap();
                let data = base64::engine::general_purpose::STANDARD.decode(data).unwrap();
                (line["expected"].clone(), data)
            })
            .collect()
    }

    fn field(profile: &Profile, kind: Kind, role: &str) -> Field {
        profile.account(kind).unwrap().role(role).unwrap()
    }

    #[test]
    fn real_perp_markets_have_the_price_that_their_reserves_say() {
        let profile = Profile::builtin("drift-v2").unwrap();
        let of =
            |role, data: &[u8]| field(&profile, Kind::PerpMarket, role).read_u128(data).unwrap();
        let mut prices = Vec::new();
        for (expected, data) in accounts("PerpMarket") {
            let base = of(role::BASE_ASSET_RESERVE, &data);
            let quote = of(role::QUOTE_ASSET_RESERVE, &data);
            let peg = of(role::PEG_MULTIPLIER, &data);
            let price = mark_price(base, quote, peg).unwrap();
            // Once more from the decoder's figures, by the definition of a truncated quotient.
            let number =
                |name: &str| -> u128 { expected["amm"][name].to_string().parse().unwrap() };
            let product = number("quote_asset_reserve") * number("peg_multiplier");
            let base = number("base_asset_reserve");
            assert!(price * base <= product && product < (price + 1) * base);
            prices.push(price);
        }
        assert!(prices.is_empty() || prices.iter().any(|price| *price > 1_000_000), "{prices:?}");
    }

    #[test]
    fn real_perp_markets_have_the_open_interest_and_funding_of_their_fields() {
        let profile = Profile::builtin("drift-v2").unwrap();
        let of =
            |role, data: &[u8]| field(&profile, Kind::PerpMarket, role).read_i128(data).unwrap();
        for (expected, data) in accounts("PerpMarket") {
            let number = |name: &str| expected["amm"][name].to_string().parse::<i128>().unwrap();
            let interest = open_interest(
                of(role::BASE_ASSET_AMOUNT_LONG, &data),
                of(role::BASE_ASSET_AMOUNT_SHORT, &data),
            );
            let sides = [number("base_asset_amount_long"), -number("base_asset_amount_short")];
            assert_eq!(interest as i128, sides.into_iter().max().unwrap());
            let rate = number("last_funding_rate");
            let twap = number("last_funding_oracle_twap");
            match funding_rate(rate as i64, twap as i64) {
                Some(funding) => {
                    let hourly = rate as f64 / 1e3 / twap as f64;
                    assert!((funding.hourly - hourly).abs() <= hourly.abs() * 1e-12);
                    assert_eq!(funding.eight_hour, funding.hourly * 8.0);
                    assert_eq!(funding.annual, funding.hourly * 24.0 * 365.0);
                }
                None => assert!(twap <= 0),
            }
        }
    }

    #[test]
    fn real_spot_markets_have_the_deposits_and_borrows_of_their_balances() {
        let profile = Profile::builtin("drift-v2").unwrap();
        let of =
            |role, data: &[u8]| field(&profile, Kind::SpotMarket, role).read_u128(data).unwrap();
        for (_, data) in accounts("SpotMarket") {
            let decimals = of(role::DECIMALS, &data) as u32;
            let divisor = 10u128.pow(19 - decimals);
            for (balance, interest, is_deposit) in [
                (role::DEPOSIT_BALANCE, role::CUMULATIVE_DEPOSIT_INTEREST, true),
                (role::BORROW_BALANCE, role::CUMULATIVE_BORROW_INTEREST, false),
            ] {
                let (balance, interest) = (of(balance, &data), of(interest, &data));
                let amount = token_amount(balance, interest, decimals, is_deposit).unwrap();
                let product = balance * interest;
                let expected =
                    if is_deposit { product / divisor } else { product.div_ceil(divisor) };
                assert_eq!(amount, expected);
            }
        }
    }

    #[test]
    fn figures_by_hand() {
        // 150.123456 from reserves that are out of balance by a factor of 1.5.
        assert_eq!(mark_price(2_000_000_000, 3_000_000_000, 100_082_304), Some(150_123_456));
        assert_eq!(mark_price(3, 2, 1), Some(0));
        assert_eq!(mark_price(0, 1, 1), None);
        let funding = funding_rate(10_000_000, 100_000_000).unwrap();
        assert!((funding.hourly - 0.0001).abs() < 1e-15);
        assert!((funding.annual - 0.876).abs() < 1e-12);
        assert_eq!(funding_rate(1, 0), None);
        assert_eq!(funding_rate(1, -1), None);
        assert_eq!(open_interest(5, -7), 7);
        assert_eq!(open_interest(7, -5), 7);
        assert_eq!(open_interest(0, i128::MIN), 1 << 127);
    }

    #[test]
    fn deposits_round_down_and_borrows_up() {
        // 1.0000000009 of a token with six decimals, at an interest factor of one.
        let balance = 1_000_000_900;
        assert_eq!(token_amount(balance, 10_000_000_000, 6, true), Some(1_000_000));
        assert_eq!(token_amount(balance, 10_000_000_000, 6, false), Some(1_000_001));
        assert_eq!(token_amount(1_000_000_000, 10_000_000_000, 6, false), Some(1_000_000));
        assert_eq!(token_amount(7, 1, 19, true), Some(7));
        assert_eq!(token_amount(7, 1, 20, true), None);
        assert_eq!(token_amount(u128::MAX, u128::MAX, 0, false), None);
    }

    #[test]
    fn products_of_more_than_128_bits_are_exact() {
        let max = u128::MAX;
        assert_eq!(mark_price(max, max, max), Some(max));
        assert_eq!(mark_price(max - 1, max, max - 1), Some(max));
        assert_eq!(mark_price(1, max, 2), None);
        assert_eq!(mul_wide(max, max), (max - 1, 1));
        // 2^129 / 10^19, worked out with other means.
        let amount = 68_056_473_384_187_692_692;
        assert_eq!(token_amount(1 << 127, 4, 0, true), Some(amount));
        assert_eq!(token_amount(1 << 127, 4, 0, false), Some(amount + 1));
    }

    proptest! {
        #[test]
        fn quotient_and_remainder_give_the_product_again(a: u128, b: u128, divisor in 1u128..) {
            let (high, low) = mul_wide(a, b);
            match mul_div(a, b, divisor) {
                Some((quotient, rest)) => {
                    prop_assert!(rest < divisor);
                    let (again_high, again_low) = mul_wide(quotient, divisor);
                    let (sum, carry) = again_low.overflowing_add(rest);
                    prop_assert_eq!((again_high + u128::from(carry), sum), (high, low));
                }
                None => prop_assert!(high >= divisor),
            }
        }
    }
}
