//! The codes of failures that are found before the core is called, or for which a dialect has words of its own.

use accounts::error::{AuthError, Violation};
use serde::Serialize;

/// The stable name of a failure, for programs: one of the core's, or one of the list below. It cannot be made of any
/// other text, so a test can compare `docs/api.md` with the whole list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub(crate) struct Code(&'static str);

/// Declares the codes, and the list of them.
macro_rules! codes {
    ($($(#[$about:meta])* $name:ident = $text:literal;)+) => {
        impl Code {
            $($(#[$about])* pub(crate) const $name: Self = Self($text);)+
        }

        /// The codes that the core does not have.
        pub const OWN: &[&str] = &[$($text),+];
    };
}

codes! {
    /// The request is not one that is understood.
    BAD_REQUEST = "bad_request";
    /// A document that is not GraphQL.
    SYNTAX = "syntax";
    /// A document, or a variable, that does not fit the schema.
    VALIDATION = "validation";
    /// A hash without its document.
    PERSISTED_QUERY_NOT_SUPPORTED = "PERSISTED_QUERY_NOT_SUPPORTED";
    /// A document that asks for too much.
    TOO_COMPLEX = "too_complex";
    /// A document with introspection, where that is off.
    INTROSPECTION_OFF = "introspection_off";
    /// A request that cookies authenticate, from a page of another site.
    CROSS_SITE = "cross_site";
    /// A method that the path does not have, or that the operation must not be called by.
    METHOD_NOT_ALLOWED = "method_not_allowed";
    /// A content type that the path does not take.
    UNSUPPORTED_MEDIA_TYPE = "unsupported_media_type";
    /// A body that is larger than bodies may be.
    TOO_LARGE = "too_large";
    /// A body that is not of its content type.
    PARSE_ERROR = "parse_error";
    /// A handler panicked.
    INTERNAL = "internal";
    /// An unknown action.
    UNKNOWN_ACTION = "unknown_action";
    /// A caller of actions that does not know the secret.
    INVALID_ACTION_SECRET = "invalid_action_secret";
    /// SimpleJWT: a token that is not valid.
    TOKEN_NOT_VALID = "token_not_valid";
    /// SimpleJWT: a log-in that failed.
    NO_ACTIVE_ACCOUNT = "no_active_account";
    /// Django REST framework: a request without a token.
    NOT_AUTHENTICATED = "not_authenticated";
    /// Django REST framework: a field that is null.
    NULL = "null";
    /// Django REST framework: a field with white space only.
    BLANK = "blank";
    /// The core's code for inputs that are not valid, where the core is not asked.
    INVALID = "invalid";
    /// The core's code for an object that does not exist, where the core is not called.
    NOT_FOUND = "not_found";
    /// The core's code for an input that is missing, where the core is not asked.
    REQUIRED = "required";
}

impl Code {
    /// The code, as it is written.
    pub(crate) fn as_str(self) -> &'static str {
        self.0
    }
}

impl From<&AuthError> for Code {
    fn from(error: &AuthError) -> Self {
        Self(error.code())
    }
}

impl From<Violation> for Code {
    fn from(violation: Violation) -> Self {
        Self(violation.code())
    }
}
