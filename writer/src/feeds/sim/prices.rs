//! How prices move: a random walk of small log-normal steps, pulled back to where it began.

use super::dice::Dice;

/// A figure that walks. It stays above zero, near where it began, for ever.
#[derive(Debug, Clone)]
pub(super) struct Walk {
    value: f64,
    home: f64,
    /// Deviation of one step, as a part of the value.
    step: f64,
    /// What part of the way home each step goes.
    pull: f64,
    low: f64,
    high: f64,
}

impl Walk {
    /// An asset's price: it strays some percent from `home`, however many steps there are.
    pub fn price(home: f64) -> Self {
        Self { step: 2e-4, pull: 1e-5, ..Self::around(home, 4.0) }
    }

    /// What a bet pays, in dollars: never more than one.
    pub fn odds(home: f64) -> Self {
        Self { high: 0.99, ..Self::price(home) }
    }

    /// A stable coin's price: some hundredths of a percent off a dollar.
    pub fn stable_coin() -> Self {
        Self { step: 2e-5, pull: 5e-3, ..Self::around(1.0, 1.01) }
    }

    /// A mark price as a part of the oracle price: some hundredths of a percent off, 0.3 % at most.
    pub fn premium() -> Self {
        Self { step: 5e-5, pull: 1e-2, ..Self::around(1.0, 1.003) }
    }

    fn around(home: f64, factor: f64) -> Self {
        Self { value: home, home, step: 0.0, pull: 0.0, low: home / factor, high: home * factor }
    }

    /// Where it is.
    pub fn value(&self) -> f64 {
        self.value
    }

    /// One step on.
    pub fn step(&mut self, dice: &mut Dice) {
        let log = self.step * dice.normal() + self.pull * (1.0 - self.value / self.home);
        // exp(log) to within 1e-11 for steps this small; sums and products alone are the same on
        // every machine.
        let factor = 1.0 + log + log * log / 2.0;
        self.value = (self.value * factor).clamp(self.low, self.high);
    }
}

#[cfg(test)]
mod tests {
    use super::super::dice::Purpose;
    use super::*;

    /// The lowest and the highest value, as parts of the first.
    fn range(mut walk: Walk) -> (f64, f64) {
        let mut dice = Dice::new(3, Purpose::Events, 0);
        let home = walk.value();
        let mut range = (1.0f64, 1.0f64);
        for _ in 0..100_000 {
            walk.step(&mut dice);
            let part = walk.value() / home;
            range = (range.0.min(part), range.1.max(part));
        }
        range
    }

    #[test]
    fn a_price_moves_and_stays_above_zero_and_near_home() {
        for home in [0.000_006, 1.0, 68_000.0] {
            let (low, high) = range(Walk::price(home));
            assert!(low > 0.7 && high < 1.4 && high - low > 0.02, "{low} {high}");
        }
    }

    #[test]
    fn a_stable_coin_a_premium_and_odds_keep_to_their_narrower_bounds() {
        let (low, high) = range(Walk::stable_coin());
        assert!(low > 0.998 && high < 1.002 && low < 1.0 && high > 1.0, "{low} {high}");
        let (low, high) = range(Walk::premium());
        assert!(low > 0.997 && high <= 1.003 && low < 1.0 && high > 1.0, "{low} {high}");
        assert!(range(Walk::odds(0.98)).1 <= 0.99 / 0.98);
    }
}
