//! The caller: the user whose access token is in the `Authorization` header. A token that is not valid is an error,
//! not an anonymous caller: clients refresh when they see it.

use accounts::Accounts;
use accounts::accounts::Caller;
use accounts::error::AuthError;
use axum::http::request::Parts;

use super::failure::Failure;
use crate::caller::RequestCaller;

/// The caller of a request that needs one.
pub(super) async fn caller(accounts: &Accounts, request: &Parts) -> Result<Caller, Failure> {
    let request = RequestCaller::by_header(accounts.clone(), request);
    let asked = request.authenticate().await;
    asked.map_err(|error| failure(&request, error))
}

/// The same, as an operation of its own.
pub(super) async fn me(accounts: &Accounts, request: &Parts) -> Result<Caller, Failure> {
    let request = RequestCaller::by_header(accounts.clone(), request);
    let asked = accounts.me(async { request.authenticate().await.map(Some) }).await;
    let found = asked.and_then(|caller| caller.ok_or(AuthError::Unauthenticated));
    found.map_err(|error| failure(&request, error))
}

fn failure(request: &RequestCaller, error: AuthError) -> Failure {
    if request.has_token() { Failure::AccessToken(error) } else { Failure::NoToken }
}
