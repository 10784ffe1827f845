//! Tokens in cookies, for browsers whose scripts are not to see them; and the proof that a request comes
//! from the site's own pages, which cookies make necessary.

use std::sync::{Arc, Mutex, PoisonError};

use accounts::accounts::TokenPair;
use axum::http::header::{AUTHORIZATION, COOKIE, ORIGIN, SET_COOKIE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue};

use crate::origins::Origins;

/// The cookie that may carry an access token.
pub(crate) const ACCESS: &str = "JWT";
/// The cookie that may carry a refresh token.
pub(crate) const REFRESH: &str = "JWT-refresh-token";

/// What a browser sends and only a browser can vouch for.
const FETCH_SITE: &str = "sec-fetch-site";

/// The value of a request's cookie.
pub(crate) fn cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    let lines = headers.get_all(COOKIE).into_iter().filter_map(|line| line.to_str().ok());
    let mut cookies =
        lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.split_once('='));
    cookies.find(|(given, _)| given.trim() == name).map(|(_, value)| value.trim().to_owned())
}

/// Whether no other site's page can have sent the request: it has an `Authorization` header, which no
/// page sends by itself, or it comes from the site's own pages or those of an origin that may call it.
pub(crate) fn is_of_the_site(request: &Parts, origins: &Origins) -> bool {
    let header = |name: &str| request.headers.get(name).and_then(|value| value.to_str().ok());
    header(AUTHORIZATION.as_str()).is_some()
        || header(FETCH_SITE) == Some("same-origin")
        || header(ORIGIN.as_str()).is_some_and(|origin| origins.contains(origin))
}

/// What becomes of the tokens in a browser's cookies after a request. Clones are one jar.
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

    /// Adds the `Set-Cookie` headers that say so.
    pub(crate) fn write(&self, headers: &mut HeaderMap) {
        let change = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        let cookies = match change {
            None => return,
            Some(Change::Clear) => [(ACCESS, String::new(), 0), (REFRESH, String::new(), 0)],
            Some(Change::Keep(tokens)) => {
                let TokenPair { access, refresh, claims, refresh_ends_at } = *tokens;
                let (short, long) = (claims.exp - claims.iat, refresh_ends_at - claims.iat);
                [(ACCESS, access, short), (REFRESH, refresh, long)]
            }
        };
        for (name, value, age) in cookies {
            let cookie =
                format!("{name}={value}; Path=/; Max-Age={age}; HttpOnly; Secure; SameSite=Lax");
            if let Ok(cookie) = HeaderValue::try_from(cookie) {
                headers.append(SET_COOKIE, cookie);
            }
        }
    }
}
