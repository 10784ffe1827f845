//! The caller of a request. It is looked up once for each request, and only if code needs it.

use accounts::Accounts;
use accounts::error::{AuthError, Report};
use accounts::model::{Client, Languages};
use accounts::operations::Caller;
use axum::extract::ConnectInfo;
use axum::http::Extensions;
use axum::http::header::{ACCEPT_LANGUAGE, AUTHORIZATION, USER_AGENT};
use axum::http::request::Parts;
use lambda_http::request::RequestContext;
use std::net::SocketAddr;
use tokio::sync::Mutex;

use crate::cookies::{CookieTokens, Jar};
use crate::header_text;

/// The caller of one request.
#[derive(Debug)]
pub struct RequestCaller {
    pub(crate) accounts: Accounts,
    tokens: Vec<String>,
    known: Mutex<Known>,
    client: Client,
    /// The refresh tokens that came in cookies.
    pub(crate) refresh_cookies: Vec<String>,
    /// Whether cookies identify the caller, because no header does.
    pub(crate) is_by_cookies: bool,
    /// The change of the tokens in the caller's cookies.
    pub(crate) jar: Jar,
    /// Whether tokens are in cookies only, and not in answers.
    pub(crate) hides_tokens: bool,
}

#[derive(Debug)]
enum Known {
    NotAsked,
    /// Looked up, or logged in, and not acted for yet.
    Fresh(Option<Box<Caller>>),
    /// An operation ran for the caller: the table may have other data of the caller now.
    Used(Option<Box<Caller>>),
}

impl RequestCaller {
    /// The caller that the `Authorization` header of a request identifies. Cookies are ignored. Nothing is looked up
    /// yet.
    pub fn by_header(accounts: Accounts, request: &Parts) -> Self {
        let token = header_token(request).map(|(_, token)| token);
        Self {
            accounts,
            tokens: token.into_iter().collect(),
            known: Mutex::new(Known::NotAsked),
            client: client(request),
            refresh_cookies: Vec::new(),
            is_by_cookies: false,
            jar: Jar::default(),
            hides_tokens: false,
        }
    }

    /// The same, and if the header does not decide, the caller that the tokens in its cookies identify.
    pub(crate) fn with_cookies(self, request: &Parts, cookies: CookieTokens) -> Self {
        let CookieTokens { access, refresh: refresh_cookies } = cookies;
        // The library does not know `Bearer`, so it uses the cookie then.
        let header = header_token(request);
        let is_by_cookies = header.is_none();
        let is_final = header.is_some_and(|(scheme, _)| scheme.eq_ignore_ascii_case("JWT"));
        let access = if is_final { Vec::new() } else { access };
        Self { tokens: [self.tokens, access].concat(), refresh_cookies, is_by_cookies, ..self }
    }

    /// The same, with or without tokens in its answers.
    pub(crate) fn hiding_tokens(self, hides_tokens: bool) -> Self {
        Self { hides_tokens, ..self }
    }

    /// Whether the request came with a token, good or bad.
    pub fn has_token(&self) -> bool {
        !self.tokens.is_empty()
    }

    /// The caller, for an API in which an invalid token is an error. Looked up each time.
    ///
    /// # Errors
    /// [`AuthError::Unauthenticated`] without a token; those of [`Accounts::authenticate`].
    pub async fn authenticate(&self) -> Result<Caller, AuthError> {
        let token = self.tokens.first().ok_or(AuthError::Unauthenticated)?;
        self.accounts.authenticate(token).await
    }

    /// The user whose access token came with the request. `None` is an anonymous caller; so is a caller with a token
    /// that is malformed, expired or revoked.
    ///
    /// # Errors
    /// [`AuthError::Unavailable`]: then the caller is unknown, and no decision may be made.
    pub async fn ask(&self) -> Result<Option<Caller>, AuthError> {
        let mut known = self.known.lock().await;
        if let Known::Fresh(caller) | Known::Used(caller) = &*known {
            return Ok(caller.as_deref().cloned());
        }
        let caller = self.look_up().await?;
        *known = Known::Fresh(caller.clone().map(Box::new));
        Ok(caller)
    }

    /// The same, as an operation of its own, for a request that asks for nothing else.
    ///
    /// # Errors
    /// As [`RequestCaller::ask`].
    pub async fn me(&self) -> Result<Option<Caller>, AuthError> {
        self.accounts.me(self.ask()).await
    }

    /// The caller, for an operation. A second operation of the same document sees the changes of the first one: the
    /// caller is looked up again, and is anonymous if the session has ended.
    ///
    /// # Errors
    /// [`AuthError::Unauthenticated`] for an anonymous caller, [`AuthError::Unavailable`].
    pub async fn require(&self) -> Result<Caller, AuthError> {
        let mut known = self.known.lock().await;
        let caller = match &*known {
            Known::NotAsked => self.look_up().await?,
            Known::Fresh(caller) => caller.as_deref().cloned(),
            Known::Used(None) => None,
            Known::Used(Some(caller)) => self.accounts.look_again(caller).await?,
        };
        *known = Known::Used(caller.clone().map(Box::new));
        caller.ok_or(AuthError::Unauthenticated)
    }

    /// Makes that user the caller: a log-in counts for the rest of the same document.
    pub(crate) async fn become_caller(&self, caller: Caller) {
        *self.known.lock().await = Known::Fresh(Some(Box::new(caller)));
    }

    /// Where the request came from.
    pub fn client(&self) -> &Client {
        &self.client
    }

    async fn look_up(&self) -> Result<Option<Caller>, AuthError> {
        for token in &self.tokens {
            match self.accounts.authenticate(token).await {
                Ok(caller) => return Ok(Some(caller)),
                Err(error @ AuthError::Unavailable(_)) => return Err(error),
                Err(error) => tracing::debug!(error = %Report(&error), "a token is not honoured"),
            }
        }
        Ok(None)
    }
}

/// Scheme, in any case, and token.
fn header_token(request: &Parts) -> Option<(String, String)> {
    let header = header_text::of(&request.headers, AUTHORIZATION)?;
    let mut parts = header.split_ascii_whitespace();
    let (scheme, token) = (parts.next()?, parts.next()?);
    let is_known = ["JWT", "Bearer"].iter().any(|known| scheme.eq_ignore_ascii_case(known));
    (is_known && parts.next().is_none()).then(|| (scheme.to_owned(), token.to_owned()))
}

/// The address of the connection, or that of API Gateway's event; never one that a client can write.
pub(crate) fn ip(extensions: &Extensions) -> Option<String> {
    let gateway = match extensions.get::<RequestContext>() {
        Some(RequestContext::ApiGatewayV2(gateway)) => gateway.http.source_ip.clone(),
        _ => None,
    };
    let connection = || Some(extensions.get::<ConnectInfo<SocketAddr>>()?.0.ip().to_string());
    gateway.or_else(connection)
}

/// Where a request comes from.
pub(crate) fn client(request: &Parts) -> Client {
    let languages: Vec<_> = header_text::all(&request.headers, ACCEPT_LANGUAGE).collect();
    Client {
        ip: ip(&request.extensions),
        user_agent: header_text::of(&request.headers, USER_AGENT),
        languages: Languages::accepted(&languages.join(",")),
        ..Client::default()
    }
}
