//! The only source of randomness, and the ids made from it.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use uuid::Uuid;

/// Gives random bytes: the system's, or, in tests, a reproducible stream of them.
#[derive(Clone)]
pub enum Random {
    /// The operating system's generator.
    System,
    /// A stream that is the same for the same seed.
    Seeded(Arc<Mutex<ChaCha20Rng>>),
}

impl Random {
    /// A reproducible stream, for tests.
    pub fn seeded(seed: u64) -> Self {
        Self::Seeded(Arc::new(Mutex::new(ChaCha20Rng::seed_from_u64(seed))))
    }

    /// `N` fresh random bytes.
    #[expect(clippy::expect_used, reason = "without randomness nothing can be decided safely")]
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        match self {
            Self::System => {
                aws_lc_rs::rand::fill(&mut bytes).expect("the system has a random generator");
            }
            Self::Seeded(rng) => {
                rng.lock().unwrap_or_else(PoisonError::into_inner).fill_bytes(&mut bytes);
            }
        }
        bytes
    }

    /// A new id (UUID version 7): ids of later moments sort after ids of earlier ones.
    pub fn id(&self, now: Timestamp) -> Uuid {
        let millis = u64::try_from(now.as_millisecond()).unwrap_or_default();
        uuid::Builder::from_unix_timestamp_millis(millis, &self.bytes()).into_uuid()
    }
}

impl fmt::Debug for Random {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Random")
    }
}
