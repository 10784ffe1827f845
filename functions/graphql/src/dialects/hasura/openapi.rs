//! The answers of the REST paths other than success, for the OpenAPI document. The types of the operations
//! (`operations`) describe inputs and answers of success.
#![expect(dead_code, reason = "some types only describe answers in the OpenAPI document")]

use std::borrow::Cow;

use async_graphql::indexmap::IndexMap;
use serde::Serialize;
use utoipa::{IntoResponses, OpenApi, ToSchema};

use super::action_error::Faults;
use super::operations::Document;
use crate::dialects::problems::{FieldError, LogInRefused, Problem, WithBody};

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

/// The messages about the fields, by the names of the fields.
#[derive(Serialize, ToSchema)]
#[schema(value_type = BTreeMap<String, Vec<String>>)]
pub(super) struct UsersInvalid(IndexMap<&'static str, Vec<Cow<'static, str>>>);

impl From<Faults> for UsersInvalid {
    fn from(faults: Faults) -> Self {
        let messages = |faults: Vec<FieldError>| faults.into_iter().map(|it| it.message).collect();
        Self(faults.into_iter().map(|(name, faults)| (name, messages(faults))).collect())
    }
}

/// A body that is no JSON object, or fields that do not fit.
#[derive(ToSchema)]
#[serde(untagged)]
pub(super) enum UsersBadRequest {
    Invalid(UsersInvalid),
    Problem(Problem),
}

/// The answers for a faulty body. Each operation takes a body.
pub(super) type UsersBody = WithBody<UsersBadRequest>;

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

/// The token is not valid, or was not mailed to the address in the request.
#[derive(IntoResponses)]
#[response(status = 404)]
pub(super) struct UsersMailedToken(Problem);
