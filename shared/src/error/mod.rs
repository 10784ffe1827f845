//! All errors, with the codes and texts that clients see: the one table of messages.

mod field;
mod violation;

use std::fmt;
use std::num::NonZeroU32;

pub use field::Field;
pub use violation::{Violation, Violations};

/// Why an operation was refused, or could not be done.
///
/// `Display` is safe to show to every client. Each front translates with one exhaustive match, so a new variant does
/// not compile until every front has an answer for it. An error that needs no answer of its own is a [`Refusal`].
#[derive(Debug, thiserror::Error)]
pub enum AuthError {
    /// Inputs that do not fit; all of them, not only the first.
    #[error("Some fields are not valid.")]
    Invalid(Violations),
    /// The user does not exist or has no password, or the password is wrong: one answer for all three.
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
    /// The operation wants a proof of the second factor that is [some minutes](crate::model::session::RECENT) old at
    /// most.
    #[error("Please confirm with your second factor.")]
    StepUpRequired,
    /// The object does not exist, or belongs to another user: one answer for both.
    #[error("Not found.")]
    NotFound,
    /// The caller's role does not allow it, or not on that user.
    #[error("You do not have permission to perform this action.")]
    PermissionDenied,
    /// The account's address has not been proven yet.
    #[error("Please verify your account.")]
    NotVerified,
    /// A token that Latchkey did not make, that is of another kind, or that was used, revoked or stolen.
    #[error("Invalid token.")]
    InvalidToken,
    /// A genuine token that has expired.
    #[error("Expired token.")]
    ExpiredToken,
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
    /// A reason for which a front needs only the code and the text.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// An invalid request for a part of a list.
    #[error("{0}")]
    BadPage(BadPage),
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
            Self::StepUpRequired => "step_up_required",
            Self::NotFound => "not_found",
            Self::PermissionDenied => "permission_denied",
            Self::NotVerified => "not_verified",
            Self::InvalidToken => "invalid_token",
            Self::ExpiredToken => "expired_token",
            Self::Throttled { .. } => "throttled",
            Self::Refused(refusal) => refusal.code(),
            Self::BadPage(_) => "invalid_page",
            Self::Unavailable(_) => "unavailable",
        }
    }
}

/// Why an operation was refused, where a front needs only the code and the text to answer. A front that has a better
/// answer for a reason (a page of its own, say) matches this reason by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The user must have a second factor, so the last one stays.
    #[error("You need a second factor here, so you cannot remove the last one.")]
    LastFactor,
    /// The user has that factor already.
    #[error("You have an authenticator app already.")]
    FactorExists,
    /// An answer of an authenticator that is not accepted: one answer for every reason.
    #[error("This passkey was not accepted.")]
    InvalidPasskey,
    /// The user has as many passkeys as a user may have.
    #[error("You have too many passkeys. Please remove one first.")]
    TooManyPasskeys,
    /// The passkey is the user's only way to log in.
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
    /// A member of staff wants to leave, and no other one with this role or a higher one stays.
    #[error("The last of the staff cannot leave.")]
    LastOfStaff,
    /// The account's address was proven before.
    #[error("Account already verified.")]
    AlreadyVerified,
    /// The account has a password, and the link was for setting the first one.
    #[error("Password already set for account.")]
    PasswordAlreadySet,
    /// A one-time code that is wrong, or used, or was never mailed to that address.
    #[error("Invalid code.")]
    InvalidCode,
    /// A one-time code that has expired.
    #[error("Expired code.")]
    ExpiredCode,
    /// A one-time code that was tried too often: the right digits do not help any more.
    #[error("Too many attempts. Please ask for a new code later.")]
    TooManyAttempts,
    /// The site keeps no pictures.
    #[error("This site keeps no pictures.")]
    PicturesOff,
}

impl Refusal {
    fn code(self) -> &'static str {
        match self {
            Self::LastFactor => "last_factor",
            Self::FactorExists => "factor_exists",
            Self::NoSecondFactor => "no_second_factor",
            Self::InvalidPasskey => "invalid_passkey",
            Self::TooManyPasskeys => "too_many_passkeys",
            Self::LastWayIn => "last_way_in",
            Self::PasskeysOff => "passkeys_off",
            Self::EmailTaken => "unique",
            Self::SecondaryEmailRequired => "secondary_email_required",
            Self::LastOfStaff => "last_of_staff",
            Self::AlreadyVerified => "already_verified",
            Self::PasswordAlreadySet => "password_already_set",
            Self::InvalidCode => "invalid_otp",
            Self::ExpiredCode => "expired_otp",
            Self::TooManyAttempts => "too_many_attempts",
            Self::PicturesOff => "pictures_off",
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
    #[error("Requesting {requested} records exceeds the `{argument}` limit of {limit} records.")]
    TooMany {
        /// Which argument: `first` or `last`.
        argument: &'static str,
        /// The number in the request.
        requested: i64,
        /// The most that is allowed.
        limit: usize,
    },
    /// A negative number.
    #[error("`{0}` must not be negative.")]
    Negative(&'static str),
    /// An offset that is larger than the number of rows that a request may skip.
    #[error("`offset` may be {limit} at most, and less with filters. Go on by `after`.")]
    OffsetTooLarge {
        /// The most that is allowed.
        limit: usize,
    },
    /// `offset` together with `before`: an offset counts from the start of a list, so the two contradict each other.
    #[error("`before` and `offset` cannot be given at the same time.")]
    OffsetBefore,
    /// The cursor is of a list that was sorted by age. By now the list is so long that it is sorted by name.
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
