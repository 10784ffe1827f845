//! How many mails somebody gets: who sends more is taken for a nuisance.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::MailId;

const HOUR: SignedDuration = SignedDuration::from_hours(1);
/// How many mails may wait for their time at once.
const MOST_WAITING: usize = 20;

/// How often something may happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The least time between two.
    pub apart: SignedDuration,
    /// The most in any hour.
    pub an_hour: usize,
}

impl Limits {
    /// Of mails to one address.
    pub const ADDRESS: Self = Self { apart: SignedDuration::from_mins(1), an_hour: 5 };
    /// Of mails to one address that users have sent who do not have it: the rest is for its owner.
    pub const STRANGERS: Self = Self { apart: SignedDuration::from_mins(1), an_hour: 2 };
    /// Of notices to one address that somebody wanted to sign up with it.
    pub const SIGN_UPS: Self = Self { apart: SignedDuration::from_hours(24), an_hour: 1 };
    /// Of mails that one user has sent to addresses that are not theirs yet. A mistyped one can be put
    /// right at once.
    pub const ASKER: Self = Self { apart: SignedDuration::ZERO, an_hour: 5 };
}

/// The mails of the last hour to one address, and those to come: each has its moment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bookings(Vec<Booking>);

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Booking {
    mail: MailId,
    at: i64,
}

/// What becomes of a mail that is to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Booked {
    /// It may go out.
    Now,
    /// It has a place, in that epoch second.
    At(i64),
    /// There is no place for it.
    Full,
}

impl Bookings {
    /// Gives the mail a moment: now, or if it may wait, the first one that is free. Asked again for the
    /// same mail, the answer is that of its own moment, so that a crash after the booking loses no mail.
    pub fn book(&mut self, mail: MailId, limits: Limits, may_wait: bool, now: Timestamp) -> Booked {
        let window = limits.apart.max(HOUR).as_secs();
        self.0.retain(|booking| booking.at > now.as_second() - window);
        if let Some(own) = self.0.iter().find(|booking| booking.mail == mail) {
            return if own.at <= now.as_second() { Booked::Now } else { Booked::At(own.at) };
        }
        let at = self.first_free(limits, now);
        if at > now.as_second() && (!may_wait || self.0.len() >= MOST_WAITING) {
            return Booked::Full;
        }
        self.0.push(Booking { mail, at });
        if at > now.as_second() { Booked::At(at) } else { Booked::Now }
    }

    /// Bookings are in the order of their moments, because each is after all that were there.
    fn first_free(&self, limits: Limits, now: Timestamp) -> i64 {
        let last = self.0.last().map(|last| last.at + limits.apart.as_secs());
        let count = self.0.len();
        let first_of_hour = count.checked_sub(limits.an_hour).and_then(|first| self.0.get(first));
        let hour = first_of_hour.map(|first| first.at + HOUR.as_secs());
        last.into_iter().chain(hour).fold(now.as_second(), i64::max)
    }

    /// When all of it is of no use any more, in epoch seconds.
    pub fn over_at(&self, limits: Limits, now: Timestamp) -> i64 {
        let last = self.0.last().map_or(now.as_second(), |last| last.at);
        last.max(now.as_second()) + limits.apart.max(HOUR).as_secs()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mail(number: u128) -> MailId {
        uuid::Uuid::from_u128(number).into()
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn one_a_minute_and_five_an_hour() {
        let mut bookings = Bookings::default();
        let mut book = |second: &u32| {
            let mail = mail(u128::from(*second));
            bookings.book(mail, Limits::ADDRESS, false, at((*second).into())) == Booked::Now
        };
        let sent: Vec<_> = (0..7300).step_by(10).filter(|second| book(second)).collect();
        assert_eq!(sent, [0, 60, 120, 180, 240, 3600, 3660, 3720, 3780, 3840, 7200, 7260]);
    }

    #[test]
    fn what_may_wait_gets_the_first_moment_that_is_free_and_keeps_it() {
        let mut bookings = Bookings::default();
        let mut book = |number, second, may_wait| {
            bookings.book(mail(number), Limits::ADDRESS, may_wait, at(second))
        };
        assert_eq!(book(1, 0, false), Booked::Now);
        assert_eq!(book(2, 10, true), Booked::At(60));
        assert_eq!(book(3, 20, true), Booked::At(120));
        assert_eq!(book(4, 60, false), Booked::Full, "the minute is taken");
        assert_eq!(book(2, 59, true), Booked::At(60));
        assert_eq!(book(2, 60, true), Booked::Now);
        assert_eq!(book(2, 61, false), Booked::Now, "a second attempt");
        assert_eq!(book(5, 180, true), Booked::Now);
        assert_eq!(book(6, 181, true), Booked::At(240));
        assert_eq!(book(7, 182, true), Booked::At(3600));
    }

    #[test]
    fn not_more_wait_than_can_be_kept() {
        let mut bookings = Bookings::default();
        let mut full = 0;
        for number in 0..100 {
            let booked = bookings.book(mail(number), Limits::ADDRESS, true, at(0));
            full += usize::from(booked == Booked::Full);
        }
        assert_eq!(full, 80);
        assert_eq!(bookings.over_at(Limits::ADDRESS, at(0)), bookings.0[19].at + 3600);
    }

    #[test]
    fn a_limit_of_a_day_is_remembered_for_a_day() {
        let mut bookings = Bookings::default();
        let mut book = |hour: i64| {
            let mail = mail(u128::from(hour.unsigned_abs()));
            bookings.book(mail, Limits::SIGN_UPS, false, at(hour * 3600)) == Booked::Now
        };
        let sent: Vec<_> = (0..50).filter(|hour| book(*hour)).collect();
        assert_eq!(sent, [0, 24, 48]);
    }

    #[test]
    fn a_user_may_put_a_mistyped_address_right_at_once() {
        let mut bookings = Bookings::default();
        let mut book = |number| bookings.book(mail(number), Limits::ASKER, false, at(0));
        for number in 0..5 {
            assert_eq!(book(number), Booked::Now);
        }
        assert_eq!(book(5), Booked::Full);
    }
}
