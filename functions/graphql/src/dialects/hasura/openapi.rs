//! The OpenAPI document of the REST paths, with their errors. The types of the operations (`operations`) describe
//! inputs and answers.
#![expect(dead_code, reason = "some types only describe answers in the OpenAPI document")]

use serde::Serialize;
use utoipa::{IntoResponses, OpenApi, ToSchema};

use super::action_error::Faults;
use super::rest;
use crate::dialects::problems::{LogInRefused, Problem};

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
    components(schemas(UsersBadRequest, UsersInvalid)),
    tags((
        name = "users",
        description = "The paths of Django REST framework with SimpleJWT that Hasura actions call. The slash at \
                       the end of a path may be left out."
    ))
)]
struct Document;

/// The faults, by the names of the fields.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(value_type = BTreeMap<String, Vec<String>>)]
pub(super) struct UsersInvalid(pub(super) Faults);

/// A body that is no JSON object, or fields that do not fit.
#[derive(ToSchema)]
#[serde(untagged)]
pub(super) enum UsersBadRequest {
    Invalid(UsersInvalid),
    Problem(Problem),
}

/// The further answers of an operation.
#[derive(IntoResponses)]
pub(super) enum UsersBody {
    /// The body is no JSON object, or fields of it do not fit.
    #[response(status = 400)]
    BadRequest(UsersBadRequest),
    /// The body has more than 64 KiB.
    #[response(status = 413)]
    TooLarge(Problem),
    /// The body is not JSON.
    #[response(status = 415)]
    UnsupportedType(Problem),
}

/// The credentials or the token are wrong, or not valid any more, or the account is not verified.
#[derive(IntoResponses)]
#[response(status = 401, headers(("WWW-Authenticate" = String, description = "`Bearer realm=\"api\"`")))]
pub(super) struct UsersProof(Problem);

/// The credentials are wrong, or the account is not verified; or the credentials are right, and the user has a second
/// factor, or must add one.
#[derive(IntoResponses)]
#[response(status = 401, headers(("WWW-Authenticate" = String, description = "`Bearer realm=\"api\"`")))]
pub(super) struct UsersLogIn(LogInRefused);

/// The user has a second factor, and has not proven it in the last five minutes.
#[derive(IntoResponses)]
#[response(status = 403)]
pub(super) struct UsersStepUp(Problem);
