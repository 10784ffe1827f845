//! Log-in by mail: the form that requests the mail, the form for its code, and the page behind its link.
//!
//! A cookie keeps the request in the browser that made it. The link logs this browser in. In another browser, the link
//! shows the code, which the user types in the first browser. So a user can read the mail on another device, and
//! Latchkey logs in only the browser that made the request. A `GET` changes nothing.

use crate::methods::get;
use accounts::error::{AuthError, Refusal};
use accounts::operations::{LogInView, MailProof, PageSession};
use accounts::policy::LOG_IN_PATH;
use axum::http::StatusCode;
use axum::response::Response;
use minijinja::context;
use serde::Deserialize;

use super::account::AccountPages;
use super::events::time;
use super::message::{Next, message, refused};
use super::visit::Visit;
use super::{FieldErrors, FormBody, LinkToken, Page, enrolment, second_step};
use crate::routes::MakeMethods;

/// The fields of the form that requests the mail.
#[derive(Deserialize)]
struct Address {
    email: String,
}

/// The fields of the form for the code.
#[derive(Deserialize)]
struct Code {
    code: String,
}

/// The pages.
pub(super) fn routes() -> Vec<Page> {
    let own: [(&str, MakeMethods); 3] = [
        ("", || get(ask).post(send)),
        ("/code", || get(ask_code).post(enter_code)),
        ("/{token}", || get(look).post(use_link)),
    ];
    own.into_iter().map(|(path, to)| Page::new("", format!("/{LOG_IN_PATH}{path}"), to)).collect()
}

/// The form that requests the mail.
async fn ask(visit: Visit<AccountPages>) -> Response {
    form(&visit, StatusCode::OK, "", FieldErrors::default())
}

/// Requests the mail. The answer is the same for an address without an account.
async fn send(visit: Visit<AccountPages>, FormBody(given): FormBody<Address>) -> Response {
    let Some(Address { email }) = given.filter(|_| !visit.is_foreign) else {
        let error = FieldErrors::one("email_incomplete");
        return form(&visit, StatusCode::BAD_REQUEST, "", error);
    };
    let (accounts, earlier) = (&visit.site.accounts, visit.log_in_id.as_deref());
    match accounts.send_page_log_in(&email, earlier, &visit.client).await {
        Ok(id) => {
            let answer = visit.site.redirect(&format!("/{LOG_IN_PATH}/code"));
            visit.keep_log_in(answer, Some(&id))
        }
        Err(AuthError::Invalid(violations)) => {
            let errors = violations.iter().map(|(_, what)| what.into()).collect();
            form(&visit, StatusCode::BAD_REQUEST, &email, FieldErrors(errors))
        }
        Err(error) => failed(&visit, &error),
    }
}

/// The form for the code, in the browser that made the request.
async fn ask_code(visit: Visit<AccountPages>) -> Response {
    if visit.log_in_id.is_none() {
        return visit.site.redirect(&format!("/{LOG_IN_PATH}"));
    }
    code_form(&visit, StatusCode::OK, None)
}

/// Logs in by the code.
async fn enter_code(visit: Visit<AccountPages>, FormBody(given): FormBody<Code>) -> Response {
    let Some(Code { code }) = given.filter(|_| !visit.is_foreign) else {
        return code_form(&visit, StatusCode::BAD_REQUEST, Some("log_in_mail_wrong"));
    };
    let Some(id) = &visit.log_in_id else {
        return visit.site.redirect(&format!("/{LOG_IN_PATH}"));
    };
    let opened = open(&visit, id, MailProof::Code(&code)).await;
    match opened {
        Err(AuthError::Refused(Refusal::InvalidCode)) => {
            code_form(&visit, StatusCode::UNAUTHORIZED, Some("log_in_mail_wrong"))
        }
        opened => answer(&visit, opened).await,
    }
}

/// `GET` of the mailed link: shows the time and the IP address of the request, and a button.
async fn look(visit: Visit<AccountPages>, token: LinkToken) -> Response {
    let found = visit.site.accounts.view_log_in(&token.0, visit.log_in_id.as_deref()).await;
    match found {
        Ok(asked) => link_page(&visit, "log_in_mail_link.html", &asked, ""),
        Err(error) => failed(&visit, &error),
    }
}

/// The button: logs in the browser that made the request. Any other browser gets the code.
async fn use_link(visit: Visit<AccountPages>, token: LinkToken) -> Response {
    if visit.is_foreign {
        return message(&visit.site, StatusCode::FORBIDDEN, "account_foreign", Next::Later);
    }
    let (accounts, own) = (&visit.site.accounts, visit.log_in_id.as_deref());
    let asked = match accounts.view_log_in(&token.0, own).await {
        Ok(asked) => asked,
        Err(error) => return failed(&visit, &error),
    };
    match own.filter(|_| asked.is_asked_here) {
        Some(id) => answer(&visit, open(&visit, id, MailProof::Link(&token.0)).await).await,
        None => match accounts.show_log_in_code(&token.0).await {
            Ok((code, asked)) => link_page(&visit, "log_in_mail_shown.html", &asked, code.expose()),
            Err(error) => failed(&visit, &error),
        },
    }
}

async fn open(
    visit: &Visit<AccountPages>,
    id: &str,
    proof: MailProof<'_>,
) -> Result<PageSession, AuthError> {
    visit.site.accounts.open_pages_by_mail(id, proof, &visit.client).await
}

/// Opens the session, or leads to the second step. In both cases, the request does not work again.
async fn answer(visit: &Visit<AccountPages>, opened: Result<PageSession, AuthError>) -> Response {
    let answer = match opened {
        Ok(opened) => visit.opened(&opened),
        Err(AuthError::SecondFactorRequired { challenge }) => {
            second_step::form(visit, StatusCode::OK, &challenge, None, None).await
        }
        Err(AuthError::SecondFactorSetupRequired { challenge }) => {
            enrolment::form(visit, &challenge, None).await
        }
        Err(error) => return failed(visit, &error),
    };
    visit.keep_log_in(answer, None)
}

fn form(
    visit: &Visit<AccountPages>,
    status: StatusCode,
    email: &str,
    email_errors: FieldErrors,
) -> Response {
    let is_wrong = !email_errors.is_empty();
    let signs_up = visit.site.accounts.signs_up_by_mail();
    let about = if signs_up { "ask_log_in_open" } else { "ask_log_in" };
    let shown = context! { about, email_typed => email, email_errors, is_wrong };
    visit.site.page(status, "ask_for_mail.html", None, shown)
}

fn code_form(visit: &Visit<AccountPages>, status: StatusCode, error: Option<&str>) -> Response {
    let signs_up = visit.site.accounts.signs_up_by_mail();
    let shown =
        context! { error, signs_up, log_in_path => LOG_IN_PATH, is_wrong => error.is_some() };
    visit.site.page(status, "log_in_mail_code.html", None, shown)
}

fn link_page(visit: &Visit<AccountPages>, file: &str, asked: &LogInView, code: &str) -> Response {
    let shown = context! {
        code, asked_at => time(asked.asked_at), ip => &asked.ip,
        is_asked_here => asked.is_asked_here, is_sign_up => asked.is_sign_up, log_in_path => LOG_IN_PATH,
    };
    visit.site.page(StatusCode::OK, file, Some(&asked.link), shown)
}

/// If the link or the request is not valid any more, the page offers another mail.
fn failed(visit: &Visit<AccountPages>, error: &AuthError) -> Response {
    let say = |status, about| message(&visit.site, status, about, Next::LogInMail);
    if let AuthError::ExpiredToken = error {
        say(StatusCode::GONE, "log_in_mail_old")
    } else if let AuthError::InvalidToken = error {
        say(StatusCode::BAD_REQUEST, "log_in_mail_used")
    } else {
        refused(&visit.site, &LinkToken(String::new()), error, Next::LogInMail)
    }
}
