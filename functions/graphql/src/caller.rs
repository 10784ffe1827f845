//! The caller of a request. It is looked up once for each request, and only if code needs it.

use accounts::Accounts;
use accounts::error::{AuthError, Report};
use accounts::model::{Client, Languages};
use accounts::operations::Caller;
use axum::extract::ConnectInfo;
use axum::http::header::{ACCEPT_LANGUAGE, AUTHORIZATION, USER_AGENT};
use axum::http::request::Parts;
use axum::http::{Extensions, HeaderMap, HeaderName};
use lambda_http::request::RequestContext;
use std::net::{IpAddr, SocketAddr};
use tokio::sync::Mutex;

use crate::cookies::{CookieTokens, Jar};
use crate::device::{DEVICE, NewDeviceToken, WORK};
use crate::header_text;

/// The header in which proxies name the client of a request.
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The caller of one request.
#[derive(Debug)]
pub struct RequestCaller {
    pub(crate) accounts: Accounts,
    tokens: Vec<String>,
    known: Mutex<Known>,
    client: Client,
    /// The device token of a log-in, for the answer.
    pub(crate) new_device_token: NewDeviceToken,
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
    Unknown,
    /// Looked up, or logged in. No operation has run for the caller yet.
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
            known: Mutex::new(Known::Unknown),
            client: client(request),
            new_device_token: request.extensions.get().cloned().unwrap_or_default(),
            refresh_cookies: Vec::new(),
            is_by_cookies: false,
            jar: Jar::default(),
            hides_tokens: false,
        }
    }

    /// The same, and if the header does not decide, the caller that the tokens in its cookies identify.
    pub(crate) fn with_cookies(self, request: &Parts, cookies: CookieTokens) -> Self {
        let CookieTokens { access, refresh: refresh_cookies, device } = cookies;
        let client =
            Client { device: self.client.device.clone().or(device), ..self.client.clone() };
        // django-graphql-auth does not know the scheme `Bearer`. For such a header, it uses the cookie.
        let header = header_token(request);
        let is_by_cookies = header.is_none();
        let is_final = header.is_some_and(|(scheme, _)| scheme.eq_ignore_ascii_case("JWT"));
        let access = if is_final { Vec::new() } else { access };
        Self {
            tokens: [self.tokens, access].concat(),
            refresh_cookies,
            is_by_cookies,
            client,
            ..self
        }
    }

    /// The same, from an address that many clients share.
    pub(crate) fn with_shared_ip(mut self) -> Self {
        self.client.shares_ip = true;
        self
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
            Known::Unknown => self.look_up().await?,
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

/// The scheme, in upper or lower case, and the token.
fn header_token(request: &Parts) -> Option<(String, String)> {
    let header = header_text::of(&request.headers, AUTHORIZATION)?;
    let mut parts = header.split_ascii_whitespace();
    let (scheme, token) = (parts.next()?, parts.next()?);
    let is_known = ["JWT", "Bearer"].iter().any(|known| scheme.eq_ignore_ascii_case(known));
    (is_known && parts.next().is_none()).then(|| (scheme.to_owned(), token.to_owned()))
}

/// The address of the client, once it is known. It lies in the extensions of the request.
#[derive(Clone, Debug)]
pub(crate) struct ClientIp(pub(crate) Option<String>);

/// The address of the client: that of the connection, or the address that API Gateway or trusted proxies in front of it
/// name. A client cannot forge it.
pub(crate) fn ip(extensions: &Extensions) -> Option<String> {
    if let Some(ClientIp(ip)) = extensions.get() {
        return ip.clone();
    }
    let gateway = match extensions.get::<RequestContext>() {
        Some(RequestContext::ApiGatewayV2(gateway)) => gateway.http.source_ip.clone(),
        _ => None,
    };
    let connection = || Some(extensions.get::<ConnectInfo<SocketAddr>>()?.0.ip().to_string());
    gateway.or_else(connection)
}

/// The address of the client of a request that came through `proxies` proxies, of which `peer` is the innermost. Each
/// proxy adds the address that has called it to the end of `X-Forwarded-For`, and so does API Gateway. What a client
/// has forged comes before that.
pub(crate) fn behind_proxies(
    peer: Option<String>,
    headers: &HeaderMap,
    proxies: usize,
) -> Option<String> {
    if proxies == 0 {
        return peer;
    }
    let lines: Vec<_> = header_text::all(headers, FORWARDED_FOR).collect();
    let listed = lines.iter().flat_map(|line| line.split(',')).map(str::trim);
    let mut hops: Vec<_> = listed.filter(|hop| !hop.is_empty()).collect();
    if hops.last().copied() == peer.as_deref() {
        hops.pop();
    }
    let client = hops.len().checked_sub(proxies).map(|at| hops[at]);
    let client = client.and_then(|client| client.parse::<IpAddr>().ok());
    client.map(|client| client.to_string()).or(peer)
}

/// Where a request comes from.
pub(crate) fn client(request: &Parts) -> Client {
    let languages: Vec<_> = header_text::all(&request.headers, ACCEPT_LANGUAGE).collect();
    Client {
        ip: ip(&request.extensions),
        user_agent: header_text::of(&request.headers, USER_AGENT),
        languages: Languages::accepted(&languages.join(",")),
        device: header_text::of(&request.headers, DEVICE),
        work: header_text::of(&request.headers, WORK),
        ..Client::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(forwarded: &[&str], proxies: usize) -> String {
        let mut headers = HeaderMap::new();
        for line in forwarded {
            headers.append(FORWARDED_FOR, line.parse().unwrap());
        }
        behind_proxies(Some("10.0.0.1".to_owned()), &headers, proxies).unwrap()
    }

    #[test]
    fn a_forwarded_address_counts_only_as_far_as_proxies_are_trusted() {
        let forged = ["6.6.6.6, 192.0.2.1, 10.0.0.1"];
        assert_eq!(client(&forged, 0), "10.0.0.1");
        assert_eq!(client(&forged, 1), "192.0.2.1");
        assert_eq!(client(&["6.6.6.6", "192.0.2.1", "10.0.0.2,10.0.0.1"], 2), "192.0.2.1");
        assert_eq!(client(&["6.6.6.6, 192.0.2.1"], 1), "192.0.2.1");
    }

    #[test]
    fn without_a_useful_header_the_address_is_that_of_the_peer() {
        for odd in [&[][..], &["10.0.0.1"], &["not an address"], &["192.0.2.1, , x"], &[","]] {
            assert_eq!(client(odd, 1), "10.0.0.1", "{odd:?}");
        }
        assert_eq!(client(&["192.0.2.1, 10.0.0.1"], 3), "10.0.0.1");
    }
}
