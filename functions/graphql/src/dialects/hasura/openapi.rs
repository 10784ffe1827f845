//! What the OpenAPI document says of the REST paths: what they take, what they answer, how they refuse. The
//! operations read and write these forms themselves (`operations.rs`); the types here only describe them.
#![expect(dead_code, reason = "describes what operations take and answer")]

use std::collections::BTreeMap;

use utoipa::{IntoResponses, OpenApi, ToSchema};

use super::rest;
use crate::panics::InternalError;

/// What the document says of this dialect.
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
    components(schemas(InternalError, UsersBadRequest, UsersInvalid, UsersProblem)),
    tags((
        name = "users",
        description = "What Hasura actions call of Django REST framework with SimpleJWT. The slash at the end \
                       of a path may be left out."
    ))
)]
struct Document;

#[derive(ToSchema)]
pub(super) struct UsersRegister {
    /// At most 150 characters, less the space around it.
    #[schema(pattern = r"\S")]
    username: String,
    #[schema(format = "email", min_length = 1)]
    email: String,
    #[schema(format = "password", min_length = 8, max_length = 256)]
    password: String,
}

/// A new account.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct UsersRegistered {
    id: String,
    username: String,
    email: String,
    /// Null where the site gives no tokens out at registration.
    #[schema(required)]
    tokens: Option<UsersPair>,
}

#[derive(ToSchema)]
pub(super) struct UsersLogIn {
    #[schema(pattern = r"\S")]
    username: String,
    #[schema(format = "password", pattern = r"\S")]
    password: String,
}

/// The tokens of a session.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct UsersPair {
    /// Good for a short time, shown with each request.
    access: String,
    /// Gets the next access token.
    refresh: String,
}

#[derive(ToSchema)]
pub(super) struct UsersRefresh {
    #[schema(pattern = r"\S")]
    refresh: String,
}

/// The next access token.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct UsersFresh {
    access: String,
    /// The refresh token to go on with, if it is another one.
    #[schema(nullable = false)]
    refresh: Option<String>,
}

#[derive(ToSchema)]
pub(super) struct UsersChangePassword {
    #[schema(format = "password", pattern = r"\S")]
    old_password: String,
    #[schema(format = "password", min_length = 8, max_length = 256)]
    new_password: String,
}

/// The answer to another password.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct UsersPasswordChanged {
    /// `OK`
    status: String,
    /// 200
    code: i32,
    /// For people.
    message: String,
}

#[derive(ToSchema)]
pub(super) struct UsersReset {
    #[schema(format = "email", min_length = 1)]
    email: String,
}

#[derive(ToSchema)]
pub(super) struct UsersResetValidate {
    #[schema(format = "email", min_length = 1)]
    email: String,
    /// From the link in the mail.
    #[schema(pattern = r"\S")]
    token: String,
}

#[derive(ToSchema)]
pub(super) struct UsersResetConfirm {
    #[schema(format = "email", min_length = 1)]
    email: String,
    /// From the link in the mail.
    #[schema(pattern = r"\S")]
    token: String,
    #[schema(format = "password", min_length = 8, max_length = 256)]
    password: String,
}

/// It is done.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct UsersDone {
    /// `OK`
    status: String,
}

/// Why a request was not done.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct UsersProblem {
    /// For people.
    detail: String,
    /// For programs: the same for ever.
    code: String,
}

/// What is wrong, by the names of the fields.
#[derive(ToSchema)]
pub(super) struct UsersInvalid(BTreeMap<String, Vec<String>>);

/// A body that is no JSON object, or fields that do not fit.
#[derive(ToSchema)]
#[serde(untagged)]
pub(super) enum UsersBadRequest {
    Invalid(UsersInvalid),
    Problem(UsersProblem),
}

/// What any operation may answer.
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
    /// It broke, and nobody knows at what point. `request_id` leads to the log.
    #[response(status = 500)]
    Broken(InternalError),
    /// A service that we depend on did not answer. Nothing was half done; trying again is safe.
    #[response(status = 503)]
    Unavailable(UsersProblem),
}

/// What an operation may answer that asks who somebody is.
#[derive(IntoResponses)]
pub(super) enum UsersProof {
    /// Nobody is logged in with that, it is not valid any more, or the account is not verified.
    #[response(status = 401, headers(("WWW-Authenticate" = String, description = "`Bearer realm=\"api\"`")))]
    Unauthorized(UsersProblem),
}
