//! The parts of the indexes.
//!
//! One partition key of an index takes 1,000 writes a second, and a full one also stops the writes to the table. So
//! users and due items are spread over several keys. The number of parts can grow without a migration: an item stays in
//! its part, new items go to all parts, and readers read all of them. It must never shrink: readers would miss the items
//! of the parts that are no longer read.

use std::ops::Range;

use crate::model::UserId;

/// How many parts the indexes have: 8, 16, 32 or 64.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shards(u8);

impl Shards {
    /// The number if no setting says so. Earlier releases had it, too.
    pub const FEWEST: Self = Self(8);
    /// The highest number: a page of users reads each part.
    pub const MOST: Self = Self(64);

    /// That number of parts. `None` for any other than 8, 16, 32 and 64. Each is twice the one before, so that users and
    /// items are spread evenly.
    pub fn new(count: u8) -> Option<Self> {
        let is_known = count.is_power_of_two() && (Self::FEWEST.0..=Self::MOST.0).contains(&count);
        is_known.then_some(Self(count))
    }

    /// The number of parts.
    pub fn count(self) -> u8 {
        self.0
    }

    /// The numbers of the parts.
    pub fn all(self) -> Range<u8> {
        0..self.0
    }

    /// The part of the lists of users that a user belongs to.
    pub fn of_user(self, user: UserId) -> u8 {
        user.last_byte() % self.0
    }

    /// The part that an item with that hash of its key belongs to.
    pub(super) fn of_hash(self, hash: u8) -> u8 {
        hash % self.0
    }

    /// How many parts the events of a day and a kind have: one if the indexes have [`Self::FEWEST`] parts, as in
    /// earlier releases, and otherwise all parts. So on a small site, each count of a day is one query.
    pub fn of_events(self) -> u8 {
        if self == Self::FEWEST { 1 } else { self.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_parts_doubles() {
        let allowed: Vec<u8> =
            (0..=u8::MAX).filter(|count| Shards::new(*count).is_some()).collect();
        assert_eq!(allowed, [8, 16, 32, 64]);
    }

    #[test]
    fn more_parts_contain_the_old_ones() {
        for hash in 0..=u8::MAX {
            let parts = [8, 16, 32, 64].map(|count| Shards::new(count).unwrap().of_hash(hash));
            // A reader of more parts finds what a writer of fewer parts has written.
            assert!(parts[0] < 8 && parts.is_sorted(), "{parts:?}");
        }
    }
}
