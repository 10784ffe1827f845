//! Arrivals at random, the same for the same seed on each machine.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};

/// Below it, arrivals are counted one by one; from it on, a sum of uniform numbers stands for the normal distribution.
const MANY: f64 = 12.0;
/// How many uniform numbers that sum has: its variance is then 1.
const TERMS: u32 = 12;

/// A source of numbers of arrivals.
#[derive(Debug)]
pub(super) struct Sample(ChaCha8Rng);

impl Sample {
    pub(super) fn seeded(seed: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(seed))
    }

    /// How many arrive if `mean` are expected: Poisson's distribution.
    pub(super) fn arrivals(&mut self, mean: f64) -> f64 {
        if mean <= 0.0 {
            0.0
        } else if mean < MANY {
            self.few(mean)
        } else {
            let sum: f64 = (0..TERMS).map(|_| self.uniform()).sum();
            (mean + mean.sqrt() * (sum - f64::from(TERMS) / 2.0)).round().max(0.0)
        }
    }

    /// By the inverse of the distribution.
    fn few(&mut self, mean: f64) -> f64 {
        let mut rest = self.uniform();
        let (mut count, mut share) = (0.0, (-mean).exp());
        while rest > share && share > f64::EPSILON {
            rest -= share;
            count += 1.0;
            share *= mean / count;
        }
        count
    }

    /// From 0 to 1.
    fn uniform(&mut self) -> f64 {
        f64::from(self.0.next_u32()) / f64::from(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrivals_have_the_mean_and_the_variance_of_poisson() {
        let mut sample = Sample::seeded(7);
        for mean in [0.1, 3.0, 40.0, 5_000.0] {
            let all: Vec<f64> = (0..20_000).map(|_| sample.arrivals(mean)).collect();
            let average = all.iter().sum::<f64>() / 20_000.0;
            let variance = all.iter().map(|it| (it - average).powi(2)).sum::<f64>() / 20_000.0;
            // Four standard errors of a Poisson distribution.
            let (mean_error, variance_error) = (mean * 20_000.0, 20_000.0 / (2.0 + 1.0 / mean));
            let is_near = |share: f64, error: f64| (share - 1.0).abs() < 4.0 / error.sqrt();
            assert!(is_near(average / mean, mean_error), "{mean}: {average}");
            assert!(is_near(variance / mean, variance_error), "{mean}: {variance}");
        }
    }
}
