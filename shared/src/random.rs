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

/// Gives ids that sort in the order in which this process gave them, even within a millisecond, and after the clock
/// went back. Clones are one source.
#[derive(Clone, Debug, Default)]
pub(crate) struct OrderedIds(Arc<Mutex<u128>>);

/// The random bits behind the variant of a UUID.
const LOW_BITS: u128 = (1 << 62) - 1;
/// The number of bits behind the milliseconds in an id.
const BELOW_MILLIS: u32 = 80;

impl OrderedIds {
    /// The next id: a [`Random::id`] of that moment, or one that sorts after the last one (RFC 9562, section 6.2).
    pub(crate) fn next(&self, random: &Random, now: Timestamp) -> Uuid {
        let fresh = random.id(now).as_u128();
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let millis = *last >> BELOW_MILLIS;
        *last = if fresh >> BELOW_MILLIS > millis {
            fresh
        } else {
            // Not the direct successor, so that an id cannot be guessed from another one.
            let step = 1 + (fresh & u128::from(u32::MAX));
            if (*last & LOW_BITS) + step <= LOW_BITS {
                *last + step
            } else {
                (millis + 1) << BELOW_MILLIS | fresh & ((1 << BELOW_MILLIS) - 1)
            }
        };
        Uuid::from_u128(*last)
    }
}

impl fmt::Debug for Random {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Random")
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;

    #[test]
    fn ids_sort_as_they_were_given_within_a_millisecond_and_when_the_clock_goes_back() {
        let (ids, random) = (OrderedIds::default(), Random::seeded(1));
        let start: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
        let moments = (0..3_000).map(|n| match n {
            0..1_000 => start,
            1_000..2_000 => start - SignedDuration::from_hours(1),
            _ => start + SignedDuration::from_millis(n / 10),
        });
        let given: Vec<_> = moments.map(|now| ids.next(&random, now)).collect();
        assert!(given.is_sorted_by(|one, next| one < next));
        assert!(given.iter().all(|id| id.get_version_num() == 7));
        assert!(given.iter().all(|id| id.get_variant() == uuid::Variant::RFC4122));
        assert_eq!(given[0].as_u128() >> 80, given[1_999].as_u128() >> 80);
    }

    #[test]
    fn an_id_after_the_last_of_its_millisecond_has_the_next_one() {
        let (ids, random) = (OrderedIds::default(), Random::seeded(1));
        let start: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
        let first = ids.next(&random, start).as_u128();
        *ids.0.lock().unwrap() = first | LOW_BITS;
        let next = ids.next(&random, start);
        assert_eq!(next.as_u128() >> 80, (first >> 80) + 1);
        assert_eq!((next.get_version_num(), next.get_variant()), (7, uuid::Variant::RFC4122));
    }
}
