//! The answers of the REST paths beside that of success, for the OpenAPI document. The types of the operations
//! (`operations`) describe inputs and answers of success.
#![expect(dead_code, reason = "some types only describe answers in the OpenAPI document")]

use serde::Serialize;
use utoipa::{IntoResponses, OpenApi, ToSchema};

use super::action_error::Faults;
use super::operations::Document;
use crate::dialects::problems::{LogInRefused, Problem};

/// The document of this dialect.
pub(crate) fn openapi() -> utoipa::openapi::OpenApi {
    let mut document = Document::openapi();
    for path in document.paths.paths.values_mut() {
        if let Some(patch) = &mut path.patch {
            // Each method needs an id of its own.
            patch.operation_id = patch.operation_id.take().map(|id| id + "_by_patch");
            patch.summary = Some("The same as by `PUT`: all fields are needed.".to_owned());
        }
    }
    document
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

/// The token is not one of that address, or not alive.
#[derive(IntoResponses)]
#[response(status = 404)]
pub(super) struct UsersMailedToken(Problem);
