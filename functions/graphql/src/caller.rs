//! Who is asking: told once for each request, and only if somebody wants to know.

use accounts::Accounts;
use accounts::accounts::Caller;
use accounts::error::{AuthError, Report};
use accounts::model::{Client, Languages};
use axum::extract::ConnectInfo;
use axum::http::header::{ACCEPT_LANGUAGE, AUTHORIZATION, USER_AGENT};
use axum::http::request::Parts;
use lambda_http::request::RequestContext;
use std::net::SocketAddr;
use tokio::sync::Mutex;

use crate::cookies::{ACCESS, Jar, REFRESH, cookie};

/// The caller of one request.
#[derive(Debug)]
pub struct RequestCaller {
    accounts: Accounts,
    tokens: Vec<String>,
    known: Mutex<Known>,
    client: Client,
    refresh_cookie: Option<String>,
    jar: Jar,
}

#[derive(Debug)]
enum Known {
    NotAsked,
    /// Looked up, or logged in, and not acted for yet.
    Fresh(Option<Box<Caller>>),
    /// Acted for: what the table has of the caller may be different by now.
    Used(Option<Box<Caller>>),
}

impl RequestCaller {
    /// Takes from a request what tells its caller. Nothing is looked up yet.
    pub fn new(accounts: Accounts, request: &Parts) -> Self {
        Self::showing(tokens(request), accounts, request)
    }

    /// The same, by the `Authorization` header only: cookies are not looked at.
    pub fn by_header(accounts: Accounts, request: &Parts) -> Self {
        let token = header_token(request).map(|(_, token)| token);
        Self::showing(token.into_iter().collect(), accounts, request)
    }

    fn showing(tokens: Vec<String>, accounts: Accounts, request: &Parts) -> Self {
        Self {
            accounts,
            tokens,
            known: Mutex::new(Known::NotAsked),
            client: client(request),
            refresh_cookie: cookie(&request.headers, REFRESH),
            jar: Jar::default(),
        }
    }

    /// What becomes of the tokens in the caller's cookies.
    pub(crate) fn jar(&self) -> &Jar {
        &self.jar
    }

    /// The refresh token that came in a cookie.
    pub(crate) fn refresh_cookie(&self) -> Option<&str> {
        self.refresh_cookie.as_deref()
    }

    /// Whether the request came with a token, good or bad.
    pub fn has_token(&self) -> bool {
        !self.tokens.is_empty()
    }

    /// Whoever's access token came with the request; `None` is an anonymous caller, as whoever shows a
    /// token that is bad, expired or revoked.
    ///
    /// # Errors
    /// [`AuthError::Unavailable`]: then nobody knows, and nothing may be decided.
    pub async fn ask(&self) -> Result<Option<Caller>, AuthError> {
        let mut known = self.known.lock().await;
        if let Known::Fresh(caller) | Known::Used(caller) = &*known {
            return Ok(caller.as_deref().cloned());
        }
        let caller = self.look_up().await?;
        *known = Known::Fresh(caller.clone().map(Box::new));
        Ok(caller)
    }

    /// The same, as an operation of its own, for whoever asks for nothing else.
    ///
    /// # Errors
    /// As [`RequestCaller::ask`].
    pub async fn me(&self) -> Result<Option<Caller>, AuthError> {
        self.accounts.me(self.ask()).await
    }

    /// Whoever calls, to act for. A second operation of the same document sees what the first one did:
    /// the caller is looked up again, and is nobody if the session has ended.
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

    /// From here on, that is who calls: a log-in counts for what follows in the same document.
    pub async fn log_in(&self, caller: Caller) {
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

/// The token of `Authorization: JWT …`; or that of `Bearer …`, which the library does not know, so that
/// it goes on to the cookie; or the cookie's.
fn tokens(request: &Parts) -> Vec<String> {
    let header = header_token(request);
    let is_final = header.as_ref().is_some_and(|(scheme, _)| scheme.eq_ignore_ascii_case("JWT"));
    let cookie = if is_final { None } else { cookie(&request.headers, ACCESS) };
    header.map(|(_, token)| token).into_iter().chain(cookie).collect()
}

/// Scheme, in any case, and token.
fn header_token(request: &Parts) -> Option<(&str, String)> {
    let header = request.headers.get(AUTHORIZATION)?.to_str().ok()?;
    let mut parts = header.split_ascii_whitespace();
    let (scheme, token) = (parts.next()?, parts.next()?);
    let is_known = ["JWT", "Bearer"].iter().any(|known| scheme.eq_ignore_ascii_case(known));
    (is_known && parts.next().is_none()).then(|| (scheme, token.to_owned()))
}

/// The address is that of the connection or what API Gateway says, never what a client can write.
pub(crate) fn client(request: &Parts) -> Client {
    let gateway = match request.extensions.get::<RequestContext>() {
        Some(RequestContext::ApiGatewayV2(gateway)) => gateway.http.source_ip.clone(),
        _ => None,
    };
    let connection =
        || Some(request.extensions.get::<ConnectInfo<SocketAddr>>()?.0.ip().to_string());
    let header = |name| request.headers.get(name).and_then(|value| value.to_str().ok());
    Client {
        ip: gateway.or_else(connection),
        user_agent: header(USER_AGENT).map(str::to_owned),
        languages: Languages::accepted(header(ACCEPT_LANGUAGE).unwrap_or_default()),
        ..Client::default()
    }
}
