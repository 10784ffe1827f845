//! The account pages. All work without JavaScript, except two: the page that adds a passkey, and the page that computes
//! a proof of work. Without JavaScript, the latter advises the user to wait. A `GET` changes nothing, because mail
//! scanners follow links. At most, it stores a question to the authenticator of a user who has logged in.

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
mod log_in_mail;
mod message;
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

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use accounts::Accounts;
use accounts::config::{
    ACTIVATION_PATH, ConfigError, EMAIL_CHANGE_CANCEL_PATH, EMAIL_CHANGE_PATH, EMAIL_RESTORE_PATH,
    PASSWORD_RESET_PATH, PASSWORD_SET_PATH, ReturnUrl, SECONDARY_EMAIL_PATH, Settings,
    TokensInCookies,
};
use accounts::error::{AuthError, Field, Violation};
use accounts::model::Color;
use accounts::model::Purpose;
use accounts::operations::LinkView;
use accounts::policy::LinkPaths;
use axum::body::Bytes;
use axum::extract::rejection::PathRejection;
use axum::extract::{DefaultBodyLimit, Form, FromRequest, FromRequestParts, Path, Request};
use axum::http::header::{CONTENT_LANGUAGE, CONTENT_SECURITY_POLICY, LOCATION, VARY};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::from_fn;
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{MethodRouter, get};
use minijinja::{Error, Value, context};
use serde::de::DeserializeOwned;

use crate::App;
use crate::routes::{Finish, Methods};
use message::{Next, message};
use reader::{PageLanguage, Reader};
use templates::Templates;

/// Only our own style sheet: no script, no frame.
const POLICY: &str = "default-src 'none'; style-src 'self'; form-action 'self'; \
                      frame-ancestors 'none'; base-uri 'none'";
/// The part of [`POLICY`] after which a page inserts further directives.
const STYLE_POLICY: &str = "style-src 'self'; ";
/// The part of [`POLICY`] with the targets of forms.
const FORM_POLICY: &str = "form-action 'self'";
/// More than any form of these pages sends.
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

/// The site and the reader of the request: every page gets it.
#[derive(Clone)]
struct PageContext {
    accounts: Accounts,
    settings: Arc<PageSettings>,
    reader: Reader,
    /// The origin to which forms of this page may lead, other than the site. Browsers check each redirect after a form.
    leads_to: Option<String>,
}

impl PageContext {
    fn new(app: &App, request: &Parts) -> Self {
        let settings = app.settings.pages.clone();
        let reader = Reader::new(request, &settings.templates, &app.settings.origins);
        Self { accounts: app.accounts.clone(), settings, reader, leads_to: None }
    }

    /// A page, rendered from a file with its values. The link may show the languages of its reader.
    fn page(
        &self,
        status: StatusCode,
        file: &str,
        link: Option<&LinkView>,
        shown: Value,
    ) -> Response {
        let page = self.reader.language(&self.settings.templates, link);
        let language = page.language;
        let html = self.shown(&page, link).and_then(|of_all| {
            let shown = context! { ..shown, ..of_all };
            self.settings.templates.render(language, file, shown)
        });
        match html {
            Ok(html) => {
                let headers = [
                    (CONTENT_SECURITY_POLICY, self.policy()),
                    (CONTENT_LANGUAGE, language.to_owned()),
                    (VARY, "accept-language".to_owned()),
                ];
                (status, headers, Html(html)).into_response()
            }
            Err(error) => {
                tracing::error!(%error, file, language, "a page could not be rendered");
                StatusCode::INTERNAL_SERVER_ERROR.into_response()
            }
        }
    }

    fn policy(&self) -> String {
        match &self.leads_to {
            Some(origin) => POLICY.replace(FORM_POLICY, &format!("{FORM_POLICY} {origin}")),
            None => POLICY.to_owned(),
        }
    }

    /// The address of the application: the one in the request, or the one of the settings.
    fn app_url(&self) -> Option<String> {
        let next = self.reader.next.as_ref().map(ToString::to_string);
        next.or_else(|| self.settings.app_url.clone())
    }

    /// The origin of that.
    fn app_origin(&self) -> Option<String> {
        let next = self.reader.next.as_ref().map(ReturnUrl::origin);
        next.or_else(|| self.settings.app_origin.clone())
    }

    /// The values that all pages show.
    fn shown(&self, page: &PageLanguage<'_>, link: Option<&LinkView>) -> Result<Value, Error> {
        let PageLanguage { language, ref query, ref kept } = *page;
        let PageSettings { site_name, base_path, link_paths, templates, .. } = &*self.settings;
        let password_min_length = self.settings.password_min_length;
        let languages = templates.languages()?.into_iter();
        let languages: Vec<_> = languages.map(|(tag, name)| context! { tag, name }).collect();
        Ok(context! {
            language, languages, query, kept, password_min_length,
            site => site_name,
            base => base_path,
            app_url => self.app_url().unwrap_or_default(),
            activation_path => &link_paths.activation,
            reset_path => &link_paths.password_reset,
            username => link.map_or("", |link| &link.username),
            email => link.map_or("", |link| &link.email),
            is_wrong => false,
            passkey_error => "",
        })
    }

    /// Redirects the browser to another page, below the path of the site, in the same language: a form sends its
    /// language if the browser asks for another one.
    fn redirect(&self, path: &str) -> Response {
        let PageLanguage { query, .. } = self.reader.language(&self.settings.templates, None);
        let page = format!("{}{path}{query}", self.settings.base_path);
        (StatusCode::SEE_OTHER, [(LOCATION, page)]).into_response()
    }
}

impl FromRequestParts<App> for PageContext {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Self::Rejection> {
        Ok(Self::new(app, parts))
    }
}

/// Adds directives to the policy of a page, for more than a style sheet.
fn allow(page: &mut Response, more: &str) {
    let policy = page.headers().get(CONTENT_SECURITY_POLICY).and_then(|it| it.to_str().ok());
    let policy = policy.map(|it| it.replace(STYLE_POLICY, &format!("{STYLE_POLICY}{more}; ")));
    if let Some(policy) = policy.and_then(|policy| HeaderValue::try_from(policy).ok()) {
        page.headers_mut().insert(CONTENT_SECURITY_POLICY, policy);
    }
}

/// A page: its path, its methods, and the setting of its path.
#[derive(Clone)]
pub(crate) struct Page {
    pub(crate) path: String,
    methods: Methods,
    finish: Finish,
    setting: &'static str,
}

impl Page {
    /// The page with this path. Its forms may need a proof of work.
    fn new(setting: &'static str, path: String, methods: Methods) -> Self {
        Self { path, methods, finish: with_work, setting }
    }

    pub(crate) fn methods(&self) -> MethodRouter<App> {
        (self.finish)((self.methods)())
    }
}

fn with_work(methods: MethodRouter<App>) -> MethodRouter<App> {
    methods.layer(from_fn(work::ask_for_work))
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

/// The fields of a form; `None` for another body, and for one that is too large, incomplete, or not text.
struct FormBody<T>(Option<T>);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for FormBody<T> {
    type Rejection = std::convert::Infallible;

    async fn from_request(mut request: Request, state: &S) -> Result<Self, Self::Rejection> {
        DefaultBodyLimit::max(MAX_BYTES).apply(&mut request);
        let (parts, body) = request.into_parts();
        let limited = Request::from_parts(parts.clone(), body);
        let Ok(bytes) = Bytes::from_request(limited, state).await else { return Ok(Self(None)) };
        // Two passwords must not become one because neither is valid UTF-8.
        let is_text = |(_, value): (_, Cow<'_, str>)| !value.contains(char::REPLACEMENT_CHARACTER);
        if !form_urlencoded::parse(&bytes).all(is_text) {
            return Ok(Self(None));
        }
        let form = Form::from_request(Request::from_parts(parts, bytes.into()), state).await;
        Ok(Self(form.ok().map(|Form(form)| form)))
    }
}

/// A fault of a field of a form: the key of a text, and the numbers in it.
#[derive(Clone, Copy)]
struct FieldError {
    key: &'static str,
    /// The limit of a length.
    limit: Option<usize>,
    /// The length.
    actual: Option<usize>,
}

/// All faults of one field of a form.
#[derive(Default)]
struct FieldErrors(Vec<FieldError>);

impl FieldErrors {
    fn one(key: &'static str) -> Self {
        Self(vec![FieldError { key, limit: None, actual: None }])
    }

    /// Those of a field, as an operation names them.
    fn of(error: Option<&AuthError>, field: Field) -> Self {
        let Some(AuthError::Invalid(violations)) = error else { return Self::default() };
        let found = violations.iter().filter(|(of, _)| *of == field);
        Self(found.map(|(_, violation)| violation.into()).collect())
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<FieldErrors> for Value {
    fn from(FieldErrors(errors): FieldErrors) -> Self {
        let shown = |FieldError { key, limit, actual }| context! { key, limit, actual };
        errors.into_iter().map(shown).collect()
    }
}

impl From<Violation> for FieldError {
    fn from(violation: Violation) -> Self {
        let key = key(violation);
        if let Violation::TooLong { limit, actual } = violation {
            Self { key, limit: Some(limit), actual: Some(actual) }
        } else if let Violation::PasswordTooShort { limit } = violation {
            Self { key, limit: Some(limit), actual: None }
        } else {
            Self { key, limit: None, actual: None }
        }
    }
}

/// The text that says so.
fn key(violation: Violation) -> &'static str {
    match violation {
        Violation::Required => "refused_required",
        Violation::EmailMalformed => "refused_email_malformed",
        Violation::EmailTaken => "refused_email_taken",
        Violation::SecondaryEmailTaken => "refused_secondary_email_taken",
        Violation::UsernameMalformed => "refused_username_malformed",
        Violation::UsernameNotOwnEmail => "refused_username_not_own_email",
        Violation::UsernameIsEmail => "refused_username_is_email",
        Violation::UsernameMixedScripts => "refused_username_mixed_scripts",
        Violation::UsernameReserved => "refused_username_reserved",
        Violation::UsernameTaken => "refused_username_taken",
        Violation::UsernameFixed => "refused_username_fixed",
        Violation::TooLong { .. } => "refused_too_long",
        Violation::NullCharacter => "refused_null_character",
        Violation::ControlCharacter => "refused_control_character",
        Violation::PasswordMismatch => "refused_password_mismatch",
        Violation::PasswordLikeUsername => "refused_password_like_username",
        Violation::PasswordLikeFirstName => "refused_password_like_first_name",
        Violation::PasswordLikeLastName => "refused_password_like_last_name",
        Violation::PasswordLikeEmail => "refused_password_like_email",
        Violation::PasswordLikeSite => "refused_password_like_site",
        Violation::PasswordTooShort { .. } => "refused_password_too_short",
        Violation::PasswordTooCommon => "refused_password_too_common",
        Violation::PasswordBreached => "refused_password_breached",
        Violation::PasswordNumeric => "refused_password_numeric",
        Violation::PictureEmpty => "refused_picture_empty",
        Violation::PictureTooLarge => "refused_picture_too_large",
        Violation::PictureDimensions => "refused_picture_dimensions",
        Violation::PictureInvalid => "refused_picture_invalid",
        // No page has the fields of these violations.
        Violation::NotText
        | Violation::NotFlag
        | Violation::NotInFuture
        | Violation::AlreadyVerified => "refused",
    }
}
