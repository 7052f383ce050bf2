//! From an oracle's own decimals to the program's price precision, truncating toward zero.

use super::{OraclePrice, PRICE_PRECISION, Problem, Source};

/// How far from one dollar a stable coin may be, at most, to count as one dollar (1e6).
const STABLE_COIN_BAND: i64 = 500;

/// What an account of any Pyth family says, in its own decimals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Reading {
    pub price: i64,
    pub confidence: u64,
    pub exponent: i32,
    pub published_slot: u64,
    pub has_sufficient_number_of_data_points: bool,
}

/// Multiply, then divide. One of the two is always one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scale {
    multiply: u64,
    divide: u128,
}

impl Scale {
    /// For figures in units of ten to the power of `-decimals`.
    pub fn of_decimals(decimals: u32) -> Result<Self, Problem> {
        power_of_ten(decimals).map(Self::of_precision)
    }

    /// For Pyth's figures. The exponent's sign plays no part, in the program neither.
    fn of_exponent(exponent: i32, source: Source) -> Result<Self, Problem> {
        let multiplier = source.multiplier();
        let precision = power_of_ten(exponent.unsigned_abs())?;
        if precision <= u128::from(multiplier) {
            return Err(Problem::ExponentDoesNotFit { exponent, multiplier });
        }
        Ok(Self::of_precision(precision / u128::from(multiplier)))
    }

    /// `precision` is a power of ten.
    fn of_precision(precision: u128) -> Self {
        match u64::try_from(precision) {
            Ok(precision @ 1..=PRICE_PRECISION) => {
                Self { multiply: PRICE_PRECISION / precision, divide: 1 }
            }
            _ => Self { multiply: 1, divide: precision / u128::from(PRICE_PRECISION) },
        }
    }

    /// A signed figure in price precision; `what` names it in the error.
    pub fn signed(self, value: i128, what: &'static str) -> Result<i64, Problem> {
        i128::try_from(self.divide)
            .ok()
            .and_then(|divide| value.checked_mul(self.multiply.into())?.checked_div(divide))
            .and_then(|scaled| i64::try_from(scaled).ok())
            .ok_or(Problem::Overflow { what })
    }

    /// An unsigned figure in price precision; `what` names it in the error.
    fn unsigned(self, value: u64, what: &'static str) -> Result<u64, Problem> {
        u128::from(value)
            .checked_mul(self.multiply.into())
            .and_then(|product| product.checked_div(self.divide))
            .and_then(|scaled| u64::try_from(scaled).ok())
            .ok_or(Problem::Overflow { what })
    }
}

impl Reading {
    /// The price by the rules of `source`.
    pub fn price_for(self, source: Source) -> Result<OraclePrice, Problem> {
        let scale = Scale::of_exponent(self.exponent, source)?;
        let confidence = scale.unsigned(self.confidence, "confidence")?;
        let mut price = scale.signed(self.price.into(), "price")?;
        if source.is_stable_coin() {
            price = snapped_to_one_dollar(price, confidence)?;
        }
        Ok(OraclePrice {
            price,
            confidence,
            published_slot: self.published_slot,
            has_sufficient_number_of_data_points: self.has_sufficient_number_of_data_points,
        })
    }
}

fn snapped_to_one_dollar(price: i64, confidence: u64) -> Result<i64, Problem> {
    // In signed numbers, as the program has it: what does not fit into them is its error too.
    let one_dollar = OraclePrice::QUOTE_ASSET.price;
    let confidence =
        i64::try_from(confidence).map_err(|_| Problem::Overflow { what: "confidence" })?;
    let distance = price
        .checked_sub(one_dollar)
        .and_then(i64::checked_abs)
        .ok_or(Problem::Overflow { what: "price" })?;
    Ok(if distance <= STABLE_COIN_BAND.min(confidence) { one_dollar } else { price })
}

fn power_of_ten(decimals: u32) -> Result<u128, Problem> {
    10_u128.checked_pow(decimals).ok_or(Problem::ScaleOutOfRange { decimals })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(price: i64, confidence: u64, exponent: i32) -> Reading {
        let published_slot = 7;
        let has_sufficient_number_of_data_points = true;
        Reading {
            price,
            confidence,
            exponent,
            published_slot,
            has_sufficient_number_of_data_points,
        }
    }

    /// Price and confidence under the source called `name`.
    fn scaled(reading: Reading, name: &str) -> Result<(i64, u64), Problem> {
        let price = reading.price_for(Source::parse(name).unwrap())?;
        Ok((price.price, price.confidence))
    }

    #[test]
    fn finer_decimals_are_divided_and_coarser_ones_multiplied() {
        assert_eq!(scaled(reading(123_456_789, 1_299, -8), "Pyth"), Ok((1_234_567, 12)));
        assert_eq!(scaled(reading(123_456_789, 1_299, -6), "Pyth"), Ok((123_456_789, 1_299)));
        assert_eq!(scaled(reading(123, 4, -2), "Pyth"), Ok((1_230_000, 40_000)));
    }

    #[test]
    fn the_exponents_sign_plays_no_part() {
        for exponent in [1, 2, 6, 8, 12] {
            let of = |exponent| scaled(reading(987_654_321, 55_555, exponent), "Pyth");
            assert_eq!(of(exponent), of(-exponent), "{exponent}");
            assert!(of(exponent).is_ok());
        }
    }

    #[test]
    fn negative_prices_are_truncated_toward_zero() {
        assert_eq!(scaled(reading(-199, 199, -8), "Pyth"), Ok((-1, 1)));
        assert_eq!(scaled(reading(-99, 99, -8), "Pyth"), Ok((0, 0)));
        assert_eq!(scaled(reading(-1_999, 0, -12), "Pyth1K"), Ok((-1, 0)));
    }

    #[test]
    fn the_multiplier_takes_decimals_away() {
        assert_eq!(scaled(reading(345_526, 517, -10), "Pyth"), Ok((34, 0)));
        assert_eq!(scaled(reading(345_526, 517, -10), "Pyth1K"), Ok((34_552, 51)));
        assert_eq!(scaled(reading(345_526, 517, -10), "Pyth1M"), Ok((34_552_600, 51_700)));
    }

    #[test]
    fn a_precision_not_above_the_multiplier_is_refused() {
        for (name, multiplier, decimals) in
            [("Pyth", 1, 0), ("Pyth1KPull", 1_000, 3), ("PythLazer1M", 1_000_000, 6)]
        {
            for exponent in [-decimals, decimals] {
                let refused = Problem::ExponentDoesNotFit { exponent, multiplier };
                assert_eq!(scaled(reading(5, 1, exponent), name), Err(refused), "{name}");
            }
            let (price, _) = scaled(reading(5, 1, -decimals - 1), name).unwrap();
            assert_eq!(price, 500_000, "{name}");
        }
    }

    #[test]
    fn a_power_of_ten_beyond_128_bits_is_refused() {
        assert_eq!(scaled(reading(i64::MAX, u64::MAX, -38), "Pyth"), Ok((0, 0)));
        for exponent in [-39, 39, i32::MIN, i32::MAX] {
            let decimals = exponent.unsigned_abs();
            let refused = Err(Problem::ScaleOutOfRange { decimals });
            assert_eq!(scaled(reading(1, 1, exponent), "Pyth"), refused);
        }
    }

    #[test]
    fn figures_that_outgrow_their_type_are_refused() {
        let overflow = |what| Err(Problem::Overflow { what });
        assert_eq!(scaled(reading(i64::MAX, 0, -5), "Pyth"), overflow("price"));
        assert_eq!(scaled(reading(i64::MIN, 0, -5), "Pyth"), overflow("price"));
        assert_eq!(scaled(reading(0, u64::MAX, -5), "Pyth"), overflow("confidence"));
        assert_eq!(scaled(reading(i64::MIN, 0, -6), "Pyth"), Ok((i64::MIN, 0)));
    }

    #[test]
    fn a_stable_coin_within_500_millionths_and_its_confidence_is_one_dollar() {
        let stable = |price, confidence| {
            scaled(reading(price, confidence, -6), "PythStableCoin").map(|(price, _)| price)
        };
        assert_eq!(stable(1_000_500, 500), Ok(1_000_000));
        assert_eq!(stable(999_500, 10_000), Ok(1_000_000));
        assert_eq!(stable(1_000_501, 10_000), Ok(1_000_501));
        assert_eq!(stable(999_499, 10_000), Ok(999_499));
        // The confidence is the tighter bound here.
        assert_eq!(stable(1_000_020, 20), Ok(1_000_000));
        assert_eq!(stable(999_979, 20), Ok(999_979));
        assert_eq!(stable(1_000_000, 0), Ok(1_000_000));
        assert_eq!(stable(1_000_001, 0), Ok(1_000_001));
    }

    #[test]
    fn only_stable_coin_sources_snap_and_the_confidence_stays() {
        assert_eq!(scaled(reading(1_000_010, 20, -6), "Pyth"), Ok((1_000_010, 20)));
        assert_eq!(scaled(reading(1_000_010, 20, -6), "PythStableCoin"), Ok((1_000_000, 20)));
    }

    #[test]
    fn the_band_is_compared_after_scaling() {
        // 1.00000999 with a confidence of 0.00000999: nine millionths off, confidence nine.
        let coin = reading(100_000_999, 999, -8);
        assert_eq!(scaled(coin, "PythLazerStableCoin"), Ok((1_000_000, 9)));
    }

    #[test]
    fn the_band_is_compared_in_signed_numbers() {
        for (price, confidence, what) in [
            (1_000_000, i64::MAX as u64 + 1, "confidence"),
            (i64::MIN, 1, "price"),
            (i64::MIN + 1_000_000, 1, "price"),
        ] {
            let coin = reading(price, confidence, -6);
            assert_eq!(scaled(coin, "PythStableCoin"), Err(Problem::Overflow { what }));
            assert_eq!(scaled(coin, "Pyth"), Ok((price, confidence)));
        }
        let far_off = reading(i64::MIN + 1_000_001, i64::MAX as u64, -6);
        assert!(scaled(far_off, "PythStableCoin").is_ok());
    }
}
