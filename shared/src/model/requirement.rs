//! Who must have a second factor: the setting `MFA_REQUIRED`.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::Role;

/// The users who must have a second factor, and from when on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Requirement {
    covered: CoveredUsers,
    from: Timestamp,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum CoveredUsers {
    NoUsers,
    /// Staff, as soon as a superuser has one.
    StaffAfterSuperuser,
    Staff,
    All,
}

/// Whether a user must have a second factor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needed {
    /// No.
    No,
    /// Once a superuser has one: the table says whether that was so.
    AfterSuperuser,
    /// Yes.
    Yes,
}

impl Requirement {
    /// The requirement of a site that does not set it.
    pub const DEFAULT: Self =
        Self { covered: CoveredUsers::StaffAfterSuperuser, from: Timestamp::MIN };

    /// Reads `off`, `staff`, `all`, `staff from 2027-01-01` and `all from 2027-01-01`. A day begins at midnight UTC.
    /// `None` for any other text.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.to_ascii_lowercase();
        let words: Vec<&str> = text.split_whitespace().collect();
        let (users, from) = match words[..] {
            [users] => (users, Timestamp::MIN),
            [users, "from", day] if users != "off" => (users, midnight(day)?),
            _ => return None,
        };
        let covered = match users {
            "off" => CoveredUsers::NoUsers,
            "staff" => CoveredUsers::Staff,
            "all" => CoveredUsers::All,
            _ => return None,
        };
        Some(Self { covered, from })
    }

    /// Whether a user of that role must have one at that moment.
    pub fn of(&self, role: Role, now: Timestamp) -> Needed {
        if self.covered == CoveredUsers::StaffAfterSuperuser && role.is_staff() {
            Needed::AfterSuperuser
        } else if self.covers(role) && now >= self.from {
            Needed::Yes
        } else {
            Needed::No
        }
    }

    /// The moment from which on a user of that role must have one, if it is still to come.
    pub fn begins(&self, role: Role, now: Timestamp) -> Option<Timestamp> {
        (self.covers(role) && now < self.from).then_some(self.from)
    }

    fn covers(&self, role: Role) -> bool {
        match self.covered {
            CoveredUsers::NoUsers | CoveredUsers::StaffAfterSuperuser => false,
            CoveredUsers::Staff => role.is_staff(),
            CoveredUsers::All => true,
        }
    }
}

/// The beginning of a day that is written as `2027-01-01`.
fn midnight(day: &str) -> Option<Timestamp> {
    let is_plain = day.len() == 10 && day.bytes().all(|it| it.is_ascii_digit() || it == b'-');
    let day: Date = is_plain.then(|| day.parse().ok()).flatten()?;
    Some(day.to_zoned(TimeZone::UTC).ok()?.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn needed(setting: &str, now: &str) -> [Needed; 3] {
        Role::ALL.map(|role| Requirement::parse(setting).unwrap().of(role, at(now)))
    }

    #[test]
    fn a_requirement_names_the_users_and_the_day() {
        let (before, after) = ("2026-12-31T23:59:59.999Z", "2027-01-01T00:00:00Z");
        let (no, yes) = ([Needed::No; 3], [Needed::Yes; 3]);
        let staff = [Needed::No, Needed::Yes, Needed::Yes];
        assert_eq!(needed("off", after), no);
        assert_eq!(needed("staff", before), staff);
        assert_eq!(needed(" ALL ", before), yes);
        assert_eq!(needed("staff from 2027-01-01", before), no);
        assert_eq!(needed("staff from 2027-01-01", after), staff);
        assert_eq!(needed("all  from 2027-01-01", before), no);
        assert_eq!(needed("all from 2027-01-01", after), yes);
    }

    #[test]
    fn a_site_that_sets_nothing_asks_staff_once_a_superuser_has_one() {
        let by_role = Role::ALL.map(|role| Requirement::DEFAULT.of(role, Timestamp::UNIX_EPOCH));
        assert_eq!(by_role, [Needed::No, Needed::AfterSuperuser, Needed::AfterSuperuser]);
        assert!(
            Role::ALL.iter().all(|role| {
                Requirement::DEFAULT.begins(*role, Timestamp::UNIX_EPOCH).is_none()
            })
        );
    }

    #[test]
    fn users_learn_from_when_on_they_need_one() {
        let begins =
            |setting, role, now| Requirement::parse(setting).unwrap().begins(role, at(now));
        let (now, day) = ("2026-12-31T12:00:00Z", at("2027-01-01T00:00:00Z"));
        assert_eq!(begins("all from 2027-01-01", Role::User, now), Some(day));
        assert_eq!(begins("staff from 2027-01-01", Role::Staff, now), Some(day));
        assert_eq!(begins("staff from 2027-01-01", Role::User, now), None);
        assert_eq!(begins("all", Role::User, now), None);
        assert_eq!(begins("all from 2027-01-01", Role::User, "2027-01-01T00:00:00Z"), None);
    }

    #[test]
    fn any_other_text_is_refused() {
        for text in [
            "",
            "on",
            "true",
            "everyone",
            "off from 2027-01-01",
            "all from",
            "all 2027-01-01",
            "all from tomorrow",
            "all from 2027-02-30",
            "all from 2027-1-1",
            "all from 2027-01-01T00:00",
            "all from 2027-01-01 12:00",
            "all until 2027-01-01",
            "staff,all",
        ] {
            assert_eq!(Requirement::parse(text), None, "{text}");
        }
    }
}
