//! The same operations through each dialect, so that tests can compare the results.

mod answer;
mod by_mail;
mod second_factor;

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::{Answer, Site};
use answer::{data, enveloped, rest};

/// An API that clients already speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// Of django-graphql-auth: a failure is data.
    Django,
    /// Of Hasura actions: a failure is a GraphQL error.
    Hasura,
    /// Of the small schema: a failure is a GraphQL error.
    Plain,
    /// Of Django REST framework: a failure is a status.
    Rest,
}

/// All of them.
pub const DIALECTS: [Dialect; 4] =
    [Dialect::Django, Dialect::Hasura, Dialect::Plain, Dialect::Rest];

/// Tokens, as a client of any dialect keeps them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenPair {
    /// The access token.
    pub access: String,
    /// The refresh token.
    pub refresh: String,
}

/// The result of an operation. The error is the core's code of the first fault.
pub type DialectResult<T> = Result<T, String>;

impl Dialect {
    /// Sign up as `name`, with that address.
    pub async fn sign_up(
        self,
        site: &Site,
        name: &str,
        email: &str,
        password: &str,
    ) -> DialectResult<TokenPair> {
        let made = match self {
            Self::Django => {
                let document = "mutation($e: String!, $u: String!, $p: String!) {
                    it: register(email: $e, username: $u, password1: $p, password2: $p) {
                        success errors token refreshToken } }";
                let variables = json!({ "e": email, "u": name, "p": password });
                enveloped(&site.graphql(document, variables).await)?
            }
            Self::Plain => {
                let document = "mutation($input: CreateUserInput!) {
                    it: createUser(input: $input) { ok token refreshToken } }";
                let input = json!({ "username": name, "email": email, "password": password });
                data(&site.graphql(document, json!({ "input": input })).await)?
            }
            Self::Hasura => {
                let document = "mutation($email: String = \"\", $password: String = \"\",
                    $username: String = \"\") { it: user_register(arg: {password: $password,
                    username: $username, email: $email}) { id username email tokens } }";
                let variables = json!({ "username": name, "email": email, "password": password });
                data(&site.graphql(document, variables).await)?["tokens"].clone()
            }
            Self::Rest => {
                let fields = json!({ "username": name, "email": email, "password": password });
                rest(&site.post_json("/api/accounts/signup/", None, &fields).await, 201)?
            }
        };
        Ok(self.held(&made))
    }

    /// Log in, by address if the dialect requires that.
    pub async fn log_in(
        self,
        site: &Site,
        name: &str,
        email: &str,
        password: &str,
    ) -> DialectResult<TokenPair> {
        self.opened(&self.post_log_in(site, name, email, password).await)
    }

    async fn post_log_in(self, site: &Site, name: &str, email: &str, password: &str) -> Answer {
        match self {
            Self::Django => {
                let document = "mutation($u: String!, $p: String!) {
                    it: tokenAuth(username: $u, password: $p) {
                        success errors token refreshToken payload } }";
                site.graphql(document, json!({ "u": name, "p": password })).await
            }
            Self::Plain => {
                let document = "mutation($u: String!, $p: String!) {
                    it: tokenAuth(username: $u, password: $p) { token refreshToken payload } }";
                site.graphql(document, json!({ "u": name, "p": password })).await
            }
            Self::Hasura => {
                let document = "query($u: String, $p: String) {
                    it: user_login(arg: {username: $u, password: $p}) { access refresh } }";
                site.graphql(document, json!({ "u": name, "p": password })).await
            }
            Self::Rest => {
                let fields = json!({ "email": email, "password": password });
                site.post_json("/api/accounts/login/", None, &fields).await
            }
        }
    }

    /// The tokens of a log-in.
    fn opened(self, answer: &Answer) -> DialectResult<TokenPair> {
        let made = match self {
            Self::Django => enveloped(answer)?,
            Self::Hasura | Self::Plain => data(answer)?,
            Self::Rest => rest(answer, 200)?,
        };
        Ok(self.held(&made))
    }

    /// Exchange the refresh token.
    pub async fn refresh(self, site: &Site, held: &TokenPair) -> DialectResult<TokenPair> {
        let made = match self {
            Self::Django => {
                let document = "mutation($t: String!) { it: refreshToken(refreshToken: $t) {
                    success errors token refreshToken } }";
                enveloped(&site.graphql(document, json!({ "t": held.refresh })).await)?
            }
            Self::Plain => {
                let document = "mutation($t: String!) { it: refreshAccessToken(refreshToken: $t) {
                    token refreshToken payload } }";
                data(&site.graphql(document, json!({ "t": held.refresh })).await)?
            }
            Self::Hasura => {
                let document = "query($t: String) {
                    it: user_refresh(arg: {refresh: $t}) { access refresh } }";
                data(&site.graphql(document, json!({ "t": held.refresh })).await)?
            }
            Self::Rest => {
                let fields = json!({ "refresh": held.refresh });
                rest(&site.post_json("/api/accounts/token/refresh/", None, &fields).await, 200)?
            }
        };
        Ok(self.held(&made))
    }

    /// The username of the user with that access token.
    pub async fn who(self, site: &Site, held: &TokenPair) -> DialectResult<String> {
        let header = format!("Bearer {}", held.access);
        let user = match self {
            // An anonymous caller is no error there.
            Self::Django | Self::Hasura => {
                let answer = site.graphql_as(Some(&header), "{ it: me { username } }", Value::Null);
                let user = data(&answer.await)?;
                if user.is_null() { Err("unauthenticated".to_owned()) } else { Ok(user) }?
            }
            Self::Plain => {
                let document = "{ it: whoami { username } }";
                data(&site.graphql_as(Some(&header), document, Value::Null).await)?
            }
            Self::Rest => {
                let headers = [("authorization", header.as_str())];
                rest(&site.send(Method::GET, "/api/accounts/me/", &headers, "").await, 200)?
            }
        };
        Ok(user["username"].as_str().unwrap_or_default().to_owned())
    }

    /// Log out. The Hasura dialect has no operation for it, so it uses that of django-graphql-auth.
    pub async fn log_out(self, site: &Site, held: &TokenPair) -> DialectResult<()> {
        let header = format!("Bearer {}", held.access);
        match self {
            Self::Django | Self::Hasura => {
                let document = "mutation($t: String!) { it: revokeToken(refreshToken: $t) { success errors } }";
                enveloped(&site.graphql(document, json!({ "t": held.refresh })).await).map(drop)
            }
            Self::Plain => {
                let document = "mutation { it: logout { success errors } }";
                enveloped(&site.graphql_as(Some(&header), document, Value::Null).await).map(drop)
            }
            Self::Rest => {
                let fields = json!({ "refresh": held.refresh });
                let path = "/api/accounts/logout/";
                rest(&site.post_json(path, Some(&header), &fields).await, 205).map(drop)
            }
        }
    }

    /// Prove the address by its mail: the link's token, the link itself, or the code.
    pub async fn verify(self, site: &Site, email: &str) -> DialectResult<()> {
        match self {
            Self::Django => {
                let token = site.link_token(email).await;
                let document =
                    "mutation($t: String!) { it: verifyAccount(token: $t) { success errors } }";
                enveloped(&site.graphql(document, json!({ "t": token })).await).map(drop)
            }
            Self::Hasura | Self::Plain => {
                let path = format!("/activate/{}", site.link_token(email).await);
                let answer = site.submit(&path, &[], "").await;
                // A page has no error code, so its text shows the result.
                let is_first = answer.text.contains("is confirmed");
                if is_first { Ok(()) } else { Err("already_verified".to_owned()) }
            }
            Self::Rest => {
                let fields = json!({ "email": email, "otp": site.code(email).await });
                rest(&site.post_json("/api/accounts/verify-email/", None, &fields).await, 200)
                    .map(drop)
            }
        }
    }

    /// Choose another password by the mailed link; if the dialect has no operation for it, on the page.
    pub async fn reset(self, site: &Site, email: &str, new: &str) -> DialectResult<()> {
        match self {
            Self::Hasura => {
                let document = "mutation($e: String) {
                    it: user_password_reset(arg: {email: $e}) { status } }";
                data(&site.graphql(document, json!({ "e": email })).await)?;
            }
            Self::Rest => {
                let path = "/api/accounts/password/reset/";
                rest(&site.post_json(path, None, &json!({ "email": email })).await, 200)?;
            }
            Self::Django | Self::Plain => {
                assert_eq!(site.send_password_reset(email).await["success"], true);
            }
        }
        let token = site.link_token(email).await;
        match self {
            Self::Django => {
                let document = "mutation($t: String!, $p: String!) {
                    it: passwordReset(token: $t, newPassword1: $p, newPassword2: $p) {
                        success errors } }";
                let variables = json!({ "t": token, "p": new });
                enveloped(&site.graphql(document, variables).await).map(drop)
            }
            Self::Hasura => {
                let document = "mutation($e: String, $t: String, $p: String) {
                    it: user_password_reset_confirm(arg: {email: $e, token: $t, password: $p}) {
                        status } }";
                let variables = json!({ "e": email, "t": token, "p": new });
                data(&site.graphql(document, variables).await).map(drop)
            }
            Self::Rest => {
                let path = "/api/accounts/password/reset/confirm/";
                let fields = json!({ "token": token, "new_password": new });
                rest(&site.post_json(path, None, &fields).await, 200).map(drop)
            }
            Self::Plain => {
                let form = [("content-type", "application/x-www-form-urlencoded")];
                let body = format!("password={new}&again={new}");
                let path = format!("/password-reset/{token}");
                let answer = site.submit(&path, &form, body).await;
                assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
                Ok(())
            }
        }
    }

    /// Reads the two tokens by the dialect's names for them.
    fn held(self, made: &Value) -> TokenPair {
        let (access, refresh) = match self {
            Self::Django | Self::Plain => ("token", "refreshToken"),
            Self::Hasura | Self::Rest => ("access", "refresh"),
        };
        let text = |name: &str| made[name].as_str().unwrap_or_default().to_owned();
        TokenPair { access: text(access), refresh: text(refresh) }
    }
}

impl Site {
    /// Posts JSON.
    pub async fn post_json(
        &self,
        path: &str,
        authorization: Option<&str>,
        fields: &Value,
    ) -> Answer {
        let mut headers = vec![("content-type", "application/json")];
        headers.extend(authorization.map(|value| ("authorization", value)));
        self.send(Method::POST, path, &headers, fields.to_string()).await
    }
}
