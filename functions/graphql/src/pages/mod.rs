//! The account pages. All work without JavaScript, except two: the page that adds a passkey, and the page that computes
//! a proof of work. Without JavaScript, the latter advises the user to wait. A `GET` changes nothing, because mail
//! scanners follow links. At most, it stores a challenge to the authenticator of a user who has logged in.

mod account;
mod activate;
mod app;
mod ask_for_mail;
mod by_passkey;
mod changes;
mod choose_password;
mod console;
mod done;
mod enrolment;
mod events;
mod form;
mod log_in_mail;
mod message;
mod page_context;
mod passkeys;
mod picture;
mod qr;
mod reader;
mod samples;
mod second_factor;
mod second_step;
mod send_again;
mod sent;
mod sign_up;
mod style;
mod take_back;
mod templates;
mod visit;
mod work;

use std::collections::HashMap;
use std::sync::Arc;

use crate::methods::get;
use accounts::config::{
    ACTIVATION_PATH, ConfigError, EMAIL_CHANGE_CANCEL_PATH, EMAIL_CHANGE_PATH, EMAIL_RESTORE_PATH,
    PASSWORD_RESET_PATH, PASSWORD_SET_PATH, SECONDARY_EMAIL_PATH, Settings, TokensInCookies,
};
use accounts::error::AuthError;
use accounts::model::Color;
use accounts::model::Purpose;
use accounts::operations::LinkView;
use accounts::policy::LinkPaths;
use axum::extract::rejection::PathRejection;
use axum::extract::{FromRequestParts, Path};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::middleware::from_fn;
use axum::response::Response;
use axum::routing::MethodRouter;

use crate::App;
use crate::routes::{Finish, MakeMethods};
use form::{FieldErrors, FormBody};
use message::{Next, message};
use page_context::{PageContext, allow};
use templates::Templates;

/// The maximum number of bytes of a form without a file. No such form of these pages sends as many.
const MAX_BYTES: usize = 16 * 1024;

/// The settings of the pages.
#[derive(Clone, Debug)]
pub struct PageSettings {
    /// Whether there are pages. If not, the site has a front end of its own.
    pub are_on: bool,
    /// The name of the site, for users.
    pub site_name: String,
    /// The application, to which users go on.
    pub app_url: Option<String>,
    /// The origin of the application.
    app_origin: Option<String>,
    /// Whether a log-in can hand tokens to the application: in cookies.
    are_tokens_in_cookies: bool,
    /// Whether a sign-up mails an activation link.
    mails_activation: bool,
    /// The colour of buttons and links.
    pub color: Color,
    /// The minimum number of characters of a new password.
    pub password_min_length: usize,
    /// The prefix of the pages' paths: the path of the site's own address, if it has one.
    pub base_path: String,
    /// The paths that links in mails have.
    pub link_paths: LinkPaths,
    /// Their templates and texts.
    templates: Arc<Templates>,
}

impl PageSettings {
    pub(crate) fn new(settings: &Settings) -> Result<Self, ConfigError> {
        let are_on = settings.pages()?;
        Ok(Self {
            are_on,
            templates: Templates::new(settings, are_on)?.into(),
            site_name: settings.site_name()?,
            app_url: settings.app_url()?.map(|url| url.to_string()),
            app_origin: settings.app_url()?.map(|url| url.origin()),
            are_tokens_in_cookies: settings.tokens_in_cookies()? != TokensInCookies::Off,
            mails_activation: settings.send_activation_email()?,
            color: settings.page_color()?,
            password_min_length: settings.password_rules()?.min_length,
            base_path: settings.base_path()?,
            link_paths: settings.link_paths()?,
        })
    }
}

/// A page: its path, its methods, and the setting of its path.
#[derive(Clone)]
pub(crate) struct Page {
    pub(crate) path: String,
    methods: MakeMethods,
    finish: Finish,
    setting: &'static str,
}

impl Page {
    /// The page with this path. Its forms may need a proof of work.
    fn new(setting: &'static str, path: String, methods: MakeMethods) -> Self {
        Self { path, methods, finish: with_work, setting }
    }

    pub(crate) fn methods(&self) -> MethodRouter<App> {
        (self.finish)((self.methods)().into())
    }
}

fn with_work(methods: MethodRouter<App>) -> MethodRouter<App> {
    methods.layer(from_fn(work::require_work))
}

/// The pages and their style sheet. Links lead to the paths of the settings. Several settings may have the same path.
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
    let mut pages = vec![
        Page::new("", "/send-again/{token}".to_owned(), || {
            get(send_again::ask).post(send_again::send)
        }),
        Page::new("", done::PATH.to_owned(), || get(done::show)),
        Page::new("", ask_for_mail::ACTIVATION_PATH.to_owned(), || {
            get(ask_for_mail::ask_activation).post(ask_for_mail::send_activation)
        }),
        Page::new("", "/pages.css".to_owned(), || get(style::sheet)),
        Page::new("", work::SCRIPT_PATH.to_owned(), || get(work::script)),
        Page::new("", by_passkey::SCRIPT_PATH.to_owned(), || get(by_passkey::script)),
        Page::new("", "/console.css".to_owned(), || get(console::sheet)),
        Page::new(ACTIVATION_PATH, format!("/{activation}"), || {
            get(activate::ask_for_code).post(activate::enter_code)
        }),
        Page::new(PASSWORD_RESET_PATH, format!("/{password_reset}"), || {
            get(ask_for_mail::ask_reset).post(ask_for_mail::send_reset)
        }),
        Page::new(PASSWORD_RESET_PATH, format!("/{password_reset}/{{token}}"), || {
            get(ask_reset).post(reset)
        }),
        Page::new(PASSWORD_SET_PATH, format!("/{password_set}/{{token}}"), || {
            get(ask_set).post(set)
        }),
        Page::new(EMAIL_CHANGE_CANCEL_PATH, format!("/{email_change_cancel}/{{token}}"), || {
            get(take_back::ask_cancel).post(take_back::cancel)
        }),
        Page::new(EMAIL_RESTORE_PATH, format!("/{email_restore}/{{token}}"), || {
            get(take_back::ask_restore).post(take_back::restore)
        }),
    ];
    let proofs = [
        (ACTIVATION_PATH, activation),
        (SECONDARY_EMAIL_PATH, secondary_email),
        (EMAIL_CHANGE_PATH, email_change),
    ];
    for (at, (setting, path)) in proofs.into_iter().enumerate() {
        // One page verifies every kind of address: the token names it.
        if proofs[..at].iter().all(|(_, before)| *before != path) {
            let to = || get(activate::confirm).post(activate::activate);
            pages.push(Page::new(setting, format!("/{path}/{{token}}"), to));
        }
    }
    pages
        .push(Page::new("", sign_up::PATH.to_owned(), || get(sign_up::ask).post(sign_up::sign_up)));
    pages.extend(app::routes(settings.are_tokens_in_cookies));
    pages.extend(account::routes());
    pages.extend(log_in_mail::routes());
    pages.extend(console::routes());
    pages.push(account::picture_route());
    pages
}

/// Refuses pages whose paths are equal to each other or to other routes, with or without the prefix of all paths.
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
pub(crate) fn not_found(app: &App, request: &Parts) -> Response {
    message(&PageContext::new(app, request), StatusCode::NOT_FOUND, "not_found", Next::Anywhere)
}

/// The token of a link. Empty if the path is not text.
struct LinkToken(String);

impl LinkToken {
    /// Checks the link before the page shows the form: a user should not fill in a form whose link is used, expired or
    /// invalid.
    async fn view(
        &self,
        site: &PageContext,
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
