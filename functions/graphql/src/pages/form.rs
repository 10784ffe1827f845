//! The fields of a form, and their faults.

use std::borrow::Cow;

use accounts::error::{AuthError, Field, Violation};
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Form, FromRequest, Request};
use minijinja::{Value, context};
use serde::de::DeserializeOwned;

use super::MAX_BYTES;

/// The fields of a form; `None` for another body, and for one that is too large, incomplete, or not text.
pub(super) struct FormBody<T>(pub(super) Option<T>);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for FormBody<T> {
    type Rejection = std::convert::Infallible;

    async fn from_request(mut request: Request, state: &S) -> Result<Self, Self::Rejection> {
        DefaultBodyLimit::max(MAX_BYTES).apply(&mut request);
        let (parts, body) = request.into_parts();
        let limited = Request::from_parts(parts.clone(), body);
        let Ok(bytes) = Bytes::from_request(limited, state).await else { return Ok(Self(None)) };
        // If text that is not UTF-8 were accepted, two different passwords could become the same text.
        let is_text = |(_, value): (_, Cow<'_, str>)| !value.contains(char::REPLACEMENT_CHARACTER);
        if !form_urlencoded::parse(&bytes).all(is_text) {
            return Ok(Self(None));
        }
        let form = Form::from_request(Request::from_parts(parts, bytes.into()), state).await;
        Ok(Self(form.ok().map(|Form(form)| form)))
    }
}

/// A fault of a field of a form: the key of a text, and the numbers in it.
#[derive(Clone, Copy)]
pub(super) struct FieldError {
    pub(super) key: &'static str,
    /// The limit of a length.
    pub(super) limit: Option<usize>,
    /// The length.
    pub(super) actual: Option<usize>,
}

/// All faults of one field of a form.
#[derive(Default)]
pub(super) struct FieldErrors(pub(super) Vec<FieldError>);

impl FieldErrors {
    pub(super) fn one(key: &'static str) -> Self {
        Self(vec![FieldError { key, limit: None, actual: None }])
    }

    /// Those of a field, as an operation names them.
    pub(super) fn of(error: Option<&AuthError>, field: Field) -> Self {
        let Some(AuthError::Invalid(violations)) = error else { return Self::default() };
        let found = violations.iter().filter(|(of, _)| *of == field);
        Self(found.map(|(_, violation)| violation.into()).collect())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<FieldErrors> for Value {
    fn from(FieldErrors(errors): FieldErrors) -> Self {
        let shown = |FieldError { key, limit, actual }| context! { key, limit, actual };
        errors.into_iter().map(shown).collect()
    }
}

impl From<Violation> for FieldError {
    fn from(violation: Violation) -> Self {
        let key = key(violation);
        if let Violation::TooLong { limit, actual } = violation {
            Self { key, limit: Some(limit), actual: Some(actual) }
        } else if let Violation::PasswordTooShort { limit } = violation {
            Self { key, limit: Some(limit), actual: None }
        } else {
            Self { key, limit: None, actual: None }
        }
    }
}

/// The key of the text for a violation.
fn key(violation: Violation) -> &'static str {
    match violation {
        Violation::Required => "refused_required",
        Violation::EmailMalformed => "refused_email_malformed",
        Violation::EmailTaken => "refused_email_taken",
        Violation::SecondaryEmailTaken => "refused_secondary_email_taken",
        Violation::UsernameMalformed => "refused_username_malformed",
        Violation::UsernameNotOwnEmail => "refused_username_not_own_email",
        Violation::UsernameIsEmail => "refused_username_is_email",
        Violation::UsernameMixedScripts => "refused_username_mixed_scripts",
        Violation::UsernameReserved => "refused_username_reserved",
        Violation::UsernameTaken => "refused_username_taken",
        Violation::UsernameFixed => "refused_username_fixed",
        Violation::TooLong { .. } => "refused_too_long",
        Violation::NullCharacter => "refused_null_character",
        Violation::ControlCharacter => "refused_control_character",
        Violation::PasswordMismatch => "refused_password_mismatch",
        Violation::PasswordLikeUsername => "refused_password_like_username",
        Violation::PasswordLikeFirstName => "refused_password_like_first_name",
        Violation::PasswordLikeLastName => "refused_password_like_last_name",
        Violation::PasswordLikeEmail => "refused_password_like_email",
        Violation::PasswordLikeSite => "refused_password_like_site",
        Violation::PasswordTooShort { .. } => "refused_password_too_short",
        Violation::PasswordTooCommon => "refused_password_too_common",
        Violation::PasswordBreached => "refused_password_breached",
        Violation::PasswordNumeric => "refused_password_numeric",
        Violation::PictureEmpty => "refused_picture_empty",
        Violation::PictureTooLarge => "refused_picture_too_large",
        Violation::PictureDimensions => "refused_picture_dimensions",
        Violation::PictureInvalid => "refused_picture_invalid",
        // No page has the fields of these violations.
        Violation::NotText
        | Violation::NotFlag
        | Violation::NotInFuture
        | Violation::AlreadyVerified => "refused",
    }
}
