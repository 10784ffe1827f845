//! Tokens in cookies, for browsers whose scripts must not see them; and the check that a request comes from the
//! site's own pages, which cookies make necessary.

use std::sync::{Arc, Mutex, PoisonError};

use accounts::config::{ConfigError, Settings, TokensInCookies};
use accounts::crypto::Devices;
use accounts::operations::TokenPair;
use axum::http::header::{AUTHORIZATION, COOKIE, ORIGIN, SET_COOKIE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue};

use crate::header_text;
use crate::origins::Origins;

/// The cookie that may carry an access token, after the prefix.
const ACCESS: &str = "JWT";
/// The cookie that may carry a refresh token, after the prefix.
const REFRESH: &str = "JWT-refresh-token";
/// The cookie with the device token, after the prefix.
const DEVICE: &str = "JWT-device";
/// How many cookies of one name are tried. A browser has more than one if another path or another host of the
/// domain has set one, too.
const MOST: usize = 8;

/// A header that only the browser sets, and no script can.
const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Cookies that are read and set.
#[derive(Clone, Debug)]
pub struct Cookies {
    access: String,
    refresh: String,
    device: String,
    /// Whether tokens are in cookies only, and not in answers.
    are_all: bool,
}

/// The tokens in a request's cookies.
#[derive(Debug, Default)]
pub(crate) struct CookieTokens {
    pub(crate) access: Vec<String>,
    pub(crate) refresh: Vec<String>,
    pub(crate) device: Option<String>,
}

impl Cookies {
    /// `None` if no cookie is read or set.
    pub(crate) fn new(settings: &Settings) -> Result<Option<Self>, ConfigError> {
        let prefix = settings.cookie_prefix()?;
        let are_all = match settings.tokens_in_cookies()? {
            TokensInCookies::Off => return Ok(None),
            TokensInCookies::Also => false,
            TokensInCookies::Only => true,
        };
        let [access, refresh, device] =
            [ACCESS, REFRESH, DEVICE].map(|name| format!("{prefix}{name}"));
        Ok(Some(Self { access, refresh, device, are_all }))
    }

    pub(crate) fn are_all(&self) -> bool {
        self.are_all
    }

    /// The tokens that came with a request.
    pub(crate) fn read(&self, headers: &HeaderMap) -> CookieTokens {
        CookieTokens {
            access: values(headers, &self.access),
            refresh: values(headers, &self.refresh),
            device: values(headers, &self.device).into_iter().next(),
        }
    }

    /// Adds the `Set-Cookie` headers that make the browser's cookies what the jar says, and the one with the new token of
    /// the device, if there is one.
    pub(crate) fn write(&self, jar: &Jar, token: Option<String>, headers: &mut HeaderMap) {
        let (access, refresh) = (self.access.as_str(), self.refresh.as_str());
        let change = jar.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        let tokens = change.map(|change| match change {
            Change::Clear => [(access, String::new(), 0), (refresh, String::new(), 0)],
            Change::Keep(tokens) => {
                let TokenPair { access: token, refresh: next, claims, refresh_ends_at } = *tokens;
                let (short, long) = (claims.exp - claims.iat, refresh_ends_at - claims.iat);
                [(access, token, short), (refresh, next, long)]
            }
        });
        let token = token.map(|token| (self.device.as_str(), token, Devices::LIFETIME.as_secs()));
        for (name, value, age) in tokens.into_iter().flatten().chain(token) {
            let cookie =
                format!("{name}={value}; Path=/; Max-Age={age}; HttpOnly; Secure; SameSite=Lax");
            if let Ok(cookie) = HeaderValue::try_from(cookie) {
                headers.append(SET_COOKIE, cookie);
            }
        }
    }
}

/// The values of all cookies of that name, each once, in the browser's order.
pub(crate) fn values(headers: &HeaderMap, name: &str) -> Vec<String> {
    let mut values = Vec::new();
    for line in header_text::all(headers, COOKIE) {
        for (given, value) in line.split(';').filter_map(|pair| pair.split_once('=')) {
            let value = value.trim();
            if given.trim() == name && values.len() < MOST && !values.iter().any(|v| v == value) {
                values.push(value.to_owned());
            }
        }
    }
    values
}

/// The site whose page has sent a request, as far as its browser says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SentBy {
    /// A page of the site, or of an origin that may call it.
    OwnPage,
    /// A page of another site.
    OtherPage,
    /// A page that its browser does not name, or a program that is no browser.
    Unknown,
}

impl SentBy {
    pub(crate) fn of(request: &Parts, origins: &Origins) -> Self {
        let header = |name| header_text::of(&request.headers, name);
        let fetch_site = header(FETCH_SITE);
        match (fetch_site.as_deref(), header(ORIGIN)) {
            (Some("same-origin"), _) => Self::OwnPage,
            (_, Some(origin)) if origins.contains(&origin) => Self::OwnPage,
            // The user typed the address, or opened a bookmark.
            (None | Some("none"), None) => Self::Unknown,
            (Some(_), None) | (_, Some(_)) => Self::OtherPage,
        }
    }
}

/// Whether a request has an `Authorization` header, which no page of another site can send by itself.
pub(crate) fn has_authorization(request: &Parts) -> bool {
    request.headers.contains_key(AUTHORIZATION)
}

/// The change of the tokens in a browser's cookies after a request. Clones are one jar.
#[derive(Clone, Debug, Default)]
pub(crate) struct Jar(Arc<Mutex<Option<Change>>>);

#[derive(Debug)]
enum Change {
    Keep(Box<TokenPair>),
    Clear,
}

impl Jar {
    pub(crate) fn keep(&self, tokens: &TokenPair) {
        self.set(Change::Keep(Box::new(tokens.clone())));
    }

    pub(crate) fn clear(&self) {
        self.set(Change::Clear);
    }

    fn set(&self, change: Change) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(change);
    }
}
