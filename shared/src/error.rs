//! All errors, with the codes and texts that clients see: the one table of messages.

use std::fmt;
use std::num::NonZeroU32;

use crate::model::picture::{MAX_BYTES, MAX_SIDE};

/// Why an operation was refused, or could not be done.
///
/// `Display` is safe to show to every client. Each front translates with one exhaustive match, so a new variant does
/// not compile until every front has an answer for it.
#[derive(Debug, thiserror::Error)]
pub enum AuthError {
    /// Inputs that do not fit; all of them, not only the first.
    #[error("Some fields are not valid.")]
    Invalid(Violations),
    /// No such user, no password, or not that one: one answer for all of it.
    #[error("Please, enter valid credentials.")]
    InvalidCredentials,
    /// The caller is not logged in.
    #[error("Unauthenticated.")]
    Unauthenticated,
    /// The password that confirms an operation of a logged-in user is wrong.
    #[error("Invalid password.")]
    InvalidPassword,
    /// The operation wants the password, or a log-in of the last minutes, and the caller has neither.
    #[error("Please give your password, or log in again.")]
    ReauthenticationRequired,
    /// The first factor is right, and the log-in needs a second one. Nothing is open yet.
    #[error("Please give a code of your second factor.")]
    SecondFactorRequired {
        /// The token of the first step: it goes with the code, for
        /// [some minutes](crate::model::factor::CHALLENGE_LIFETIME), once.
        challenge: String,
    },
    /// The first factor is right, and the user must [have a second one](crate::policy::Policy::second_factor), but has
    /// none. Nothing is open yet.
    #[error("Please set up a second factor to log in.")]
    SecondFactorSetupRequired {
        /// The token of the first step: with it, the user adds the factor, within
        /// [some minutes](crate::model::factor::ENROLMENT_LIFETIME), once.
        challenge: String,
    },
    /// The user must have a second factor, so the last one stays.
    #[error("You need a second factor here, so you cannot remove the last one.")]
    LastFactor,
    /// The operation wants a proof of the second factor that is [some minutes](crate::model::session::RECENT) old at
    /// most.
    #[error("Please confirm with your second factor.")]
    StepUpRequired,
    /// The user has that factor already.
    #[error("You have an authenticator app already.")]
    FactorExists,
    /// An answer of an authenticator that is not accepted: one answer for every reason.
    #[error("This passkey was not accepted.")]
    InvalidPasskey,
    /// The user has as many passkeys as a user may have.
    #[error("You have too many passkeys. Please remove one first.")]
    TooManyPasskeys,
    /// Without it, the user could not log in any more.
    #[error("You have no password, so you need this passkey to log in.")]
    LastWayIn,
    /// The address of the site is one for which browsers have no passkeys.
    #[error("This site has no passkeys.")]
    PasskeysOff,
    /// The user does not have that factor.
    #[error("You have no second factor.")]
    NoSecondFactor,
    /// An account has the address now.
    #[error("A user with that email already exists.")]
    EmailTaken,
    /// The account has one address only.
    #[error("You need to setup a secondary email to proceed.")]
    SecondaryEmailRequired,
    /// One of the staff cannot leave without another who stays.
    #[error("The last of the staff cannot leave.")]
    LastOfStaff,
    /// The object does not exist, or belongs to another user: one answer for both.
    #[error("Not found.")]
    NotFound,
    /// The caller's role does not allow it, or not on that user.
    #[error("You do not have permission to perform this action.")]
    PermissionDenied,
    /// The account's address has not been proven yet.
    #[error("Please verify your account.")]
    NotVerified,
    /// The account's address was proven before.
    #[error("Account already verified.")]
    AlreadyVerified,
    /// The account has a password, and the link was for setting the first one.
    #[error("Password already set for account.")]
    PasswordAlreadySet,
    /// A token that Latchkey did not make, that is of another kind, or that was used, revoked or stolen.
    #[error("Invalid token.")]
    InvalidToken,
    /// A genuine token that has expired.
    #[error("Expired token.")]
    ExpiredToken,
    /// A one-time code that is wrong, or used, or was never mailed to that address.
    #[error("Invalid code.")]
    InvalidCode,
    /// A one-time code that has expired.
    #[error("Expired code.")]
    ExpiredCode,
    /// A one-time code that was tried too often: the right digits do not help any more.
    #[error("Too many attempts. Please ask for a new code later.")]
    TooManyAttempts,
    /// A limit was reached: by this caller, by others at the same account, or by all together.
    #[error("{limited}")]
    Throttled {
        /// In how many seconds it may be tried again.
        retry_after: NonZeroU32,
        /// The challenge whose [proof of work](crate::crypto::work) lets the attempt go on at once, if there is one.
        challenge: Option<String>,
        /// What was limited.
        limited: Limited,
    },
    /// An invalid request for a part of a list.
    #[error("{0}")]
    BadPage(BadPage),
    /// The site keeps no pictures.
    #[error("This site keeps no pictures.")]
    PicturesOff,
    /// A service that we depend on did not answer. Nothing was half done; trying again is safe.
    #[error("The service is not available at the moment. Please try again.")]
    Unavailable(#[source] Unavailable),
}

impl AuthError {
    /// The stable name of the error, the same in every dialect.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Invalid(_) => "invalid",
            Self::InvalidCredentials => "invalid_credentials",
            Self::Unauthenticated => "unauthenticated",
            Self::InvalidPassword => "invalid_password",
            Self::ReauthenticationRequired => "reauthentication_required",
            Self::SecondFactorRequired { .. } => "second_factor_required",
            Self::SecondFactorSetupRequired { .. } => "second_factor_setup_required",
            Self::LastFactor => "last_factor",
            Self::StepUpRequired => "step_up_required",
            Self::FactorExists => "factor_exists",
            Self::NoSecondFactor => "no_second_factor",
            Self::InvalidPasskey => "invalid_passkey",
            Self::TooManyPasskeys => "too_many_passkeys",
            Self::LastWayIn => "last_way_in",
            Self::PasskeysOff => "passkeys_off",
            Self::EmailTaken => "unique",
            Self::SecondaryEmailRequired => "secondary_email_required",
            Self::LastOfStaff => "last_of_staff",
            Self::NotFound => "not_found",
            Self::PermissionDenied => "permission_denied",
            Self::NotVerified => "not_verified",
            Self::AlreadyVerified => "already_verified",
            Self::PasswordAlreadySet => "password_already_set",
            Self::InvalidToken => "invalid_token",
            Self::ExpiredToken => "expired_token",
            Self::InvalidCode => "invalid_otp",
            Self::ExpiredCode => "expired_otp",
            Self::TooManyAttempts => "too_many_attempts",
            Self::Throttled { .. } => "throttled",
            Self::BadPage(_) => "invalid_page",
            Self::PicturesOff => "pictures_off",
            Self::Unavailable(_) => "unavailable",
        }
    }
}

/// What a limit is of. Each has its text for users.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Limited {
    /// Wrong passwords of an account, on a device or in a session: a password reset ends the lock.
    #[error("Too many attempts. Please try again later, or reset your password.")]
    Guesses,
    /// Wrong passwords from a network. A password reset does not end that lock.
    #[error(
        "Too many attempts from your network. Please try again later, or from another network."
    )]
    Network,
    /// Wrong codes of the second factor of a user.
    #[error("Too many wrong codes. Please try again later.")]
    SecondFactor,
    /// Codes of one address.
    #[error(
        "Too many codes for this address. Please use the link in the mail, or try again later."
    )]
    Codes,
    /// Requests that make an account, send mail or try a code.
    #[error("Too many requests. Please try again later.")]
    Requests,
}

/// A wrong request for a part of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadPage {
    /// More rows than a page may have.
    #[error("Requesting {asked} records exceeds the `{argument}` limit of {limit} records.")]
    TooMany {
        /// Which argument: `first` or `last`.
        argument: &'static str,
        /// The number in the request.
        asked: i64,
        /// The most that is allowed.
        limit: usize,
    },
    /// Less than nothing.
    #[error("`{0}` must not be negative.")]
    Negative(&'static str),
    /// More rows to pass over than are read for it.
    #[error("`offset` may be {limit} at most, and less with filters. Go on by `after`.")]
    OffsetTooLarge {
        /// The most that is allowed.
        limit: usize,
    },
    /// Counting on from the start, and up to a place: where would it begin?
    #[error("`before` and `offset` cannot be given at the same time.")]
    OffsetBefore,
    /// A place in a list that is much longer, and in another order.
    #[error("The cursor belongs to another list.")]
    OtherList,
    /// The end lies before the start.
    #[error("`before` must be a place behind `after`.")]
    EndBeforeStart,
    /// U+0000 in a filter.
    #[error("Null characters are not allowed.")]
    NullCharacter,
}

/// An error with all its sources, for the log: written once, where it becomes a response.
#[derive(Debug)]
pub struct Report<'a>(pub &'a AuthError);

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut source = std::error::Error::source(self.0);
        while let Some(error) = source {
            write!(f, ": {error}")?;
            source = error.source();
        }
        Ok(())
    }
}

/// The error of a dependency that failed. For the log, never for a client.
pub type Unavailable = Box<dyn std::error::Error + Send + Sync>;

/// An input that can be refused on its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Field {
    /// An e-mail address.
    Email,
    /// A username.
    Username,
    /// A new password.
    Password,
    /// A first name.
    FirstName,
    /// A last name.
    LastName,
    /// The user's position in an organisation.
    Position,
    /// The user's department in an organisation.
    Department,
    /// The new password once more, on the wires that ask for it twice.
    PasswordConfirmation,
    /// A profile picture.
    ProfilePicture,
    /// The reason that staff give.
    Reason,
    /// The end of a ban.
    Until,
    /// The name of a passkey.
    PasskeyName,
}

impl Field {
    /// Whether it is one of the entries of a new password. Each wire has its own names for them.
    pub fn is_password(self) -> bool {
        matches!(self, Self::Password | Self::PasswordConfirmation)
    }

    /// The name, in snake case.
    pub fn snake(self) -> &'static str {
        self.names().0
    }

    /// The name, in camel case.
    pub fn camel(self) -> &'static str {
        self.names().1
    }

    fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Email => ("email", "email"),
            Self::Username => ("username", "username"),
            Self::Password => ("password", "password"),
            Self::FirstName => ("first_name", "firstName"),
            Self::LastName => ("last_name", "lastName"),
            Self::Position => ("position", "position"),
            Self::Department => ("department", "department"),
            Self::PasswordConfirmation => ("password_confirmation", "passwordConfirmation"),
            Self::ProfilePicture => ("profile_picture", "profilePicture"),
            Self::Reason => ("reason", "reason"),
            Self::Until => ("until", "until"),
            Self::PasskeyName => ("name", "name"),
        }
    }
}

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
    /// Another account has this address as its second one, or it was to become a second one.
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
