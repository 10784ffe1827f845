//! Requests to log in by mail.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{RefreshTokens, UserId};

/// The lifetime of a request, and of the code and the link of its mail (OWASP ASVS 6.5.5: ten minutes at most).
pub const LOG_IN_LIFETIME: SignedDuration = SignedDuration::from_mins(10);
/// A second request keeps the code of the first one only if the code is still valid for at least this time.
const LONG_ENOUGH: SignedDuration = SignedDuration::from_mins(5);

/// A request for a log-in by mail. The browser that made the request keeps it, encrypted. So it does not reveal whether
/// the address has an account, and the table does not store it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogInRequest {
    /// The id of the request. Latchkey derives the code and the link of its mail from it. The log-in stores it as used.
    pub id: String,
    /// The user; for an address without an account, an id that no user has.
    pub user_id: UserId,
    /// [`User::binding`](super::User::binding) at that time. For an address without an account, a text of the same
    /// length.
    pub binding: String,
    /// The digest of the address.
    pub email_digest: String,
    /// The address, where a log-in by mail may sign up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// The kind of session that it opens.
    pub refresh_tokens: RefreshTokens,
    /// When it expires, in epoch seconds.
    pub expires_at: i64,
}

impl LogInRequest {
    /// Whether the address had no user at the time of the request. The request of a user is bound to the password.
    pub fn has_no_user(&self) -> bool {
        self.binding == self.email_digest
    }

    /// Merges the request with an earlier one of the same browser, if there is one. If the earlier one is still valid
    /// for some minutes, it continues. So the code of a late mail stays valid after a second request. The time of
    /// expiry does not depend on the user, because it would reveal whether the address has an account.
    #[must_use]
    pub fn after(self, earlier: Option<Self>, now: Timestamp) -> Self {
        let goes_on = |it: &Self| {
            it.email_digest == self.email_digest
                && it.refresh_tokens == self.refresh_tokens
                && it.expires_at - now.as_second() >= LONG_ENOUGH.as_secs()
        };
        match earlier.filter(goes_on) {
            Some(it) if it.user_id == self.user_id && it.binding == self.binding => it,
            // The user whom a sign-up creates has the id of the first request.
            Some(it) if it.has_no_user() && self.has_no_user() => it,
            Some(it) => Self { expires_at: it.expires_at, ..self },
            None => self,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(id: &str, user: u128, expires_at: i64) -> LogInRequest {
        LogInRequest {
            id: id.to_owned(),
            user_id: uuid::Uuid::from_u128(user).into(),
            binding: "b".to_owned(),
            email_digest: "d".to_owned(),
            email: None,
            refresh_tokens: RefreshTokens::Rotate,
            expires_at,
        }
    }

    #[test]
    fn a_request_goes_on_as_the_earlier_one_while_that_is_good_for_five_minutes() {
        let now = Timestamp::from_second(1_000).unwrap();
        let after = |earlier| request("new", 1, 1_600).after(Some(earlier), now);
        assert_eq!(after(request("old", 1, 1_300)), request("old", 1, 1_300));
        assert_eq!(after(request("old", 1, 1_299)), request("new", 1, 1_600));
        let other_pages =
            LogInRequest { refresh_tokens: RefreshTokens::Account, ..request("old", 1, 1_600) };
        assert_eq!(after(other_pages), request("new", 1, 1_600));
    }

    #[test]
    fn when_a_further_request_expires_does_not_show_whether_there_is_a_user() {
        let now = Timestamp::from_second(1_000).unwrap();
        // Each request of an address without an account has another user id. No user has such an id.
        let after = request("new", 2, 1_600).after(Some(request("old", 1, 1_400)), now);
        assert_eq!(after, request("new", 2, 1_400));
        let without_user = |id, user, expires_at| LogInRequest {
            binding: "d".to_owned(),
            ..request(id, user, expires_at)
        };
        let after = without_user("new", 2, 1_600).after(Some(without_user("old", 1, 1_400)), now);
        assert_eq!(after, without_user("old", 1, 1_400));
    }
}
