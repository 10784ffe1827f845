//! Whether an attempt may go on.

use jiff::Timestamp;

use super::Rule;
use crate::model::Tally;

/// Whether an attempt may go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permission {
    /// It may.
    Permitted,
    /// Not before that epoch second, by that rule.
    Until(i64, Rule),
    /// Not before the user has another password.
    Disabled(Rule),
}

impl Permission {
    /// What all of these tallies permit to an attempt, with a proof of work or without.
    pub fn by<'a>(
        tallies: impl IntoIterator<Item = &'a Tally>,
        has_work: bool,
        now: Timestamp,
    ) -> Self {
        let all = tallies.into_iter().map(|tally| tally.permission(now));
        // Each for itself: of two locks, the one that takes work may be the one that ends later.
        let all = all.map(|it| if has_work { it.with_work() } else { it });
        all.fold(Self::Permitted, Self::and)
    }

    /// The permission of an attempt with a proof of work.
    fn with_work(self) -> Self {
        match self {
            Self::Until(_, rule) if rule.takes_work() => Self::Permitted,
            Self::Permitted | Self::Until(..) | Self::Disabled(_) => self,
        }
    }

    /// The stricter of the two.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Permitted, other) => other,
            (Self::Disabled(rule), _) | (_, Self::Disabled(rule)) => Self::Disabled(rule),
            (Self::Until(end, _), Self::Until(later, _)) if later > end => other,
            (Self::Until(..), Self::Permitted | Self::Until(..)) => self,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stricter_permission_counts() {
        use Permission::{Disabled, Permitted, Until};
        let (soon, late) = (Until(1, Rule::Account), Until(2, Rule::Ip));
        assert_eq!(Permitted.and(soon), soon);
        assert_eq!(late.and(soon), late);
        assert_eq!(soon.and(late), late);
        assert_eq!(soon.and(Disabled(Rule::PasswordDisabled)), Disabled(Rule::PasswordDisabled));
    }
}
