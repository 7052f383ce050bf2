//! Chance, the same for the same seed on every machine.

use driftshm_layout::Pubkey;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

/// What chance is asked for. Each has a sequence of its own, so that more markets do not make
/// other users.
#[derive(Debug, Clone, Copy)]
pub(super) enum Purpose {
    /// What happens once the feed is live.
    Events = 1,
    /// A market's own figures.
    Market,
    /// A user's own figures.
    User,
    /// Who owns users.
    Authority,
    /// Oracle accounts of other programs.
    Oracle,
    /// Vaults, mints and the like, which nobody looks up.
    Other,
}

/// A sequence of random numbers.
pub(super) struct Dice(ChaCha8Rng);

impl Dice {
    /// The sequence of this seed for the `index`th of something.
    pub fn new(seed: u64, purpose: Purpose, index: u32) -> Self {
        let mut numbers = ChaCha8Rng::seed_from_u64(seed);
        numbers.set_stream(u64::from(purpose as u8) << 32 | u64::from(index));
        Self(numbers)
    }

    /// A number below `end`; 0 if that is 0.
    pub fn below(&mut self, end: usize) -> usize {
        // Multiply and shift: biased by 2^-32, and without a division.
        (u64::from(self.0.next_u32()).wrapping_mul(end as u64) >> 32) as usize
    }

    /// True so many times in 256.
    pub fn chance(&mut self, of_256: u32) -> bool {
        self.0.next_u32() >> 24 < of_256
    }

    /// A number from `low` up to `high`.
    pub fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * f64::from(self.0.next_u32()) / (f64::from(u32::MAX) + 1.0)
    }

    /// Nearly normal, mean 0 and deviation 1: the sum of four even numbers, from a single draw.
    pub fn normal(&mut self) -> f64 {
        let draw = self.0.next_u64();
        let sum = (draw & 0xffff) + (draw >> 16 & 0xffff) + (draw >> 32 & 0xffff) + (draw >> 48);
        (sum as f64 - 131_070.0) / 37_837.2
    }
}

/// The address of the `index`th of something that no program derives.
pub(super) fn address(seed: u64, purpose: Purpose, index: u32) -> Pubkey {
    let mut bytes = [0; 32];
    // Far from where the numbers of the same purpose begin.
    let mut numbers = Dice::new(seed, purpose, index).0;
    numbers.set_word_pos(1 << 40);
    numbers.fill_bytes(&mut bytes);
    Pubkey(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draws(seed: u64, purpose: Purpose, index: u32) -> Vec<usize> {
        let mut dice = Dice::new(seed, purpose, index);
        (0..8).map(|_| dice.below(1000)).collect()
    }

    #[test]
    fn the_same_seed_gives_the_same_numbers_and_any_other_ones_do_not() {
        let known = draws(1, Purpose::User, 3);
        assert_eq!(draws(1, Purpose::User, 3), known);
        assert_ne!(draws(2, Purpose::User, 3), known);
        assert_ne!(draws(1, Purpose::Market, 3), known);
        assert_ne!(draws(1, Purpose::User, 4), known);
        assert_eq!(address(1, Purpose::User, 3), address(1, Purpose::User, 3));
        assert_ne!(address(1, Purpose::User, 3), address(1, Purpose::User, 4));
    }

    #[test]
    fn numbers_stay_within_their_bounds() {
        let mut dice = Dice::new(7, Purpose::Events, 0);
        assert_eq!(dice.below(0), 0);
        for _ in 0..10_000 {
            assert!(dice.below(3) < 3);
            assert!((-2.0..2.5).contains(&dice.between(-2.0, 2.5)));
        }
    }

    #[test]
    fn normal_numbers_have_mean_0_and_deviation_1() {
        let mut dice = Dice::new(7, Purpose::Events, 0);
        let drawn: Vec<f64> = (0..40_000).map(|_| dice.normal()).collect();
        let mean = drawn.iter().sum::<f64>() / drawn.len() as f64;
        let square = drawn.iter().map(|x| x * x).sum::<f64>() / drawn.len() as f64;
        assert!(mean.abs() < 0.02 && (square - 1.0).abs() < 0.05, "{mean} {square}");
    }
}
