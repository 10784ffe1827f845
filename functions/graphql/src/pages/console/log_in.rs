//! Open and close the console.

use accounts::error::AuthError;
use accounts::model::PlainPassword;
use axum::http::StatusCode;
use axum::http::header::SET_COOKIE;
use axum::response::Response;
use minijinja::context;
use serde::Deserialize;

use super::{Console, DEVICE, ROOT, SESSION, Staff};
use crate::pages::message::Next;
use crate::pages::message::refused;
use crate::pages::{FormBody, LinkToken};
use accounts::crypto::Devices;
use accounts::model::session::CONSOLE_ABSOLUTE;

/// The fields of the form.
#[derive(Deserialize)]
pub(super) struct LogIn {
    name: String,
    password: String,
}

/// The fields of the form that ends the session.
#[derive(Deserialize)]
pub(super) struct LogOut {
    csrf: String,
}

/// The form.
pub(super) fn form(
    console: &Console,
    status: StatusCode,
    error: Option<&str>,
    name: &str,
) -> Response {
    let shown = context! { error, is_wrong => error.is_some(), name_typed => name };
    console.site.page(status, "console_log_in.html", None, shown)
}

/// Opens the console.
pub(super) async fn open(console: Console, FormBody(given): FormBody<LogIn>) -> Response {
    let Some(LogIn { name, password }) = given.filter(|_| !console.is_foreign) else {
        return form(&console, StatusCode::BAD_REQUEST, Some("console_log_in_incomplete"), "");
    };
    let password = PlainPassword::new(password);
    match console.site.accounts.open_console(&name, password, &console.client).await {
        Ok(opened) => {
            let mut answer = console.site.redirect(ROOT);
            let ages = [CONSOLE_ABSOLUTE, Devices::LIFETIME].map(|age| age.as_secs());
            let cookies = [
                console.cookies.write(SESSION, &opened.token, ages[0]),
                console.cookies.write(DEVICE, &opened.device, ages[1]),
            ];
            for cookie in cookies.into_iter().flatten() {
                answer.headers_mut().append(SET_COOKIE, cookie);
            }
            answer
        }
        Err(AuthError::InvalidCredentials | AuthError::NotVerified) => {
            form(&console, StatusCode::UNAUTHORIZED, Some("console_log_in_wrong"), &name)
        }
        Err(error) => refused(&console.site, &LinkToken(String::new()), &error, Next::Anywhere),
    }
}

/// Ends the session.
pub(super) async fn close(staff: Staff, FormBody(given): FormBody<LogOut>) -> Response {
    if !given.is_some_and(|LogOut { csrf }| staff.sent(&csrf)) {
        return staff.foreign();
    }
    let console = &staff.console;
    match console.site.accounts.close_console(&staff.caller).await {
        Ok(()) => {
            let mut answer = console.site.redirect(ROOT);
            let cookie = console.cookies.write(SESSION, "", 0);
            answer.headers_mut().extend(cookie.map(|cookie| (SET_COOKIE, cookie)));
            answer
        }
        Err(error) => staff.refused(&error),
    }
}
