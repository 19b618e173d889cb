//! Random choices that can be made again: the seed is printed and can be given.

use proptest::prelude::RngExt;
use proptest::test_runner::{RngAlgorithm, TestRng};

use super::environment;

/// A source of choices.
pub(crate) struct Dice {
    seed: u64,
    source: TestRng,
}

impl Dice {
    /// Returns the dice of `TENANTCTL_TEST_SEED`, or of a seed of chance.
    pub(crate) fn from_environment() -> Self {
        Self::new(number("TENANTCTL_TEST_SEED").unwrap_or_else(rand_seed))
    }

    fn new(seed: u64) -> Self {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        Self { seed, source: TestRng::from_seed(RngAlgorithm::ChaCha, &bytes) }
    }

    /// Returns the seed, for whoever has to repeat what failed.
    pub(crate) fn seed(&self) -> u64 {
        self.seed
    }

    /// Returns dice of their own for the worker of this number.
    pub(crate) fn of_worker(&self, number: u64) -> Self {
        Self::new(self.seed.wrapping_mul(1_000_003).wrapping_add(number))
    }

    /// Returns a number below `end`.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.source.random_range(0..end)
    }

    /// Returns a number from 0 to 1.
    pub(crate) fn fraction(&mut self) -> f64 {
        self.source.random_range(0.0..1.0)
    }

    /// Returns one of the choices.
    pub(crate) fn one_of<'a, T: ?Sized>(&mut self, choices: &[&'a T]) -> &'a T {
        choices[self.source.random_range(0..choices.len())]
    }
}

/// Returns how many rounds to go: `TENANTCTL_TEST_ROUNDS`, or as many as fit a run of the suite.
pub(crate) fn rounds(default: u64) -> u64 {
    number("TENANTCTL_TEST_ROUNDS").unwrap_or(default)
}

fn number(variable: &str) -> Option<u64> {
    environment(variable).map(|text| text.to_string_lossy().parse().unwrap())
}

fn rand_seed() -> u64 {
    u64::from(uuid::Uuid::new_v4().as_fields().0)
}
