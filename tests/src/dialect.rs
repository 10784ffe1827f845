//! The same deeds through each dialect, each in its own form, so that tests compare the results.

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::{Answer, Site};

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
pub struct Held {
    /// The access token.
    pub access: String,
    /// The refresh token.
    pub refresh: String,
}

/// The result of a deed; an error is the core's code of the first fault.
pub type Came<T> = Result<T, String>;

impl Dialect {
    /// Sign up as `name`, with that address.
    pub async fn sign_up(self, site: &Site, name: &str, email: &str, password: &str) -> Came<Held> {
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

    /// Log in; by address where the dialect has it so.
    pub async fn log_in(self, site: &Site, name: &str, email: &str, password: &str) -> Came<Held> {
        self.opened(&self.ask_log_in(site, name, email, password).await)
    }

    /// The first step of the log-in of a user who has a second factor: the challenge. The answer has no token.
    pub async fn first_step(self, site: &Site, name: &str, email: &str, password: &str) -> String {
        self.challenge(&self.ask_log_in(site, name, email, password).await)
    }

    /// The first step of the log-in of a user who must add a second factor: the challenge. The answer has no token.
    pub async fn setup_step(self, site: &Site, name: &str, email: &str, password: &str) -> String {
        let answer = self.ask_log_in(site, name, email, password).await;
        self.challenge_of(&answer, "second_factor_setup_required")
    }

    /// The same, by the code or the link of a mail.
    pub async fn setup_step_by_mail(self, site: &Site, id: &str, code: &str) -> String {
        let answer = self.ask_log_in_by_mail(site, id, code).await;
        self.challenge_of(&answer, "second_factor_setup_required")
    }

    /// A new authenticator app in a log-in that waits for it: the text of its QR code, and the setup token. Hasura borrows
    /// the operation of GraphQL.
    pub async fn begin_app(self, site: &Site, challenge: &str) -> Came<(String, String)> {
        let variables = json!({ "challenge": challenge });
        let begun = match self {
            Self::Django | Self::Hasura => {
                let document = "mutation($challenge: String!) {
                    it: beginApp(challenge: $challenge) { success errors uri setup } }";
                enveloped(&site.graphql(document, variables).await)?
            }
            Self::Plain => {
                let document = "mutation($challenge: String!) {
                    it: beginApp(challenge: $challenge) { uri setup } }";
                data(&site.graphql(document, variables).await)?
            }
            Self::Rest => {
                rest(&site.post_json("/api/accounts/app/begin/", None, &variables).await, 200)?
            }
        };
        let text = |name| begun[name].as_str().expect("a text").to_owned();
        Ok((text("uri"), text("setup")))
    }

    /// Adds the app: the tokens of the session, and the number of recovery codes.
    pub async fn add_app(
        self,
        site: &Site,
        challenge: &str,
        setup: &str,
        code: &str,
    ) -> Came<(Held, usize)> {
        let variables = json!({ "challenge": challenge, "setup": setup, "code": code });
        let arguments = "challenge: $challenge, setup: $setup, code: $code";
        let document = |more: &str| {
            format!(
                "mutation($challenge: String!, $setup: String!, $code: String!) {{
                    it: addApp({arguments}) {{ {more} recoveryCodes token refreshToken }} }}"
            )
        };
        let (added, codes) = match self {
            Self::Django | Self::Hasura => {
                let document = document("success errors");
                (enveloped(&site.graphql(&document, variables).await)?, "recoveryCodes")
            }
            Self::Plain => (data(&site.graphql(&document(""), variables).await)?, "recoveryCodes"),
            Self::Rest => {
                let answer = site.post_json("/api/accounts/app/add/", None, &variables).await;
                (rest(&answer, 200)?, "recovery_codes")
            }
        };
        let codes = added[codes].as_array().map_or(0, Vec::len);
        let held = if self == Self::Hasura { Self::Django } else { self }.held(&added);
        Ok((held, codes))
    }

    fn challenge(self, answer: &Answer) -> String {
        self.challenge_of(answer, "second_factor_required")
    }

    fn challenge_of(self, answer: &Answer, code: &str) -> String {
        let refused = Err(code.to_owned());
        assert_eq!(self.opened(answer), refused, "{self:?} {}", answer.text);
        let json = answer.json();
        let error = match self {
            Self::Django => &json["data"]["it"]["errors"]["nonFieldErrors"][0],
            Self::Hasura | Self::Plain => &json["errors"][0]["extensions"],
            Self::Rest => &json,
        };
        let challenge = error["challenge"].as_str().expect("a challenge").to_owned();
        // A JWT has a header that begins with this.
        assert_eq!(answer.text.matches("eyJ").count(), challenge.matches("eyJ").count());
        challenge
    }

    /// Ask for a mail to log in by: the id of the request.
    pub async fn ask_for_log_in(self, site: &Site, email: &str) -> Came<String> {
        let answer = match self {
            Self::Django => {
                let document = "mutation($e: String!) {
                    it: sendLoginEmail(email: $e) { success errors loginId } }";
                enveloped(&site.graphql(document, json!({ "e": email })).await)?
            }
            Self::Plain => {
                let document =
                    "mutation($e: String!) { it: sendLoginEmail(email: $e) { loginId } }";
                data(&site.graphql(document, json!({ "e": email })).await)?
            }
            Self::Hasura => {
                let document = "mutation($e: String) {
                    it: user_send_login_email(arg: {email: $e}) { login_id } }";
                data(&site.graphql(document, json!({ "e": email })).await)?
            }
            Self::Rest => {
                let fields = json!({ "email": email });
                rest(&site.post_json("/api/accounts/login/email/", None, &fields).await, 200)?
            }
        };
        let name = match self {
            Self::Django | Self::Plain => "loginId",
            Self::Hasura | Self::Rest => "login_id",
        };
        Ok(answer[name].as_str().expect("an id").to_owned())
    }

    /// Log in by the code or the link of the mail.
    pub async fn log_in_by_mail(self, site: &Site, id: &str, code: &str) -> Came<Held> {
        self.opened(&self.ask_log_in_by_mail(site, id, code).await)
    }

    /// The same, as a user who has a second factor: the challenge.
    pub async fn first_step_by_mail(self, site: &Site, id: &str, code: &str) -> String {
        self.challenge(&self.ask_log_in_by_mail(site, id, code).await)
    }

    async fn ask_log_in_by_mail(self, site: &Site, id: &str, code: &str) -> Answer {
        let variables = json!({ "i": id, "c": code });
        match self {
            Self::Django => {
                let document = "mutation($i: String!, $c: String!) {
                    it: loginByEmail(loginId: $i, code: $c) {
                        success errors token refreshToken payload } }";
                site.graphql(document, variables).await
            }
            Self::Plain => {
                let document = "mutation($i: String!, $c: String!) {
                    it: loginByEmail(loginId: $i, code: $c) { token refreshToken payload } }";
                site.graphql(document, variables).await
            }
            Self::Hasura => {
                let document = "mutation($i: String, $c: String) {
                    it: user_login_by_email(arg: {login_id: $i, code: $c}) { access refresh } }";
                site.graphql(document, variables).await
            }
            Self::Rest => {
                let fields = json!({ "login_id": id, "code": code });
                site.post_json("/api/accounts/login/email/confirm/", None, &fields).await
            }
        }
    }

    /// The second step.
    pub async fn complete(self, site: &Site, challenge: &str, code: &str) -> Came<Held> {
        let variables = json!({ "challenge": challenge, "code": code });
        let answer = match self {
            Self::Django => {
                let document = "mutation($challenge: String!, $code: String!) {
                    it: completeLogin(challenge: $challenge, code: $code) {
                        success errors token refreshToken payload } }";
                site.graphql(document, variables).await
            }
            Self::Plain => {
                let document = "mutation($challenge: String!, $code: String!) {
                    it: completeLogin(challenge: $challenge, code: $code) {
                        token refreshToken payload } }";
                site.graphql(document, variables).await
            }
            Self::Hasura => {
                let document = "mutation($challenge: String, $code: String) {
                    it: user_complete_login(arg: {challenge: $challenge, code: $code}) {
                        access refresh } }";
                site.graphql(document, variables).await
            }
            Self::Rest => {
                site.post_json("/api/accounts/login/second-factor/", None, &variables).await
            }
        };
        self.opened(&answer)
    }

    async fn ask_log_in(self, site: &Site, name: &str, email: &str, password: &str) -> Answer {
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
    fn opened(self, answer: &Answer) -> Came<Held> {
        let made = match self {
            Self::Django => enveloped(answer)?,
            Self::Hasura | Self::Plain => data(answer)?,
            Self::Rest => rest(answer, 200)?,
        };
        Ok(self.held(&made))
    }

    /// Exchange the refresh token.
    pub async fn refresh(self, site: &Site, held: &Held) -> Came<Held> {
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
    pub async fn who(self, site: &Site, held: &Held) -> Came<String> {
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

    /// Log out; the Hasura dialect has no word for it, and borrows one.
    pub async fn log_out(self, site: &Site, held: &Held) -> Came<()> {
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
    pub async fn verify(self, site: &Site, email: &str) -> Came<()> {
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
                // A page says so, and no code.
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
    pub async fn reset(self, site: &Site, email: &str, new: &str) -> Came<()> {
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

    /// The names that the dialect has for the two tokens.
    fn held(self, made: &Value) -> Held {
        let (access, refresh) = match self {
            Self::Django | Self::Plain => ("token", "refreshToken"),
            Self::Hasura | Self::Rest => ("access", "refresh"),
        };
        let text = |name: &str| made[name].as_str().unwrap_or_default().to_owned();
        Held { access: text(access), refresh: text(refresh) }
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

/// Of the field `it`, in the envelope.
fn enveloped(answer: &Answer) -> Came<Value> {
    let it = data(answer)?;
    if it["success"] == true {
        assert_eq!(it["errors"], Value::Null, "{it}");
        return Ok(it);
    }
    let first = it["errors"].as_object().and_then(|errors| errors.values().next());
    Err(code(first.map_or(&Value::Null, |list| &list[0]["code"]), answer))
}

/// Of the field `it`; a failure is a GraphQL error, at fault may be one of its inputs.
fn data(answer: &Answer) -> Came<Value> {
    let json = answer.json();
    let Some(error) = json["errors"].get(0) else {
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        return Ok(json["data"]["it"].clone());
    };
    let fields = error["extensions"]["fields"].as_object();
    let at_fault = fields.and_then(|fields| fields.values().next()).map(|list| &list[0]["code"]);
    Err(code(at_fault.unwrap_or(&error["extensions"]["code"]), answer))
}

/// Of a REST answer.
fn rest(answer: &Answer, expected: u16) -> Came<Value> {
    if answer.status == expected {
        return Ok(answer.json());
    }
    assert!(answer.status.is_client_error(), "{} {}", answer.status, answer.text);
    let json = answer.json();
    // SimpleJWT has one code for two of the core.
    if json["code"] == "token_not_valid" {
        let is_access = json["messages"][0]["token_type"] == "access";
        return Err(if is_access { "unauthenticated" } else { "invalid_token" }.to_owned());
    }
    let at_fault = json["errors"].as_object().and_then(|fields| fields.values().next());
    Err(code(at_fault.map_or(&json["code"], |list| &list[0]["code"]), answer))
}

fn code(code: &Value, answer: &Answer) -> String {
    code.as_str().unwrap_or_else(|| panic!("no code: {}", answer.text)).to_owned()
}
