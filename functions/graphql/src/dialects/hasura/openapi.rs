//! The OpenAPI document of the REST paths, with their errors. The types of the operations (`operations`) describe
//! inputs and answers.
#![expect(dead_code, reason = "describes errors, which `action_error.rs` writes")]

use std::collections::BTreeMap;

use utoipa::{IntoResponses, OpenApi, ToSchema};

use super::rest;
use crate::panics::InternalError;

/// The document of this dialect.
pub(crate) fn openapi() -> utoipa::openapi::OpenApi {
    Document::openapi()
}

#[derive(OpenApi)]
#[openapi(
    paths(
        rest::register,
        rest::log_in,
        rest::refresh,
        rest::change_password,
        rest::patch_password,
        rest::reset_password,
        rest::validate_reset,
        rest::confirm_reset,
    ),
    components(schemas(InternalError, UsersBadRequest, UsersInvalid, UsersProblem, UsersThrottled)),
    tags((
        name = "users",
        description = "What Hasura actions call of Django REST framework with SimpleJWT. The slash at the end \
                       of a path may be left out."
    ))
)]
struct Document;

/// Why a request was not done.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct UsersProblem {
    /// For people.
    detail: String,
    /// For programs: the same for ever.
    code: String,
}

/// The faults, by the names of the fields.
#[derive(ToSchema)]
pub(super) struct UsersInvalid(BTreeMap<String, Vec<String>>);

/// A body that is no JSON object, or fields that do not fit.
#[derive(ToSchema)]
#[serde(untagged)]
pub(super) enum UsersBadRequest {
    Invalid(UsersInvalid),
    Problem(UsersProblem),
}

/// Why nothing was tried.
#[derive(ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct UsersThrottled {
    /// For people.
    detail: String,
    /// `throttled`
    code: String,
    /// In how many seconds it may be tried again: the same as in the header `Retry-After`.
    #[schema(minimum = 1)]
    retry_after: u32,
    /// The challenge whose proof of work lets the attempt go on at once, if there is one.
    #[schema(nullable = false)]
    challenge: Option<String>,
}

/// The answers that every operation may give.
#[derive(IntoResponses)]
pub(super) enum UsersAlways {
    /// The body is no JSON object, or fields of it do not fit.
    #[response(status = 400)]
    BadRequest(UsersBadRequest),
    /// The body has more than 64 KiB.
    #[response(status = 413)]
    TooLarge(UsersProblem),
    /// The body is not JSON.
    #[response(status = 415)]
    UnsupportedType(UsersProblem),
    /// An internal error. The operation may be half done. `request_id` leads to the log.
    #[response(status = 500)]
    Broken(InternalError),
    /// A service that we depend on did not answer. Nothing was half done; trying again is safe.
    #[response(status = 503)]
    Unavailable(UsersProblem),
}

/// The further answers of an operation that takes credentials or a token.
#[derive(IntoResponses)]
pub(super) enum UsersProof {
    /// The credentials or the token are wrong, or not valid any more, or the account is not verified.
    #[response(status = 401, headers(("WWW-Authenticate" = String, description = "`Bearer realm=\"api\"`")))]
    Unauthorized(UsersProblem),
}

/// The further answers of an operation that asks for a password.
#[derive(IntoResponses)]
pub(super) enum UsersPassword {
    /// Passwords were tried in vain too often. Do not log the user out: sessions go on.
    #[response(status = 429, headers(("Retry-After" = u32, description = "In how many seconds it may be tried again.")))]
    Throttled(UsersThrottled),
}

/// The further answers of an operation that makes an account or sends mail.
#[derive(IntoResponses)]
pub(super) enum UsersCost {
    /// There were too many such requests from the caller's network, or too many mails to new addresses.
    #[response(status = 429, headers(("Retry-After" = u32, description = "In how many seconds it may be tried again.")))]
    Throttled(UsersThrottled),
}
