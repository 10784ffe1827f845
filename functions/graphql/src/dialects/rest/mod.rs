//! The dialect of Django REST framework with SimpleJWT: JSON over plain HTTP below `/api/accounts`, and
//! one-time codes.

mod addresses;
mod failure;
mod form;
mod log_in;
mod me;
mod sign_up;
mod tokens;

use axum::routing::{get, post};
use utoipa::OpenApi;

use crate::Route;
use crate::requests::in_dialect;

/// Each path with what it answers to; without the slash at its end, it is the same.
fn table() -> [Route; 8] {
    [
        ("/api/accounts/signup/", post(sign_up::sign_up)),
        ("/api/accounts/login/", post(log_in::log_in)),
        ("/api/accounts/me/", get(me::show).patch(me::change)),
        ("/api/accounts/token/refresh/", post(tokens::refresh)),
        ("/api/accounts/token/verify/", post(tokens::verify)),
        ("/api/accounts/logout/", post(tokens::log_out)),
        ("/api/accounts/send-otp/", post(addresses::send_otp)),
        ("/api/accounts/verify-email/", post(addresses::verify_email)),
    ]
}

/// The routes.
pub(crate) fn routes() -> impl Iterator<Item = Route> {
    let whole = |(path, methods): Route| (path, methods.fallback(failure::wrong_method));
    table().into_iter().map(move |route| in_dialect("rest", whole(route)))
}

/// The paths of the routes, as the document has them.
pub(crate) fn paths() -> impl Iterator<Item = &'static str> {
    table().into_iter().map(|(path, _)| path)
}

/// What the document says of this dialect.
pub(crate) fn openapi() -> utoipa::openapi::OpenApi {
    Document::openapi()
}

#[derive(OpenApi)]
#[openapi(
    paths(
        sign_up::sign_up,
        log_in::log_in,
        me::show,
        me::change,
        tokens::refresh,
        tokens::verify,
        tokens::log_out,
        addresses::send_otp,
        addresses::verify_email,
    ),
    components(schemas(
        crate::panics::InternalError,
        failure::BadRequest,
        failure::Invalid,
        failure::FieldError,
        failure::Problem,
    )),
    tags((
        name = "accounts",
        description = "As Django REST framework with SimpleJWT has it. The slash at the end of a path may be \
                       left out."
    ))
)]
struct Document;
