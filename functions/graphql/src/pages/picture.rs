//! The picture of the user's own account.

use crate::methods::get;
use accounts::error::{AuthError, Field, Refusal, Violation, Violations};
use axum::extract::{FromRequestParts, Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use minijinja::context;

use super::account::{AccountPages, Owner};
use super::message::{Next, refused, unavailable};
use super::sent::Sent;
use super::visit::Pages;
use super::{FieldErrors, LinkToken, allow};
use crate::App;
use crate::json_body::{BodyError, read_bytes};
use crate::multipart::{self, MAX_BODY, boundary};
use crate::routes::MakeMethods;

/// The path of the page, below that of the account.
const PATH: &str = "/picture";

/// The page, by its path below that of the account. Its form is larger than that of any other page.
pub(super) fn route() -> (&'static str, MakeMethods) {
    (PATH, || get(show).post(upload))
}

/// The path of the form that removes the picture.
pub(super) fn remove_route() -> (&'static str, MakeMethods) {
    ("/remove-picture", || get(show).post(remove))
}

async fn show(owner: Owner) -> Response {
    form(&owner, None).await
}

/// The page, with the present picture. The picture has another origin, so the policy of the page allows this origin.
async fn form(owner: &Owner, error: Option<&AuthError>) -> Response {
    let accounts = &owner.site().accounts;
    if !accounts.keeps_pictures() {
        return owner.visit.not_found();
    }
    let url = match accounts.picture_url(&owner.caller.user).await {
        Ok(url) => url,
        Err(error) => return unavailable(owner.site(), &error),
    };
    let status = if error.is_some() { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    let picture_errors = FieldErrors::of(error, Field::ProfilePicture);
    let shown = context! { url => &url, picture_errors, is_wrong => error.is_some() };
    let mut page = owner.page(status, "account_picture.html", shown);
    if let Some(url) = url {
        let origin: Vec<_> = url.splitn(4, '/').take(3).collect();
        allow(&mut page, &format!("img-src {}", origin.join("/")));
    }
    page
}

/// Stores the file of the form as the picture.
async fn upload(State(app): State<App>, request: Request) -> Response {
    let (mut parts, body) = request.into_parts();
    let owner = match Owner::from_request_parts(&mut parts, &app).await {
        Ok(owner) => owner,
        Err(answer) => return answer,
    };
    let too_large = || {
        let found = [Violation::PictureTooLarge];
        AuthError::from(Violations::of(Field::ProfilePicture, found))
    };
    let Some(content_type) = boundary(&parts.headers) else { return AccountPages::foreign(&owner) };
    let body = match read_bytes(body, MAX_BODY).await {
        Ok(body) => body,
        Err(BodyError::TooLarge) => return form(&owner, Some(&too_large())).await,
        Err(_) => return AccountPages::foreign(&owner),
    };
    let fields = match multipart::form(&content_type, body).await {
        Ok(fields) => fields,
        Err(error) if error.0 == StatusCode::PAYLOAD_TOO_LARGE => {
            return form(&owner, Some(&too_large())).await;
        }
        Err(_) => return AccountPages::foreign(&owner),
    };
    let field = |wanted: &str| fields.iter().find(|(name, _)| name == wanted).map(|(_, it)| it);
    let csrf = field("csrf").and_then(|it| std::str::from_utf8(it).ok()).unwrap_or_default();
    if !owner.sent(csrf) {
        return AccountPages::foreign(&owner);
    }
    let picture = field("picture").map(|it| it.to_vec()).unwrap_or_default();
    match owner.site().accounts.set_picture(&owner.caller, picture).await {
        Ok(()) => owner.redirect("?done=picture-changed"),
        Err(error @ AuthError::Invalid(_)) => form(&owner, Some(&error)).await,
        Err(error) => other(&owner, &error),
    }
}

/// Removes the picture.
async fn remove(sent: Sent<AccountPages>) -> Response {
    let owner = &sent.visitor;
    match owner.site().accounts.remove_picture(&owner.caller).await {
        Ok(()) => owner.redirect("?done=picture-removed"),
        Err(error) => other(owner, &error),
    }
}

fn other(owner: &Owner, error: &AuthError) -> Response {
    if matches!(error, AuthError::Unauthenticated) {
        owner.redirect("")
    } else if matches!(error, AuthError::Refused(Refusal::PicturesOff)) {
        owner.visit.not_found()
    } else {
        refused(owner.site(), &LinkToken(String::new()), error, Next::Anywhere)
    }
}
