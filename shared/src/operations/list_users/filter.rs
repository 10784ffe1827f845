//! Which users a list has.

use crate::error::{AuthError, BadPage};
use crate::model::username::{MAX_KEY_BYTES, fold};
use crate::model::{Email, LegacyId, User, Username};
use crate::store::Subject;

/// A filter of users. A user must pass all fields that are given. Space around texts is dropped, and an empty text
/// counts as not given (as in django-filter).
#[derive(Clone, Debug, Default)]
pub struct UserFilter {
    /// The first address, in any spelling that logs in.
    pub email: Option<String>,
    /// The second address, in any spelling that logs in.
    pub secondary_email: Option<String>,
    /// The primary key in the system that the user was imported from, exactly.
    pub legacy_id: Option<String>,
    /// The username, in any case.
    pub username: Option<String>,
    /// A part of the username, in any case.
    pub username_contains: Option<String>,
    /// How the username starts, in any case.
    pub username_starts_with: Option<String>,
    /// Neither banned nor deleted.
    pub is_active: Option<bool>,
    /// Archived.
    pub is_archived: Option<bool>,
    /// With a proven address.
    pub is_verified: Option<bool>,
}

/// A [`UserFilter`] without empty texts.
#[derive(Debug)]
pub(super) struct Filter {
    given: UserFilter,
    email: Option<Email>,
    secondary_email: Option<Email>,
    username: Option<Username>,
    legacy_id: Option<LegacyId>,
    /// The filter has an address, a name or a legacy id that no user can have.
    is_impossible: bool,
    /// Folded as the keys of usernames are.
    contains: Option<String>,
    pub(super) prefix: Option<String>,
}

impl Filter {
    pub(super) fn parse(filter: UserFilter) -> Result<Self, AuthError> {
        let text = |text: Option<String>| match text.as_deref().map(str::trim) {
            Some(text) if text.contains('\0') => Err(AuthError::BadPage(BadPage::NullCharacter)),
            None | Some("") => Ok(None),
            Some(text) => Ok(Some(text.to_owned())),
        };
        let given = UserFilter {
            email: text(filter.email)?,
            secondary_email: text(filter.secondary_email)?,
            legacy_id: text(filter.legacy_id)?,
            username: text(filter.username)?,
            username_contains: text(filter.username_contains)?,
            username_starts_with: text(filter.username_starts_with)?,
            ..filter
        };
        let address = |text: &Option<String>| text.as_deref().map(Email::parse).transpose();
        let email = address(&given.email);
        let secondary_email = address(&given.secondary_email);
        let username = given.username.as_deref().map(Username::parse).transpose();
        let legacy_id = given.legacy_id.as_deref().map(LegacyId::parse);
        let contains = given.username_contains.as_deref().map(fold);
        let prefix = given.username_starts_with.as_deref().map(fold);
        // The table refuses a search for a text that is longer than a key can be.
        let is_too_long =
            |part: &Option<String>| part.as_ref().is_some_and(|it| it.len() > MAX_KEY_BYTES);
        let is_impossible = email.is_err()
            || secondary_email.is_err()
            || username.is_err()
            || legacy_id == Some(None)
            || is_too_long(&contains)
            || is_too_long(&prefix);
        Ok(Self {
            email: email.unwrap_or_default(),
            secondary_email: secondary_email.unwrap_or_default(),
            username: username.unwrap_or_default(),
            legacy_id: legacy_id.flatten(),
            is_impossible,
            given,
            contains,
            prefix,
        })
    }

    pub(super) fn candidates(&self) -> Candidates {
        let email = self.email.as_ref().or(self.secondary_email.as_ref());
        match (email, &self.username, &self.legacy_id) {
            _ if self.is_impossible => Candidates::NoUser,
            (Some(email), ..) => Candidates::One(Subject::Email(email.clone())),
            (None, Some(username), _) => Candidates::One(Subject::Username(username.clone())),
            (None, None, Some(id)) => Candidates::One(Subject::LegacyId(id.clone())),
            (None, None, None) => Candidates::AnyUser,
        }
    }

    /// True if rows must be filtered after reading the index.
    pub(super) fn is_selective(&self) -> bool {
        let UserFilter { is_active, is_archived, is_verified, .. } = &self.given;
        self.contains.is_some() || [is_active, is_archived, is_verified].iter().any(|f| f.is_some())
    }

    pub(super) fn passes(&self, user: &User) -> bool {
        fn is<T: PartialEq + ?Sized>(wanted: Option<&T>, has: Option<&T>) -> bool {
            wanted.is_none() || wanted == has
        }
        let key = &user.username_key;
        let second = user.secondary_email_key.as_deref();
        !self.is_impossible
            && is(self.email.as_ref().map(Email::key), Some(user.email_key.as_str()))
            && is(self.secondary_email.as_ref().map(Email::key), second)
            && is(self.username.as_ref().map(Username::key), Some(key.as_str()))
            && is(self.legacy_id.as_ref().map(LegacyId::as_str), user.legacy_id.as_deref())
            && self.contains.as_ref().is_none_or(|part| key.contains(part))
            && self.prefix.as_ref().is_none_or(|prefix| key.starts_with(prefix))
            && is(self.given.is_active.as_ref(), Some(&user.is_active))
            && is(self.given.is_archived.as_ref(), Some(&user.is_archived))
            && is(self.given.is_verified.as_ref(), Some(&user.is_verified))
    }
}

/// The users who can pass a filter.
#[derive(Debug)]
pub(super) enum Candidates {
    AnyUser,
    /// At most the one user with this address, name or legacy id.
    One(Subject),
    /// There is no such address, name or legacy id.
    NoUser,
}
