//! The site and the reader of a request, and the answer with a page.

use std::sync::Arc;

use accounts::Accounts;
use accounts::config::ReturnUrl;
use accounts::operations::LinkView;
use axum::extract::FromRequestParts;
use axum::http::header::{CONTENT_LANGUAGE, CONTENT_SECURITY_POLICY, LOCATION, VARY};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{Html, IntoResponse, Response};
use minijinja::{Error, Value, context};

use super::PageSettings;
use super::reader::{PageLanguage, Reader};
use crate::App;

/// Only our own style sheet: no script, no frame.
const POLICY: &str = "default-src 'none'; style-src 'self'; form-action 'self'; \
                      frame-ancestors 'none'; base-uri 'none'";
/// The part of [`POLICY`] after which a page inserts further directives.
const STYLE_POLICY: &str = "style-src 'self'; ";
/// The part of [`POLICY`] with the targets of forms.
const FORM_POLICY: &str = "form-action 'self'";

/// The site and the reader of the request: every page gets it.
#[derive(Clone)]
pub(super) struct PageContext {
    pub(super) accounts: Accounts,
    pub(super) settings: Arc<PageSettings>,
    pub(super) reader: Reader,
    /// The origin to which forms of this page may lead, other than the site. Browsers check each redirect after a form.
    pub(super) leads_to: Option<String>,
}

impl PageContext {
    pub(super) fn new(app: &App, request: &Parts) -> Self {
        let settings = app.settings.pages.clone();
        let reader = Reader::new(request, &settings.templates, &app.settings.origins);
        Self { accounts: app.accounts.clone(), settings, reader, leads_to: None }
    }

    /// A page, rendered from a file with its values. The link may show the languages of its reader.
    pub(super) fn page(
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
    pub(super) fn app_url(&self) -> Option<String> {
        let next = self.reader.next.as_ref().map(ToString::to_string);
        next.or_else(|| self.settings.app_url.clone())
    }

    /// The origin of that address.
    pub(super) fn app_origin(&self) -> Option<String> {
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
    pub(super) fn redirect(&self, path: &str) -> Response {
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
pub(super) fn allow(page: &mut Response, more: &str) {
    let policy = page.headers().get(CONTENT_SECURITY_POLICY).and_then(|it| it.to_str().ok());
    let policy = policy.map(|it| it.replace(STYLE_POLICY, &format!("{STYLE_POLICY}{more}; ")));
    if let Some(policy) = policy.and_then(|policy| HeaderValue::try_from(policy).ok()) {
        page.headers_mut().insert(CONTENT_SECURITY_POLICY, policy);
    }
}
