//! The OpenAPI document of the REST paths, with their errors. The types of the operations (`operations`) describe
//! inputs and answers.
#![expect(dead_code, reason = "describes the answers that a status tells apart")]

use serde::Serialize;
use utoipa::{IntoResponses, OpenApi, ToSchema};

use super::action_error::Faults;
use super::rest;
use crate::codes::Code;
use crate::panics::InternalError;

/// The document of this dialect.
pub(crate) fn openapi() -> utoipa::openapi::OpenApi {
    Document::openapi()
}

#[derive(OpenApi)]
#[openapi(
    paths(
        rest::users_register,
        rest::users_log_in,
        rest::users_complete_log_in,
        rest::users_send_log_in,
        rest::users_log_in_by_mail,
        rest::users_show_log_in_code,
        rest::users_refresh,
        rest::users_change_password,
        rest::users_patch_password,
        rest::users_reset_password,
        rest::users_validate_reset,
        rest::users_confirm_reset,
    ),
    components(schemas(
        InternalError,
        UsersBadRequest,
        UsersInvalid,
        UsersLogInRefused,
        UsersProblem,
        UsersSecondFactorRequired,
        UsersThrottled
    )),
    tags((
        name = "users",
        description = "The paths of Django REST framework with SimpleJWT that Hasura actions call. The slash at \
                       the end of a path may be left out."
    ))
)]
struct Document;

/// Why a request was not done.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct UsersProblem {
    /// For people.
    pub(super) detail: String,
    /// For programs: the same for ever.
    #[schema(value_type = String)]
    pub(super) code: Code,
}

/// The faults, by the names of the fields.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(value_type = BTreeMap<String, Vec<String>>)]
pub(super) struct UsersInvalid(pub(super) Faults);

/// A body that is no JSON object, or fields that do not fit.
#[derive(ToSchema)]
#[serde(untagged)]
pub(super) enum UsersBadRequest {
    Invalid(UsersInvalid),
    Problem(UsersProblem),
}

/// Why nothing was tried.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct UsersThrottled {
    /// For people.
    pub(super) detail: String,
    /// `throttled`
    #[schema(value_type = String)]
    pub(super) code: Code,
    /// In how many seconds it may be tried again: the same as in the header `Retry-After`.
    #[serde(rename = "retryAfter")]
    #[schema(minimum = 1)]
    pub(super) retry_after: u32,
    /// The challenge whose proof of work lets the attempt go on at once, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(super) challenge: Option<String>,
}

/// The first step of a log-in is done, and the second one is needed; or the user must add a second factor first.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct UsersSecondFactorRequired {
    /// For people.
    pub(super) detail: String,
    /// `second_factor_required` or `second_factor_setup_required`
    #[schema(value_type = String)]
    pub(super) code: Code,
    /// For `/users/login/second-factor/`, within ten minutes. With `second_factor_setup_required`, for
    /// `/api/accounts/app/begin/` and `/api/accounts/app/add/`, or `/api/accounts/passkeys/begin/` and
    /// `/api/accounts/passkeys/add/`, within 15 minutes.
    pub(super) challenge: String,
}

/// Why a log-in opened no session.
#[derive(ToSchema)]
#[serde(untagged)]
pub(super) enum UsersLogInRefused {
    SecondFactorRequired(UsersSecondFactorRequired),
    Problem(UsersProblem),
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

/// The credentials or the token are wrong, or not valid any more, or the account is not verified.
#[derive(IntoResponses)]
#[response(status = 401, headers(("WWW-Authenticate" = String, description = "`Bearer realm=\"api\"`")))]
pub(super) struct UsersProof(UsersProblem);

/// The credentials are wrong, or the account is not verified; or the credentials are right, and the user has a second
/// factor.
#[derive(IntoResponses)]
#[response(status = 401, headers(("WWW-Authenticate" = String, description = "`Bearer realm=\"api\"`")))]
pub(super) struct UsersLogIn(UsersLogInRefused);

/// The user has a second factor, and has not proven it in the last five minutes.
#[derive(IntoResponses)]
#[response(status = 403)]
pub(super) struct UsersStepUp(UsersProblem);

/// There were too many wrong passwords or codes. Do not log the user out: sessions go on.
#[derive(IntoResponses)]
#[response(status = 429, headers(("Retry-After" = u32, description = "In how many seconds it may be tried again.")))]
pub(super) struct UsersPassword(UsersThrottled);

/// There were too many such requests from the caller's network, or too many mails to new addresses.
#[derive(IntoResponses)]
#[response(status = 429, headers(("Retry-After" = u32, description = "In how many seconds it may be tried again.")))]
pub(super) struct UsersCost(UsersThrottled);
