//! The caller: the user whose access token is in the `Authorization` header. A token that is not valid is an error,
//! not an anonymous caller: clients refresh when they see it.

use accounts::Accounts;
use accounts::error::AuthError;
use accounts::operations::Caller;
use axum::http::request::Parts;

use super::api_error::ApiError;
use crate::caller::RequestCaller;

/// The caller of a request that needs one.
pub(super) async fn caller(accounts: &Accounts, request: &Parts) -> Result<Caller, ApiError> {
    let request = RequestCaller::by_header(accounts.clone(), request);
    let asked = request.authenticate().await;
    asked.map_err(|error| api_error(&request, error))
}

/// The same, as an operation of its own.
pub(super) async fn me(accounts: &Accounts, request: &Parts) -> Result<Caller, ApiError> {
    let request = RequestCaller::by_header(accounts.clone(), request);
    let asked = accounts.me(async { request.authenticate().await.map(Some) }).await;
    let found = asked.and_then(|caller| caller.ok_or(AuthError::Unauthenticated));
    found.map_err(|error| api_error(&request, error))
}

fn api_error(request: &RequestCaller, error: AuthError) -> ApiError {
    if request.has_token() { ApiError::AccessToken(error) } else { ApiError::NoToken }
}
