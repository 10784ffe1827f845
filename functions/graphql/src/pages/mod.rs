//! The account pages. Each works without JavaScript, and a `GET` of any of them changes nothing: mail
//! scanners follow links.

mod activate;
mod ask_for_mail;
mod choose_password;
mod done;
mod message;
mod send_again;
mod style;
mod take_back;

use std::collections::HashMap;
use std::sync::Arc;

use accounts::Accounts;
use accounts::accounts::LinkView;
use accounts::config::{
    ACTIVATION_PATH, ConfigError, EMAIL_CHANGE_CANCEL_PATH, EMAIL_CHANGE_PATH, EMAIL_RESTORE_PATH,
    PASSWORD_RESET_PATH, PASSWORD_SET_PATH, SECONDARY_EMAIL_PATH, Settings,
};
use accounts::error::AuthError;
use accounts::model::Color;
use accounts::model::code::Purpose;
use accounts::policy::LinkPaths;
use askama::Template;
use axum::extract::rejection::PathRejection;
use axum::extract::{
    DefaultBodyLimit, Form, FromRef, FromRequest, FromRequestParts, Path, Request,
};
use axum::http::StatusCode;
use axum::http::header::CONTENT_SECURITY_POLICY;
use axum::http::request::Parts;
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{MethodRouter, get};
use serde::de::DeserializeOwned;

use crate::App;
use message::{Next, message};

/// Nothing but our own style, no script, no frame.
const POLICY: &str = "default-src 'none'; style-src 'self'; form-action 'self'; \
                      frame-ancestors 'none'; base-uri 'none'";
/// More than any form of ours sends.
const MAX_BYTES: usize = 16 * 1024;

/// What the pages show.
#[derive(Clone, Debug)]
pub struct PageSettings {
    /// Whether there are pages, or the site has a front end of its own for what they do.
    pub are_on: bool,
    /// What users know the site as.
    pub site_name: String,
    /// Where they go on to.
    pub app_url: Option<String>,
    /// What buttons and links are painted with.
    pub color: Color,
    /// What comes before the pages' paths: the path of the site's own address, if it has one.
    pub base_path: String,
    /// The paths that links in mails have.
    pub link_paths: LinkPaths,
}

impl PageSettings {
    pub(crate) fn new(settings: &Settings) -> Result<Self, ConfigError> {
        Ok(Self {
            are_on: settings.pages()?,
            site_name: settings.site_name()?,
            app_url: settings.app_url()?.map(|url| url.to_string()),
            color: settings.page_color()?,
            base_path: settings.base_path()?,
            link_paths: settings.link_paths()?,
        })
    }
}

/// What every page can get at.
#[derive(Clone)]
struct Site {
    accounts: Accounts,
    settings: Arc<PageSettings>,
}

impl FromRef<App> for Site {
    fn from_ref(app: &App) -> Self {
        Self { accounts: app.accounts.clone(), settings: app.settings.pages.clone() }
    }
}

/// A page: its path, what it answers to, and the setting that its path comes from.
pub(crate) struct Page {
    pub(crate) path: String,
    pub(crate) to: MethodRouter<App>,
    setting: &'static str,
}

/// The pages and their style sheet. Links lead to the paths that the settings name; some of them may be one.
pub(crate) fn routes(settings: &PageSettings) -> Vec<Page> {
    use choose_password::{ask_reset, ask_set, reset, set};

    let LinkPaths {
        activation,
        secondary_email,
        email_change,
        email_change_cancel,
        email_restore,
        password_reset,
        password_set,
    } = &settings.link_paths;
    let page = |setting, path: String, to| Page { path, to, setting };
    let mut pages = vec![
        page("", "/send-again/{token}".to_owned(), get(send_again::ask).post(send_again::send)),
        page("", done::PATH.to_owned(), get(done::show)),
        page(
            "",
            ask_for_mail::ACTIVATION_PATH.to_owned(),
            get(ask_for_mail::ask_activation).post(ask_for_mail::send_activation),
        ),
        page("", "/pages.css".to_owned(), get(style::sheet)),
        page(
            ACTIVATION_PATH,
            format!("/{activation}"),
            get(activate::ask_for_code).post(activate::enter_code),
        ),
        page(
            PASSWORD_RESET_PATH,
            format!("/{password_reset}"),
            get(ask_for_mail::ask_reset).post(ask_for_mail::send_reset),
        ),
        page(
            PASSWORD_RESET_PATH,
            format!("/{password_reset}/{{token}}"),
            get(ask_reset).post(reset),
        ),
        page(PASSWORD_SET_PATH, format!("/{password_set}/{{token}}"), get(ask_set).post(set)),
        page(
            EMAIL_CHANGE_CANCEL_PATH,
            format!("/{email_change_cancel}/{{token}}"),
            get(take_back::ask_cancel).post(take_back::cancel),
        ),
        page(
            EMAIL_RESTORE_PATH,
            format!("/{email_restore}/{{token}}"),
            get(take_back::ask_restore).post(take_back::restore),
        ),
    ];
    let proofs = [
        (ACTIVATION_PATH, activation),
        (SECONDARY_EMAIL_PATH, secondary_email),
        (EMAIL_CHANGE_PATH, email_change),
    ];
    for (at, (setting, path)) in proofs.into_iter().enumerate() {
        // One page proves any address: the token says which.
        if proofs[..at].iter().all(|(_, before)| *before != path) {
            let to = get(activate::confirm).post(activate::activate);
            pages.push(page(setting, format!("/{path}/{{token}}"), to));
        }
    }
    pages
}

/// Refuses pages that cannot be told from each other, or from other routes, with or without the prefix that
/// may come before all of them.
pub(crate) fn must_be_apart<'a>(
    pages: &'a [Page],
    others: impl Iterator<Item = &'a str>,
    prefix: &str,
) -> Result<(), ConfigError> {
    let mut taken: HashMap<&str, &str> =
        others.map(|path| (path.trim_end_matches('/'), "")).collect();
    for Page { path, setting, .. } in pages {
        if let Some(other) = taken.insert(path, setting) {
            let whose = if other.is_empty() { "another route" } else { other };
            let problem = format!(
                "cannot be that: {whose} has {path}. Choose another path, or set PAGES=off"
            );
            return Err(ConfigError::new(setting, problem));
        }
    }
    let is_twice =
        |path: &&&str| !prefix.is_empty() && taken.contains_key(format!("{prefix}{path}").as_str());
    match taken.keys().find(is_twice) {
        None => Ok(()),
        Some(path) => {
            let problem = format!("cannot have that path: {prefix}{path} would be two things");
            Err(ConfigError::new("BASE_URL", problem))
        }
    }
}

/// The page of a path that leads nowhere.
pub(crate) fn not_found(app: &App) -> Response {
    let text = "The address is incomplete, or it was never one of ours. If it is from a mail, please copy it from \
                there once more.";
    let title = "There is no such page";
    message(&Site::from_ref(app), StatusCode::NOT_FOUND, (title, text), Next::Anywhere)
}

/// The token of a link. What is not even text is no token.
struct LinkToken(String);

impl LinkToken {
    /// Looks at the link before the form is shown: a user should not fill in a form whose link is used,
    /// expired or void.
    async fn view(
        &self,
        site: &Site,
        is_right: impl Fn(Purpose) -> bool,
    ) -> Result<LinkView, AuthError> {
        let link = site.accounts.view_link(&self.0).await?;
        if is_right(link.purpose) { Ok(link) } else { Err(AuthError::InvalidToken) }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for LinkToken {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Self::Rejection> {
        let token: Result<Path<String>, PathRejection> =
            Path::from_request_parts(parts, state).await;
        Ok(Self(token.map_or_else(|_| String::new(), |Path(token)| token)))
    }
}

/// What a form sends, as text; `None` for anything else, and for what is too large or not whole.
struct Sent<T>(Option<T>);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Sent<T> {
    type Rejection = std::convert::Infallible;

    async fn from_request(mut request: Request, state: &S) -> Result<Self, Self::Rejection> {
        DefaultBodyLimit::max(MAX_BYTES).apply(&mut request);
        let form = Form::from_request(request, state).await;
        Ok(Self(form.ok().map(|Form(form)| form)))
    }
}

/// What is wrong with one field of a form.
#[derive(Default)]
struct FieldErrors(Vec<String>);

impl FieldErrors {
    fn one(text: &str) -> Self {
        Self(vec![text.to_owned()])
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

fn page(status: StatusCode, template: &impl Template) -> Response {
    match template.render() {
        Ok(html) => (status, [(CONTENT_SECURITY_POLICY, POLICY)], Html(html)).into_response(),
        Err(error) => {
            tracing::error!(%error, "a page could not be rendered");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
