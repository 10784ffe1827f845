//! Former addresses of an account, from the last days.
//!
//! An attacker who takes over an account gives it another address. So the address that was the first one before may
//! take the account back for a while. Nothing that the attacker does in between prevents that: no further change of
//! the address, no swap, no removal, no other password.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::Email;
use super::session::seconds_after;

/// How long a former address is kept.
pub const REMEMBERED: SignedDuration = SignedDuration::from_hours(7 * 24);
/// The most former addresses that are kept. Only proven addresses are added.
const MOST: usize = 8;

/// An address that is no longer the first one, or no longer belongs to the account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FormerEmail {
    /// The address to write to.
    pub email: String,
    /// The unique key of the address.
    pub email_key: String,
    /// When it is dropped, in epoch seconds.
    pub until: i64,
    /// Whether it was the first address, and may take the account back. Until it is dropped, no other account can
    /// have it.
    pub may_return: bool,
}

impl FormerEmail {
    /// When it left the first place, or the account, in epoch seconds.
    pub fn left_at(&self) -> i64 {
        self.until.saturating_sub(REMEMBERED.as_secs())
    }

    /// The address.
    pub fn email(&self) -> Email {
        Email::stored(&self.email, &self.email_key)
    }
}

/// The former addresses in the order in which they left: an earlier one has the better right to the account.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FormerEmails(Vec<FormerEmail>);

impl FormerEmails {
    /// Whether there are no former addresses.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Those that are not dropped yet.
    pub fn remembered(&self, now: Timestamp) -> impl Iterator<Item = &FormerEmail> {
        self.0.iter().filter(move |former| now.as_second() < former.until)
    }

    /// Those of them that may take the account back.
    pub fn returning(&self, now: Timestamp) -> impl Iterator<Item = &FormerEmail> {
        self.remembered(now).filter(|former| former.may_return)
    }

    /// The address of that key, if it may take the account back.
    pub fn may_return(&self, key: &str, now: Timestamp) -> Option<&FormerEmail> {
        self.returning(now).find(|former| former.email_key == key)
    }

    /// Adds an address that leaves. If the address already has the right to return, it keeps this right and its place,
    /// even though it was the first address again. If there are too many, the last one is dropped, never the first: an
    /// attacker must not be able to push out the owner's address.
    pub fn note(&mut self, left: &Email, may_return: bool, now: Timestamp) {
        self.0.retain(|former| now.as_second() < former.until);
        let until = seconds_after(now, REMEMBERED);
        if let Some(at) = self.0.iter().position(|former| former.email_key == left.key()) {
            if self.0[at].may_return {
                if may_return {
                    self.0[at].until = until;
                }
                return;
            }
            self.0.remove(at);
        }
        if self.0.len() >= MOST && !self.make_room(may_return) {
            return;
        }
        self.0.push(FormerEmail {
            email: left.address().to_owned(),
            email_key: left.key().to_owned(),
            until,
            may_return,
        });
    }

    /// Drops an address to make room for one more. `false` if none may be dropped. Addresses that may not return are
    /// dropped first.
    fn make_room(&mut self, for_one_that_may_return: bool) -> bool {
        let notice_only = self.0.iter().rposition(|former| !former.may_return);
        match notice_only {
            Some(at) => drop(self.0.remove(at)),
            None if for_one_that_may_return => drop(self.0.pop()),
            None => return false,
        }
        true
    }

    /// Removes the right to the account from all addresses that left later, because the address of that key is the
    /// first one again. `false` when it has no such right itself.
    pub fn come_back(&mut self, key: &str, now: Timestamp) -> bool {
        self.0.retain(|former| now.as_second() < former.until);
        let at = self.0.iter().position(|former| former.may_return && former.email_key == key);
        if let Some(at) = at {
            self.0.truncate(at + 1);
        }
        at.is_some()
    }

    /// The former addresses after the address of that key has taken the account back.
    #[must_use]
    pub fn without_later(&self, key: &str) -> Self {
        let at = self.0.iter().position(|former| former.may_return && former.email_key == key);
        Self(self.0[..at.unwrap_or(self.0.len())].to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn email(name: &str) -> Email {
        Email::parse(&format!("{name}@example.com")).unwrap()
    }

    fn at(hour: i64) -> Timestamp {
        Timestamp::from_second(hour * 3600).unwrap()
    }

    fn names(former: &FormerEmails, hour: i64) -> Vec<String> {
        let name = |former: &FormerEmail| former.email_key.split('@').next().unwrap().to_owned();
        former.returning(at(hour)).map(name).collect()
    }

    #[test]
    fn an_address_is_forgotten_after_seven_days() {
        let mut former = FormerEmails::default();
        former.note(&email("ann"), true, at(0));
        assert_eq!(names(&former, 7 * 24 - 1), ["ann"]);
        assert!(names(&former, 7 * 24).is_empty());
        assert!(former.may_return("ann@example.com", at(7 * 24)).is_none());
    }

    #[test]
    fn many_addresses_push_none_out_that_left_before_them() {
        let mut former = FormerEmails::default();
        for number in 0..20 {
            former.note(&email(&format!("mailed{number}")), false, at(0));
        }
        former.note(&email("ann"), true, at(0));
        for number in 0..20 {
            former.note(&email(&format!("eve{number}")), true, at(1));
            former.note(&email(&format!("mailed{number}")), false, at(1));
        }
        let left = names(&former, 1);
        assert_eq!((left.len(), left[0].as_str(), left[7].as_str()), (MOST, "ann", "eve19"));
    }

    #[test]
    fn an_address_that_only_got_notices_gets_no_better_place_by_being_first() {
        let mut former = FormerEmails::default();
        former.note(&email("eve"), false, at(0));
        former.note(&email("ann"), true, at(1));
        former.note(&email("eve"), true, at(2));
        assert_eq!(names(&former, 3), ["ann", "eve"]);
    }

    #[test]
    fn an_address_that_is_first_again_outdoes_those_that_left_later_and_keeps_its_place() {
        let mut former = FormerEmails::default();
        for (hour, name) in ["old", "ann", "eve", "mallory"].into_iter().enumerate() {
            former.note(&email(name), true, at(i64::try_from(hour).unwrap()));
        }
        assert!(former.come_back("ann@example.com", at(5)));
        assert_eq!(names(&former, 5), ["old", "ann"]);
        assert!(!former.come_back("eve@example.com", at(5)));
        former.note(&email("bob"), true, at(6));
        former.note(&email("ann"), true, at(100));
        assert_eq!(names(&former, 100), ["old", "ann", "bob"]);
        assert_eq!(names(&former, 250), ["ann"], "its time starts anew");
        assert_eq!(names(&former.without_later("ann@example.com"), 100), ["old"]);
    }
}
