//! The dialect of Django REST framework with SimpleJWT: JSON or forms over plain HTTP below `/api/accounts`, and
//! one-time codes.

mod addresses;
mod api_error;
mod body;
mod caller;
mod factors;
mod form;
mod log_in;
mod log_in_by_mail;
mod me;
mod passkey_log_in;
mod passkeys;
mod passwords;
mod sign_up;
mod tokens;
mod trusted_devices;

use crate::methods::{get, post};
use axum::routing::MethodRouter;
use body::BodyKind;
use utoipa::OpenApi;
use utoipa::openapi::{PathItem, RefOr};

use crate::App;
use crate::dialects::problems;
use crate::requests::in_dialect;
use crate::routes::{MakeMethods, Route};

/// Each path with its methods. The slash at its end may be left out.
fn table() -> [(&'static str, MakeMethods); 35] {
    [
        ("/api/accounts/signup/", || post(sign_up::sign_up)),
        ("/api/accounts/login/", || post(log_in::log_in)),
        ("/api/accounts/login/second-factor/", || post(log_in::complete)),
        ("/api/accounts/login/email/", || post(log_in_by_mail::send)),
        ("/api/accounts/login/email/confirm/", || post(log_in_by_mail::log_in)),
        ("/api/accounts/login/email/code/", || post(log_in_by_mail::show_code)),
        ("/api/accounts/step-up/", || post(factors::step_up)),
        ("/api/accounts/app/begin/", || post(factors::begin_app)),
        ("/api/accounts/app/add/", || post(factors::add_app)),
        ("/api/accounts/app/remove/", || post(factors::remove_app)),
        ("/api/accounts/recovery-codes/replace/", || post(factors::replace_recovery_codes)),
        ("/api/accounts/trusted-devices/", || get(trusted_devices::list)),
        ("/api/accounts/trusted-devices/end/", || post(trusted_devices::end)),
        ("/api/accounts/trusted-devices/end-all/", || post(trusted_devices::end_all)),
        ("/api/accounts/passkeys/", || get(passkeys::list)),
        ("/api/accounts/passkeys/begin/", || post(passkeys::begin)),
        ("/api/accounts/passkeys/add/", || post(passkeys::add)),
        ("/api/accounts/passkeys/rename/", || post(passkeys::rename)),
        ("/api/accounts/passkeys/remove/", || post(passkeys::remove)),
        ("/api/accounts/login/passkey/begin/", || post(passkey_log_in::begin_log_in)),
        ("/api/accounts/login/passkey/", || post(passkey_log_in::log_in)),
        ("/api/accounts/login/second-factor/passkey/begin/", || post(passkey_log_in::begin_step)),
        ("/api/accounts/login/second-factor/passkey/", || post(passkey_log_in::complete)),
        ("/api/accounts/step-up/passkey/begin/", || post(passkey_log_in::begin_step_up)),
        ("/api/accounts/step-up/passkey/", || post(passkey_log_in::step_up)),
        ("/api/accounts/me/", || get(me::show).patch(me::change).put(me::put)),
        ("/api/accounts/export/", || post(me::export)),
        ("/api/accounts/token/refresh/", || post(tokens::refresh)),
        ("/api/accounts/token/verify/", || post(tokens::verify)),
        ("/api/accounts/logout/", || post(tokens::log_out)),
        ("/api/accounts/password/change/", || post(passwords::change)),
        ("/api/accounts/password/reset/", || post(passwords::send_reset)),
        ("/api/accounts/password/reset/confirm/", || post(passwords::reset)),
        ("/api/accounts/send-otp/", || post(addresses::send_otp)),
        ("/api/accounts/verify-email/", || post(addresses::verify_email)),
    ]
}

/// The routes.
pub(crate) fn routes() -> impl Iterator<Item = Route> {
    let finish =
        |methods: MethodRouter<App>| in_dialect("rest", methods.fallback(api_error::wrong_method));
    table().into_iter().map(move |route| Route::new(route, finish))
}

/// The paths of the routes, as the document has them.
pub(crate) fn paths() -> impl Iterator<Item = &'static str> {
    table().into_iter().map(|(path, _)| path)
}

/// The document of this dialect.
pub(crate) fn openapi() -> utoipa::openapi::OpenApi {
    let mut document = Document::openapi();
    document.paths.paths.values_mut().for_each(take_forms);
    document
}

/// Each body may be a form, too, with the fields that the JSON has.
fn take_forms(item: &mut PathItem) {
    let PathItem { post, patch, put, .. } = item;
    for operation in [post, patch, put].into_iter().flatten() {
        let Some(RefOr::T(body)) = &mut operation.request_body else { continue };
        if let Some(json) = body.content.get(BodyKind::Json.content_type()).cloned() {
            let of = |kind: BodyKind| (kind.content_type().to_owned(), json.clone());
            body.content.extend(BodyKind::ALL.map(of));
        }
    }
}

#[derive(OpenApi)]
#[openapi(
    paths(
        sign_up::sign_up,
        log_in::log_in,
        log_in::complete,
        log_in_by_mail::send,
        log_in_by_mail::log_in,
        log_in_by_mail::show_code,
        factors::step_up,
        factors::begin_app,
        factors::add_app,
        factors::remove_app,
        factors::replace_recovery_codes,
        trusted_devices::list,
        trusted_devices::end,
        trusted_devices::end_all,
        passkeys::list,
        passkeys::begin,
        passkeys::add,
        passkeys::rename,
        passkeys::remove,
        passkey_log_in::begin_log_in,
        passkey_log_in::log_in,
        passkey_log_in::begin_step,
        passkey_log_in::complete,
        passkey_log_in::begin_step_up,
        passkey_log_in::step_up,
        me::show,
        me::change,
        me::put,
        me::export,
        tokens::refresh,
        tokens::verify,
        tokens::log_out,
        passwords::change,
        passwords::send_reset,
        passwords::reset,
        addresses::send_otp,
        addresses::verify_email,
    ),
    components(schemas(
        crate::panics::InternalError,
        api_error::BadRequest,
        api_error::Invalid,
        api_error::NotAuthorized,
        api_error::NotHonoured,
        api_error::TokenMessage,
        problems::FieldError,
        problems::Problem,
        problems::Throttled,
        problems::SecondFactorRequired,
        problems::LogInRefused,
    )),
    tags((
        name = "accounts",
        description = "As Django REST framework with SimpleJWT has it. The slash at the end of a path may be \
                       left out. A whole number is accepted as a text."
    ))
)]
struct Document;
