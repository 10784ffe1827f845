//! How much the property tests try.

#![expect(clippy::disallowed_methods, reason = "no settings of the product")]

use proptest::test_runner::{Config, RngSeed};

/// The configuration of a property test: `cases` inputs from one seed, so that each run tries the same. The variables
/// `PROPTEST_CASES` and `PROPTEST_RNG_SEED` replace both.
pub(crate) fn config(cases: u32) -> Config {
    let mut config = Config { failure_persistence: None, ..Config::default() };
    if std::env::var_os("PROPTEST_CASES").is_none() {
        config.cases = cases;
    }
    if std::env::var_os("PROPTEST_RNG_SEED").is_none() {
        config.rng_seed = RngSeed::Fixed(1);
    }
    config
}
