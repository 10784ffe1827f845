//! What is wrong with an input.

use std::fmt;

use super::{AuthError, Field};
use crate::model::picture::{MAX_BYTES, MAX_SIDE};

/// A fault of one input. The rules and their texts are Django's, to the letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Violation {
    /// Nothing was given.
    Required,
    /// Something else than text, on the wires that have other things.
    NotText,
    /// Something else than true or false.
    NotFlag,
    /// Not an e-mail address.
    EmailMalformed,
    /// Characters that a username may not have.
    UsernameMalformed,
    /// A username with an `@` that is not an address of its owner.
    UsernameNotOwnEmail,
    /// A username with an `@`, where accounts are concealed: usernames are public, and addresses are not.
    UsernameIsEmail,
    /// A username whose letters come from several scripts.
    UsernameMixedScripts,
    /// A username that the site keeps for itself.
    UsernameReserved,
    /// Longer than `limit` code points.
    TooLong {
        /// The most that is allowed.
        limit: usize,
        /// The length of the input.
        actual: usize,
    },
    /// U+0000 in it.
    NullCharacter,
    /// A control character, or a mark that overrides the direction of writing.
    ControlCharacter,
    /// A moment that has passed.
    NotInFuture,
    /// The account of that address was verified before.
    AlreadyVerified,
    /// Another account has this address.
    EmailTaken,
    /// Another account has this address as its second one. Or another account has the address, and the user asked for
    /// it as a second one.
    SecondaryEmailTaken,
    /// Another account has this username.
    UsernameTaken,
    /// The account keeps its username.
    UsernameFixed,
    /// The two passwords differ.
    PasswordMismatch,
    /// Too much like the username.
    PasswordLikeUsername,
    /// Too much like the first name.
    PasswordLikeFirstName,
    /// Too much like the last name.
    PasswordLikeLastName,
    /// Too much like the address.
    PasswordLikeEmail,
    /// Too much like the name of the site, or the host that it is at.
    PasswordLikeSite,
    /// Fewer than `limit` code points.
    PasswordTooShort {
        /// The fewest that the site allows.
        limit: usize,
    },
    /// On the list of common passwords.
    PasswordTooCommon,
    /// Known from a breach.
    PasswordBreached,
    /// Digits only.
    PasswordNumeric,
    /// A file without a byte.
    PictureEmpty,
    /// More than [`MAX_BYTES`].
    PictureTooLarge,
    /// More than [`MAX_SIDE`] pixels on a side.
    PictureDimensions,
    /// No picture, one of another format, or a broken one.
    PictureInvalid,
}

impl Violation {
    /// The stable name of the violation.
    pub fn code(self) -> &'static str {
        match self {
            Self::Required => "required",
            Self::NotText | Self::NotFlag | Self::EmailMalformed | Self::UsernameMalformed => {
                "invalid"
            }
            Self::TooLong { .. } => "max_length",
            Self::NullCharacter => "null_characters_not_allowed",
            Self::ControlCharacter => "control_characters_not_allowed",
            Self::NotInFuture => "not_in_future",
            Self::UsernameNotOwnEmail => "username_not_own_email",
            Self::UsernameIsEmail => "username_is_email",
            Self::UsernameMixedScripts => "username_mixed_scripts",
            Self::UsernameReserved => "username_reserved",
            Self::AlreadyVerified => "already_verified",
            Self::EmailTaken | Self::SecondaryEmailTaken | Self::UsernameTaken => "unique",
            Self::UsernameFixed => "username_fixed",
            Self::PasswordMismatch => "password_mismatch",
            Self::PasswordLikeUsername
            | Self::PasswordLikeFirstName
            | Self::PasswordLikeLastName
            | Self::PasswordLikeEmail
            | Self::PasswordLikeSite => "password_too_similar",
            Self::PasswordTooShort { .. } => "password_too_short",
            Self::PasswordTooCommon => "password_too_common",
            Self::PasswordBreached => "password_breached",
            Self::PasswordNumeric => "password_entirely_numeric",
            Self::PictureEmpty => "picture_empty",
            Self::PictureTooLarge => "picture_too_large",
            Self::PictureDimensions => "picture_dimensions",
            Self::PictureInvalid => "picture_invalid",
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Required => "This field is required.",
            Self::NotText => "Not a valid string.",
            Self::NotFlag => "Must be a valid boolean.",
            Self::EmailMalformed => "Enter a valid email address.",
            Self::UsernameMalformed => {
                "Enter a valid username. This value may contain only letters, numbers, and \
                 @/./+/-/_ characters."
            }
            Self::TooLong { limit, actual } => {
                return write!(
                    f,
                    "Ensure this value has at most {limit} characters (it has {actual})."
                );
            }
            Self::NullCharacter => "Null characters are not allowed.",
            Self::ControlCharacter => "Control characters are not allowed.",
            Self::NotInFuture => "Enter a time in the future.",
            Self::UsernameNotOwnEmail => "A username with an @ must be your own email address.",
            Self::UsernameIsEmail => "A username must not contain an @.",
            Self::UsernameMixedScripts => "A username must not mix letters of different scripts.",
            Self::UsernameReserved => "This username is reserved.",
            Self::AlreadyVerified => "Account already verified.",
            Self::EmailTaken => "User with this Email address already exists.",
            Self::SecondaryEmailTaken => "A user with that email already exists.",
            Self::UsernameTaken => "A user with that username already exists.",
            Self::UsernameFixed => "The username of this account cannot be changed.",
            Self::PasswordMismatch => "The two password fields didn’t match.",
            Self::PasswordLikeUsername => "The password is too similar to the username.",
            Self::PasswordLikeFirstName => "The password is too similar to the first name.",
            Self::PasswordLikeLastName => "The password is too similar to the last name.",
            Self::PasswordLikeEmail => "The password is too similar to the email address.",
            Self::PasswordLikeSite => "The password is too similar to the name of this site.",
            Self::PasswordTooShort { limit } => {
                return write!(
                    f,
                    "This password is too short. It must contain at least {limit} characters."
                );
            }
            Self::PasswordTooCommon => "This password is too common.",
            Self::PasswordBreached => {
                "This password is known from a breach of another site. Please choose another one."
            }
            Self::PasswordNumeric => "This password is entirely numeric.",
            Self::PictureEmpty => "The submitted file is empty.",
            Self::PictureTooLarge => {
                let limit = MAX_BYTES / (1024 * 1024);
                return write!(f, "Ensure this picture has at most {limit} MiB.");
            }
            Self::PictureDimensions => {
                return write!(
                    f,
                    "Ensure this picture has at most {MAX_SIDE} × {MAX_SIDE} pixels."
                );
            }
            Self::PictureInvalid => {
                "Upload a PNG, JPEG, WebP or GIF picture. The file you uploaded was either not one \
                 of them or a corrupted one."
            }
        })
    }
}

/// All that is wrong with the inputs of one call, in the order in which it was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Violations(Vec<(Field, Violation)>);

impl Violations {
    /// The violations of one field only.
    pub fn of(field: Field, found: impl IntoIterator<Item = Violation>) -> Self {
        Self(found.into_iter().map(|violation| (field, violation)).collect())
    }

    /// Notes one more.
    pub fn add(&mut self, field: Field, violation: Violation) {
        self.0.push((field, violation));
    }

    /// Notes several about one field.
    pub fn add_all(&mut self, field: Field, violations: impl IntoIterator<Item = Violation>) {
        self.0.extend(violations.into_iter().map(|violation| (field, violation)));
    }

    /// Whether there are no violations.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether there is a violation, and each is that one.
    pub fn are_all(&self, violation: Violation) -> bool {
        !self.is_empty() && self.0.iter().all(|(_, found)| *found == violation)
    }

    /// Each field with its violations.
    pub fn iter(&self) -> impl Iterator<Item = (Field, Violation)> + '_ {
        self.0.iter().copied()
    }
}

impl From<Violations> for AuthError {
    fn from(violations: Violations) -> Self {
        Self::Invalid(violations)
    }
}
